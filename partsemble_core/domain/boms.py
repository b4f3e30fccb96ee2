"""Bills of materials: what a quantity of a product is made of, how deep, and what it should cost.

A BOM's amounts are for its ``output_quantity`` (1 unless a recipe makes a batch).
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from partsemble_core.domain.amounts import (
    MILLION,
    add,
    check_limit,
    multiply,
    parse_cost,
    parse_quantity,
    scale,
    to_millionths,
)
from partsemble_core.domain.fifo import Need
from partsemble_core.domain.products import clean_text
from partsemble_core.errors import Invalid, Refused, say, say_each

DEPTH = 10
LINES = 2_000


class BomState(enum.StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    ARCHIVED = "archived"


class CostKind(enum.StrEnum):
    LABOUR = "labour"
    OVERHEAD = "overhead"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentLine:
    product_id: int
    quantity: Decimal
    scrap_percent: Decimal = Decimal(0)
    optional: bool = False
    designators: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """Consumes no stock. Fixed: ``amount``. Timed: ``rate`` × ``quantity``, such as 25.00 an hour × 0.5 h (N7)."""

    kind: CostKind
    label: str
    amount: Decimal | None = None
    rate: Decimal | None = None
    quantity: Decimal | None = None

    def cost(self) -> Decimal:
        """For one output quantity."""
        if self.amount is not None:
            return self.amount
        if self.rate is None or self.quantity is None:
            raise Invalid("cost_lines", "A cost line needs an amount, or a rate and a quantity.")
        return multiply(self.rate, self.quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bom:
    product_id: int
    components: tuple[ComponentLine, ...]
    cost_lines: tuple[CostLine, ...] = ()
    output_quantity: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildCost:
    """A cost line as one build bears it."""

    kind: CostKind
    label: str
    cost: Decimal


class BomCycle(Refused):
    """A product would be made of itself, at whatever depth. ``path`` names the way round."""

    code = "bom-cycle"

    def __init__(self, path: Sequence[str]) -> None:
        super().__init__(
            say(
                "This would make {product} out of itself: {path}. Take one of them out of its BOM.",
                product=path[0],
                path=say_each(path, between=" → "),
            )
        )
        self.path = tuple(path)


class BomTooDeep(Refused):
    """Nesting beyond ten levels."""

    code = "bom-too-deep"

    def __init__(self) -> None:
        super().__init__(say("BOMs nest deeper than {depth} levels. Flatten one of the levels.", depth=DEPTH))


def check_bom(bom: Bom) -> Bom:
    """The BOM itself, if it can stand. Raises Invalid naming the line (``components[0].quantity``)."""
    parse_quantity(bom.output_quantity, field="output_quantity")
    if not bom.components and not bom.cost_lines:
        raise Invalid("components", "A BOM needs at least one component. Add one.")
    if len(bom.components) > LINES:
        raise Invalid(
            "components", say("A BOM may have at most {lines} lines. Make sub-assemblies of it.", lines=LINES)
        )
    seen: dict[int, int] = {}
    for i, line in enumerate(bom.components):
        field = f"components[{i}]"
        parse_quantity(line.quantity, field=f"{field}.quantity")
        if not 0 <= parse_cost(line.scrap_percent, field=f"{field}.scrap_percent") < 100:
            raise Invalid(f"{field}.scrap_percent", "Scrap must be at least 0 and below 100 per cent.")
        if line.product_id in seen:
            raise Invalid(
                f"{field}.sku",
                say(
                    "Lines {first} and {second} name the same component. Add their quantities up.",
                    first=seen[line.product_id] + 1,
                    second=i + 1,
                ),
            )
        seen[line.product_id] = i
    for i, cost in enumerate(bom.cost_lines):
        check_cost_line(cost, field=f"cost_lines[{i}]")
    return bom


def check_cost_line(line: CostLine, *, field: str) -> None:
    """Raises Invalid unless the line is either fixed or timed, and not negative."""
    clean_text(line.label, field=f"{field}.label", length=200)
    timed = line.rate is not None or line.quantity is not None
    if (line.amount is None) != timed:
        raise Invalid(f"{field}.amount", "A cost line has either an amount, or a rate and a quantity.")
    if timed and (line.rate is None or line.quantity is None):
        missing = "rate" if line.rate is None else "quantity"
        raise Invalid(f"{field}.{missing}", "A timed cost line needs a rate and a quantity. Fill both in.")
    for name, value in (("amount", line.amount), ("rate", line.rate), ("quantity", line.quantity)):
        if value is not None:
            parse_cost(value, field=f"{field}.{name}")
    parse_cost(line.cost(), field=f"{field}.rate" if timed else f"{field}.amount")


def needs_of(bom: Bom, quantity: Decimal) -> tuple[Need, ...]:
    """What making ``quantity`` takes: one need a component line, scrap included (N5: 4 bolts × 10 = 40)."""
    return tuple(
        Need(line=i, product_id=line.product_id, quantity=_needed(line, bom, quantity), optional=line.optional)
        for i, line in enumerate(bom.components)
    )


def costs_of(bom: Bom, quantity: Decimal) -> tuple[BuildCost, ...]:
    """What making ``quantity`` costs besides components (N9: packaging 2.00 fixed × 3 = 6.00)."""
    return tuple(
        BuildCost(
            kind=line.kind,
            label=line.label,
            cost=check_limit(
                scale(line.cost(), times=quantity, over=bom.output_quantity),
                field="quantity",
                what=say("The cost line {label}", label=line.label),
                cure="Build less.",
            ),
        )
        for line in bom.cost_lines
    )


def max_buildable(bom: Bom, stock: Mapping[int, Decimal]) -> Decimal | None:
    """How many whole units stock allows; optional lines never limit (N4). None where nothing limits it."""
    limits = []
    for line in bom.components:
        if line.optional:
            continue
        batch = to_millionths(line.quantity) * (100 * MILLION + to_millionths(line.scrap_percent))
        have = to_millionths(max(stock.get(line.product_id, Decimal(0)), Decimal(0)))
        limits.append(have * to_millionths(bom.output_quantity) * 100 // batch)
    return Decimal(min(limits)) if limits else None


def estimate(bom: Bom, unit_costs: Mapping[int, Decimal]) -> Decimal:
    """Cost of one output quantity at the given unit costs: required components and cost lines, rounded line by line."""
    components = [
        multiply(_needed(line, bom, bom.output_quantity), unit_costs.get(line.product_id, Decimal(0)))
        for line in bom.components
        if not line.optional
    ]
    return add([*components, *(line.cost() for line in bom.cost_lines)])


def estimate_rolled_up(bom: Bom, unit_costs: Mapping[int, Decimal], boms: Mapping[int, Bom]) -> Decimal:
    """Cost of one output quantity with every sub-assembly at the cost of building it, down to what is bought.

    ``boms`` are those of all sub-assemblies below. Raises BomTooDeep past ten levels.
    """
    known: dict[int, Decimal] = {}

    def cost_of(recipe: Bom, depth: int) -> Decimal:
        if depth > DEPTH:
            raise BomTooDeep
        parts = [line.cost() for line in recipe.cost_lines]
        for line in recipe.components:
            if line.optional:
                continue
            needed = _needed(line, recipe, recipe.output_quantity)
            made = boms.get(line.product_id)
            if made is None:
                parts.append(multiply(needed, unit_costs.get(line.product_id, Decimal(0))))
                continue
            if line.product_id not in known:
                known[line.product_id] = cost_of(made, depth + 1)
            parts.append(scale(known[line.product_id], times=needed, over=made.output_quantity))
        return add(parts)

    return cost_of(bom, 1)


def bought_for(bom: Bom, boms: Mapping[int, Bom]) -> set[int]:
    """What is bought for a BOM, over every level of those below it, without what is optional."""
    bought: set[int] = set()
    seen: set[int] = set()
    recipes = [bom]
    while recipes:
        for line in recipes.pop().components:
            if line.optional or line.product_id in seen:
                continue
            seen.add(line.product_id)
            if line.product_id in boms:
                recipes.append(boms[line.product_id])
            else:
                bought.add(line.product_id)
    return bought


def users_first(bom: Bom, boms: Mapping[int, Bom]) -> list[int]:
    """All products below ``bom``, each after everything that uses it, in the order of the lines where that leaves a
    choice. ``boms`` are those of the sub-assemblies; there must be no cycle among them."""
    done: list[int] = []
    seen: set[int] = set()

    def visit(recipe: Bom) -> None:
        for line in reversed(recipe.components):
            if line.product_id in seen:
                continue
            seen.add(line.product_id)
            if line.product_id in boms:
                visit(boms[line.product_id])
            done.append(line.product_id)

    visit(bom)
    return done[::-1]


def levels_above(product_id: int, users_of: Mapping[int, Iterable[int]]) -> dict[int, int]:
    """What a product goes into, directly (1) or through others (2 …): product → the fewest levels between them."""
    found: dict[int, int] = {}
    level, depth = {product_id}, 0
    while level:
        depth += 1
        level = {user for below in level for user in users_of.get(below, ())} - found.keys() - {product_id}
        found.update(dict.fromkeys(level, depth))
    return found


def explode(product_id: int, quantity: Decimal, bom_of: Callable[[int], Bom | None]) -> dict[int, Decimal]:
    """Everything bought that ``quantity`` takes, over all levels: product → quantity (N15).

    A component with a BOM of its own is made, all others are bought. Raises BomTooDeep past ten levels.
    """
    bought: dict[int, Decimal] = {}
    level: dict[int, Decimal] = {product_id: quantity}
    for depth in range(DEPTH + 1):
        below: dict[int, Decimal] = {}
        for made, count in level.items():
            bom = bom_of(made)
            if bom is None:
                bought[made] = add([bought.get(made, Decimal(0)), count])
                continue
            if depth == DEPTH:
                raise BomTooDeep
            for need in needs_of(bom, count):
                below[need.product_id] = add([below.get(need.product_id, Decimal(0)), need.quantity])
        if not below:
            return bought
        level = below
    raise BomTooDeep


def check_nesting(
    product_id: int,
    components: Iterable[int],
    components_of: Mapping[int, Sequence[int]],
    names: Mapping[int, str] | None = None,
) -> None:
    """Refuses (BomCycle, BomTooDeep) components that lead back to ``product_id`` or nest too deep.

    ``components_of`` are the active BOMs of all products below, and of those above for the depth.
    """
    edges: dict[int, Sequence[int]] = {**components_of, product_id: list(components)}
    path = find_cycle(product_id, edges)
    if path:
        known = names or {}
        raise BomCycle([known.get(p, say("product {id}", id=p)) for p in path])
    if depth_of(product_id, edges) + depth_of(product_id, _turned(edges)) > DEPTH:
        raise BomTooDeep


def find_cycle(start: int, edges: Mapping[int, Sequence[int]]) -> list[int]:
    """A way from ``start`` back to itself, both ends named; empty if there is none."""
    parent: dict[int, int] = {}
    stack = [start]
    while stack:
        here = stack.pop()
        for below in edges.get(here, ()):
            if below == start:
                way = [start]
                while here != start:
                    way.append(here)
                    here = parent[here]
                return [start, *reversed(way[1:]), start]
            if below not in parent:
                parent[below] = here
                stack.append(below)
    return []


def depth_of(product_id: int, edges: Mapping[int, Sequence[int]]) -> int:
    """Levels of making below and including ``product_id``; a bought product has none. There must be no cycle."""
    depth, level = 0, {product_id}
    while True:
        level = {below for made in level for below in edges.get(made, ())}
        if not level or depth > DEPTH:
            return depth
        depth += 1


def _turned(edges: Mapping[int, Sequence[int]]) -> dict[int, list[int]]:
    """From each component to what is made of it."""
    above: dict[int, list[int]] = {}
    for made, components in edges.items():
        for component in components:
            above.setdefault(component, []).append(made)
    return above


def _needed(line: ComponentLine, bom: Bom, quantity: Decimal) -> Decimal:
    needed = scale(line.quantity, times=quantity, over=bom.output_quantity, percent_more=line.scrap_percent)
    if needed == 0:
        raise Invalid("quantity", "The quantity is so small that a component's share rounds to nothing. Build more.")
    return check_limit(needed, field="quantity", what="What a component needs", cure="Build less.")
