"""A plugin written from the documentation alone keeps the contract."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

import pytest

from partsemble_core.plugin_api import entry_from_bytes
from partsemble_core.plugin_testing.contract import BackendContract
from partsemble_core.plugin_testing.harness import Harness, LedgerAccount
from partsemble_core.plugin_testing.memory import make_context
from tests.strangers.good import plugin


class PaperHarness(Harness):
    name = "paper_ledger"
    plugin = plugin
    debit = LedgerAccount("stock", "1200")
    credit = LedgerAccount("cogs", "5000")

    def __init__(self) -> None:
        self.ctx = make_context(organisation_id="paper")

    def count_journals(self) -> int:
        return len(self.ctx.storage.records("journal"))

    def posted_totals(self) -> Mapping[str, Decimal]:
        totals: defaultdict[str, Decimal] = defaultdict(Decimal)
        for record in self.ctx.storage.records("journal"):
            for line in entry_from_bytes(str(record.body["entry"]).encode()).lines:
                totals[line.account_code] += line.amount
        return totals

    def unusable_account(self) -> LedgerAccount:
        return LedgerAccount("old", "9999")


class TestContract(BackendContract):
    @pytest.fixture
    def harness(self) -> Harness:
        return PaperHarness()
