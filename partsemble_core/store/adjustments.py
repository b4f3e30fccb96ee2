"""Adjustments, stock counts and reversals: how records are brought back to what is true."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from partsemble_core.domain.adjustments import AdjustmentReason, CountState
from partsemble_core.errors import NotFound
from partsemble_core.store.base import Base, CompanyOwned, Id, link, one_of, owned, whole, whole_or_none
from partsemble_core.store.session import CompanySession, LockRank

T = TypeVar("T")


class AdjustmentState(enum.StrEnum):
    CONFIRMED = "confirmed"
    REVERSED = "reversed"


class Adjustment(CompanyOwned, Base):
    """One change of one lot, confirmed as it is entered. ``quantity`` and ``cost`` are signed alike."""

    __tablename__ = "adjustments"
    number: Mapped[int]
    reference: Mapped[str]
    product_id: Mapped[int] = mapped_column(Id)
    lot_id: Mapped[int | None] = mapped_column(Id)
    """None only while opening stock makes its lot."""
    quantity: Mapped[Decimal]
    cost: Mapped[Decimal]
    reason: Mapped[str]
    notes: Mapped[str]
    is_opening: Mapped[bool]
    count_id: Mapped[int | None] = mapped_column(Id)
    adjusted_on: Mapped[dt.date]
    state: Mapped[str]
    created_at: Mapped[dt.datetime]
    created_by: Mapped[str]
    __table_args__ = owned(
        link("product_id", "products"),
        link("count_id", "stock_counts"),
        sa.UniqueConstraint("company_id", "number"),
        one_of("reason", AdjustmentReason),
        one_of("state", AdjustmentState),
        *whole("quantity", "cost"),
        sa.CheckConstraint("quantity <> 0", name="quantity_changes"),
    )


class StockCount(CompanyOwned, Base):
    """A count as a document: what was expected when a lot was put on it, what was counted, and the variance."""

    __tablename__ = "stock_counts"
    number: Mapped[int]
    reference: Mapped[str]
    state: Mapped[str]
    counted_on: Mapped[dt.date]
    notes: Mapped[str]
    created_at: Mapped[dt.datetime]
    created_by: Mapped[str]
    confirmed_at: Mapped[dt.datetime | None]
    confirmed_by: Mapped[str]
    __table_args__ = owned(sa.UniqueConstraint("company_id", "number"), one_of("state", CountState))


class StockCountLine(CompanyOwned, Base):
    __tablename__ = "stock_count_lines"
    count_id: Mapped[int] = mapped_column(Id)
    lot_id: Mapped[int] = mapped_column(Id)
    through_entry_id: Mapped[int] = mapped_column(Id)
    """The last line of the lot's ledger when it was put on the count: what is entered later is told apart by it."""
    expected: Mapped[Decimal]
    counted: Mapped[Decimal | None]
    __table_args__ = owned(
        link("count_id", "stock_counts"),
        link("lot_id", "lots"),
        sa.UniqueConstraint("company_id", "count_id", "lot_id"),
        *whole("expected", at_least=0),
        *whole_or_none("counted"),
    )


class Reversal(CompanyOwned, Base):
    """A document undone. The unique key lets it happen once, however many try."""

    __tablename__ = "reversals"
    number: Mapped[int]
    reference: Mapped[str]
    document_kind: Mapped[str]
    document_id: Mapped[int] = mapped_column(Id)
    reversed_reference: Mapped[str]
    reason: Mapped[str]
    reversed_on: Mapped[dt.date]
    created_at: Mapped[dt.datetime]
    created_by: Mapped[str]
    __table_args__ = owned(
        sa.UniqueConstraint("company_id", "number"),
        sa.UniqueConstraint("company_id", "document_kind", "document_id"),
        sa.CheckConstraint("document_kind IN ('receipt', 'build', 'adjustment')", name="document_kind_known"),
    )


def get_adjustment(session: CompanySession, adjustment_id: int) -> Adjustment:
    """Raises NotFound."""
    found = session.scalar(sa.select(Adjustment).where(Adjustment.id == adjustment_id))
    if found is None:
        raise NotFound("adjustment", adjustment_id)
    return found


def adjustment_for_update(session: CompanySession, adjustment_id: int) -> Adjustment:
    """Locked until commit. Raises NotFound."""
    session.locking(LockRank.DOCUMENT)
    found = session.scalar(_locked(sa.select(Adjustment).where(Adjustment.id == adjustment_id)))
    if found is None:
        raise NotFound("adjustment", adjustment_id)
    return found


def get_count(session: CompanySession, count_id: int) -> StockCount:
    """Raises NotFound."""
    found = session.scalar(sa.select(StockCount).where(StockCount.id == count_id))
    if found is None:
        raise NotFound("stock count", count_id)
    return found


def count_for_update(session: CompanySession, count_id: int) -> StockCount:
    """Locked until commit. Raises NotFound."""
    session.locking(LockRank.DOCUMENT)
    found = session.scalar(_locked(sa.select(StockCount).where(StockCount.id == count_id)))
    if found is None:
        raise NotFound("stock count", count_id)
    return found


def count_lines_of(session: CompanySession, count_id: int) -> Sequence[StockCountLine]:
    """In the order in which they were put on the count."""
    return session.scalars(
        sa.select(StockCountLine).where(StockCountLine.count_id == count_id).order_by(StockCountLine.id)
    ).all()


def find_reversal(session: CompanySession, kind: str, document_id: int) -> Reversal | None:
    return session.scalar(
        sa.select(Reversal).where(Reversal.document_kind == kind, Reversal.document_id == document_id)
    )


def _locked(statement: sa.Select[T]) -> sa.Select[T]:
    return statement.with_for_update().execution_options(populate_existing=True)
