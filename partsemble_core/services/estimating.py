"""Estimating: what a BOM would cost while it is still being typed, line by line, with all that is wrong with it.

Nothing is written. A line that can't stand costs nothing here and says why; the others are costed without it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from partsemble_core.domain.amounts import add, multiply, parse_quantity, scale, unit_cost
from partsemble_core.domain.boms import (
    Bom,
    ComponentLine,
    CostKind,
    CostLine,
    bought_for,
    check_bom,
    check_nesting,
    costs_of,
    estimate,
    estimate_rolled_up,
    needs_of,
)
from partsemble_core.domain.planning import buildable_with_reservation
from partsemble_core.domain.products import sku_key
from partsemble_core.errors import Invalid, NotFound, Refused
from partsemble_core.services.cataloguing import ComponentInput, CostInput, read_components, read_cost_line
from partsemble_core.store import boms
from partsemble_core.store.availability import takeable
from partsemble_core.store.builds import planned_needs
from partsemble_core.store.companies import options_of
from partsemble_core.store.products import (
    Product,
    balances_of,
    get_product,
    names_of,
    products_by_id,
    products_by_sku,
)
from partsemble_core.store.session import CompanySession

T = TypeVar("T")
LINE = re.compile(r"(components|cost_lines)\[([0-9]+)\]")
NONE = Decimal(0)
ONE = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What keeps the BOM from being saved; ``field`` names it as it was sent."""

    field: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineEstimate:
    """A component line as typed. Costs are for one output quantity; None where the line adds none."""

    product: Product | None = None
    stock: Decimal = NONE
    unit_cost: Decimal = NONE
    """Average; of what was last in stock where nothing is."""
    is_cost_known: bool = True
    """False where none was ever in stock: its cost counts as nothing."""
    needed: Decimal | None = None
    """Scrap included."""
    cost: Decimal | None = None
    rolled_up_cost: Decimal | None = None
    is_made: bool = False
    """Whether it has a BOM of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What one output quantity would cost, by the lines that can stand."""

    product: Product
    lines: tuple[LineEstimate, ...]
    cost_lines: tuple[Decimal | None, ...]
    problems: tuple[Problem, ...]
    output_quantity: Decimal | None
    estimated_cost: Decimal
    rolled_up_cost: Decimal
    unknown_costs: int
    """How many required lines the direct cost counts as nothing, for none of them was ever in stock."""
    rolled_up_unknown_costs: int
    """How many bought parts the rolled-up cost counts so, on whatever level."""
    buildable: Decimal | None

    @property
    def unit_cost(self) -> Decimal:
        """Of one unit, direct."""
        return unit_cost(self.estimated_cost, self.output_quantity or ONE)

    @property
    def rolled_up_unit_cost(self) -> Decimal:
        return unit_cost(self.rolled_up_cost, self.output_quantity or ONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A component of a product, for a quantity of it: what is made at the cost of making it, the rest as bought."""

    product: Product
    quantity: Decimal
    unit_cost: Decimal
    cost: Decimal | None
    """None where it is optional."""
    is_made: bool
    is_cost_known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """One level of what a product is made of."""

    product: Product
    quantity: Decimal
    parts: tuple[Part, ...]
    cost_lines: tuple[tuple[str, Decimal], ...]
    """Label and cost."""
    cost: Decimal


@dataclass(frozen=True, slots=True)
class _Prices:
    """What stands in stock of everything that a BOM may lead to, and the BOMs below it."""

    stock: Mapping[int, Decimal]
    unit_costs: Mapping[int, Decimal]
    boms: Mapping[int, Bom]


def estimate_bom(
    session: CompanySession,
    product_id: int,
    *,
    components: Sequence[ComponentInput],
    cost_lines: Sequence[CostInput] = (),
    output_quantity: object = "1",
    today: dt.date | None = None,
) -> Estimate:
    """The lines as typed, each with its cost or what is wrong with it. Raises NotFound for the product alone.

    A constant number of statements however many lines and however deep.
    """
    product = get_product(session, product_id)
    problems: list[Problem] = []
    makes = _attempt(problems, lambda: parse_quantity(output_quantity, field="output_quantity"))
    known = products_by_sku(session, [line.sku for line in components])
    typed = [_attempt(problems, partial(_read_component, session, line, i, known)) for i, line in enumerate(components)]
    costs = [_attempt(problems, partial(read_cost_line, line, i)) for i, line in enumerate(cost_lines)]
    _check_lines(problems, product_id, typed, costs)
    prices = _prices(session, {line.product_id for line in typed if line})
    _check_nesting(session, problems, product_id, typed, prices.boms)
    recipe = Bom(product_id=product_id, components=(), output_quantity=makes or ONE)
    lines = [_told(known.get(sku_key(line.sku)), prices) for line in components]
    for i, line in enumerate(typed):
        if line is not None:
            costed = _attempt(problems, partial(_costed, lines[i], line, recipe, prices), f"components[{i}].quantity")
            lines[i] = costed or lines[i]
    added = [line.cost() if line else None for line in costs]
    sound = replace(recipe, components=tuple(line for line in typed if line))
    return Estimate(
        product=product,
        lines=tuple(lines),
        cost_lines=tuple(added),
        problems=tuple(problems),
        output_quantity=makes,
        estimated_cost=add([cost or NONE for cost in (*(line.cost for line in lines), *added)]),
        rolled_up_cost=add([cost or NONE for cost in (*(line.rolled_up_cost for line in lines), *added)]),
        unknown_costs=sum(1 for line in lines if line.cost is not None and not line.is_cost_known),
        rolled_up_unknown_costs=len(bought_for(sound, prices.boms) - prices.unit_costs.keys()),
        buildable=_buildable(session, sound, today) if makes and sound.components else None,
    )


def cost_parts(session: CompanySession, product_id: int, *, quantity: object) -> Parts:
    """What ``quantity`` of a product is made of by its active BOM, one level of it, at today's average costs.

    Raises Invalid, and NotFound also for a product without an active BOM.
    """
    product = get_product(session, product_id)
    count = parse_quantity(quantity)
    prices = _prices(session, {product_id})
    bom = prices.boms.get(product_id)
    if bom is None:
        raise NotFound("active BOM of product", product_id)
    products = products_by_id(session, {line.product_id for line in bom.components})
    parts = []
    for need in needs_of(bom, count):
        made = prices.boms.get(need.product_id)
        each = prices.unit_costs.get(need.product_id, NONE)
        cost = multiply(need.quantity, each)
        if made is not None:
            rolled = estimate_rolled_up(made, prices.unit_costs, prices.boms)
            cost = scale(rolled, times=need.quantity, over=made.output_quantity)
            each = scale(rolled, times=ONE, over=made.output_quantity)
        parts.append(
            Part(
                product=products[need.product_id],
                quantity=need.quantity,
                unit_cost=each,
                cost=None if need.optional else cost,
                is_made=made is not None,
                is_cost_known=made is not None or need.product_id in prices.unit_costs,
            )
        )
    added = tuple((line.label, line.cost) for line in costs_of(bom, count))
    total = add([*(part.cost or NONE for part in parts), *(cost for _, cost in added)])
    return Parts(product=product, quantity=count, parts=tuple(parts), cost_lines=added, cost=total)


def _attempt(problems: list[Problem], read: Callable[[], T], field: str = "") -> T | None:
    """What ``read`` makes of what was typed; a refusal becomes a problem, of ``field`` if one is given."""
    try:
        return read()
    except Invalid as error:
        problems.append(_problem(error, field or error.field))
        return None


def _read_component(
    session: CompanySession, line: ComponentInput, index: int, known: dict[str, Product]
) -> ComponentLine:
    [read] = read_components(session, [line], known=known, first=index)
    return read


def _problem(error: Refused, field: str) -> Problem:
    return Problem(field=field, code=error.code, message=error.message)


def _check_lines(
    problems: list[Problem],
    product_id: int,
    typed: list[ComponentLine | None],
    costs: list[CostLine | None],
) -> None:
    """Takes out the lines that the BOM's own rules refuse, such as one of two that name the same component.

    Another stands in for a line that is out, so that messages count lines as the person does.
    """
    while any(typed) or any(costs):
        stand_ins = (ComponentLine(product_id=-i, quantity=ONE) for i in range(1, len(typed) + 1))
        free = CostLine(kind=CostKind.OTHER, label="?", amount=NONE)
        bom = Bom(
            product_id=product_id,
            components=tuple(line or other for line, other in zip(typed, stand_ins, strict=True)),
            cost_lines=tuple(line or free for line in costs),
        )
        try:
            check_bom(bom)
            return
        except Invalid as error:
            problems.append(_problem(error, error.field))
            named = LINE.match(error.field)
            if named is None:
                return
            lines: list[Any] = typed if named[1] == "components" else costs
            lines[int(named[2])] = None


def _check_nesting(
    session: CompanySession,
    problems: list[Problem],
    product_id: int,
    typed: list[ComponentLine | None],
    below: Mapping[int, Bom],
) -> None:
    """Takes out the lines that lead back to the product or nest too deep, each with the way round."""
    edges: dict[int, list[int]] = {}
    for above in boms.lines_above(session, product_id):
        edges.setdefault(above.made, []).append(above.product_id)
    edges.update({made: [line.product_id for line in bom.components] for made, bom in below.items()})
    ids = {product_id, *edges, *(each for found in edges.values() for each in found)}
    names = names_of(products_by_id(session, ids).values())
    bought_may_stand = False
    for i, line in enumerate(typed):
        if line is None:
            continue
        is_bought = line.product_id not in below and line.product_id != product_id
        if is_bought and bought_may_stand:
            continue  # what goes for one that is bought goes for all
        try:
            check_nesting(product_id, [line.product_id], edges, names)
            bought_may_stand = bought_may_stand or is_bought
        except Refused as error:
            typed[i] = None
            problems.append(_problem(error, f"components[{i}].sku"))


def _prices(session: CompanySession, product_ids: set[int]) -> _Prices:
    below = boms.boms_below(session, product_ids)
    ids = product_ids | {line.product_id for bom in below.values() for line in bom.components}
    balances = balances_of(session, ids)
    return _Prices(
        stock={i: balance.quantity for i, balance in balances.items()},
        unit_costs={i: balance.average_cost for i, balance in balances.items()},
        boms=below,
    )


def _told(product: Product | None, prices: _Prices) -> LineEstimate:
    """What is known of a line by its SKU alone."""
    if product is None:
        return LineEstimate()
    return LineEstimate(
        product=product,
        stock=prices.stock.get(product.id, NONE),
        unit_cost=prices.unit_costs.get(product.id, NONE),
        is_cost_known=product.id in prices.unit_costs,
        is_made=product.id in prices.boms,
    )


def _costed(told: LineEstimate, line: ComponentLine, recipe: Bom, prices: _Prices) -> LineEstimate:
    """The line as if it were the only one: costs are rounded line by line, so those of all add up to the BOM's."""
    alone = replace(recipe, components=(line,))
    [need] = needs_of(alone, alone.output_quantity)
    if line.optional:
        return replace(told, needed=need.quantity)
    return replace(
        told,
        needed=need.quantity,
        cost=estimate(alone, prices.unit_costs),
        rolled_up_cost=estimate_rolled_up(alone, prices.unit_costs, prices.boms),
    )


def _buildable(session: CompanySession, bom: Bom, today: dt.date | None) -> Decimal | None:
    ids = {line.product_id for line in bom.components}
    options = options_of(session)
    there = takeable(session, ids, not_expired_on=today if options.block_expired else None)
    return buildable_with_reservation(bom, there, planned_needs(session) if options.reserve_stock else [])
