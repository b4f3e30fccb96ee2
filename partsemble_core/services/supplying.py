"""Supplying: who we buy from, and how a supplier calls and packs what we buy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import sqlalchemy as sa

from partsemble_core.domain.amounts import parse_quantity
from partsemble_core.domain.products import NAME_LENGTH, clean_address, clean_text, sku_key
from partsemble_core.domain.receipts import check_supplier_code
from partsemble_core.errors import Conflict, Invalid, say
from partsemble_core.services.acting import Act
from partsemble_core.store.products import get_product_by_sku
from partsemble_core.store.receipts import (
    Receipt,
    Supplier,
    SupplierPart,
    find_supplier,
    get_supplier,
    get_supplier_by_id,
    supplier_for_update,
    supplier_parts_of,
)
from partsemble_core.store.session import CompanySession

PART_NUMBER = 100
UNIT = 40


def _code(value: object) -> str:
    return check_supplier_code(value if isinstance(value, str) else "")


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise Invalid("is_active", "A supplier is active or it isn't. Say true or false.")
    return value


EDITABLE: Mapping[str, Callable[[object], object]] = {
    "code": _code,
    "name": lambda value: clean_text(value, field="name", length=NAME_LENGTH),
    "contact": lambda value: clean_text(value, field="contact", length=200, required=False),
    "email": lambda value: clean_address(value, length=200, required=False),
    "phone": lambda value: clean_text(value, field="phone", length=50, required=False),
    "is_active": _flag,
}
"""What can be changed of a supplier, and how it is read."""


def update_supplier(session: CompanySession, act: Act, supplier_id: int, **changes: object) -> Supplier:
    """Changes what is named of a supplier: code, name, contact, email, phone, is_active.

    Its code stays once something was received from it, since lots are called by it. Nothing is changed in the books.
    Raises Invalid naming the field, Conflict, NotFound.
    """
    supplier = get_supplier_by_id(session, supplier_id)
    read = {}
    for name, value in changes.items():
        if name not in EDITABLE:
            raise Invalid(
                name,
                say(
                    "A supplier has no {name} to be changed. Choose from {editable}.",
                    name=name,
                    editable=", ".join(EDITABLE),
                ),
            )
        read[name] = EDITABLE[name](value)
    if read.get("code", supplier.code) != supplier.code:
        _refuse_code(session, supplier, str(read["code"]))
    for name, value in read.items():
        setattr(supplier, name, value)
    try:
        session.flush()
    except sa.exc.IntegrityError as error:
        raise Conflict(
            say("Supplier code {code} was taken a moment ago. Choose another.", code=str(read["code"])), field="code"
        ) from error
    return supplier


def _refuse_code(session: CompanySession, supplier: Supplier, code: str) -> None:
    if find_supplier(session, code) is not None:
        raise Conflict(say("Supplier code {code} is taken. Choose another.", code=code), field="code")
    confirmed = sa.select(Receipt.id).where(Receipt.supplier_id == supplier.id, Receipt.number.is_not(None)).limit(1)
    if session.scalar(confirmed) is not None:
        raise Conflict(
            say("Lots are called {code} already, so the code stays. Add a new supplier instead.", code=supplier.code),
            field="code",
        )


def save_supplier_part(
    session: CompanySession,
    *,
    supplier: str,
    sku: str,
    part_number: object,
    purchase_unit: object = "",
    per_purchase_unit: object = "1",
) -> SupplierPart:
    """Notes a supplier's number for a product, and what one purchase unit holds: 5000 for a reel of 5,000.

    There is one per supplier and product; saving again replaces it, for later receipts only. Raises NotFound,
    Invalid, Conflict for a number that the supplier uses for another product (compared without case).
    """
    found = supplier_for_update(session, supplier)
    product = get_product_by_sku(session, sku)
    number = clean_text(part_number, field="part_number", length=PART_NUMBER)
    unit = clean_text(purchase_unit, field="purchase_unit", length=UNIT, required=False)
    holds = parse_quantity(per_purchase_unit, field="per_purchase_unit")
    parts = supplier_parts_of(session, found.id)
    for other in parts:
        if other.product_id != product.id and sku_key(other.part_number) == sku_key(number):
            raise Conflict(
                say(
                    "{code} uses {part_number} for another product. Change that one first.",
                    code=found.code,
                    part_number=other.part_number,
                ),
                field="part_number",
            )
    part = next((p for p in parts if p.product_id == product.id), None)
    if part is None:
        part = SupplierPart(supplier_id=found.id, product_id=product.id)
        session.add(part)
    part.part_number, part.purchase_unit, part.per_purchase_unit = number, unit, Decimal(holds)
    session.flush()
    return part


def list_supplier_parts(session: CompanySession, *, supplier: str) -> Sequence[SupplierPart]:
    """In order of their numbers. Raises NotFound."""
    return supplier_parts_of(session, get_supplier(session, supplier).id)


def remove_supplier_part(session: CompanySession, *, supplier: str, sku: str) -> None:
    """Forgets it; receipts that named it keep their numbers. Raises NotFound."""
    found = supplier_for_update(session, supplier)
    product = get_product_by_sku(session, sku)
    parts = sa.select(SupplierPart).where(SupplierPart.supplier_id == found.id, SupplierPart.product_id == product.id)
    for part in session.scalars(parts):
        session.delete(part)
    session.flush()
