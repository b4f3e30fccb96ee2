"""First to expire, first out; lots picked by hand; and what is kept for others."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partsemble_core.domain.fifo import (
    Choice,
    DrawOrder,
    Shortage,
    StockShort,
    Terms,
    draw,
    draw_all,
    draw_what_is_there,
    in_order,
)
from partsemble_core.domain.lots import OpenLot
from partsemble_core.errors import Invalid
from tests.domain.makers import a_day, a_lot, a_need, exact, some_lots
from tests.domain.strategies import LAW, open_lots, quantities


def expiring(*days: int | None) -> list[OpenLot]:
    """Ten of each, received one a day in the order given."""
    lots = some_lots(*[(10, 1) for _ in days])
    return [replace(lot, expires_on=None if day is None else a_day(day)) for lot, day in zip(lots, days, strict=True)]


def test_what_expires_first_is_taken_first_and_what_never_does_last() -> None:
    lots = expiring(None, 30, 20, 30)
    draws = draw(a_need(35), lots, order=DrawOrder.FEFO)
    assert [(d.lot_id, d.quantity) for d in draws] == [(3, 10), (2, 10), (4, 10), (1, 5)]
    assert [d.lot_id for d in draw(a_need(35), lots)] == [1, 2, 3, 4]


@LAW
@given(open_lots(), st.lists(st.none() | st.integers(1, 5), min_size=6, max_size=6), quantities(most=10**9))
def test_fefo_touches_a_later_lot_only_once_every_earlier_one_is_empty(
    lots: list[OpenLot], days: list[int | None], wanted: Decimal
) -> None:
    dated = [replace(lot, expires_on=None if day is None else a_day(day)) for lot, day in zip(lots, days, strict=False)]
    draws = draw(a_need(wanted), dated, order=DrawOrder.FEFO)
    order = [lot for lot in in_order(dated, DrawOrder.FEFO) if lot.quantity_left > 0]
    keys = [(lot.expires_on is None, lot.expires_on or a_day(1), lot.received_on, lot.lot_id) for lot in order]
    assert keys == sorted(keys)
    assert [d.lot_id for d in draws] == [lot.lot_id for lot in order[: len(draws)]]
    assert all(d.quantity == lot.quantity_left for d, lot in zip(draws[:-1], order, strict=False))


def pick(*choices: tuple[int, str], line: int = 0) -> Terms:
    return Terms(chosen={line: [Choice(lot_id=lot_id, quantity=exact(q)) for lot_id, q in choices]})


def test_lots_picked_by_hand_are_taken_and_no_others() -> None:
    lots = some_lots((20, "34.50"), (50, "35.50"), (100, "36.00"))
    draws = draw_all([a_need(60)], lots, terms=pick((3, "55"), (1, "5")))
    assert [(d.lot_id, d.quantity, d.cost) for d in draws] == [(3, 55, 1980), (1, 5, exact("172.5"))]


def test_all_of_a_lot_picked_by_hand_takes_all_of_its_cost() -> None:
    draws = draw_all([a_need(3)], [a_lot(3, cost=10, lot_id=1), a_lot(3, cost=1, lot_id=2)], terms=pick((1, "3")))
    assert [(d.lot_id, d.cost) for d in draws] == [(1, 10)]


@pytest.mark.parametrize(
    ("choices", "says"),
    [
        ([(1, "20"), (2, "39")], "give 59, the line needs 60"),
        ([(1, "20"), (2, "41")], "give 61, the line needs 60"),
        ([(1, "21"), (2, "39")], "holds 20, so 21"),
        ([(1, "10"), (1, "10"), (2, "40")], "named twice"),
        ([(9, "60")], "Lot 9 can't be taken here"),
        ([(4, "60")], "Lot 4 can't be taken here"),
        ([(2, "0")], "holds 50, so 0"),
        ([], "give 0"),
    ],
)
def test_a_pick_that_does_not_fit_the_line_is_refused_naming_it(choices: list[tuple[int, str]], says: str) -> None:
    lots = [*some_lots((20, 1), (50, 1), (100, 1)), a_lot(60, lot_id=4, product_id=2)]
    with pytest.raises(Invalid, match=says) as caught:
        draw_all([a_need(60)], lots, terms=pick(*choices))
    assert caught.value.field == "lots[0]"


def test_a_line_picked_by_hand_is_served_before_another_of_the_same_product() -> None:
    draws = draw_all([a_need(5), a_need(5, line=1)], some_lots((5, 1), (5, 2)), terms=pick((1, "5"), line=1))
    assert {(d.line, d.lot_id) for d in draws} == {(1, 1), (0, 2)}


def test_what_is_reserved_is_not_taken_and_the_shortage_says_so() -> None:
    terms = Terms(reserved={1: exact(7)})
    lots = some_lots((5, 1), (5, 1))
    assert draw_all([a_need(3)], lots, terms=terms)
    with pytest.raises(StockShort, match=r"4 needed, 3 not reserved for planned builds, 1 missing\. .* priority"):
        draw_all([a_need(4)], lots, terms=terms)
    draws, shortages = draw_what_is_there([a_need(4)], lots, terms=terms)
    assert [d.quantity for d in draws] == [3]
    assert shortages == (Shortage(product_id=1, needed=exact(4), available=exact(3), reserved=exact(7)),)


def test_more_reserved_than_there_is_leaves_nothing_not_less() -> None:
    draws, (short,) = draw_what_is_there([a_need(1)], some_lots((5, 1)), terms=Terms(reserved={1: exact(9)}))
    assert (draws, short.available) == ((), 0)


def test_an_optional_need_leaves_what_is_kept_and_a_required_one_does_not() -> None:
    terms = Terms(kept={1: exact(4)})
    assert [d.quantity for d in draw_all([a_need(9, optional=True)], some_lots((5, 1)), terms=terms)] == [1]
    assert [d.quantity for d in draw_all([a_need(5)], some_lots((5, 1)), terms=terms)] == [5]


def test_reserved_stock_can_not_be_picked_by_hand_either() -> None:
    terms = replace(pick((1, "5")), reserved={1: exact(1)})
    _, (short,) = draw_what_is_there([a_need(5)], some_lots((5, 1)), terms=terms)
    assert (short.needed, short.available) == (5, 4)
