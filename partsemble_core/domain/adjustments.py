"""Adjustments: a lot turns out to hold more or less than the records say."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from decimal import Decimal

from partsemble_core.domain.amounts import (
    add,
    check_limit,
    format_quantity,
    parse_decimal,
    parse_quantity,
    scale,
    share,
)
from partsemble_core.errors import Invalid, say, word


class AdjustmentReason(enum.StrEnum):
    """breakage and loss only take away. Opening stock is ``other``."""

    COUNT_CORRECTION = "count_correction"
    BREAKAGE = "breakage"
    LOSS = "loss"
    OTHER = "other"


ONLY_DOWN = frozenset({AdjustmentReason.BREAKAGE, AdjustmentReason.LOSS})


class CountState(enum.StrEnum):
    DRAFT = "draft"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    """Given up before it changed anything. It keeps its row, so that count numbers have no gap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LotAmounts:
    """What came into a lot and what is left of it."""

    quantity_in: Decimal
    cost_in: Decimal
    quantity_left: Decimal
    cost_left: Decimal


def parse_reason(value: object, *, field: str = "reason") -> AdjustmentReason:
    """Raises Invalid, listing the reasons."""
    for reason in AdjustmentReason:
        if value == reason.value:
            return reason
    raise Invalid(field, say("A reason is one of {reasons}.", reasons=", ".join(AdjustmentReason)))


def adjustment_cost(
    lot: LotAmounts, change: object, *, reason: AdjustmentReason, field: str = "quantity"
) -> tuple[Decimal, Decimal]:
    """(quantity, cost), signed alike, of changing a lot by ``change``.

    Down takes cost in proportion to what is left, all of it with the last piece. Up comes in at the cost of what is
    left, of an empty lot at the cost it once came in at. Raises Invalid for zero, for the wrong sign for the reason,
    and for less than zero left.
    """
    quantity = parse_decimal(change, field=field)
    if quantity == 0:
        raise Invalid(field, "An adjustment of zero changes nothing. Enter the difference.")
    if quantity > 0 and reason in ONLY_DOWN:
        raise Invalid(
            field,
            say(
                "{reason} takes stock away. Enter a negative quantity, or choose count_correction.", reason=word(reason)
            ),
        )
    if quantity < 0 and -quantity > lot.quantity_left:
        raise Invalid(
            field,
            say(
                "The lot holds {quantity_left}. Take away at most that, it can't fall below zero.",
                quantity_left=format_quantity(lot.quantity_left),
            ),
        )
    if quantity < 0:
        return quantity, -share(lot.cost_left, -quantity, lot.quantity_left)
    if lot.quantity_left:
        return quantity, scale(lot.cost_left, times=quantity, over=lot.quantity_left)
    return quantity, scale(lot.cost_in, times=quantity, over=lot.quantity_in)


def adjusted(lot: LotAmounts, quantity: Decimal, cost: Decimal, *, field: str = "quantity") -> LotAmounts:
    """The lot after an adjustment: what is found came in, what is missing only went. Raises Invalid above the limit."""
    came = quantity > 0
    after = LotAmounts(
        quantity_in=add([lot.quantity_in, quantity]) if came else lot.quantity_in,
        cost_in=add([lot.cost_in, cost]) if came else lot.cost_in,
        quantity_left=add([lot.quantity_left, quantity]),
        cost_left=add([lot.cost_left, cost]),
    )
    check_limit(after.quantity_in, field=field, what="The quantity of the lot", cure="Open another lot.")
    check_limit(after.cost_in, field=field, what="The cost of the lot", cure="Open another lot.")
    return after


def undone(lot: LotAmounts, quantity: Decimal, cost: Decimal) -> LotAmounts | None:
    """The lot without an adjustment of (``quantity``, ``cost``); None if what came with it isn't there any more.

    What came in stays counted as such, for the reversal is an entry of its own.
    """
    quantity_left = add([lot.quantity_left, -quantity])
    cost_left = add([lot.cost_left, -cost])
    if quantity_left < 0 or cost_left < 0 or (quantity_left == 0 and cost_left):
        return None
    return LotAmounts(
        quantity_in=lot.quantity_in, cost_in=lot.cost_in, quantity_left=quantity_left, cost_left=cost_left
    )


def parse_counted(value: object, *, field: str) -> Decimal:
    """A counted quantity, zero or more. Raises Invalid."""
    counted = parse_decimal(value, field=field)
    if counted < 0:
        raise Invalid(field, "A count can't be negative. Enter what is there, 0 for nothing.")
    return counted


def split_lot(lot: LotAmounts, quantity: object, *, field: str = "quantity") -> tuple[LotAmounts, LotAmounts]:
    """A lot in two: (what stays, what moves to the new one), cost carried exactly. Raises Invalid.

    Only what is left can move; what was taken stays with the first.
    """
    moved = parse_quantity(quantity, field=field)
    if not moved < lot.quantity_left:
        raise Invalid(
            field,
            say(
                "Split off more than 0 and less than the {quantity_left} that the lot holds.",
                quantity_left=format_quantity(lot.quantity_left),
            ),
        )
    cost = share(lot.cost_left, moved, lot.quantity_left)
    stays = LotAmounts(
        quantity_in=add([lot.quantity_in, -moved]),
        cost_in=add([lot.cost_in, -cost]),
        quantity_left=add([lot.quantity_left, -moved]),
        cost_left=add([lot.cost_left, -cost]),
    )
    return stays, LotAmounts(quantity_in=moved, cost_in=cost, quantity_left=moved, cost_left=cost)
