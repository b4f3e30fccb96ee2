"""Supplying: how a supplier calls and packs what we buy."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import sqlalchemy as sa

from partsemble_core.domain.amounts import parse_quantity
from partsemble_core.domain.products import clean_text, sku_key
from partsemble_core.errors import Conflict
from partsemble_core.store.products import get_product_by_sku
from partsemble_core.store.receipts import SupplierPart, get_supplier, supplier_for_update, supplier_parts_of
from partsemble_core.store.session import CompanySession

PART_NUMBER = 100
UNIT = 40


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
                f"{found.code} uses {other.part_number} for another product. Change that one first.",
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
