"""Executing: one path from a recipe and the lots there are to what a build takes, costs and makes.

A preview walks it without locks and writes nothing; an execution walks it with the gates and lots held, then writes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from partsemble_core.domain.amounts import add, parse_quantity
from partsemble_core.domain.boms import Bom
from partsemble_core.domain.builds import BuildState, Costing, Step, cost_with_subassemblies
from partsemble_core.domain.fifo import Choice, DrawOrder, StockShort, Terms, after
from partsemble_core.domain.lots import LotState, OpenLot, first_free
from partsemble_core.domain.planning import reserved
from partsemble_core.errors import Invalid, Refused, say, word
from partsemble_core.services.acting import Act
from partsemble_core.services.exporting import queue_build
from partsemble_core.services.lacking import with_held, withheld_of
from partsemble_core.services.telling import tell_build, tell_low_stock
from partsemble_core.store import boms
from partsemble_core.store.availability import find_lots, is_moved_after
from partsemble_core.store.builds import Build, insert_cost_lines, insert_lines, planned_needs
from partsemble_core.store.companies import CompanyOptions, next_number, options_of
from partsemble_core.store.histories import least_left_from
from partsemble_core.store.lots import (
    DocumentKind,
    Lot,
    gates_for_update,
    move_gates,
    numbers_taken,
    open_lots_for_update,
    record_draws,
    record_entries,
    take,
)
from partsemble_core.store.products import Product, StockBalance, balances_of, names_of, products_by_id
from partsemble_core.store.session import CompanySession

Picked = Mapping[int, Sequence[tuple[int, object]]]
"""Lots picked by hand: line, counted from 0, → (lot id, quantity as typed)."""


class ReviewFirst(Refused):
    """A sub-assembly would have to pass its own quality review before it can be built in."""

    code = "review-first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be built: a quantity by a recipe on a day, from lots picked by hand where there are any.

    ``planned`` is its document if it has one already; with ``subassemblies`` what is short of them is built first.
    """

    product: Product
    bom_id: int
    bom: Bom
    quantity: Decimal
    built_on: dt.date | None
    picked: Picked = field(default_factory=dict)
    subassemblies: bool = False
    planned: Build | None = None
    notes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipes:
    """What an order and the sub-assemblies below it are made by: BOMs and their version ids, by product."""

    boms: dict[int, Bom]
    version_ids: dict[int, int]
    component_ids: frozenset[int]


def recipes_for(session: CompanySession, order: Order) -> Recipes:
    """The sub-assemblies' active BOMs, if they may be built; what the product itself is made by is the order's."""
    own = {line.product_id for line in order.bom.components}
    versions = boms.active_below(session, own) if order.subassemblies else {}
    versions.pop(order.product.id, None)
    loaded = boms.load(session, list(versions.values())) if versions else {}
    below = {product_id: loaded[version.id] for product_id, version in versions.items()}
    components = own.union(*({line.product_id for line in bom.components} for bom in below.values()))
    return Recipes(
        boms=below,
        version_ids={i: version.id for i, version in versions.items()} | {order.product.id: order.bom_id},
        component_ids=frozenset(components),
    )


def cost_order(
    session: CompanySession, order: Order, recipes: Recipes, lots: Sequence[OpenLot], *, options: CompanyOptions
) -> tuple[Step, ...]:
    """The builds that the order comes to, itself last, with everything they draw and cost.

    Raises Invalid for amounts that can't be kept and lots that can't be taken.
    """
    there = _there_on(session, lots, order.built_on, block_expired=options.block_expired)
    others = planned_needs(session, before=order.planned) if options.reserve_stock else []
    terms = Terms(
        order=DrawOrder(options.draw_order),
        chosen=_chosen(session, order, there),
        reserved=reserved(others),
    )
    built_on = order.built_on or max((lot.received_on for lot in there), default=dt.date.min)
    return cost_with_subassemblies(order.bom, order.quantity, there, recipes.boms, built_on=built_on, terms=terms)


def execute(session: CompanySession, act: Act, order: Order) -> Build:
    """Takes, makes and queues everything that the order comes to, in the transaction that is open; its build is handed
    back. Gates of all products are locked first, in product order, then all lots, so that no two can wait in a ring.

    Raises StockShort listing every shortage of bought goods at once, ReviewFirst, Invalid, AccountNotSet.
    """
    options = options_of(session)
    recipes = recipes_for(session, order)
    gates = gates_for_update(session, {order.product.id, *recipes.boms, *recipes.component_ids})
    lots = open_lots_for_update(session, recipes.component_ids)
    steps = cost_order(session, order, recipes, lots, options=options)
    products = products_by_id(session, gates.keys())
    check_steps_active(steps, products)
    if steps[-1].costing.shortages:
        short = with_held(session, steps[-1].costing.shortages)
        whys = withheld_of(session, short, order.built_on, today=act.today, options=options)
        raise StockShort(short, names_of(products.values()), whys)
    if options.qa_review:
        _refuse_unreviewed(steps, products)
    builds = _write(session, act, order, steps, recipes, lots=lots, gates=gates, is_reviewed=options.qa_review)
    if not options.qa_review:
        for build, step in zip(builds, steps, strict=True):
            made = products[build.product_id]
            queue_build(session, act, build, product=made, costing=step.costing, components=products)
            tell_build(session, act, build, product=made)
    tell_low_stock(session, act)
    return builds[-1]


