"""Building: components leave their lots, one lot of the product comes in at exactly their cost."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from partsemble_core.domain.amounts import parse_quantity
from partsemble_core.domain.boms import Bom, ComponentLine
from partsemble_core.domain.builds import BuildState, Costing, Step
from partsemble_core.domain.lots import OpenLot
from partsemble_core.domain.products import clean_text
from partsemble_core.errors import Refused, WrongState, say
from partsemble_core.services.acting import Act, parse_day
from partsemble_core.services.closing import check_day_is_open
from partsemble_core.services.executing import Order, Picked, check_steps_active, cost_order, execute, recipes_for
from partsemble_core.services.lacking import with_held
from partsemble_core.services.noticing import clock_of, find_last_change, subject_of
from partsemble_core.store import boms
from partsemble_core.store.boms import BomVersion
from partsemble_core.store.builds import Build, BuildLine, build_for_update, get_build, lines_of
from partsemble_core.store.companies import options_of
from partsemble_core.store.lots import open_lots
from partsemble_core.store.products import Product, get_product, products_by_id
from partsemble_core.store.session import CompanySession

BUILT_FIRST = "built first"
"""Stands for the number of a lot that doesn't exist yet: a sub-assembly's, in a preview."""


class NoActiveBom(Refused):
    """The product can't be built: it has no active BOM."""

    code = "no-active-bom"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a build would take and cost right now; nothing is written. ``lots`` are those drawn from, by id.

    ``first`` are the builds of sub-assemblies that come before it, deepest first, where that was asked for.
    """

    product: Product
    version: BomVersion
    costing: Costing
    lots: dict[int, OpenLot]
    products: dict[int, Product]
    first: tuple[Step, ...] = ()


def preview_build(
    session: CompanySession,
    *,
    product_id: int,
    quantity: object,
    built_on: dt.date | None = None,
    lots: Picked | None = None,
    build_subassemblies: bool = False,
) -> Preview:
    """The lots that would be taken, with cost, and every shortage. Executing right after gives the same figures.

    Without ``built_on`` every open lot counts, whenever it came and expires. Raises Invalid, NotFound, NoActiveBom.
    """
    amount = parse_quantity(quantity)
    product, version, bom = recipe_of(session, product_id)
    order = Order(
        product=product,
        bom_id=version.id,
        bom=bom,
        quantity=amount,
        built_on=built_on,
        picked=lots or {},
        subassemblies=build_subassemblies,
    )
    return _preview(session, order, version)


def preview_planned(
    session: CompanySession,
    build_id: int,
    *,
    built_on: dt.date | None = None,
    lots: Picked | None = None,
    build_subassemblies: bool = False,
) -> Preview:
    """The same for a planned build, by its own lines; with reservation, what builds of higher priority need is theirs.

    Raises WrongState for a build that isn't planned, NotFound, Invalid.
    """
    build = get_build(session, build_id)
    order = _planned_order(session, build, built_on=built_on, lots=lots or {}, build_subassemblies=build_subassemblies)
    return _preview(session, order, boms.get_version(session, build.bom_id))


def build_now(
    session: CompanySession,
    act: Act,
    *,
    product_id: int,
    quantity: object,
    built_on: object = None,
    notes: object = "",
    lots: Picked | None = None,
    build_subassemblies: bool = False,
) -> Build:
    """Plans and executes a build at once, in one transaction: draws, output lot, ledger, export.

    ``lots`` picks lots by hand: line, counted from 0, → (lot id, quantity), for all of the line. With
    ``build_subassemblies`` what is short of them is built first, exactly, each as its own build. Under quality review
    the build waits for it, without output lot or export. Raises StockShort listing every shortage, Invalid,
    NotFound, NoActiveBom, PeriodLocked, AccountNotSet, ReviewFirst; then nothing has happened.
    """
    amount = parse_quantity(quantity)
    day = parse_day(built_on, field="built_on", today=act.today)
    note = clean_text(notes, field="notes", length=2000, required=False, many_lines=True)
    check_day_is_open(session, day, field="built_on")
    product, version, bom = recipe_of(session, product_id)
    order = Order(
        product=product,
        bom_id=version.id,
        bom=bom,
        quantity=amount,
        built_on=day,
        picked=lots or {},
        subassemblies=build_subassemblies,
        notes=note,
    )
    return execute(session, act, order)


def execute_planned(
    session: CompanySession,
    act: Act,
    build_id: int,
    *,
    built_on: object = None,
    lots: Picked | None = None,
    build_subassemblies: bool = False,
) -> Build:
    """Executes a planned build by its own lines, under the number that it was planned with. See `build_now`.

    Raises WrongState for a build that isn't planned any more.
    """
    day = parse_day(built_on, field="built_on", today=act.today)
    check_day_is_open(session, day, field="built_on")
    build = build_for_update(session, build_id)
    order = _planned_order(session, build, built_on=day, lots=lots or {}, build_subassemblies=build_subassemblies)
    return execute(session, act, order)


def recipe_of(session: CompanySession, product_id: int) -> tuple[Product, BomVersion, Bom]:
    """What a product is made by. Raises NotFound, NoActiveBom."""
    product = get_product(session, product_id)
    version = boms.find_active(session, product_id)
    if version is None:
        raise NoActiveBom(say("{sku} has no active BOM. Save one first, then build.", sku=product.sku))
    return product, version, boms.load(session, [version])[version.id]


def planned_bom(session: CompanySession, build: Build) -> Bom:
    """The snapshot that a build goes by: its own component lines, and the cost lines of its BOM version."""
    version = boms.get_version(session, build.bom_id)
    return Bom(
        product_id=build.product_id,
        components=tuple(_component(line) for line in lines_of(session, build.id)),
        cost_lines=boms.load(session, [version])[version.id].cost_lines,
        output_quantity=build.output_quantity,
    )


def must_be_planned(session: CompanySession, build: Build) -> None:
    """Raises WrongState for a build that was executed or cancelled, saying by whom and when."""
    if build.state == BuildState.PLANNED:
        return
    if build.state == BuildState.CANCELLED:
        last = find_last_change(session, subject_of(Build, build.id))
        raise WrongState(
            say(
                "{reference} was cancelled by {by} on {at}. Plan a new build if you still need it.",
                reference=build.reference,
                by=last.by if last else "somebody",
                at=clock_of(session, last.at if last else None),
            )
        )
    raise WrongState(
        say(
            "{reference} was executed by {by} on {at}. Plan a new build if you need another one.",
            reference=build.reference,
            by=build.executed_by,
            at=clock_of(session, build.executed_at),
        )
    )


def _planned_order(
    session: CompanySession, build: Build, *, built_on: dt.date | None, lots: Picked, build_subassemblies: bool
) -> Order:
    must_be_planned(session, build)
    return Order(
        product=get_product(session, build.product_id),
        bom_id=build.bom_id,
        bom=planned_bom(session, build),
        quantity=build.quantity,
        built_on=built_on,
        picked=lots,
        subassemblies=build_subassemblies,
        planned=build,
    )


def _preview(session: CompanySession, order: Order, version: BomVersion) -> Preview:
    recipes = recipes_for(session, order)
    lots = open_lots(session, recipes.component_ids)
    *first, last = cost_order(session, order, recipes, lots, options=options_of(session))
    products = products_by_id(session, {order.product.id, *recipes.component_ids})
    check_steps_active([*first, last], products)
    known = {lot.lot_id: lot for lot in lots}
    known |= {step.output.lot_id: replace(step.output, number=BUILT_FIRST) for step in first}
    drawn = {d.lot_id for step in (*first, last) for d in step.costing.draws}
    return Preview(
        product=order.product,
        version=version,
        costing=replace(last.costing, shortages=with_held(session, last.costing.shortages)),
        lots={lot_id: lot for lot_id, lot in known.items() if lot_id in drawn},
        products=products,
        first=tuple(first),
    )


def _component(line: BuildLine) -> ComponentLine:
    return ComponentLine(
        product_id=line.product_id,
        quantity=line.quantity_per_output,
        scrap_percent=line.scrap_percent,
        optional=line.is_optional,
    )
