"""Month ends: what the ledger said of each lot at the end of a month, so that a question about a day starts there.

They are a cache that can be thrown away. A month end is used only while it is *valid*: no entry that was written after
it is dated on or before it. Every query here checks that in the same statement that reads it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from partsemble_core.store.base import SUM_BOUND, Base, CompanyOwned, Id, Millionths, UtcDateTime, link, owned, whole
from partsemble_core.store.companies import Counter
from partsemble_core.store.lots import StockEntry
from partsemble_core.store.session import CompanySession

EVER = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)


class MonthEnd(CompanyOwned, Base):
    """One end of month. It counts the entries dated on or before it with ids up to ``through_entry_id``."""

    __tablename__ = "month_ends"
    month_end_on: Mapped[dt.date]
    through_entry_id: Mapped[int] = mapped_column(Id)
    last_recorded_at: Mapped[dt.datetime | None]
    """When the last of those entries was recorded; empty where there are none."""
    value: Mapped[Decimal] = mapped_column(default=Decimal(0))
    """What all stock cost then: the sum of its lots, so that a trend reads one row a month."""
    __table_args__ = owned(sa.UniqueConstraint("company_id", "month_end_on"), *whole("value", below=SUM_BOUND))


class MonthEndLot(CompanyOwned, Base):
    """A lot that held something then."""

    __tablename__ = "month_end_lots"
    month_end_id: Mapped[int] = mapped_column(Id)
    product_id: Mapped[int] = mapped_column(Id)
    lot_id: Mapped[int] = mapped_column(Id)
    quantity: Mapped[Decimal]
    cost: Mapped[Decimal]
    __table_args__ = owned(
        link("month_end_id", "month_ends"),
        link("product_id", "products"),
        link("lot_id", "lots"),
        sa.UniqueConstraint("company_id", "month_end_id", "lot_id"),
        *whole("quantity", "cost"),
    )


NEVER = dt.date(1, 1, 1)
BASE = """
WITH base AS (
  SELECT m.id, m.month_end_on FROM month_ends m
  WHERE m.company_id = :company AND m.month_end_on <= :day
    AND (m.last_recorded_at IS NULL OR m.last_recorded_at <= :known_at)
    AND NOT EXISTS (SELECT 1 FROM stock_entries e WHERE e.company_id = m.company_id
      AND e.id > m.through_entry_id AND COALESCE(e.effective_on, m.month_end_on) <= m.month_end_on)
  ORDER BY m.month_end_on DESC LIMIT 1
)"""
"""The newest month end that holds all that was known at ``known_at``, and no more, of the days up to its own.

COALESCE changes nothing but the way there: the check goes through the few entries written since, not through all days.
"""

SINCE = """
  SELECT s.product_id, s.lot_id, s.quantity, s.cost, b.month_end_on AS effective_on
  FROM month_end_lots s JOIN base b ON s.month_end_id = b.id
  WHERE s.company_id = :company
  UNION ALL
  SELECT e.product_id, e.lot_id, e.quantity, e.cost, e.effective_on
  FROM stock_entries e
  WHERE e.company_id = :company AND e.effective_on <= :through AND e.recorded_at <= :known_at
    AND e.effective_on > COALESCE((SELECT month_end_on FROM base), :never)"""

HELD_THEN = sa.text(
    BASE  # noqa: S608 - texts of ours
    + """
SELECT p.id AS product_id, p.sku, p.name, p.kind, p.unit, l.id AS lot_id, l.number, t.quantity, t.cost
FROM (SELECT h.lot_id, SUM(h.quantity) AS quantity, SUM(h.cost) AS cost FROM ("""
    + SINCE
    + """
  ) h GROUP BY h.lot_id HAVING SUM(h.quantity) <> 0 OR SUM(h.cost) <> 0) t
JOIN lots l ON l.id = t.lot_id AND l.company_id = :company
JOIN products p ON p.id = l.product_id AND p.company_id = :company
ORDER BY p.sku_key, l.received_on, l.id"""
)
BY_DAY = sa.text(
    BASE
    + """
