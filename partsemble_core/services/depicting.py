"""Depicting: a product's stock over time, what builds made of it last, and what planned builds need of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from partsemble_core.domain.amounts import add
from partsemble_core.domain.builds import BuildState
from partsemble_core.store.builds import Build, BuildLine
from partsemble_core.store.lots import StockEntry
from partsemble_core.store.products import Product, get_product
from partsemble_core.store.session import CompanySession

YEAR = 365
NONE = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class StockDay:
    """Quantity and value at the end of a day."""

    day: dt.date
    quantity: Decimal
    value: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedNeed:
    """What a planned build needs of a product, scrap included. ``made`` is what it makes."""

    build: Build
    made: Product
    quantity: Decimal
    is_optional: bool


def stock_history(session: CompanySession, product_id: int, *, today: dt.date, days: int = YEAR) -> list[StockDay]:
    """Stock at the end of every day on which it moved in the last ``days``, oldest first, by effective day.

    Before them stands the day on which the period begins, if there was a history by then; after them today. Nothing at
    all where nothing ever moved. Raises NotFound.
    """
    get_product(session, product_id)
    begin = today - dt.timedelta(days=days)
    sums = sa.func.sum(StockEntry.quantity), sa.func.sum(StockEntry.cost)
    mine = StockEntry.product_id == product_id
    opening = session.execute(sa.select(*sums).where(mine, StockEntry.effective_on <= begin)).one()
    moved = session.execute(
        sa.select(StockEntry.effective_on, *sums)
        .where(mine, StockEntry.effective_on > begin)
        .group_by(StockEntry.effective_on)
        .order_by(StockEntry.effective_on)
    ).all()
    history = []
    quantity, value = opening[0] or NONE, opening[1] or NONE
    if opening[0] is not None:
        history.append(StockDay(day=begin, quantity=quantity, value=value))
    for day, more, cost in moved:
        quantity, value = add([quantity, more]), add([value, cost])
        history.append(StockDay(day=day, quantity=quantity, value=value))
    if history and history[-1].day < today:
        history.append(StockDay(day=today, quantity=quantity, value=value))
    return history


def planned_needs_of(session: CompanySession, product_id: int, *, most: int | None = None) -> list[PlannedNeed]:
    """What planned builds need of a product, in the order in which stock serves them. Raises NotFound."""
    get_product(session, product_id)
    rows = session.execute(
        sa.select(Build, BuildLine, Product)
        .join(Build, sa.and_(Build.id == BuildLine.build_id, Build.company_id == BuildLine.company_id))
        .join(Product, sa.and_(Product.id == Build.product_id, Product.company_id == Build.company_id))
        .where(BuildLine.product_id == product_id, Build.state == BuildState.PLANNED)
        .order_by(Build.priority, Build.id, BuildLine.position)
        .limit(most)
    )
    return [
        PlannedNeed(build=build, made=made, quantity=line.quantity_needed, is_optional=line.is_optional)
        for build, line, made in rows
    ]


def latest_builds(session: CompanySession, product_id: int, *, most: int = 5) -> Sequence[Build]:
    """The builds of a product, newest first."""
    return session.scalars(
        sa.select(Build).where(Build.product_id == product_id).order_by(Build.id.desc()).limit(most)
    ).all()
