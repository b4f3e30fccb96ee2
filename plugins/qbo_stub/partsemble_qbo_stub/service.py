"""The stub's books: in memory, gone with the process.

It behaves as QuickBooks Online does where posting is concerned: a ``requestid`` seen before gives the first
answer again, and a closing date refuses what lies before it.
"""

from __future__ import annotations

import datetime as dt
import enum
import threading
from collections import defaultdict
from dataclasses import dataclass, field, replace
from decimal import Decimal

from partsemble_core.plugin_api import (
    Account,
    AccountClass,
    Item,
    JournalEntry,
    KeyReused,
    Organisation,
    OutcomeUnknown,
    PeriodClosed,
    RetryLater,
    SalesDocument,
    SalesKind,
    SalesLine,
    SalesStatus,
    entry_bytes,
    say,
)

KEY_WINDOW = dt.timedelta(hours=24)
COMPANIES = (
    Organisation(external_id="9130-0001", name="Sandbox Kits (US)", base_currency="USD", country="US"),
    Organisation(external_id="9130-0002", name="Sandbox Kits (AU)", base_currency="AUD", country="AU"),
)
NEEDS_A_NAME = "QuickBooks wants a customer or supplier on each line of this account; choose another account."
ACCOUNTS = (
    Account(external_id="35", code="1000", name="Checking", classification=AccountClass.ASSET),
    Account(
        external_id="84",
        code="1100",
        name="Accounts Receivable",
        classification=AccountClass.ASSET,
        usable=False,
        why_not=NEEDS_A_NAME,
    ),
    Account(external_id="81", code="1300", name="Inventory Asset", classification=AccountClass.ASSET),
    Account(external_id="82", code="1310", name="Finished Goods", classification=AccountClass.ASSET),
    Account(
        external_id="33",
        code="2000",
        name="Accounts Payable",
        classification=AccountClass.LIABILITY,
        usable=False,
        why_not=NEEDS_A_NAME,
    ),
    Account(
        external_id="86",
        code="2100",
        name="Goods Received Clearing",
        classification=AccountClass.LIABILITY,
    ),
    Account(external_id="79", code="4000", name="Sales of Product", classification=AccountClass.REVENUE),
    Account(external_id="80", code="5000", name="Cost of Goods Sold", classification=AccountClass.EXPENSE),
    Account(external_id="87", code="5100", name="Inventory Shrinkage", classification=AccountClass.EXPENSE),
    Account(external_id="88", code="5200", name="Applied Labour", classification=AccountClass.EXPENSE),
)
ITEMS = (
    Item(external_id="11", code="PUMP", name="Pump", purchase_cost=Decimal("10.00"), is_tracked=True),
    Item(external_id="12", code="FOUNTAIN", name="Rock Fountain", sales_price=Decimal("275.00")),
)


FIRST_SALES = (
    SalesDocument(
        external_id="201",
        number="1001",
        kind=SalesKind.INVOICE,
        status=SalesStatus.OPEN,
        date=dt.date(2026, 9, 28),
        currency="USD",
        rate=Decimal(1),
        lines=(
            SalesLine(
                line_id="1", item_id="12", item_code="FOUNTAIN", quantity=Decimal(2), net_amount=Decimal("550.00")
            ),
            SalesLine(line_id="2", description="Delivery", quantity=Decimal(1), net_amount=Decimal("35.50")),
        ),
        contact_id="58",
        contact_name="Cool Cars",
        updated_at=dt.datetime(2026, 9, 28, 14, 0, tzinfo=dt.UTC),
    ),
    SalesDocument(
        external_id="202",
        number="CM-17",
        kind=SalesKind.CREDIT,
        status=SalesStatus.OPEN,
        date=dt.date(2026, 10, 2),
        currency="USD",
        rate=Decimal(1),
        lines=(
            SalesLine(
                line_id="1", item_id="12", item_code="FOUNTAIN", quantity=Decimal(1), net_amount=Decimal("275.00")
            ),
        ),
        contact_id="58",
        contact_name="Cool Cars",
        updated_at=dt.datetime(2026, 10, 2, 8, 30, tzinfo=dt.UTC),
    ),
)