SELECT h.effective_on, SUM(h.quantity) AS quantity, SUM(h.cost) AS cost FROM ("""
    + SINCE
    + """
) h GROUP BY h.effective_on ORDER BY h.effective_on"""
)
ASKED: tuple[sa.BindParameter[Any], ...] = (
    sa.bindparam("day", type_=sa.Date()),
    sa.bindparam("through", type_=sa.Date()),
    sa.bindparam("never", NEVER, type_=sa.Date()),
    sa.bindparam("known_at", type_=UtcDateTime()),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLot:
    """What a lot held at the end of a day."""

    product_id: int
    sku: str
    name: str
    kind: str
    unit: str
    lot_id: int
    number: str
    quantity: Decimal
    cost: Decimal


def held_at(session: CompanySession, day: dt.date, *, known_at: dt.datetime | None = None) -> list[HeldLot]:
    """Every lot that held something at the end of ``day``, by SKU, then in FIFO order: one statement.

    With ``known_at`` only what was recorded up to that time counts.
    """
    typed = HELD_THEN.bindparams(*ASKED).columns(quantity=Millionths(), cost=Millionths())
    values = {"company": session.company_id, "day": day, "through": day, "known_at": known_at or EVER}
    names = HeldLot.__dataclass_fields__
    return [HeldLot(**{name: row[name] for name in names}) for row in _rows(session, typed, values)]


def values_since(session: CompanySession, day: dt.date) -> dict[dt.date, Decimal]:
    """What stock cost at each valid month end from ``day`` on."""
    rows = _rows(
        session, VALUES.bindparams(sa.bindparam("day", type_=sa.Date())), {"company": session.company_id, "day": day}
    )
    return {row["month_end_on"]: row["value"] for row in rows}


def moved_by_day(session: CompanySession, *, base: dt.date, through: dt.date) -> list[tuple[dt.date, Decimal]]:
    """Change of value on each day up to ``through``; all up to the newest month end not after ``base`` comes as one."""
    typed = BY_DAY.bindparams(*ASKED).columns(effective_on=sa.Date(), cost=Millionths())
    values = {"company": session.company_id, "day": base, "through": through, "known_at": EVER}
    return [(row["effective_on"], row["cost"]) for row in _rows(session, typed, values)]


def _rows(session: CompanySession, statement: Any, values: dict[str, Any]) -> Sequence[sa.RowMapping]:
    session.flush()
    return session.connection().execute(statement, values).mappings().all()


VALUES = sa.text("""
SELECT m.month_end_on, m.value FROM month_ends m WHERE m.company_id = :company AND m.month_end_on >= :day
  AND NOT EXISTS (SELECT 1 FROM stock_entries e WHERE e.company_id = m.company_id
    AND e.id > m.through_entry_id AND COALESCE(e.effective_on, m.month_end_on) <= m.month_end_on)""").columns(
    month_end_on=sa.Date(), value=Millionths()
)
VALID = sa.text("""
SELECT m.id, m.month_end_on, NOT EXISTS (SELECT 1 FROM stock_entries e WHERE e.company_id = m.company_id
  AND e.id > m.through_entry_id AND COALESCE(e.effective_on, m.month_end_on) <= m.month_end_on) AS is_valid
FROM month_ends m WHERE m.company_id = :company ORDER BY m.month_end_on""").columns(
    month_end_on=sa.Date(), is_valid=sa.Boolean()
)
LAST_RECORDED = sa.text("""
SELECT MAX(r.recorded_at) AS recorded_at FROM (
  SELECT m.last_recorded_at AS recorded_at FROM month_ends m WHERE m.company_id = :company AND m.id = :before
  UNION ALL
  SELECT e.recorded_at FROM stock_entries e
  WHERE e.company_id = :company AND e.effective_on > :after AND e.effective_on <= :day AND e.id <= :last) r""").columns(
    recorded_at=UtcDateTime()
)
CARRY = sa.text("""
INSERT INTO month_end_lots (company_id, month_end_id, product_id, lot_id, quantity, cost)
SELECT :company, :month_end, h.product_id, h.lot_id, SUM(h.quantity), SUM(h.cost) FROM (
  SELECT s.product_id, s.lot_id, s.quantity, s.cost FROM month_end_lots s
  WHERE s.company_id = :company AND s.month_end_id = :before
  UNION ALL
  SELECT e.product_id, e.lot_id, e.quantity, e.cost FROM stock_entries e
  WHERE e.company_id = :company AND e.effective_on > :after AND e.effective_on <= :day AND e.id <= :last) h
