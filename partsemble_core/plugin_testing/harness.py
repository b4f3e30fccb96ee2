"""What a plugin's author tells the contract suite: the plugin, a connection, and how to look into the books."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple, NoReturn

import pytest

from partsemble_core.plugin_api import BackendContext, JournalEntry, JournalLine, Secret


class Fault(enum.StrEnum):
    """before: the next write never arrives. after: it is done, its answer is lost. limit: too many calls."""

    BEFORE = "before"
    AFTER = "after"
    LIMIT = "limit"


class LedgerAccount(NamedTuple):
    """How a journal line names an account."""

    external_id: str
    code: str


class Harness:
    """To be subclassed. ``ctx`` is that of a connected organisation whose books hold nothing that moves meanwhile.

    What a harness can't do stays as it is here: the tests that need it are skipped, with the reason.
    """

    name: str
    """The plugin's name, as its entry point has it."""
    plugin: object
    ctx: BackendContext
    debit: LedgerAccount
    credit: LedgerAccount
    currency = "USD"
    decimals = 2
    date = dt.date(2026, 10, 5)

    def count_journals(self) -> int:
        """How many posted journals the books hold, asked of the books and not of the plugin."""
        raise NotImplementedError

    def posted_totals(self) -> Mapping[str, Decimal]:
        """Account code → total of its posted lines, debit positive, asked of the books."""
        raise NotImplementedError

    def unusable_account(self) -> LedgerAccount:
        """An account that exists and that no journal may name."""
        self._skip("has no account that a journal may not name")

    def genuine_webhook(self) -> tuple[Mapping[str, str | Secret], Mapping[str, str], bytes]:
        """Settings, headers and body of a message that the books could have sent about the organisation."""
        self._skip("has no webhooks")

    def inject(self, fault: Fault) -> None:
        """Makes the next write go wrong."""
        self._skip(f"can't make a write go wrong ({fault})")

    def close_books(self, through: dt.date) -> None:
        """Locks all dates up to and with ``through``."""
        self._skip("can't close its books")

    def add_contact(self, name: str) -> str:
        """Somebody else adds an active contact of this name in the books: its id there."""
        self._skip(f"can't add a contact ({name})")

    def contact_names(self) -> list[str]:
        """The names of all contacts that the books hold, asked of the books."""
        self._skip("can't name its contacts")

    def inject_contact(self, fault: Fault) -> None:
        """Makes the next creation of a contact go wrong."""
        self._skip(f"can't make the creation of a contact go wrong ({fault})")

    def make_sale(self) -> str:
        """Makes a final invoice to a customer with one line: two of an item. Gives its id."""
        self._skip("can't make a sale")

    def void_sale(self, external_id: str) -> None:
        """Voids a sale that `make_sale` made."""
        self._skip("can't void a sale")

    def _skip(self, what: str) -> NoReturn:
        pytest.skip(f"The harness of {self.name} {what}.")

    def entry(
        self,
        amount: str = "12.34",
        *,
        token: str = "",
        debit: LedgerAccount | None = None,
        narration: str = 'Build "PSB-000123" \\ 5 × Éclair; stock',
    ) -> JournalEntry:
        """A balanced entry of two lines with a new token."""
        debit = debit or self.debit
        value = Decimal(amount)
        return JournalEntry(
            token=token or uuid.uuid4().hex[:12].upper(),
            date=self.date,
            currency=self.currency,
            decimals=self.decimals,
            reference="PSB-000123",
            narration=narration,
            lines=(
                JournalLine(account_id=debit.external_id, account_code=debit.code, amount=value, description="made"),
                JournalLine(
                    account_id=self.credit.external_id,
                    account_code=self.credit.code,
                    amount=-value,
                    description="used",
                ),
            ),
            source_url="https://stock.example.com/builds/123",
        )
