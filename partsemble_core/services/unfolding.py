"""Unfolding: what a build cost, lot by lot, and below each lot that was built what that one cost, down to the bought.

Each level adds up exactly to the line above it: what was drawn from a lot is spread over what the lot was made of, by
largest remainder in millionths.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from partsemble_core.domain.amounts import add, from_millionths, scale, spread, to_millionths, unit_cost
from partsemble_core.store import builds
from partsemble_core.store.builds import Build, BuildCostLine, get_build
from partsemble_core.store.lots import DocumentKind, DrawRow, Lot
from partsemble_core.store.products import Product, products_by_id
from partsemble_core.store.session import CompanySession

LEVELS = 10
MOST = 1_000
"""Lines of a tree: one that is larger ends there, and says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """One line of the tree, ``level`` steps below the build. A lot with its product, or what was added as ``label``.

    ``made_by`` is the build that a lot came from; its lines follow one level below, unless the tree ends there.
    """

    level: int
    quantity: Decimal | None
    cost: Decimal
    product: Product | None = None
    lot: Lot | None = None
    made_by: Build | None = None
    label: str = ""
    kind: str = ""

    @property
    def unit_cost(self) -> Decimal | None:
        return unit_cost(self.cost, self.quantity) if self.quantity else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CostTree:
    """``total`` is what the lines of the first level come to. ``is_cut``: it has more lines than are shown."""

    total: Decimal
    lines: tuple[CostLine, ...]
    is_cut: bool

    @property
    def is_deep(self) -> bool:
        """Whether it says more than the build's own lines do."""
        return any(line.level > 1 for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recipe:
    """What one build took and what was added to it."""

    build: Build
    draws: Sequence[tuple[Decimal, Decimal, Lot]]
    added: Sequence[BuildCostLine]


def unfold_costs(session: CompanySession, build_id: int) -> CostTree:
    """A few statements a level. Of a build that is yet to be executed there is nothing to tell. Raises NotFound."""
    build = get_build(session, build_id)
    recipes, origins = _recipes_below(session, build)
    lots = [lot for recipe in recipes.values() for _, _, lot in recipe.draws]
    products = products_by_id(session, {lot.product_id for lot in lots})
    lines: list[CostLine] = []
    own = recipes[build.id]
    costs = [cost for _, cost, _ in own.draws] + [line.cost for line in own.added]
    _unfold(lines, own, [quantity for quantity, _, _ in own.draws], costs, 1, (recipes, origins, products))
    return CostTree(total=add(costs), lines=tuple(lines[:MOST]), is_cut=len(lines) > MOST)


def _unfold(
    lines: list[CostLine],
    recipe: _Recipe,
    quantities: Sequence[Decimal],
    costs: Sequence[Decimal],
    level: int,
    known: tuple[Mapping[int, _Recipe], Mapping[int, int], Mapping[int, Product]],
) -> None:
    recipes, origins, products = known
    for (_, _, lot), quantity, cost in zip(recipe.draws, quantities, costs, strict=False):
        if len(lines) > MOST:
            return
        below = recipes.get(origins.get(lot.id, 0))
        product = products[lot.product_id]
        made_by = below.build if below else None
        lines.append(CostLine(level=level, quantity=quantity, cost=cost, product=product, lot=lot, made_by=made_by))
        if below is not None and level < LEVELS:
            weights = [each for _, each, _ in below.draws] + [line.cost for line in below.added]
            parts = [scale(each, times=quantity, over=below.build.quantity) for each, _, _ in below.draws]
            _unfold(lines, below, parts, _spread(cost, weights), level + 1, known)
    for line, cost in zip(recipe.added, costs[len(recipe.draws) :], strict=True):
        lines.append(CostLine(level=level, quantity=None, cost=cost, label=line.label, kind=line.kind))


def _spread(cost: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """A cost over the parts that it is made of, to the last millionth."""
    if not weights:
        return []
    return [from_millionths(part) for part in spread(to_millionths(cost), [to_millionths(each) for each in weights])]


def _recipes_below(session: CompanySession, build: Build) -> tuple[dict[int, _Recipe], dict[int, int]]:
    """By build, what it took; and by lot, the build that made it. Level by level, each build once."""
    recipes: dict[int, _Recipe] = {}
    origins: dict[int, int] = {}
    wanted = {build.id: build}
    for _ in range(LEVELS):
        found = _recipes(session, wanted)
        recipes |= found
        lots = [lot for recipe in found.values() for _, _, lot in recipe.draws]
        origins |= _origins(session, [lot for lot in lots if lot.id not in origins])
        ids = {origins[lot.id] for lot in lots if lot.id in origins} - recipes.keys()
        if not ids:
            break
        wanted = {each.id: each for each in session.scalars(sa.select(Build).where(Build.id.in_(ids)))}
    return recipes, origins


def _recipes(session: CompanySession, wanted: Mapping[int, Build]) -> dict[int, _Recipe]:
    draws: dict[int, list[tuple[Decimal, Decimal, Lot]]] = {}
    rows = session.execute(
        sa.select(DrawRow, Lot)
        .join(Lot, sa.and_(Lot.id == DrawRow.lot_id, Lot.company_id == DrawRow.company_id))
        .where(DrawRow.document_kind == DocumentKind.BUILD, DrawRow.document_id.in_(wanted))
        .order_by(DrawRow.document_id, DrawRow.line, DrawRow.id)
    )
    for draw, lot in rows:
        draws.setdefault(draw.document_id, []).append((draw.quantity, draw.cost, lot))
    added = builds.cost_lines_of_all(session, [key for key, build in wanted.items() if build.executed_at is not None])
    return {
        key: _Recipe(build=build, draws=draws.get(key, ()), added=added.get(key, ())) for key, build in wanted.items()
    }


def _origins(session: CompanySession, lots: Collection[Lot]) -> dict[int, int]:
    """By lot, the build that it came from, itself or the lot that it was split from."""
    origins = {lot.id: lot.build_id for lot in lots if lot.build_id is not None}
    parents = {lot.id: lot.split_from_id for lot in lots if lot.split_from_id is not None and lot.build_id is None}
    while parents:
        found = {lot.id: lot for lot in session.scalars(sa.select(Lot).where(Lot.id.in_(set(parents.values()))))}
        origins |= {key: build for key, up in parents.items() if (build := found[up].build_id) is not None}
        parents = {
            key: further
            for key, up in parents.items()
            if found[up].build_id is None and (further := found[up].split_from_id) is not None
        }
    return origins
