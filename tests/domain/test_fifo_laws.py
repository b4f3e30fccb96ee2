"""Laws of drawing that hold for any lots, any order and any amounts up to the limit."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partsemble_core.domain.amounts import add, from_millionths, to_millionths
from partsemble_core.domain.fifo import Draw, StockShort, after, draw, draw_all, draw_what_is_there
from partsemble_core.domain.lots import OpenLot
from tests.domain.makers import a_lot, a_need
from tests.domain.oracles import NaiveStock
from tests.domain.strategies import LAW, costs, millionths, open_lots, quantities


def naive(lots: list[OpenLot]) -> NaiveStock:
    stock = NaiveStock()
    for lot in lots:
        stock.receive(lot.lot_id, received_on=lot.received_on, quantity=lot.quantity_left, cost=lot.cost_left)
    return stock


@LAW
@given(quantity=millionths(least=1), cost=costs(), cuts=st.lists(st.integers(1, 999), max_size=12))
def test_the_cost_that_leaves_a_lot_over_its_life_is_the_cost_that_entered(
    quantity: int, cost: Decimal, cuts: list[int]
) -> None:
    lots = [a_lot(from_millionths(quantity), cost=cost)]
    taken: list[Draw] = []
    for cut in [*cuts, None]:  # cuts in thousandths of what is left, then the rest
        left = to_millionths(lots[0].quantity_left)
        part = left if cut is None else max(1, left * cut // 1000)
        if left == 0:
            break
        draws = draw(a_need(from_millionths(part)), lots)
        taken += draws
        lots = after(lots, draws)
        assert lots[0].cost_left >= 0
    assert add([d.cost for d in taken]) == cost
    assert add([d.quantity for d in taken]) == from_millionths(quantity)
    assert lots[0].quantity_left == lots[0].cost_left == 0


@LAW
@given(lots=open_lots(), wanted=quantities())
def test_a_draw_agrees_with_the_card_index(lots: list[OpenLot], wanted: Decimal) -> None:
    drawn = [(d.lot_id, Fraction(d.quantity), Fraction(d.cost)) for d in draw(a_need(wanted), lots)]
    assert drawn == naive(lots).take(wanted)


@LAW
@given(lots=open_lots(), wanted=quantities())
def test_nothing_remains_below_zero_and_an_empty_lot_holds_no_cost(lots: list[OpenLot], wanted: Decimal) -> None:
    for lot in after(lots, draw(a_need(wanted), lots)):
        assert lot.quantity_left >= 0
        assert lot.cost_left >= 0
        assert lot.quantity_left > 0 or lot.cost_left == 0


@LAW
@given(lots=open_lots(), wanted=quantities())
def test_a_later_lot_is_touched_only_once_every_earlier_one_is_empty(lots: list[OpenLot], wanted: Decimal) -> None:
    draws = draw(a_need(wanted), lots)
    in_order = sorted(lots, key=lambda lot: (lot.received_on, lot.lot_id))
    assert [d.lot_id for d in draws] == [lot.lot_id for lot in in_order[: len(draws)]]
    left = {lot.lot_id: lot.quantity_left for lot in after(lots, draws)}
    assert all(left[d.lot_id] == 0 for d in draws[:-1])
    assert all(d.quantity > 0 for d in draws)


@LAW
@given(lots=open_lots(), wanted=quantities())
def test_as_much_is_drawn_as_is_wanted_or_there(lots: list[OpenLot], wanted: Decimal) -> None:
    there = add([lot.quantity_left for lot in lots])
    assert add([d.quantity for d in draw(a_need(wanted), lots)]) == min(wanted, there)


@LAW
@given(
    lots=st.tuples(open_lots(product_id=1), open_lots(product_id=2)),
    needs=st.lists(st.tuples(st.integers(1, 3), quantities()), max_size=6),
)
def test_all_is_drawn_or_every_shortage_is_listed(
    lots: tuple[list[OpenLot], list[OpenLot]], needs: list[tuple[int, Decimal]]
) -> None:
    # Ids are unique in a company, so the second product's lots are told apart from the first's.
    stock = [
        *lots[0],
        *(a_lot(x.quantity_left, cost=x.cost_left, lot_id=x.lot_id + 100, product_id=2) for x in lots[1]),
    ]
    wanted = [a_need(quantity, product_id=product, line=i) for i, (product, quantity) in enumerate(needs)]
    left = {p: sum((Fraction(x.quantity_left) for x in stock if x.product_id == p), Fraction(0)) for p in (1, 2, 3)}
    missing = []
    for need in wanted:
        got = min(left[need.product_id], Fraction(need.quantity))
        left[need.product_id] -= got
        if got < need.quantity:
            missing.append((need.product_id, Fraction(need.quantity) - got))
    if missing:
        with pytest.raises(StockShort) as refusal:
            draw_all(wanted, stock)
        assert [(s.product_id, Fraction(s.missing)) for s in refusal.value.shortages] == missing
    else:
        draws = draw_all(wanted, stock)
        assert add([d.quantity for d in draws]) == add([n.quantity for n in wanted])


@LAW
@given(lots=open_lots(), wanted=st.lists(quantities(), max_size=5))
def test_what_leaves_the_lots_is_what_the_draws_say(lots: list[OpenLot], wanted: list[Decimal]) -> None:
    draws, _ = draw_what_is_there([a_need(q, line=i) for i, q in enumerate(wanted)], lots)
    left = after(lots, draws)
    assert add([x.cost_left for x in lots]) == add([*(x.cost_left for x in left), *(d.cost for d in draws)])
    assert add([x.quantity_left for x in lots]) == add([*(x.quantity_left for x in left), *(d.quantity for d in draws)])
    assert all(x.quantity_left >= 0 and x.cost_left >= 0 for x in left)
