"""Planning: builds that are yet to be executed, what they lack, and what should be built or bought next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import sqlalchemy as sa

from partsemble_core.domain.amounts import parse_quantity
from partsemble_core.domain.boms import Bom, BomState, ComponentLine, check_bom, costs_of, needs_of
from partsemble_core.domain.builds import BuildState, Costing
from partsemble_core.domain.fifo import Shortage
from partsemble_core.domain.planning import (
    BuildAlert,
    Suggestion,
    buildable_with_reservation,
    short_over_all,
    suggest,
)
from partsemble_core.domain.products import clean_text
from partsemble_core.errors import Conflict, Invalid, say
from partsemble_core.services.acting import Act, parse_iso_day
from partsemble_core.services.building import must_be_planned, planned_bom, recipe_of
from partsemble_core.services.cataloguing import ComponentInput, check_bom_nesting, read_components
from partsemble_core.services.executing import check_components_active, insert_build
from partsemble_core.store import boms
from partsemble_core.store.availability import takeable
from partsemble_core.store.boms import BomVersion
from partsemble_core.store.builds import (
    Build,
    build_for_update,
    drop_lines,
    get_build,
    hold_planning,
    insert_cost_lines,
    insert_lines,
    planned_builds,
    planned_builds_for_update,
    planned_needs,
    quantities_coming,
    with_what_is_coming,
)
from partsemble_core.store.companies import next_number, options_of
from partsemble_core.store.products import Product, balances_of, get_product, products_by_id
from partsemble_core.store.session import CompanySession

NOTES = 2_000
ORDERED = "planning-order"
"""Counts how often the order was changed: for pages that show it, since it is nothing that the log tells."""
PERSON = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedView:
    """A planned build with its own lines. ``newer`` is the active BOM version, where that isn't the one it is by."""

    build: Build
    product: Product
    bom: Bom
    products: dict[int, Product]
    version: BomVersion
    newer: BomVersion | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSuggestion:
    """A product at or near its build point: what there is, what is coming, and what to build."""

    product: Product
    stock: Decimal
    coming: Decimal
    suggestion: Suggestion


@dataclass(frozen=True, slots=True, kw_only=True)
class Buildable:
    """A product and how many of it can be built now; ``quantity`` None: nothing limits it."""

    product: Product
    quantity: Decimal | None


def plan_build(
    session: CompanySession,
    act: Act,
    *,
    product_id: int,
    quantity: object,
    target_on: object = None,
    assignee: object = "",
    notes: object = "",
) -> Build:
    """A planned build with a number of its own and a snapshot of the active BOM; it moves no stock.

    Raises Invalid (also for an inactive product), NotFound, NoActiveBom.
    """
    amount = parse_quantity(quantity)
    planning: dict[str, object] = {
        "target_on": _day(target_on),
        "assignee": clean_text(assignee, field="assignee", length=PERSON, required=False),
        "notes": clean_text(notes, field="notes", length=NOTES, required=False),
    }
    return _plan(session, act, product_id, amount, planning)


def edit_planned(
    session: CompanySession,
    act: Act,
    build_id: int,
    *,
    quantity: object = None,
    components: Sequence[ComponentInput] | None = None,
    target_on: object = None,
    assignee: object = None,
    notes: object = None,
) -> Build:
    """Changes what is given of a planned build. ``components`` replaces all lines, an empty ``target_on`` clears it.

    Lines that differ from its BOM version's make it *modified*, the same again don't. What the planner planned becomes
    the person's by a new quantity or new lines. Raises Invalid, BomCycle, WrongState once it was executed, NotFound.
    """
    build = build_for_update(session, build_id)
    must_be_planned(session, build)
    if target_on is not None:
        build.target_on = _day(target_on)
    if assignee is not None:
        build.assignee = clean_text(assignee, field="assignee", length=PERSON, required=False)
    if notes is not None:
        build.notes = clean_text(notes, field="notes", length=NOTES, required=False)
    bom = planned_bom(session, build)
    if components is not None:
        bom = _with_components(bom, read_components(session, components))
        check_bom_nesting(session, bom)
        session.watch.tell(build, "components")
    if quantity is not None or components is not None:
        build.is_automatic = False
        _set_content(session, build, bom, parse_quantity(quantity) if quantity is not None else build.quantity)
    session.flush()
    return build