class Trouble(enum.StrEnum):
    """What a test makes go wrong with the next write."""

    BEFORE = "before"
    AFTER = "after"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class StubJournal:
    external_id: str
    entry: JournalEntry


@dataclass(slots=True)
class _Company:
    journals: list[StubJournal] = field(default_factory=list)
    keys: dict[str, tuple[dt.datetime, bytes, StubJournal]] = field(default_factory=dict)
    sales: list[SalesDocument] = field(default_factory=list)
    """Every version of every sale, in the order of their writing."""
    closed_through: dt.date | None = None
    trouble: list[Trouble] = field(default_factory=list)


class StubService:
    """The other side: what Intuit's servers would be. Thread-safe."""

    def __init__(self) -> None:
        self._companies: defaultdict[str, _Company] = defaultdict(_Company)
        self._lock = threading.Lock()

    def create(self, company_id: str, entry: JournalEntry, *, key: str, now: dt.datetime) -> StubJournal:
        """Posts a journal. The same key within ``KEY_WINDOW`` gives the first answer, or raises KeyReused."""
        content = entry_bytes(entry)
        with self._lock:
            company = self._companies[company_id]
            trouble = company.trouble.pop(0) if company.trouble else None
            _raise_early(trouble)
            journal = _remembered(company, content, key=key, now=now)
            if journal is None:
                closed = company.closed_through
                if closed is not None and entry.date <= closed:
                    message = say(
                        "The books are closed through {closed}; date the document later or reopen them.", closed=closed
                    )
                    raise PeriodClosed(message, locked_through=closed)
                journal = StubJournal(external_id=str(len(company.journals) + 1), entry=entry)
                company.journals.append(journal)
                company.keys[key] = (now, content, journal)
            if trouble is Trouble.AFTER:
                raise OutcomeUnknown("The answer of QuickBooks was lost.")
            return journal

    def journals(self, company_id: str) -> tuple[StubJournal, ...]:
        """Every posted journal, oldest first."""
        with self._lock:
            return tuple(self._companies[company_id].journals)

    def record_sale(self, company_id: str, document: SalesDocument) -> None:
        """A sale as a person enters, changes or voids it: one more version."""
        with self._lock:
            self._companies[company_id].sales.append(document)

    def sales(self, company_id: str, *, currency: str) -> tuple[SalesDocument, ...]:
        """The first sales and every version since, oldest first."""
        first = tuple(replace(sale, currency=currency) for sale in FIRST_SALES)
        with self._lock:
            return first + tuple(self._companies[company_id].sales)

    def close_books(self, company_id: str, through: dt.date | None) -> None:
        """Sets or takes away the closing date."""
        self._companies[company_id].closed_through = through

    def closed_through(self, company_id: str) -> dt.date | None:
        """The closing date, if there is one."""
        return self._companies[company_id].closed_through

    def make_trouble(self, company_id: str, trouble: Trouble) -> None:
        """The next write goes wrong: refused before, answer lost after, or limited."""
        self._companies[company_id].trouble.append(trouble)


def _raise_early(trouble: Trouble | None) -> None:
    if trouble is Trouble.BEFORE:
        raise OutcomeUnknown("The connection to QuickBooks broke.")
    if trouble is Trouble.LIMIT:
        raise RetryLater("QuickBooks asks to slow down.", after=30, whole_organisation=True)


def _remembered(company: _Company, content: bytes, *, key: str, now: dt.datetime) -> StubJournal | None:
    known = company.keys.get(key)
    if known is None or now - known[0] > KEY_WINDOW:
        return None
    if known[1] != content:
        raise KeyReused("QuickBooks has this request id already, with another journal.")
    return known[2]
