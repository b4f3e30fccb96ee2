"""Differing: what tells any two versions of a BOM apart, line by line, and what that does to the cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from partsemble_core.domain.amounts import add, unit_cost
from partsemble_core.domain.boms import Bom, BomState, BomTooDeep, bought_for, estimate, estimate_rolled_up
from partsemble_core.domain.versions import BomChanges, compare
from partsemble_core.errors import Invalid, NotFound, say
from partsemble_core.services.cataloguing import ComponentInput, CostInput, read_bom
from partsemble_core.services.versioning import describe_changes
from partsemble_core.store import boms
from partsemble_core.store.boms import BomVersion
from partsemble_core.store.products import Product, balances_of, get_product, names_of, products_by_id
from partsemble_core.store.session import CompanySession


@dataclass(frozen=True, slots=True, kw_only=True)
class CostPair:
    """What one unit costs by each of two versions, at today's average costs."""

    before: Decimal
    after: Decimal

    @property
    def effect(self) -> Decimal:
        return add([self.after, -self.before])


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionDifference:
    """``products`` are those of all lines of either side, by id. Costs are for one unit, not for an output quantity."""

    product: Product
    before: BomVersion
    after: BomVersion
    changes: BomChanges
    products: dict[int, Product]
    direct: CostPair
    rolled_up: CostPair | None
    """None where an old version would nest too deep as the BOMs below it are by now."""
    unknown_skus: tuple[str, ...]
    """Required components of either side that never were in stock: the direct costs count them as nothing."""
    rolled_up_unknown_skus: tuple[str, ...]
    """The same of what is bought for either side, on whatever level."""

    @property
    def is_none(self) -> bool:
        changes = self.changes
        return not (changes.components or changes.costs or changes.output_quantity)


def find_version(session: CompanySession, product_id: int, number: object) -> BomVersion:
    """A version of the product by its number. Raises Invalid for what is no number, NotFound."""
    text = str(number)
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Invalid("version", say("{value} is no version of a BOM. Give its number, such as 3.", value=text[:40]))
    found = session.scalar(
        sa.select(BomVersion).where(BomVersion.product_id == product_id, BomVersion.version == int(text))
    )
    if found is None:
        raise NotFound("BOM version", text)
    return found


def load_version(
    session: CompanySession, product_id: int, number: object
) -> tuple[BomVersion, Bom, dict[int, Product]]:
    """A version with its content and the products of its lines. Raises as `find_version`."""
    version = find_version(session, product_id, number)
    bom = boms.load(session, [version])[version.id]
    return version, bom, products_by_id(session, {line.product_id for line in bom.components})


def difference_of(
    session: CompanySession, product_id: int, *, before: object = "", after: object = ""
) -> VersionDifference | None:
    """What ``after`` changes against ``before``, both numbers of versions.

    Left out, ``after`` is the active version, or the newest where none is active, and ``before`` the one before that.
    None where there is nothing to compare: the product has one version at most. Raises NotFound, Invalid.
    """
    product = get_product(session, product_id)
    versions = boms.versions_of(session, product_id)
    new = find_version(session, product_id, after) if after not in ("", None) else _usual_after(versions)
    old = find_version(session, product_id, before) if before not in ("", None) else _usual_before(versions, new)
    if new is None or old is None:
        return None
    loaded = boms.load(session, [old, new])
    pair = loaded[old.id], loaded[new.id]
    products = products_by_id(session, {line.product_id for bom in pair for line in bom.components})
    costs = _costs(session, *pair)
    unknown = costs.unknown | costs.rolled_up_unknown
    names = names_of(products_by_id(session, unknown).values()) if unknown else {}
    return VersionDifference(
        product=product,
        before=old,
        after=new,
        changes=compare(*pair),
        products=products,
        direct=costs.direct,
        rolled_up=costs.rolled_up,
        unknown_skus=tuple(sorted(names[i] for i in costs.unknown)),
        rolled_up_unknown_skus=tuple(sorted(names[i] for i in costs.rolled_up_unknown)),
    )


def describe_overtaking(
    session: CompanySession,
    product_id: int,
    *,
    based_on: object,
    components: Sequence[ComponentInput],
    cost_lines: Sequence[CostInput],
    output_quantity: object,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """For a person whose edit was overtaken: what the active version changed against the one that they began from,
    and what saving their own now would change against the active one. Raises Invalid for what can't be read."""
    active = boms.find_active(session, product_id)
    began = session.scalar(
        sa.select(BomVersion).where(
            BomVersion.product_id == product_id, BomVersion.version == int(str(based_on) or "0")
        )
    )
    versions = [version for version in (began, active) if version is not None]
    loaded = boms.load(session, versions)
    empty = Bom(product_id=product_id, components=())
    theirs = loaded[active.id] if active else empty
    mine = read_bom(
        session,
        product_id=product_id,
        components=components,
        cost_lines=cost_lines,
        output_quantity=output_quantity,
    )
    before = loaded[began.id] if began else empty
    ids = {line.product_id for bom in (before, theirs, mine) for line in bom.components}
    names = names_of(products_by_id(session, ids).values())
    return describe_changes(compare(before, theirs), names), describe_changes(compare(theirs, mine), names)


def _usual_after(versions: Sequence[BomVersion]) -> BomVersion | None:
    active = (version for version in versions if version.state == BomState.ACTIVE)
    return next(active, versions[0] if versions else None)


def _usual_before(versions: Sequence[BomVersion], after: BomVersion | None) -> BomVersion | None:
    """The newest that is older; for the oldest the one after it."""
    if after is None:
        return None
    older = (version for version in versions if version.version < after.version)
    newer = (version for version in reversed(versions) if version.version > after.version)
    return next(older, None) or next(newer, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Costs:
    """Of both sides, and the products that these count as nothing."""

    direct: CostPair
    rolled_up: CostPair | None
    unknown: set[int]
    rolled_up_unknown: set[int]


def _costs(session: CompanySession, before: Bom, after: Bom) -> _Costs:
    pair = before, after
    below = boms.boms_below(session, {line.product_id for bom in pair for line in bom.components})
    below.pop(after.product_id, None)  # an old version may hold what is made of the product by now
    ids = {line.product_id for bom in (*pair, *below.values()) for line in bom.components}
    costs = {i: balance.average_cost for i, balance in balances_of(session, ids).items()}

    def both(total: Callable[[Bom], Decimal]) -> CostPair:
        old, new = (unit_cost(total(bom), bom.output_quantity) for bom in pair)
        return CostPair(before=old, after=new)

    try:
        rolled_up = both(lambda bom: estimate_rolled_up(bom, costs, below))
    except BomTooDeep:
        rolled_up = None
    required = {line.product_id for bom in pair for line in bom.components if not line.optional}
    bought = {i for bom in pair for i in bought_for(bom, below)} if rolled_up else set()
    return _Costs(
        direct=both(lambda bom: estimate(bom, costs)),
        rolled_up=rolled_up,
        unknown=required - costs.keys(),
        rolled_up_unknown=bought - costs.keys(),
    )