GROUP BY h.product_id, h.lot_id HAVING SUM(h.quantity) <> 0 OR SUM(h.cost) <> 0""")

ADD_UP = sa.text("""
UPDATE month_ends SET value = (SELECT COALESCE(SUM(s.cost), 0) FROM month_end_lots s
  WHERE s.company_id = :company AND s.month_end_id = month_ends.id)
WHERE company_id = :company AND id = :month_end""")


def hold_month_ends(session: CompanySession) -> None:
    """Lets one refresh of a company's month ends run at a time."""
    session.insert_missing(Counter, {"name": "month-ends", "last": 0}, key=("company_id", "name"))
    session.execute(sa.select(Counter.id).where(Counter.name == "month-ends").with_for_update())


def last_settled_entry(session: CompanySession) -> int:
    """The id up to which every entry is committed or will never be; 0 for an empty ledger.

    On PostgreSQL ids are given before the commit, so a lower id may appear later than a higher one. Waiting for the
    table's writers for a moment rules that out; rolling back the savepoint lets them go on at once.
    """
    newest = sa.select(sa.func.coalesce(sa.func.max(StockEntry.id), 0))
    if session.get_bind().dialect.name == "sqlite":
        return session.execute(newest).scalar_one()
    waiting = session.begin_nested()
    session.execute(sa.text("LOCK TABLE stock_entries IN SHARE MODE"))
    found = session.execute(newest).scalar_one()
    waiting.rollback()
    return found


def first_day(session: CompanySession) -> dt.date | None:
    """The day of the company's first entry by date."""
    return session.scalar(sa.select(sa.func.min(StockEntry.effective_on)))


def keep_valid(session: CompanySession, *, last: int) -> dict[dt.date, int]:
    """Drops the month ends that a later entry belies, and says of the others that they hold through entry ``last``.

    Returns the ids of what is kept by day.
    """
    rows = _rows(session, VALID, {"company": session.company_id})
    gone = [row["id"] for row in rows if not row["is_valid"]]
    kept = {row["month_end_on"]: row["id"] for row in rows if row["is_valid"]}
    silent = {"synchronize_session": False}
    if gone:
        session.execute(sa.delete(MonthEndLot).where(MonthEndLot.month_end_id.in_(gone)), execution_options=silent)
        session.execute(sa.delete(MonthEnd).where(MonthEnd.id.in_(gone)), execution_options=silent)
    still = sa.update(MonthEnd).where(MonthEnd.through_entry_id < last).values(through_entry_id=last)
    session.execute(still, execution_options=silent)
    return kept


def add_month_end(session: CompanySession, day: dt.date, *, last: int, before: tuple[dt.date, int] | None) -> int:
    """Writes the month end of ``day`` from the one ``before`` it and the entries between the two. Returns its id."""
    after, before_id = before or (NEVER, 0)
    dates = (sa.bindparam("after", type_=sa.Date()), sa.bindparam("day", type_=sa.Date()))
    asked = {"company": session.company_id, "before": before_id, "after": after, "day": day, "last": last}
    recorded_at = _rows(session, LAST_RECORDED.bindparams(*dates), asked)[0]["recorded_at"]
    row = {"month_end_on": day, "through_entry_id": last, "last_recorded_at": recorded_at, "value": Decimal(0)}
    month_end = session.insert_all(MonthEnd, [row])[0]
    session.connection().execute(CARRY.bindparams(*dates), {**asked, "month_end": month_end})
    session.connection().execute(ADD_UP, {"company": session.company_id, "month_end": month_end})
    return month_end
