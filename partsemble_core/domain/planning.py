"""Planning: what is short over all planned builds, and what should be built next."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from partsemble_core.domain.amounts import add, format_quantity
from partsemble_core.domain.boms import Bom, max_buildable
from partsemble_core.domain.fifo import Need, Shortage
from partsemble_core.errors import Invalid, say


class BuildAlert(enum.StrEnum):
    """below: at or under the build point. approaching: up to half as much again (N11)."""

    NONE = "none"
    APPROACHING = "approaching"
    BELOW = "below"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    quantity: Decimal
    alert: BuildAlert


def suggest(*, stock: Decimal, planned: Decimal, point: Decimal, target: Decimal) -> Suggestion:
    """What to build of a product with a build point and a target (N10: point 3, target 10, stock 2 → 8).

    ``planned`` is what planned builds bring already, other than the automatic one: it is never suggested twice.
    """
    coming = add([stock, planned])
    if coming <= point:
        return Suggestion(quantity=max(add([target, -coming]), Decimal(0)), alert=BuildAlert.BELOW)
    approaching = coming * 2 <= point * 3
    return Suggestion(quantity=Decimal(0), alert=BuildAlert.APPROACHING if approaching else BuildAlert.NONE)


def reserved(needs: Iterable[Need]) -> dict[int, Decimal]:
    """What planned builds need, by product; optional lines reserve nothing."""
    sums: dict[int, Decimal] = {}
    for need in needs:
        if not need.optional:
            sums[need.product_id] = add([sums.get(need.product_id, Decimal(0)), need.quantity])
    return sums


def short_over_all(needs: Iterable[Need], stock: Mapping[int, Decimal]) -> tuple[Shortage, ...]:
    """What all planned builds together lack, product by product."""
    return tuple(
        Shortage(product_id=product_id, needed=quantity, available=stock.get(product_id, Decimal(0)))
        for product_id, quantity in sorted(reserved(needs).items())
        if quantity > stock.get(product_id, Decimal(0))
    )


def short_in_order(
    needs: Sequence[Iterable[Need]], stock: Mapping[int, Decimal], *, is_reserving: bool
) -> list[tuple[Shortage, ...]]:
    """What each of several builds lacks. With reservation the first are served first and the rest gets what they leave
    over; without, each is looked at by itself.
    """
    short: list[tuple[Shortage, ...]] = []
    left = dict(stock)
    for each in needs:
        wanted = reserved(each)
        free = {i: max(left.get(i, Decimal(0)), Decimal(0)) for i in wanted}
        short.append(
            tuple(
                Shortage(product_id=i, needed=quantity, available=free[i])
                for i, quantity in sorted(wanted.items())
                if quantity > free[i]
            )
        )
        if is_reserving:
            left |= {i: add([left.get(i, Decimal(0)), -quantity]) for i, quantity in wanted.items()}
    return short


def buildable_with_reservation(
    bom: Bom, stock: Mapping[int, Decimal], needs_of_others: Sequence[Need]
) -> Decimal | None:
    """Max buildable from what planned builds leave over; never below zero."""
    held = reserved(needs_of_others)
    parts = {line.product_id for line in bom.components}
    left = {i: add([stock[i], -held.get(i, Decimal(0))]) for i in parts if i in stock}
    return max_buildable(bom, left)


def check_targets(point: Decimal | None, target: Decimal | None) -> None:
    """Raises Invalid unless both are set, the target above the point, or neither is."""
    if (point is None) != (target is None):
        missing = "build_point" if point is None else "build_target"
        raise Invalid(missing, "A build point and a build target go together. Set both, or clear both.")
    if point is not None and target is not None and target <= point:
        raise Invalid(
            "build_target", say("The build target must be above the build point {point}.", point=format_quantity(point))
        )
