"""The journal register keeps the contract, and its file is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import io
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partsemble_core.plugin_api import (
    ConnectRequest,
    ConnectStep,
    JournalStep,
    Json,
    NotPermitted,
    PostStep,
    Record,
    Rejected,
    entry_from_bytes,
)
from partsemble_core.plugin_host import PluginHost
from partsemble_core.plugin_testing.contract import BackendContract
from partsemble_core.plugin_testing.harness import Fault, Harness, LedgerAccount
from partsemble_core.plugin_testing.memory import MemoryRecordStore, make_context
from partsemble_csv_import import plugin
from partsemble_csv_import.register import COLUMNS, accounts_from, safe_text


class LossyStore(MemoryRecordStore):
    """A store whose next append fails, before or after it has stored."""

    fault: Fault | None = None

    def append(self, kind: str, key: str, body: Mapping[str, Json]) -> Record:
        fault, self.fault = self.fault, None
        if fault is Fault.BEFORE:
            raise OSError("the disk is away")
        record = super().append(kind, key, body)
        if fault is Fault.AFTER:
            raise OSError("the disk went away")
        return record


class RegisterHarness(Harness):
    name = "csv_import"
    plugin = plugin
    debit = LedgerAccount("1300", "1300")
    credit = LedgerAccount("2100", "2100")

    def __init__(self) -> None:
        self.store = LossyStore()
        self.ctx = make_context(organisation_id="register", storage=self.store)

    def inject(self, fault: Fault) -> None:
        if fault is Fault.LIMIT:
            super().inject(fault)
        self.store.fault = fault

    def close_books(self, through: dt.date) -> None:
        """A register has no closing date: whatever is posted must go in."""

    def count_journals(self) -> int:
        return len(self.ctx.storage.records("journal", limit=1000))

    def posted_totals(self) -> Mapping[str, Decimal]:
        totals: defaultdict[str, Decimal] = defaultdict(Decimal)
        for record in self.ctx.storage.records("journal", limit=1000):
            for line in entry_from_bytes(str(record.body["entry"]).encode()).lines:
                totals[line.account_code] += line.amount
        return totals


class TestContract(BackendContract):
    @pytest.fixture
    def harness(self) -> Harness:
        return RegisterHarness()


@pytest.fixture
def host() -> PluginHost:
    host = PluginHost()
    host.add(plugin, "csv_import")
    return host


def register_rows(host: PluginHost, harness: Harness) -> list[dict[str, str]]:
    content = host.export_register("csv_import", harness.ctx)
    return list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))


def test_the_register_lists_every_line_in_order_of_posting(host: PluginHost) -> None:
    harness = RegisterHarness()
    for amount in ("12.30", "1000"):
        step = JournalStep(kind=PostStep.CREATE, key=amount)
        host.post_journal("csv_import", harness.ctx, entry=harness.entry(amount), step=step)
    rows = register_rows(host, harness)
    assert tuple(rows[0]) == COLUMNS
    assert [(row["Number"], row["Account"], row["Debit"], row["Credit"]) for row in rows] == [
        ("J-000001", "1300", "12.30", ""),
        ("J-000001", "2100", "", "12.30"),
        ("J-000002", "1300", "1000.00", ""),
        ("J-000002", "2100", "", "1000.00"),
    ]
    assert rows[0]["Narration"] == 'Build "PSB-000123" \\ 5 × Éclair; stock'
    assert b"\r\n" in host.export_register("csv_import", harness.ctx)


def test_a_register_longer_than_a_page_is_whole(host: PluginHost) -> None:
    harness = RegisterHarness()
    for number in range(501):
        step = JournalStep(kind=PostStep.CREATE, key=str(number))
        host.post_journal("csv_import", harness.ctx, entry=harness.entry(), step=step)
    assert len(register_rows(host, harness)) == 2 * 501


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1+1", "\r=1"])
def test_a_text_that_a_spreadsheet_would_run_is_disarmed(host: PluginHost, text: str) -> None:
    assert safe_text(text) == f"'{text}"
    harness = RegisterHarness()
    if "\r" in text:
        return
    entry = dataclasses.replace(harness.entry(), reference=text)
    host.post_journal("csv_import", harness.ctx, entry=entry, step=JournalStep(kind=PostStep.CREATE, key="k"))
    rows = register_rows(host, harness)
    assert rows[0]["Reference"] == f"'{text}"
    assert rows[0]["Debit"] == "12.34"


@given(st.text())
def test_no_text_starts_as_a_formula(text: str) -> None:
    assert not safe_text(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_the_accounts_are_read_one_a_line() -> None:
    accounts = accounts_from("1300 Inventory\n\n 5000\tCost of sales \n9-1 Odd\n")
    assert [(each.code, each.name, each.classification.value) for each in accounts] == [
        ("1300", "Inventory", "asset"),
        ("5000", "Cost of sales", "expense"),
        ("9-1", "Odd", "expense"),
    ]


@pytest.mark.parametrize(("text", "line"), [("1300", "Line 1"), ("1300 A\n1300 B", "Line 2")])
def test_a_line_that_is_no_account_is_named(host: PluginHost, text: str, line: str) -> None:
    ctx = make_context(organisation_id="register", settings={"accounts": text})
    with pytest.raises(Rejected, match=line):
        host.connect("csv_import", ctx, ConnectRequest(step=ConnectStep.CHECK))


def test_another_currency_and_another_register_are_refused(host: PluginHost) -> None:
    harness = RegisterHarness()
    step = JournalStep(kind=PostStep.CREATE, key="k")
    entry = dataclasses.replace(harness.entry(), currency="NZD")
    in_usd = make_context(organisation_id="register", settings={"currency": "USD"})
    with pytest.raises(Rejected, match="kept in USD"):
        host.post_journal("csv_import", in_usd, entry=entry, step=step)
    host.post_journal("csv_import", harness.ctx, entry=entry, step=step)
    assert harness.count_journals() == 1, "without the setting it takes the company's own currency"
    with pytest.raises(NotPermitted):
        host.connect("csv_import", harness.ctx, ConnectRequest(step=ConnectStep.CHOOSE, organisation_id="other"))


def test_what_was_never_created_is_not_posted(host: PluginHost) -> None:
    harness = RegisterHarness()
    step = JournalStep(kind=PostStep.POST, key="k", external_id="J-000009")
    with pytest.raises(Rejected, match="J-000009"):
        host.post_journal("csv_import", harness.ctx, entry=harness.entry(), step=step)
    assert harness.count_journals() == 0
