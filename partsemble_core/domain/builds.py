"""Builds: components in, one lot out, at exactly the cost that went in; short sub-assemblies first, if wanted."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from partsemble_core.domain.amounts import add, check_limit, unit_cost
from partsemble_core.domain.boms import Bom, BuildCost, costs_of, needs_of, users_first
from partsemble_core.domain.fifo import (
    NOTHING,
    PLAIN,
    Draw,
    Need,
    Shortage,
    Terms,
    after,
    draw_chosen,
    draw_what_is_there,
    free,
    held_by,
)
from partsemble_core.domain.lots import OpenLot
from partsemble_core.errors import Invalid, say

PROVISIONAL = 2**62
"""Lots that don't exist yet are numbered from here on: within their day they come after all that do."""


class BuildState(enum.StrEnum):
    PLANNED = "planned"
    PENDING_QA = "pending_qa"
    COMPLETED = "completed"
    REJECTED = "rejected"
    REVERSED = "reversed"
    CANCELLED = "cancelled"
    """Planned and never executed. It keeps its row, so that build numbers have no gap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costing:
    """What a build takes and costs. Law 3: ``components_cost`` + ``added_cost`` = ``total``, exactly."""

    quantity: Decimal
    needs: tuple[Need, ...]
    draws: tuple[Draw, ...]
    costs: tuple[BuildCost, ...]
    shortages: tuple[Shortage, ...] = ()

    @property
    def components_cost(self) -> Decimal:
        return add([d.cost for d in self.draws])

    @property
    def added_cost(self) -> Decimal:
        return add([c.cost for c in self.costs])

    @property
    def total(self) -> Decimal:
        return add([self.components_cost, self.added_cost])

    @property
    def unit_cost(self) -> Decimal:
        return unit_cost(self.total, self.quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One build of several that belong together. ``output`` is its lot as the later ones find it, numbered by
    PROVISIONAL until it exists."""

    bom: Bom
    costing: Costing
    output: OpenLot


def cost_build(bom: Bom, quantity: Decimal, lots: Sequence[OpenLot], *, terms: Terms = PLAIN) -> Costing:
    """The whole costing of making ``quantity`` from ``lots``: the one path of preview and execution.

    Raises Invalid where it comes to more than can be kept, or lots picked by hand can't be taken.
    """
    needs = needs_of(bom, quantity)
    by_line = {need.line: need for need in needs}
    for line in terms.chosen:
        _line(by_line, line)
    draws, shortages = draw_what_is_there(needs, lots, terms=terms)
    costs = costs_of(bom, quantity)
    costing = Costing(quantity=quantity, needs=needs, draws=draws, costs=costs, shortages=shortages)
    check_limit(costing.total, field="quantity", what="The cost of the build", cure="Build less.")
    check_limit(costing.unit_cost, field="quantity", what="The cost of one unit", cure="Build more at a time.")
    return costing


def cost_with_subassemblies(
    bom: Bom,
    quantity: Decimal,
    lots: Sequence[OpenLot],
    boms: Mapping[int, Bom],
    *,
    built_on: dt.date,
    terms: Terms = PLAIN,
) -> tuple[Step, ...]:
    """The builds that make ``quantity``: first each sub-assembly that is short, exactly what is missing, then itself.

    ``boms`` are those of the sub-assemblies, by product. One build a product, however often it is used; each draws
    what is left by those before it, and the lots that they make. The last step's shortages are of bought goods, over
    all steps. Raises Invalid like `cost_build`.
    """
    terms = _reserving_what_is_there(terms, lots)
    orders, shortages, required = _orders(bom, quantity, lots, boms, terms)
    picked = _picked(bom, quantity, lots, terms)
    steps: list[Step] = []
    left = after(lots, picked)  # what was picked by hand isn't there for the builds before
    for number, (recipe, amount) in enumerate([*orders, (bom, quantity)]):
        is_last = recipe is bom
        _subtract(required, _firm(recipe, amount, terms if is_last else PLAIN))
        mine = replace(terms, kept=dict(required), chosen=terms.chosen if is_last else {})
        costing = cost_build(recipe, amount, _with(left, picked) if is_last else left, terms=mine)
        if is_last:
            costing = replace(costing, shortages=shortages)
        output = OpenLot(
            lot_id=PROVISIONAL + number,
            product_id=recipe.product_id,
            received_on=built_on,
            quantity_left=amount,
            cost_left=costing.total,
        )
        steps.append(Step(bom=recipe, costing=costing, output=output))
        left = [*after(left, costing.draws), output]
    return tuple(steps)


def _orders(
    bom: Bom, quantity: Decimal, lots: Sequence[OpenLot], boms: Mapping[int, Bom], terms: Terms
) -> tuple[list[tuple[Bom, Decimal]], tuple[Shortage, ...], dict[int, Decimal]]:
    """What to build before ``bom``, deepest first; what is short of bought goods; what all of them require."""
    required: dict[int, Decimal] = {}
    _add(required, _firm(bom, quantity, terms))
    orders: list[tuple[Bom, Decimal]] = []
    shortages: list[Shortage] = []
    there = held_by(lots)
    for product_id in users_first(bom, boms):
        reserved = terms.reserved.get(product_id, NOTHING)
        available = free(there.get(product_id, NOTHING), reserved)
        needed = required.get(product_id, NOTHING)
        missing = add([needed, -available])
        if missing <= 0:
            continue
        if product_id in boms:
            orders.append((boms[product_id], missing))
            _add(required, _firm(boms[product_id], missing, PLAIN))
        else:
            shortages.append(Shortage(product_id=product_id, needed=needed, available=available, reserved=reserved))
    return orders[::-1], tuple(shortages), required


def _firm(bom: Bom, quantity: Decimal, terms: Terms) -> list[Need]:
    """Needs that have to be met: those that aren't optional, and those that lots were picked for."""
    return [need for need in needs_of(bom, quantity) if not need.optional or need.line in terms.chosen]


def _picked(bom: Bom, quantity: Decimal, lots: Sequence[OpenLot], terms: Terms) -> list[Draw]:
    by_line = {need.line: need for need in needs_of(bom, quantity)}
    return [d for line, choices in terms.chosen.items() for d in draw_chosen(_line(by_line, line), choices, lots)]


def _line(by_line: Mapping[int, Need], line: int) -> Need:
    if line not in by_line:
        raise Invalid(
            f"lots[{line}]", say("The build has no component line {line}. Choose one of its lines.", line=line)
        )
    return by_line[line]


def _with(lots: Sequence[OpenLot], draws: Sequence[Draw]) -> list[OpenLot]:
    """The lots with ``draws`` put back."""
    return after(lots, [replace(d, quantity=-d.quantity, cost=-d.cost) for d in draws])


def _reserving_what_is_there(terms: Terms, lots: Sequence[OpenLot]) -> Terms:
    """More than there is can't be kept from a lot that is yet to be made."""
    there = held_by(lots)
    return replace(terms, reserved={i: min(q, there.get(i, NOTHING)) for i, q in terms.reserved.items()})


def _add(sums: dict[int, Decimal], needs: Sequence[Need]) -> None:
    for need in needs:
        sums[need.product_id] = add([sums.get(need.product_id, NOTHING), need.quantity])


def _subtract(sums: dict[int, Decimal], needs: Sequence[Need]) -> None:
    _add(sums, [replace(need, quantity=-need.quantity) for need in needs])
