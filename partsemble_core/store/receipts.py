"""Suppliers and receipts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from partsemble_core.domain.receipts import ReceiptState
from partsemble_core.errors import NotFound
from partsemble_core.store.base import Base, CompanyOwned, Id, can_be_stored, link, one_of, owned, whole
from partsemble_core.store.session import CompanySession, LockRank


class Supplier(CompanyOwned, Base):
    __tablename__ = "suppliers"
    code: Mapped[str]
    name: Mapped[str]
    contact: Mapped[str]
    email: Mapped[str]
    phone: Mapped[str]
    is_active: Mapped[bool]
    created_at: Mapped[dt.datetime]
    __table_args__ = owned(sa.UniqueConstraint("company_id", "code"))


class Receipt(CompanyOwned, Base):
    __tablename__ = "receipts"
    number: Mapped[int | None]
    """Given at confirmation, without gaps; a draft has none."""
    reference: Mapped[str]
    supplier_id: Mapped[int] = mapped_column(Id)
    received_on: Mapped[dt.date]
    state: Mapped[str]
    notes: Mapped[str]
    total_cost: Mapped[Decimal]
    created_at: Mapped[dt.datetime]
    created_by: Mapped[str]
    confirmed_at: Mapped[dt.datetime | None]
    confirmed_by: Mapped[str]
    __table_args__ = owned(
        link("supplier_id", "suppliers"),
        sa.UniqueConstraint("company_id", "number"),
        one_of("state", ReceiptState),
        *whole("total_cost", at_least=0),
    )


class ReceiptLine(CompanyOwned, Base):
    __tablename__ = "receipt_lines"
    receipt_id: Mapped[int] = mapped_column(Id)
    position: Mapped[int]
    product_id: Mapped[int] = mapped_column(Id)
    quantity: Mapped[Decimal]
    cost: Mapped[Decimal]
    lot_number: Mapped[str]
    expires_on: Mapped[dt.date | None]
    __table_args__ = owned(
        link("receipt_id", "receipts"),
        link("product_id", "products"),
        sa.UniqueConstraint("company_id", "receipt_id", "position"),
        *whole("quantity", at_least=1),
        *whole("cost", at_least=0),
    )


def find_supplier(session: CompanySession, code: str) -> Supplier | None:
    if not can_be_stored(code):
        return None
    return session.scalar(sa.select(Supplier).where(Supplier.code == code))


def get_supplier(session: CompanySession, code: str) -> Supplier:
    """Raises NotFound."""
    found = find_supplier(session, code)
    if found is None:
        raise NotFound("supplier", code)
    return found


def get_receipt(session: CompanySession, receipt_id: int) -> Receipt:
    """Raises NotFound."""
    found = session.scalar(sa.select(Receipt).where(Receipt.id == receipt_id))
    if found is None:
        raise NotFound("receipt", receipt_id)
    return found


def receipt_for_update(session: CompanySession, receipt_id: int) -> Receipt:
    """Locked until commit. Raises NotFound."""
    session.locking(LockRank.DOCUMENT)
    found = session.scalar(
        sa.select(Receipt).where(Receipt.id == receipt_id).with_for_update().execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound("receipt", receipt_id)
    return found


def lines_of(session: CompanySession, receipt_id: int) -> Sequence[ReceiptLine]:
    return session.scalars(
        sa.select(ReceiptLine).where(ReceiptLine.receipt_id == receipt_id).order_by(ReceiptLine.position)
    ).all()