def check_steps_active(steps: Sequence[Step], products: Mapping[int, Product]) -> None:
    """Nothing is built of or into what was deactivated meanwhile. Raises Invalid naming the line."""
    product = products[steps[-1].bom.product_id]
    if not product.is_active:
        raise Invalid("product_id", say("{sku} is inactive. Activate it before building it.", sku=product.sku))
    for step in reversed(steps):
        check_components_active(step.bom, products)


def check_components_active(bom: Bom, products: Mapping[int, Product]) -> None:
    """Raises Invalid naming the line."""
    for i, line in enumerate(bom.components):
        if not products[line.product_id].is_active:
            sku = products[line.product_id].sku
            raise Invalid(
                f"components[{i}].sku", say("{sku} is inactive. Activate it, or use another component.", sku=sku)
            )


def insert_build(
    session: CompanySession, act: Act, *, bom_id: int, bom: Bom, costing: Costing, planning: Mapping[str, object]
) -> Build:
    """A new document in state planned with the snapshot of its lines. ``planning`` are columns that differ."""
    number = next_number(session, "build")
    columns: dict[str, object] = {
        "notes": "",
        "target_on": None,
        "assignee": "",
        "priority": 0,
        "is_automatic": False,
        **planning,
    }
    nothing = Decimal(0)
    build = Build(
        number=number,
        reference=f"PSB-{number:06d}",
        product_id=bom.product_id,
        bom_id=bom_id,
        quantity=costing.quantity,
        state=BuildState.PLANNED,
        components_cost=nothing,
        added_cost=nothing,
        waste_cost=nothing,
        output_quantity=bom.output_quantity,
        is_modified=False,
        planned_at=act.at,
        planned_by=act.by,
        executed_by="",
        reviewed_by="",
        review_note="",
        reject_reason="",
        recovery="",
        **columns,
    )
    session.add(build)
    session.flush()
    insert_lines(session, build.id, bom, costing.needs)
    insert_cost_lines(session, build.id, costing.costs)
    return build


def open_output(session: CompanySession, act: Act, build: Build, cost: Decimal, *, on: dt.date) -> int:
    """The lot that a build makes, with its ledger entry; the gate is the caller's to move."""
    taken = numbers_taken(session, [build.product_id], build.reference)[build.product_id]
    number = first_free(build.reference, taken)
    row = {
        "product_id": build.product_id,
        "number": number,
        "number_key": number.upper(),
        "received_on": on,
        "quantity_in": build.quantity,
        "cost_in": cost,
        "quantity_left": build.quantity,
        "cost_left": cost,
        "state": LotState.OPEN,
        "hold_reason": "",
        "build_id": build.id,
        "created_at": act.at,
    }
    lot_id = session.insert_all(Lot, [row])[0]
    entry = {"product_id": build.product_id, "lot_id": lot_id, "quantity": build.quantity, "cost": cost}
    record_entries(session, [entry | _document(build)], shared=signed(act, build, on=on))
    return lot_id


def signed(act: Act, build: Build, *, on: dt.date) -> dict[str, object]:
    """What all ledger entries of a build have in common on one day."""
    return {"reference": build.reference, "effective_on": on, "recorded_at": act.at, "recorded_by": act.by}


def _document(build: Build) -> dict[str, object]:
    return {"document_kind": DocumentKind.BUILD, "document_id": build.id}


def _write(
    session: CompanySession,
    act: Act,
    order: Order,
    steps: Sequence[Step],
    recipes: Recipes,
    *,
    lots: Sequence[OpenLot],
    gates: Mapping[int, StockBalance],
    is_reviewed: bool,
) -> list[Build]:
    left = {lot.lot_id: lot for lot in lots}
    real_ids: dict[int, int] = {}
    builds: list[Build] = []
    for step in steps:
        costing = _with_real_lots(step.costing, real_ids)
        is_last = step is steps[-1]
        build = _executed(session, act, order, step, recipes, is_last=is_last)
        _draw(session, act, build, costing, left)
        moves = [(d.product_id, -d.quantity, -d.cost) for d in costing.draws]
        if is_last and is_reviewed:
            build.state = BuildState.PENDING_QA
        else:
            build.state = BuildState.COMPLETED
            on = step.output.received_on
            lot_id = real_ids[step.output.lot_id] = open_output(session, act, build, costing.total, on=on)
            left[lot_id] = replace(step.output, lot_id=lot_id)
            moves.append((build.product_id, build.quantity, costing.total))
        if builds:  # bulk writes pass objects by: the next ones go on from what the last ones wrote
            gates = balances_of(session, gates.keys())
        move_gates(session, gates, moves)
        session.flush()
        builds.append(build)
    return builds