def refresh_to_active_bom(session: CompanySession, act: Act, build_id: int) -> Build:
    """Goes by the product's active BOM version from now on; edited lines are given up.

    Raises WrongState, NoActiveBom, NotFound.
    """
    build = build_for_update(session, build_id)
    must_be_planned(session, build)
    _product, version, bom = recipe_of(session, build.product_id)
    build.bom_id = version.id
    build.output_quantity = bom.output_quantity
    session.watch.tell(build, "BOM version")
    _set_content(session, build, bom, build.quantity)
    session.flush()
    return build


def reorder(session: CompanySession, act: Act, build_ids: Sequence[int]) -> list[Build]:
    """Puts planned builds in the order given, before all others, which keep theirs. The first is served first.

    Raises Invalid for a build named twice, Conflict for one that isn't planned any more.
    """
    if len(set(build_ids)) != len(build_ids):
        raise Invalid("build_ids", "A build is named twice. Name each one once.")
    hold_planning(session)
    planned = {build.id: build for build in planned_builds_for_update(session)}
    for build_id in build_ids:
        if build_id not in planned:
            reference = get_build(session, build_id).reference
            raise Conflict(
                say("{reference} isn't planned any more. Load the list again.", reference=reference), field="build_ids"
            )
    ordered = [*(planned[i] for i in build_ids), *(b for i, b in planned.items() if i not in set(build_ids))]
    for priority, build in enumerate(ordered, start=1):
        build.priority = priority
    next_number(session, ORDERED)
    session.flush()
    return ordered


def cancel_planned(session: CompanySession, act: Act, build_id: int) -> Build:
    """Gives a planned build up. It keeps its row, so that numbers have no gap. Raises WrongState, NotFound."""
    build = build_for_update(session, build_id)
    must_be_planned(session, build)
    build.state = BuildState.CANCELLED
    session.flush()
    return build


def view_planned(session: CompanySession, build_id: int) -> PlannedView:
    """Raises WrongState for a build that isn't planned, NotFound."""
    build = get_build(session, build_id)
    must_be_planned(session, build)
    bom = planned_bom(session, build)
    active = boms.find_active(session, build.product_id)
    return PlannedView(
        build=build,
        product=get_product(session, build.product_id),
        bom=bom,
        products=products_by_id(session, {line.product_id for line in bom.components}),
        version=boms.get_version(session, build.bom_id),
        newer=active if active is not None and active.id != build.bom_id else None,
    )


def list_planned(session: CompanySession) -> Sequence[Build]:
    """In order of priority: the first is served first."""
    return planned_builds(session)


def list_overdue(session: CompanySession, *, today: dt.date) -> list[Build]:
    """Planned builds whose target date has passed, the longest overdue first."""
    late = [b for b in planned_builds(session) if b.target_on is not None and b.target_on < today]
    return sorted(late, key=lambda build: (build.target_on or today, build.priority, build.id))


def list_shortages(session: CompanySession, *, today: dt.date) -> list[tuple[Product, Shortage]]:
    """What all planned builds together lack of what can be taken today, by SKU.

    What plans are yet to make doesn't count as being there: each made part that isn't in stock is listed, with what is
    ``coming`` of it, so that nobody plans or orders it twice, and what is ``held``.
    """
    needs = planned_needs(session)
    ids = {need.product_id for need in needs}
    expiry = today if options_of(session).block_expired else None
    short = {each.product_id: each for each in short_over_all(needs, takeable(session, ids, not_expired_on=expiry))}
    found = with_what_is_coming(session, short.keys())
    return [(product, replace(short[product.id], coming=coming, held=held)) for product, coming, held in found]


def list_buildable(session: CompanySession, *, today: dt.date) -> list[Buildable]:
    """How many of each active product with a BOM can be built today, each by itself, by SKU: what the product's own
    page says of it (N4), in the same few statements however many there are.
    """
    return buildable_of(session, boms.active_boms(session), today=today)


def buildable_of(session: CompanySession, recipes: Mapping[int, Bom], *, today: dt.date) -> list[Buildable]:
    """The same of some products, by the BOM of each."""
    products = products_by_id(session, recipes.keys())
    options = options_of(session)
    ids = {line.product_id for bom in recipes.values() for line in bom.components}
    there = takeable(session, ids, not_expired_on=today if options.block_expired else None)
    others = planned_needs(session) if options.reserve_stock else []
    found = [
        Buildable(product=products[i], quantity=buildable_with_reservation(bom, there, others))
        for i, bom in recipes.items()
        if products[i].is_active
    ]
    return sorted(found, key=lambda each: each.product.sku_key)


def list_suggestions(session: CompanySession) -> list[BuildSuggestion]:
    """Active products at or near their build point, by SKU (N10, N11).

    What people planned, and what waits for review, counts as if it were there; what the planner planned itself
    doesn't, so that its build is adjusted to the suggestion and never doubled.
    """
    return [s for s in _suggestions(session) if s.suggestion.alert != BuildAlert.NONE]


