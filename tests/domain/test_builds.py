"""A build costs exactly what went into it."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from partsemble_core.domain.builds import cost_build
from partsemble_core.domain.fifo import after
from partsemble_core.domain.lots import OpenLot
from tests.domain.makers import a_bom, a_component, a_fixed_cost, a_lot, a_timed_cost, exact, some_lots
from tests.domain.oracles import half_even
from tests.domain.strategies import LAW, costs, open_lots, quantities

BRACKET = a_bom(
    a_component(1, quantity=4),
    a_component(2, quantity=1, optional=True),
    costs=[a_timed_cost(rate="25.00", quantity="0.5"), a_fixed_cost("2.00")],
)


def test_a_build_costs_its_components_and_its_cost_lines() -> None:
    build = cost_build(BRACKET, exact(10), some_lots((30, "0.10"), (30, "0.20")))
    assert build.components_cost == exact("5.00")
    assert build.added_cost == exact("145.00")
    assert build.total == exact("150.00")
    assert build.unit_cost == exact("15.00")
    assert build.shortages == ()


def test_an_optional_component_is_taken_where_it_is_there() -> None:
    lots = [a_lot(40, at="0.10"), a_lot(3, at="1.00", product_id=2, lot_id=2)]
    build = cost_build(BRACKET, exact(10), lots)
    assert [(d.product_id, d.quantity) for d in build.draws] == [(1, exact(40)), (2, exact(3))]
    assert build.components_cost == exact("7.00")
    assert build.shortages == ()


def test_a_preview_of_a_short_build_shows_what_there_is_and_what_is_missing() -> None:
    build = cost_build(BRACKET, exact(10), [a_lot(30)])
    assert [d.quantity for d in build.draws] == [30]
    (short,) = build.shortages
    assert (short.needed, short.available, short.missing) == (exact(40), exact(30), exact(10))


def test_a_unit_cost_is_rounded_and_the_total_is_not() -> None:
    build = cost_build(a_bom(a_component(1)), exact(3), [a_lot(3, cost="10.00")])
    assert (build.total, build.unit_cost) == (exact(10), exact("3.333333"))


def test_the_same_lots_give_the_same_costing() -> None:
    lots = some_lots((30, "0.13"), (30, "0.27"))
    assert cost_build(BRACKET, exact(7), lots) == cost_build(BRACKET, exact(7), lots[::-1])


@LAW
@given(lots=open_lots(), quantity=quantities(most=10**12), each=quantities(most=10**9), amount=costs(most=10**9))
def test_what_a_build_costs_is_what_the_lots_lost_and_its_cost_lines(
    lots: list[OpenLot], quantity: Decimal, each: Decimal, amount: Decimal
) -> None:
    # A need that rounds to nothing is refused elsewhere; one unit each keeps it away.
    bom = a_bom(a_component(1, quantity=each + 1), costs=[a_fixed_cost(amount)])
    worth = sum(Fraction(x.cost_left) for x in lots) + Fraction(amount) * Fraction(quantity) + 1
    assume(max(worth, worth / Fraction(quantity)) < 10**9)  # past it a build is refused: see test_limits
    build = cost_build(bom, quantity, lots)
    left = after(lots, build.draws)
    lost = sum(Fraction(x.cost_left) for x in lots) - sum(Fraction(x.cost_left) for x in left)
    assert Fraction(build.total) == lost + half_even(Fraction(amount) * Fraction(quantity))


@LAW
@given(amounts=st.lists(costs(most=10**9), min_size=1, max_size=5), quantity=quantities(most=10**12))
def test_each_cost_line_is_borne_in_proportion_rounded_once(amounts: list[Decimal], quantity: Decimal) -> None:
    bom = a_bom(a_component(1, quantity=7), costs=[a_fixed_cost(a) for a in amounts], makes=7)
    build = cost_build(bom, quantity, [])
    borne = [half_even(Fraction(a) * Fraction(quantity) / 7) for a in amounts]
    assert [Fraction(c.cost) for c in build.costs] == borne
    assert Fraction(build.added_cost) == sum(borne)
