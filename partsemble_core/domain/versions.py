"""Versions of a BOM: what one changed against another."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from partsemble_core.domain.boms import Bom, ComponentLine, CostLine


class Difference(enum.StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentChange:
    """A component line of one version against another's; ``before`` or ``after`` is None where it wasn't there."""

    product_id: int
    before: ComponentLine | None
    after: ComponentLine | None

    @property
    def difference(self) -> Difference:
        return _difference(self.before, self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class CostChange:
    """The same of a cost line, known by its label."""

    label: str
    before: CostLine | None
    after: CostLine | None

    @property
    def difference(self) -> Difference:
        return _difference(self.before, self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class BomChanges:
    """What tells two versions apart. ``output_quantity`` is (before, after) where it changed."""

    components: tuple[ComponentChange, ...]
    costs: tuple[CostChange, ...]
    output_quantity: tuple[Decimal, Decimal] | None


def compare(before: Bom, after: Bom) -> BomChanges:
    """What ``after`` adds, removes and changes, in the order of its own lines, then what it dropped."""
    old, new = ({line.product_id: line for line in bom.components} for bom in (before, after))
    old_costs, new_costs = (_by_label(bom.cost_lines) for bom in (before, after))
    makes = (before.output_quantity, after.output_quantity)
    return BomChanges(
        components=tuple(
            ComponentChange(product_id=i, before=old.get(i), after=new.get(i))
            for i in dict.fromkeys([*new, *old])
            if old.get(i) != new.get(i)
        ),
        costs=tuple(
            CostChange(label=key[0], before=old_costs.get(key), after=new_costs.get(key))
            for key in dict.fromkeys([*new_costs, *old_costs])
            if old_costs.get(key) != new_costs.get(key)
        ),
        output_quantity=makes if makes[0] != makes[1] else None,
    )


def _by_label(lines: Iterable[CostLine]) -> dict[tuple[str, int], CostLine]:
    """By label and how often that label came before: two lines may have the same one."""
    found: dict[tuple[str, int], CostLine] = {}
    for line in lines:
        count = sum(1 for label, _ in found if label == line.label)
        found[line.label, count] = line
    return found


def _difference(before: object, after: object) -> Difference:
    if before is None:
        return Difference.ADDED
    return Difference.REMOVED if after is None else Difference.CHANGED
