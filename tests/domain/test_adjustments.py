"""Adjustments and splits: cost goes with quantity, and none of it is ever lost or made."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from partsemble_core.domain.adjustments import (
    AdjustmentReason,
    LotAmounts,
    adjusted,
    adjustment_cost,
    parse_counted,
    parse_reason,
    split_lot,
    undone,
)
from partsemble_core.domain.amounts import add, from_millionths, share, to_millionths
from partsemble_core.domain.lots import LotState, split_number, state_of
from partsemble_core.errors import Invalid
from tests.domain.strategies import LAW, costs, quantities

OTHER = AdjustmentReason.OTHER
HALF = 10**14
"""Millionths, so that what is found fits too."""


def a_lot(
    quantity: str = "10", cost: str = "10", *, left: str | None = None, cost_left: str | None = None
) -> LotAmounts:
    return LotAmounts(
        quantity_in=Decimal(quantity),
        cost_in=Decimal(cost),
        quantity_left=Decimal(quantity if left is None else left),
        cost_left=Decimal(cost if cost_left is None else cost_left),
    )


@st.composite
def lots(draw: st.DrawFn) -> LotAmounts:
    """Lots of which something was taken, or nothing, or all."""
    quantity, cost = draw(quantities(most=HALF)), draw(costs(most=HALF))
    left = from_millionths(draw(st.integers(0, to_millionths(quantity))))
    return LotAmounts(quantity_in=quantity, cost_in=cost, quantity_left=left, cost_left=share(cost, left, quantity))


def holds(lot: LotAmounts) -> bool:
    return (
        0 <= lot.quantity_left <= lot.quantity_in
        and 0 <= lot.cost_left <= lot.cost_in
        and (lot.quantity_left > 0 or lot.cost_left == 0)
    )


@pytest.mark.parametrize(
    ("lot", "change", "cost"),
    [
        (a_lot(), "-4", "-4"),
        (a_lot("3", "10"), "-1", "-3.333333"),
        (a_lot("3", "10"), "-3", "-10"),
        (a_lot("3", "10"), "3", "10"),
        (a_lot("3", "10", left="1", cost_left="3.333334"), "2", "6.666668"),
        (a_lot("3", "10", left="0", cost_left="0"), "1", "3.333333"),
        (a_lot("3", "0"), "5", "0"),
    ],
)
def test_cost_goes_with_quantity(lot: LotAmounts, change: str, cost: str) -> None:
    assert adjustment_cost(lot, change, reason=OTHER) == (Decimal(change), Decimal(cost))


@pytest.mark.parametrize(
    ("change", "reason", "says"),
    [
        ("0", OTHER, "changes nothing"),
        ("1", AdjustmentReason.LOSS, "loss takes stock away"),
        ("1", AdjustmentReason.BREAKAGE, "breakage takes stock away"),
        ("-10.000001", OTHER, "can't fall below zero"),
    ],
)
def test_what_makes_no_sense_is_refused(change: str, reason: AdjustmentReason, says: str) -> None:
    with pytest.raises(Invalid, match=says) as refusal:
        adjustment_cost(a_lot(), change, reason=reason)
    assert refusal.value.field == "quantity"


def test_a_lot_has_a_limit() -> None:
    for lot, quantity, cost in [(a_lot("999999999"), "1", "1"), (a_lot("1", "999999999"), "1", "1")]:
        with pytest.raises(Invalid, match="1,000,000,000 or more"):
            adjusted(lot, Decimal(quantity), Decimal(cost))


@LAW
@given(lots(), st.data())
def test_adjusting_keeps_the_laws_and_undoing_restores_exactly(lot: LotAmounts, data: st.DataObject) -> None:
    most = to_millionths(lot.quantity_left)
    change = from_millionths(data.draw(st.integers(-most, 10**12).filter(bool)))
    quantity, cost = adjustment_cost(lot, change, reason=OTHER)
    try:
        after = adjusted(lot, quantity, cost)
    except Invalid:
        assume(False)
        return
    assert holds(after)
    assert (after.quantity_left, after.cost_left) == (add([lot.quantity_left, quantity]), add([lot.cost_left, cost]))
    back = undone(after, quantity, cost)
    assert back is not None
    assert holds(back)
    assert (back.quantity_left, back.cost_left) == (lot.quantity_left, lot.cost_left)


@LAW
@given(lots(), st.data())
def test_a_split_carries_cost_exactly(lot: LotAmounts, data: st.DataObject) -> None:
    assume(lot.quantity_left > Decimal("0.000001"))
    moved = from_millionths(data.draw(st.integers(1, to_millionths(lot.quantity_left) - 1)))
    stays, moves = split_lot(lot, moved)
    assert holds(stays)
    assert holds(moves)
    assert (moves.quantity_left, moves.cost_left) == (moves.quantity_in, moves.cost_in)
    for name in ("quantity_in", "cost_in", "quantity_left", "cost_left"):
        assert add([getattr(stays, name), getattr(moves, name)]) == getattr(lot, name)


@pytest.mark.parametrize(
    ("left", "cost_left", "quantity", "cost"),
    [("1", "10", "2", "2"), ("2", "1", "1", "2"), ("2", "3", "2", "2")],
)
def test_what_is_gone_can_not_be_taken_back(left: str, cost_left: str, quantity: str, cost: str) -> None:
    lot = a_lot("10", "20", left=left, cost_left=cost_left)
    assert undone(lot, Decimal(quantity), Decimal(cost)) is None


@pytest.mark.parametrize("value", ["-1", "x", None, 1.5, "0.0000001"])
def test_a_count_is_a_quantity_or_nothing(value: object) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_counted(value, field="counted[7]")
    assert refusal.value.field == "counted[7]"
    assert parse_counted("0", field="counted[7]") == 0


@pytest.mark.parametrize("value", ["theft", "", None, 7, "LOSS"])
def test_reasons_are_listed(value: object) -> None:
    with pytest.raises(Invalid, match="count_correction, breakage, loss, other"):
        parse_reason(value)
    assert parse_reason("loss") == AdjustmentReason.LOSS


@pytest.mark.parametrize(
    ("left", "reason", "state"),
    [("1", "", LotState.OPEN), ("1", "Cracks", LotState.HELD), ("0", "Cracks", LotState.EXHAUSTED)],
)
def test_a_lots_state_says_what_is_left_and_whether_it_waits(left: str, reason: str, state: LotState) -> None:
    assert state_of(Decimal(left), hold_reason=reason) == state


@pytest.mark.parametrize(
    ("number", "is_split", "taken", "expected"),
    [
        ("ACM-1", False, set(), "ACM-1-S2"),
        ("ACM-1", False, {"ACM-1-S2", "ACM-1-S3"}, "ACM-1-S4"),
        ("ACM-1-S2", True, {"ACM-1-S2"}, "ACM-1-S3"),
        ("TEST-S9", False, set(), "TEST-S9-S2"),
        ("acm-1", False, {"ACM-1-S2"}, "acm-1-S3"),
    ],
)
def test_parts_are_numbered_on(number: str, is_split: bool, taken: set[str], expected: str) -> None:
    assert split_number(number, taken, is_split=is_split) == expected
