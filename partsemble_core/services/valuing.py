"""Valuing: what stock was worth at the end of any day, from the ledger, as known now or as known at another time.

Two clocks: an entry is dated (``effective_on``) and recorded (``recorded_at``). *As known now* counts every entry dated
up to the day. *As known then* leaves out what was recorded later, so that a figure once reported can be found again.
"""

from __future__ import annotations

import calendar
import datetime as dt
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from partsemble_core.domain.amounts import add, unit_cost
from partsemble_core.store import month_ends
from partsemble_core.store.month_ends import HeldLot
from partsemble_core.store.session import CompanySession


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductValue:
    """A product's stock at the end of a day, lot by lot in FIFO order."""

    product_id: int
    sku: str
    name: str
    kind: str
    unit: str
    quantity: Decimal
    value: Decimal
    lots: tuple[HeldLot, ...]

    @property
    def average_cost(self) -> Decimal:
        """For showing only."""
        return unit_cost(self.value, self.quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class StockValue:
    """All stock at the end of ``day``, by SKU. ``known_at`` is empty for *as known now*."""

    day: dt.date
    known_at: dt.datetime | None
    products: tuple[ProductValue, ...]

    @property
    def total(self) -> Decimal:
        return add([product.value for product in self.products])

    @property
    def by_kind(self) -> dict[str, Decimal]:
        """Value by kind of product, kinds without stock left out."""
        kinds = sorted({product.kind for product in self.products})
        return {kind: add([p.value for p in self.products if p.kind == kind]) for kind in kinds}


def stock_at(session: CompanySession, day: dt.date, *, known_at: dt.datetime | None = None) -> StockValue:
    """Quantity and value of every product and lot at the end of ``day``: one statement, exact.

    ``known_at`` is aware UTC; with it, entries recorded later don't count. For a day that no entry lies after, and
    without ``known_at``, this is what the lots hold.
    """
    held = month_ends.held_at(session, day, known_at=known_at)
    return StockValue(day=day, known_at=known_at, products=tuple(_by_product(held)))


def monthly_trend(session: CompanySession, *, today: dt.date, months: int = 12) -> list[tuple[dt.date, Decimal]]:
    """Value of stock at the last ``months`` month ends before ``today``, and today, oldest first.

    Month ends say theirs; the ledger is read from the last of those on that come without a gap.
    """
    begin = _months_back(today, months)
    ends = [*_month_ends(begin, today), today]
    known = month_ends.values_since(session, begin)
    base = max(itertools.takewhile(known.__contains__, ends), default=begin)
    moved = month_ends.moved_by_day(session, base=base, through=today)
    return [(end, known[end] if end in known else add([cost for day, cost in moved if day <= end])) for end in ends]


def refresh_month_ends(session: CompanySession, *, today: dt.date) -> list[dt.date]:
    """Writes a month end for every month that ended before ``today``, since the first entry; returns those written.

    A month end that a later entry is dated on or before is written anew. Questions never depend on this having run:
    without it they read more of the ledger. Meant for a daily timer; of two runs at once one waits.
    """
    month_ends.hold_month_ends(session)
    last = month_ends.last_settled_entry(session)
    kept = month_ends.keep_valid(session, last=last)
    first = month_ends.first_day(session)
    if first is None:
        return []
    written = []
    before: tuple[dt.date, int] | None = None
    for end in _month_ends(first, today):
        found = kept.get(end)
        if found is None:
            found = month_ends.add_month_end(session, end, last=last, before=before)
            written.append(end)
        before = (end, found)
    return written


def _by_product(held: Sequence[HeldLot]) -> Iterable[ProductValue]:
    grouped: dict[int, list[HeldLot]] = {}
    for lot in held:
        grouped.setdefault(lot.product_id, []).append(lot)
    for product_id, lots in grouped.items():
        first = lots[0]
        yield ProductValue(
            product_id=product_id,
            sku=first.sku,
            name=first.name,
            kind=first.kind,
            unit=first.unit,
            quantity=add([lot.quantity for lot in lots]),
            value=add([lot.cost for lot in lots]),
            lots=tuple(lots),
        )


def _month_ends(first: dt.date, today: dt.date) -> Iterable[dt.date]:
    """The last days of the months from that of ``first`` on, that lie before ``today``."""
    year, month = first.year, first.month
    while (end := dt.date(year, month, calendar.monthrange(year, month)[1])) < today:
        yield end
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)


def _months_back(today: dt.date, months: int) -> dt.date:
    """The end of the month ``months`` before that of ``today``."""
    index = today.year * 12 + today.month - 1 - months
    year, month = divmod(index, 12)
    return dt.date(year, month + 1, calendar.monthrange(year, month + 1)[1])
