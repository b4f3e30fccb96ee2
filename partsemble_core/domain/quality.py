"""Quality review: what a rejected build gives back to its lots, and what it wastes."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from partsemble_core.domain.amounts import add, format_quantity, parse_decimal, share
from partsemble_core.errors import Invalid, say, word

Choice = TypeVar("Choice", bound=enum.StrEnum)


class RejectReason(enum.StrEnum):
    QUALITY_DEFECT = "quality_defect"
    WRONG_MATERIALS = "wrong_materials"
    EQUIPMENT_FAILURE = "equipment_failure"
    PROCESS_ERROR = "process_error"
    OTHER = "other"


class Recovery(enum.StrEnum):
    """full: every lot restored exactly. total_loss: nothing comes back. partial: a quantity per component does."""

    FULL = "full"
    TOTAL_LOSS = "total_loss"
    PARTIAL = "partial"


def parse_reason(value: object) -> RejectReason:
    """Raises Invalid, listing the reasons."""
    return _one_of(RejectReason, value, field="reason")


def parse_recovery(value: object) -> Recovery:
    """Raises Invalid, listing the ways."""
    return _one_of(Recovery, value, field="recovery")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A draw as it stands in the store, with what has come back of it already."""

    draw_id: int
    line: int
    product_id: int
    lot_id: int
    quantity: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """A quantity and cost given back to the lot that a draw took it from."""

    draw_id: int
    product_id: int
    lot_id: int
    quantity: Decimal
    cost: Decimal


def give_back(taken: Sequence[Taken], recovered: Mapping[int, object] | None = None) -> tuple[Return, ...]:
    """Returns by line: all of every draw for None, else ``recovered`` (line → quantity), last taken lots first.

    A draw that comes back whole brings exactly its cost; of a part, the cost in proportion, half-even to six decimals.
    Raises Invalid naming the line when more would come back than was taken, or the line doesn't exist.
    """
    if recovered is None:
        return tuple(_whole(draw) for draw in taken)
    lines = {draw.line for draw in taken}
    for line in recovered:
        if line not in lines:
            raise Invalid(
                f"recovered[{line}]", say("The build has no component line {line}. Choose one of its lines.", line=line)
            )
    returns: list[Return] = []
    for line, quantity in sorted(recovered.items()):
        mine = [draw for draw in taken if draw.line == line]
        returns += _give_back_line(mine, _recovered(quantity, line=line), line=line)
    return tuple(returns)


def lost_cost(taken: Sequence[Taken], returns: Sequence[Return]) -> Decimal:
    """Waste: cost of the components that don't come back, exactly."""
    return add([*(draw.cost for draw in taken), *(-back.cost for back in returns)])


def _recovered(quantity: object, *, line: int) -> Decimal:
    try:
        number = parse_decimal(quantity, field="recovered")
    except Invalid as error:
        raise Invalid(f"recovered[{line}]", error.message) from error
    if number < 0:
        raise Invalid(f"recovered[{line}]", "A recovered quantity must not be negative. Use 0 where nothing came back.")
    return number


def _give_back_line(draws: Sequence[Taken], quantity: Decimal, *, line: int) -> list[Return]:
    had = add([draw.quantity for draw in draws])
    if quantity > had:
        raise Invalid(
            f"recovered[{line}]",
            say(
                "{quantity} can't come back: {had} were taken. Enter at most that.",
                quantity=format_quantity(quantity),
                had=format_quantity(had),
            ),
        )
    returns: list[Return] = []
    missing = quantity
    for draw in reversed(draws):
        if missing <= 0:
            break
        back = min(missing, draw.quantity)
        cost = share(draw.cost, back, draw.quantity)
        returns.append(
            Return(draw_id=draw.draw_id, product_id=draw.product_id, lot_id=draw.lot_id, quantity=back, cost=cost)
        )
        missing = add([missing, -back])
    return returns


def _whole(draw: Taken) -> Return:
    return Return(
        draw_id=draw.draw_id,
        product_id=draw.product_id,
        lot_id=draw.lot_id,
        quantity=draw.quantity,
        cost=draw.cost,
    )


def _one_of(kinds: type[Choice], value: object, *, field: str) -> Choice:
    for kind in kinds:
        if value == kind.value:
            return kind
    raise Invalid(
        field,
        say("{label} must be one of {kinds}. Choose one.", label=word(field.capitalize()), kinds=", ".join(kinds)),
    )
