"""Overseeing: the few figures that tell a company how it stands, and what waits for somebody."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from partsemble_core.domain.boms import BomState
from partsemble_core.domain.exports import Doubt, ExportState
from partsemble_core.domain.fifo import Shortage
from partsemble_core.domain.journals import AccountRole
from partsemble_core.services.mapping import missing_roles
from partsemble_core.services.planning import Buildable, list_buildable, list_overdue, list_shortages
from partsemble_core.store.base import Millionths
from partsemble_core.store.boms import BomVersion
from partsemble_core.store.builds import Build
from partsemble_core.store.connections import Connection, find_live
from partsemble_core.store.exports import Export
from partsemble_core.store.lots import Lot
from partsemble_core.store.products import Product, StockBalance
from partsemble_core.store.receipts import Receipt
from partsemble_core.store.session import CompanySession

SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class LowStock:
    product: Product
    stock: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """``exports`` counts by state; the lists hold the first few of what needs attention, most urgent first."""

    stock_value: Decimal
    products: int
    open_lots: int
    receipts: int
    builds: int
    boms: int
    exports: dict[ExportState, int]
    stuck_exports: Sequence[Export]
    low_stock: Sequence[LowStock]
    buildable: Sequence[Buildable]
    """Those of which any can be built now, by SKU."""
    shortages: Sequence[tuple[Product, Shortage]]
    overdue: Sequence[Build]
    connection: Connection | None
    missing_accounts: Sequence[AccountRole]
    latest_builds: Sequence[tuple[Build, Product]]


def oversee(session: CompanySession, *, today: dt.date) -> Overview:
    """How the company stands ``today``, in a constant number of statements."""
    connection = find_live(session)
    return Overview(
        stock_value=_stock_value(session),
        products=_count(session, sa.select(sa.func.count(Product.id)).where(Product.is_active)),
        open_lots=_count(session, sa.select(sa.func.count(Lot.id)).where(Lot.quantity_left > 0)),
        receipts=_count(session, sa.select(sa.func.count(Receipt.id))),
        builds=_count(session, sa.select(sa.func.count(Build.id))),
        boms=_count(session, sa.select(sa.func.count(BomVersion.id)).where(BomVersion.state == BomState.ACTIVE)),
        exports=_exports_by_state(session),
        stuck_exports=_stuck_exports(session),
        low_stock=_low_stock(session),
        buildable=[each for each in list_buildable(session, today=today) if each.quantity][:SHOWN],
        shortages=list_shortages(session, today=today)[:SHOWN],
        overdue=list_overdue(session, today=today)[:SHOWN],
        connection=connection,
        missing_accounts=missing_roles(session, connection.id) if connection else (),
        latest_builds=_latest_builds(session),
    )


def _stock_value(session: CompanySession) -> Decimal:
    total = sa.type_coerce(sa.func.coalesce(sa.func.sum(StockBalance.value), 0), Millionths())
    return session.scalars(sa.select(total)).one()


def _count(session: CompanySession, statement: sa.Select[int]) -> int:
    return session.scalar(statement) or 0


def _exports_by_state(session: CompanySession) -> dict[ExportState, int]:
    rows = session.execute(sa.select(Export.state, sa.func.count(Export.id)).group_by(Export.state))
    return {ExportState(state): count for state, count in rows}


def _stuck_exports(session: CompanySession) -> Sequence[Export]:
    """Those that wait for a person first, then those whose outcome is being looked up."""
    in_doubt = sa.and_(Export.state == ExportState.UNKNOWN, Export.doubt != Doubt.NONE)
    return session.scalars(
        sa.select(Export)
        .where(sa.or_(Export.state == ExportState.REVIEW, in_doubt))
        .order_by(Export.state == ExportState.UNKNOWN, Export.id)
        .limit(SHOWN)
    ).all()


def _low_stock(session: CompanySession) -> Sequence[LowStock]:
    """Active products at or below their reorder point (N12), the emptiest first."""
    balance = sa.and_(StockBalance.product_id == Product.id, StockBalance.company_id == Product.company_id)
    stock = sa.func.coalesce(StockBalance.quantity, sa.literal(Decimal(0), Millionths()))
    rows = session.execute(
        sa.select(Product, stock)
        .outerjoin(StockBalance, balance)
        .where(Product.is_active, Product.reorder_point > 0, stock <= Product.reorder_point)
        .order_by(stock, Product.sku_key)
        .limit(SHOWN)
    )
    return [LowStock(product=product, stock=quantity) for product, quantity in rows]


def _latest_builds(session: CompanySession) -> Sequence[tuple[Build, Product]]:
    rows = session.execute(
        sa.select(Build, Product)
        .join(Product, sa.and_(Product.id == Build.product_id, Product.company_id == Build.company_id))
        .where(Build.executed_at.is_not(None))
        .order_by(Build.id.desc())
        .limit(SHOWN)
    )
    return [(build, product) for build, product in rows]
