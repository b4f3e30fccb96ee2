"""Replenishing: what is at or below its reorder point, and so should be bought."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from partsemble_core.store.base import Millionths
from partsemble_core.store.products import Product, StockBalance
from partsemble_core.store.session import CompanySession

STOCK: sa.ColumnElement[Decimal] = sa.func.coalesce(StockBalance.quantity, sa.literal(Decimal(0), Millionths()))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReorderAlert:
    product: Product
    stock: Decimal


def list_reorder_alerts(session: CompanySession) -> list[ReorderAlert]:
    """Active products at or below their reorder point (N12), by SKU."""
    found = session.execute(_low().order_by(Product.sku_key))
    return [ReorderAlert(product=product, stock=stock) for product, stock in found]


def first_reorder_alerts(
    session: CompanySession, *, most: int, emptiest: bool = False
) -> tuple[list[ReorderAlert], int]:
    """The first ``most`` of them, by SKU or the ``emptiest`` first, and how many there are in all. One statement."""
    order = (STOCK, Product.sku_key) if emptiest else (Product.sku_key,)
    rows = session.execute(_low().add_columns(sa.func.count().over()).order_by(*order).limit(most)).all()
    return [ReorderAlert(product=row[0], stock=row[1]) for row in rows], rows[0][2] if rows else 0


def _low() -> sa.Select[Product, Decimal]:
    balance = sa.and_(StockBalance.product_id == Product.id, StockBalance.company_id == Product.company_id)
    return (
        sa.select(Product, STOCK)
        .outerjoin(StockBalance, balance)
        .where(Product.is_active, Product.reorder_point > 0, Product.reorder_point >= STOCK)
    )
