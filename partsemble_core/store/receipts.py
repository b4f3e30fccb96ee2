"""Suppliers and receipts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from partsemble_core.domain.receipts import ReceiptState, SpreadBy
from partsemble_core.errors import NotFound
from partsemble_core.store.base import Base, CompanyOwned, Id, can_be_stored, link, one_of, owned, whole, whole_or_none
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
    """Landed: lines and charges, in the company's currency."""
    currency: Mapped[str]
    rate: Mapped[Decimal]
    """Units of the company's currency for one of the receipt's; frozen at confirmation. 1 for its own."""
    created_at: Mapped[dt.datetime]
    created_by: Mapped[str]
    confirmed_at: Mapped[dt.datetime | None]
    confirmed_by: Mapped[str]
    __table_args__ = owned(
        link("supplier_id", "suppliers"),
        sa.UniqueConstraint("company_id", "number"),
        one_of("state", ReceiptState),
        *whole("total_cost", at_least=0),
        *whole("rate", at_least=1),
    )


class ReceiptLine(CompanyOwned, Base):
    __tablename__ = "receipt_lines"
    receipt_id: Mapped[int] = mapped_column(Id)
    position: Mapped[int]
    product_id: Mapped[int] = mapped_column(Id)
    quantity: Mapped[Decimal]
    cost: Mapped[Decimal]
    """Landed, in the company's currency: what the lot comes in at."""
    entered_quantity: Mapped[Decimal]
    """In purchase units, as typed; in stock units where the line names none."""
    per_purchase_unit: Mapped[Decimal]
    """Stock units in one purchase unit: 5000 for a reel of 5,000; 1 where there is none."""
    purchase_unit: Mapped[str]
    entered_cost: Mapped[Decimal]
    """In the receipt's currency, without charges, as typed."""
    weight: Mapped[Decimal | None]
    supplier_part_number: Mapped[str]
    lot_number: Mapped[str]
    expires_on: Mapped[dt.date | None]
    __table_args__ = owned(
        link("receipt_id", "receipts"),
        link("product_id", "products"),
        sa.UniqueConstraint("company_id", "receipt_id", "position"),
        *whole("quantity", "entered_quantity", "per_purchase_unit", at_least=1),
        *whole("cost", "entered_cost", at_least=0),
        *whole_or_none("weight"),
    )


class ReceiptCharge(CompanyOwned, Base):
    """Freight, duty and the like, in the receipt's currency, spread over its lines."""

    __tablename__ = "receipt_charges"
    receipt_id: Mapped[int] = mapped_column(Id)
    position: Mapped[int]
    label: Mapped[str]
    amount: Mapped[Decimal]
    spread_by: Mapped[str]
    __table_args__ = owned(
        link("receipt_id", "receipts"),
        sa.UniqueConstraint("company_id", "receipt_id", "position"),
        one_of("spread_by", SpreadBy),
        *whole("amount", at_least=0),
    )


class SupplierPart(CompanyOwned, Base):
    """How a supplier calls and packs a product."""

    __tablename__ = "supplier_parts"
    supplier_id: Mapped[int] = mapped_column(Id)
    product_id: Mapped[int] = mapped_column(Id)
    part_number: Mapped[str]
    purchase_unit: Mapped[str]
    per_purchase_unit: Mapped[Decimal]
    __table_args__ = owned(
        link("supplier_id", "suppliers"),
        link("product_id", "products"),
        sa.UniqueConstraint("company_id", "supplier_id", "product_id"),
        *whole("per_purchase_unit", at_least=1),
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


def get_supplier_by_id(session: CompanySession, supplier_id: int) -> Supplier:
    """Raises NotFound."""
    found = session.scalar(sa.select(Supplier).where(Supplier.id == supplier_id))
    if found is None:
        raise NotFound("supplier", supplier_id)
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


def charges_of(session: CompanySession, receipt_id: int) -> Sequence[ReceiptCharge]:
    return session.scalars(
        sa.select(ReceiptCharge).where(ReceiptCharge.receipt_id == receipt_id).order_by(ReceiptCharge.position)
    ).all()


def supplier_parts_of(session: CompanySession, supplier_id: int) -> Sequence[SupplierPart]:
    return session.scalars(
        sa.select(SupplierPart).where(SupplierPart.supplier_id == supplier_id).order_by(SupplierPart.part_number)
    ).all()


def supplier_for_update(session: CompanySession, code: str) -> Supplier:
    """Locked until commit. Raises NotFound."""
    session.locking(LockRank.DOCUMENT)
    found = get_supplier(session, code)
    session.execute(sa.select(Supplier.id).where(Supplier.id == found.id).with_for_update())
    return found