def _executed(session: CompanySession, act: Act, order: Order, step: Step, recipes: Recipes, *, is_last: bool) -> Build:
    """The step's document, its figures filled in: the planned one, or a new one."""
    build = order.planned if is_last else None
    if build is None:
        planning: dict[str, object] = {"notes": order.notes} if is_last else {"notes": f"For {order.product.sku}"}
        build = insert_build(
            session,
            act,
            bom_id=recipes.version_ids[step.bom.product_id],
            bom=step.bom,
            costing=step.costing,
            planning=planning,
        )
    build.components_cost = step.costing.components_cost
    build.added_cost = step.costing.added_cost
    build.built_on = step.output.received_on
    build.executed_at = act.at
    build.executed_by = act.by
    return build


def _draw(session: CompanySession, act: Act, build: Build, costing: Costing, left: dict[int, OpenLot]) -> None:
    """Writes the takings and what is left of their lots, in ``left`` too."""
    touched = [left[lot_id] for lot_id in sorted({d.lot_id for d in costing.draws})]
    rest = after(touched, costing.draws)
    left.update({lot.lot_id: lot for lot in rest})
    if rest:
        take(session, rest)
    on = build.built_on
    if on is None:
        raise ValueError("a build is executed on a day")
    entry = signed(act, build, on=on)
    record_draws(session, costing.draws, entry=entry, kind=DocumentKind.BUILD, document_id=build.id)


def _with_real_lots(costing: Costing, real_ids: Mapping[int, int]) -> Costing:
    if not real_ids:
        return costing
    draws = tuple(replace(d, lot_id=real_ids.get(d.lot_id, d.lot_id)) for d in costing.draws)
    return replace(costing, draws=draws)


def _refuse_unreviewed(steps: Sequence[Step], products: Mapping[int, Product]) -> None:
    if len(steps) > 1:
        names = ", ".join(products[step.bom.product_id].sku for step in steps[:-1])
        raise ReviewFirst(
            say(
                "Quality review is on, so {names} would wait for approval before it can be built in. Build and "
                "approve it first.",
                names=names,
            )
        )


def _there_on(
    session: CompanySession, lots: Sequence[OpenLot], day: dt.date | None, *, block_expired: bool
) -> list[OpenLot]:
    """What can be taken on a day: nothing that arrived later, or came back later; stock would have been negative then.

    A lot is good through the day on which it expires.
    """
    if day is None:
        return list(lots)
    come = [lot for lot in lots if lot.received_on <= day]
    good = [lot for lot in come if not (block_expired and lot.expires_on is not None and lot.expires_on < day)]
    if not is_moved_after(session, {lot.product_id for lot in good}, day):
        return good
    least = least_left_from(session, [lot.lot_id for lot in good], day)
    return [lot for lot in (_at_most(lot, least[lot.lot_id]) for lot in good) if lot.quantity_free]


def _at_most(lot: OpenLot, quantity: Decimal) -> OpenLot:
    """What is withheld takes no part in the cost of what isn't: a share is of the whole lot, rounded once."""
    free = min(max(quantity, Decimal(0)), lot.quantity_left)
    return replace(lot, withheld=add([lot.quantity_left, -free]))


def _chosen(session: CompanySession, order: Order, there: Collection[OpenLot]) -> dict[int, tuple[Choice, ...]]:
    chosen = {
        line: tuple(
            Choice(lot_id=lot_id, quantity=parse_quantity(quantity, field=f"lots[{line}]"))
            for lot_id, quantity in picks
        )
        for line, picks in order.picked.items()
        if picks
    }
    ids = {lot.lot_id for lot in there}
    missing = {choice.lot_id: line for line, picks in chosen.items() for choice in picks if choice.lot_id not in ids}
    if missing:
        _explain(session, missing)
    return chosen


def _explain(session: CompanySession, lines: Mapping[int, int]) -> None:
    """Raises Invalid saying why the first of the lots (id → line) can't be taken."""
    found = find_lots(session, lines.keys())
    lot_id, line = next(iter(lines.items()))
    lot = found.get(lot_id)
    if lot is None:
        raise Invalid(
            f"lots[{line}]", say("There is no lot {lot_id}. Choose an open lot of the component.", lot_id=lot_id)
        )
    reasons = {
        LotState.HELD: say("is on hold: {hold_reason}", hold_reason=lot.hold_reason),
        LotState.EXHAUSTED: "is used up",
        LotState.REVERSED: "was reversed",
    }
    why = reasons.get(LotState(lot.state), "isn't of this component, or couldn't be taken on that day")
    raise Invalid(f"lots[{line}]", say("Lot {number} {why}. Choose another lot.", number=lot.number, why=word(why)))
