"""How much of products may be taken: what is on hold or expired is stock, but nobody can build with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from decimal import Decimal

import sqlalchemy as sa

from partsemble_core.domain.lots import LotState
from partsemble_core.store.lots import Lot, StockEntry
from partsemble_core.store.session import CompanySession


def takeable(
    session: CompanySession, product_ids: Collection[int], *, not_expired_on: dt.date | None = None
) -> dict[int, Decimal]:
    """Quantity left in open lots by product, zero where there is none; without those expired on a day, if given."""
    statement = (
        sa.select(Lot.product_id, sa.func.sum(Lot.quantity_left))
        .where(Lot.product_id.in_(product_ids), Lot.state == LotState.OPEN)
        .group_by(Lot.product_id)
    )
    if not_expired_on is not None:
        statement = statement.where(sa.or_(Lot.expires_on.is_(None), Lot.expires_on >= not_expired_on))
    found: dict[int, Decimal] = dict(session.execute(statement).all())
    return {product_id: found.get(product_id, Decimal(0)) for product_id in product_ids}


def held_by_product() -> sa.Select[int, Decimal]:
    """What lots on hold have left: a row a product that has some."""
    return (
        sa.select(Lot.product_id, sa.func.sum(Lot.quantity_left).label("quantity"))
        .where(Lot.state == LotState.HELD)
        .group_by(Lot.product_id)
    )


def is_moved_after(session: CompanySession, product_ids: Collection[int], day: dt.date) -> bool:
    """Whether the ledger of any of the products has a line dated after a day."""
    later = sa.select(StockEntry.id).where(
        StockEntry.company_id == session.company_id,
        StockEntry.product_id.in_(product_ids),
        StockEntry.effective_on > day,
    )
    return bool(session.scalar(sa.select(later.exists())))


def find_lots(session: CompanySession, lot_ids: Collection[int]) -> dict[int, Lot]:
    """Those of the lots that exist in this company, whatever their state."""
    return {lot.id: lot for lot in session.scalars(sa.select(Lot).where(Lot.id.in_(lot_ids)))}
