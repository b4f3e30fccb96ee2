"""The QuickBooks stub keeps the contract, and forgets keys after their window."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

import pytest

from partsemble_core.plugin_api import ConnectRequest, ConnectStep, KeyReused, NotPermitted, SalesStatus
from partsemble_core.plugin_host import PluginHost
from partsemble_core.plugin_testing.contract import BackendContract
from partsemble_core.plugin_testing.harness import Fault, Harness, LedgerAccount
from partsemble_core.plugin_testing.memory import FixedClock, make_context
from partsemble_qbo_stub import QuickBooksStub
from partsemble_qbo_stub.service import FIRST_SALES, KEY_WINDOW, Trouble

COMPANY = "9130-0001"
TROUBLES = {Fault.BEFORE: Trouble.BEFORE, Fault.AFTER: Trouble.AFTER, Fault.LIMIT: Trouble.LIMIT}


class StubHarness(Harness):
    name = "qbo_stub"
    debit = LedgerAccount("81", "1300")
    credit = LedgerAccount("86", "2100")

    def __init__(self) -> None:
        self.stub = QuickBooksStub()
        self.plugin = self.stub
        self.ctx = make_context(organisation_id=COMPANY)

    def count_journals(self) -> int:
        return len(self.stub.service.journals(COMPANY))

    def posted_totals(self) -> Mapping[str, Decimal]:
        totals: defaultdict[str, Decimal] = defaultdict(Decimal)
        for journal in self.stub.service.journals(COMPANY):
            for line in journal.entry.lines:
                totals[line.account_code] += line.amount
        return totals

    def unusable_account(self) -> LedgerAccount:
        return LedgerAccount("84", "1100")

    def inject(self, fault: Fault) -> None:
        self.stub.service.make_trouble(COMPANY, TROUBLES[fault])

    def close_books(self, through: dt.date) -> None:
        self.stub.service.close_books(COMPANY, through)

    def make_sale(self) -> str:
        sale = dataclasses.replace(FIRST_SALES[0], external_id=uuid.uuid4().hex, lines=FIRST_SALES[0].lines[:1])
        self.stub.service.record_sale(COMPANY, sale)
        return sale.external_id

    def void_sale(self, external_id: str) -> None:
        sales = self.stub.service.sales(COMPANY, currency="USD")
        sale = next(each for each in sales if each.external_id == external_id)
        self.stub.service.record_sale(COMPANY, dataclasses.replace(sale, status=SalesStatus.VOIDED))


class TestContract(BackendContract):
    @pytest.fixture
    def harness(self) -> Harness:
        return StubHarness()


def test_a_key_means_nothing_after_its_window() -> None:
    service, clock, harness = QuickBooksStub().service, FixedClock(), StubHarness()
    first = service.create(COMPANY, harness.entry("1.00"), key="k", now=clock())
    clock.move(KEY_WINDOW)
    with pytest.raises(KeyReused):
        service.create(COMPANY, harness.entry("2.00"), key="k", now=clock())
    clock.move(dt.timedelta(seconds=1))
    second = service.create(COMPANY, harness.entry("2.00"), key="k", now=clock())
    assert second.external_id != first.external_id


def test_companies_do_not_see_each_other() -> None:
    harness = StubHarness()
    harness.stub.service.create(COMPANY, harness.entry(), key="k", now=FixedClock()())
    assert harness.stub.service.journals("9130-0002") == ()


def test_a_closing_date_is_told_when_connected() -> None:
    harness, host = StubHarness(), PluginHost()
    host.add(harness.plugin, "qbo_stub")
    harness.close_books(dt.date(2026, 9, 30))
    ready = host.connect("qbo_stub", harness.ctx, ConnectRequest(step=ConnectStep.CHECK))
    assert ready.organisations[0].locked_through == dt.date(2026, 9, 30)
    with pytest.raises(NotPermitted):
        host.connect("qbo_stub", harness.ctx, ConnectRequest(step=ConnectStep.CHOOSE, organisation_id="x"))
