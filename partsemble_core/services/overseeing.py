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
from partsemble_core.services.beginning import was_executed, was_received
from partsemble_core.services.mapping import missing_roles
from partsemble_core.services.planning import Buildable, buildable_of, list_overdue, list_shortages
from partsemble_core.services.replenishing import ReorderAlert, first_reorder_alerts
from partsemble_core.store.base import Millionths
from partsemble_core.store.boms import BomLine, BomVersion, active_boms
from partsemble_core.store.builds import Build
from partsemble_core.store.connections import Connection, find_live
from partsemble_core.store.exports import Export
from partsemble_core.store.lots import Lot, holds_something
from partsemble_core.store.products import Product, StockBalance
from partsemble_core.store.receipts import Receipt
from partsemble_core.store.session import CompanySession

SHOWN = 5
AT_ONCE = 20
"""Made products that are looked at for what can be built, before the next ones are."""
ONE = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """``exports`` counts by state; the lists hold the first few of what needs attention, most urgent first."""

    stock_value: Decimal
    products: int
    open_lots: int
    receipts: int
    """Without drafts."""
    builds: int
    executed_builds: int
    boms: int
    exports: dict[ExportState, int]
    stuck_exports: Sequence[Export]
    low_stock: Sequence[ReorderAlert]
    low_stock_count: int
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
    builds, executed = session.execute(
        sa.select(sa.func.count(Build.id), sa.func.count(Build.id).filter(was_executed()))
    ).one()
    low_stock, low_stock_count = first_reorder_alerts(session, most=SHOWN, emptiest=True)
    return Overview(
        stock_value=_stock_value(session),
        products=_count(session, sa.select(sa.func.count(Product.id)).where(Product.is_active)),
        open_lots=_count(session, sa.select(sa.func.count(Lot.id)).where(holds_something())),
        receipts=_count(session, sa.select(sa.func.count(Receipt.id)).where(was_received())),
        builds=builds,
        executed_builds=executed,
        boms=_count(session, sa.select(sa.func.count(BomVersion.id)).where(BomVersion.state == BomState.ACTIVE)),
        exports=_exports_by_state(session),
        stuck_exports=_stuck_exports(session),
        low_stock=low_stock,
        low_stock_count=low_stock_count,
        buildable=_first_buildable(session, today=today),
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
    """Those that wait for a person first, then those that are being checked."""
    in_doubt = sa.and_(Export.state == ExportState.UNKNOWN, Export.doubt != Doubt.NONE)
    return session.scalars(
        sa.select(Export)
        .where(sa.or_(Export.state == ExportState.REVIEW, in_doubt))
        .order_by(Export.state == ExportState.UNKNOWN, Export.id)
        .limit(SHOWN)
    ).all()


def _first_buildable(session: CompanySession, *, today: dt.date) -> list[Buildable]:
    """The first few of which any can be built. Products are looked at in the order of their SKUs until those are found,
    without those that lack a part altogether: whoever has thousands of BOMs doesn't wait for all of them."""
    made = (
        sa.select(Product.id, Product.sku_key)
        .join(BomVersion, sa.and_(BomVersion.product_id == Product.id, BomVersion.company_id == Product.company_id))
        .where(BomVersion.state == BomState.ACTIVE, Product.is_active, ~_lacks_a_part())
        .order_by(Product.sku_key)
        .limit(AT_ONCE)
    )
    found: list[Buildable] = []
    rows = session.execute(made).all()
    while rows and len(found) < SHOWN:
        recipes = active_boms(session, [row.id for row in rows])
        found += [each for each in buildable_of(session, recipes, today=today) if each.quantity]
        if len(rows) < AT_ONCE:
            break
        rows = session.execute(made.where(Product.sku_key > rows[-1].sku_key)).all()
    return found[:SHOWN]


def _lacks_a_part() -> sa.ColumnElement[bool]:
    """Whether there is plainly too little of a required part for one unit. What is left is counted exactly."""
    is_there = (
        sa.select(StockBalance.id)
        .where(
            StockBalance.company_id == BomLine.company_id,
            StockBalance.product_id == BomLine.product_id,
            StockBalance.quantity > 0,
            sa.or_(BomVersion.output_quantity != ONE, StockBalance.quantity >= BomLine.quantity),
        )
        .correlate(BomLine, BomVersion)
        .exists()
    )
    mine = BomLine.company_id == BomVersion.company_id, BomLine.bom_id == BomVersion.id
    return sa.select(BomLine.id).where(*mine, BomLine.is_optional.is_(False), ~is_there).exists()


def _latest_builds(session: CompanySession) -> Sequence[tuple[Build, Product]]:
    rows = session.execute(
        sa.select(Build, Product)
        .join(Product, sa.and_(Product.id == Build.product_id, Product.company_id == Build.company_id))
        .where(Build.executed_at.is_not(None))
        .order_by(Build.id.desc())
        .limit(SHOWN)
    )
    return [(build, product) for build, product in rows]