def sync_automatic(session: CompanySession, act: Act) -> list[Build]:
    """Brings the planner's own builds to what is suggested: at most one a product, made, adjusted, or cancelled.

    Returns those that it made or changed. Doing it again changes nothing.
    """
    hold_planning(session)
    automatic = {b.product_id: b for b in planned_builds_for_update(session) if b.is_automatic}
    changed: list[Build] = []
    wanted: set[int] = set()
    for found in _suggestions(session):
        product, quantity = found.product, found.suggestion.quantity
        build = automatic.get(product.id)
        if not quantity:
            continue
        wanted.add(product.id)
        if build is None:
            changed.append(_plan(session, act, product.id, quantity, {"is_automatic": True}))
        elif build.quantity != quantity:
            _set_content(session, build, planned_bom(session, build), quantity)
            changed.append(build)
    for product_id, build in automatic.items():
        if product_id not in wanted:
            build.state = BuildState.CANCELLED
            changed.append(build)
    session.flush()
    return changed


def _plan(
    session: CompanySession, act: Act, product_id: int, quantity: Decimal, planning: Mapping[str, object]
) -> Build:
    product, version, bom = recipe_of(session, product_id)
    if not product.is_active:
        raise Invalid("product_id", say("{sku} is inactive. Activate it before planning to build it.", sku=product.sku))
    if not planning.get("is_automatic"):
        check_components_active(bom, products_by_id(session, {line.product_id for line in bom.components}))
    last = session.scalar(sa.select(sa.func.max(Build.priority)).where(Build.state == BuildState.PLANNED)) or 0
    content = Costing(quantity=quantity, needs=needs_of(bom, quantity), draws=(), costs=costs_of(bom, quantity))
    return insert_build(
        session, act, bom_id=version.id, bom=bom, costing=content, planning={**planning, "priority": last + 1}
    )


def _set_content(session: CompanySession, build: Build, bom: Bom, quantity: Decimal) -> None:
    """Writes the lines anew for a quantity, and whether they differ from the BOM version's."""
    needs, costs = needs_of(bom, quantity), costs_of(bom, quantity)
    version = boms.load(session, [boms.get_version(session, build.bom_id)])[build.bom_id]
    build.quantity = quantity
    build.is_modified = _plain(bom) != _plain(version)
    drop_lines(session, build.id)
    insert_lines(session, build.id, bom, needs)
    insert_cost_lines(session, build.id, costs)


def _with_components(bom: Bom, components: tuple[ComponentLine, ...]) -> Bom:
    """Raises Invalid where nothing required is left of a build that did require something."""
    if any(not line.optional for line in bom.components) and all(line.optional for line in components):
        raise Invalid(
            "components", "A build needs a component that isn't optional. Keep or add one, or cancel the planned build."
        )
    return check_bom(replace(bom, components=components))


def _plain(bom: Bom) -> list[ComponentLine]:
    """Lines without their places on a board, which a build doesn't keep."""
    return [replace(line, designators=()) for line in bom.components]


def _suggestions(session: CompanySession) -> list[BuildSuggestion]:
    products = session.scalars(
        sa.select(Product)
        .where(Product.is_active, Product.build_point.is_not(None), _has_active_bom())
        .order_by(Product.sku_key)
    ).all()
    stock, coming = _stock(session, products), quantities_coming(session)
    return [
        BuildSuggestion(
            product=product,
            stock=stock[product.id],
            coming=coming.get(product.id, Decimal(0)),
            suggestion=suggest(
                stock=stock[product.id],
                planned=coming.get(product.id, Decimal(0)),
                point=product.build_point,
                target=product.build_target,
            ),
        )
        for product in products
        if product.build_point is not None and product.build_target is not None
    ]


def _has_active_bom() -> sa.ColumnElement[bool]:
    return (
        sa.select(BomVersion.id)
        .where(
            BomVersion.product_id == Product.id,
            BomVersion.company_id == Product.company_id,
            BomVersion.state == BomState.ACTIVE,
        )
        .exists()
    )


def _stock(session: CompanySession, products: Sequence[Product]) -> dict[int, Decimal]:
    balances = balances_of(session, [product.id for product in products])
    return {p.id: balances[p.id].quantity if p.id in balances else Decimal(0) for p in products}


def _day(value: object) -> dt.date | None:
    if value is None or value == "":
        return None
    return value if type(value) is dt.date else parse_iso_day(value, field="target_on")
