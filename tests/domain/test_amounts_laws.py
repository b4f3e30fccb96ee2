"""Laws of rounding and spreading, against Fractions and Decimal's own half-even rounding."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from partsemble_core.domain.amounts import (
    add,
    from_millionths,
    from_minor,
    multiply,
    parse_decimal,
    scale,
    share,
    spread,
    to_millionths,
    to_minor,
    unit_cost,
)
from tests.domain.oracles import half_even
from tests.domain.strategies import LARGEST, LAW, costs, millionths, quantities

WIDE = Context(prec=60)
DECIMALS = st.sampled_from([0, 2, 3])


@st.composite
def parts_and_wholes(draw: st.DrawFn) -> tuple[Decimal, Decimal]:
    whole = draw(millionths(least=1))
    return from_millionths(draw(st.integers(0, whole))), from_millionths(whole)


@st.composite
def totals_and_weights(draw: st.DrawFn) -> tuple[int, list[int]]:
    weight = st.one_of(st.integers(0, 9), st.integers(0, LARGEST))
    return draw(st.integers(-(10**12), 10**12)), draw(st.lists(weight, min_size=1, max_size=8))


@LAW
@given(units=st.integers(-LARGEST, LARGEST))
def test_millionths_and_decimals_are_one_and_the_same(units: int) -> None:
    value = from_millionths(units)
    assert to_millionths(value) == units
    assert Fraction(value) == Fraction(units, 10**6)
    assert parse_decimal(str(value), field="x") == value


@LAW
@given(cost=costs(), of=parts_and_wholes())
def test_a_share_is_the_exact_part_rounded_half_to_even(cost: Decimal, of: tuple[Decimal, Decimal]) -> None:
    part, whole = of
    taken = share(cost, part, whole)
    assert Fraction(taken) == half_even(Fraction(cost) * Fraction(part) / Fraction(whole))
    assert 0 <= taken <= cost


@LAW
@given(whole=st.integers(1, 500).map(lambda half: 2 * half), cost=st.integers(0, 1000), data=st.data())
def test_a_share_of_exactly_half_a_millionth_goes_to_the_even_one(whole: int, cost: int, data: st.DataObject) -> None:
    # Small numbers, so that ties come often: random large ones hardly ever meet one.
    part = data.draw(st.integers(0, whole))
    taken = share(from_millionths(cost), from_millionths(part), from_millionths(whole))
    assert to_millionths(taken) == (cost if part == whole else round(Fraction(cost * part, whole)))


@LAW
@given(value=costs(), factor=costs())
def test_a_product_is_rounded_half_to_even(value: Decimal, factor: Decimal) -> None:
    assert Fraction(multiply(value, factor)) == half_even(Fraction(value) * Fraction(factor))


@LAW
@given(value=costs(), times=costs(), over=quantities(), more=costs(most=10**8))
def test_scaling_is_rounded_once(value: Decimal, times: Decimal, over: Decimal, more: Decimal) -> None:
    true = Fraction(value) * Fraction(times) / Fraction(over) * (1 + Fraction(more) / 100)
    assert Fraction(scale(value, times=times, over=over, percent_more=more)) == half_even(true)


@LAW
@given(cost=costs(), quantity=quantities())
def test_a_unit_cost_is_rounded_half_to_even(cost: Decimal, quantity: Decimal) -> None:
    assert Fraction(unit_cost(cost, quantity)) == half_even(Fraction(cost) / Fraction(quantity))


@LAW
@given(values=st.lists(st.integers(-LARGEST, LARGEST), max_size=50))
def test_a_sum_is_exact(values: list[int]) -> None:
    assert Fraction(add([from_millionths(v) for v in values])) == Fraction(sum(values), 10**6)


@LAW
@given(
    units=st.one_of(st.integers(-LARGEST, LARGEST), st.integers(-2000, 2000).map(lambda n: n * 500)),
    decimals=DECIMALS,
)
def test_minor_units_are_rounded_as_decimal_itself_rounds(units: int, decimals: int) -> None:
    amount = from_millionths(units)
    rounded = amount.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN, context=WIDE)
    assert to_minor(amount, decimals=decimals) == int(rounded.scaleb(decimals, context=WIDE))
    assert from_minor(to_minor(amount, decimals=decimals), decimals=decimals) == rounded


@LAW
@given(of=totals_and_weights())
def test_what_is_spread_adds_up_and_each_part_is_less_than_a_unit_off(of: tuple[int, list[int]]) -> None:
    total, weights = of
    parts = spread(total, weights)
    assert sum(parts) == total
    if whole := sum(weights):
        for part, weight in zip(parts, weights, strict=True):
            assert abs(part - Fraction(total * weight, whole)) < 1
            assert part == 0 if weight == 0 else part * total >= 0


@LAW
@given(of=totals_and_weights())
def test_the_larger_remainder_gets_the_unit_that_is_over_and_a_tie_goes_to_the_earlier(
    of: tuple[int, list[int]],
) -> None:
    total, weights = of
    assume(sum(weights) > 0)
    exact_parts = [Fraction(abs(total) * weight, sum(weights)) for weight in weights]
    ranked = [(-(part % 1), i) for i, part in enumerate(exact_parts)]
    rounded_up = [abs(part) > math.floor(true) for part, true in zip(spread(total, weights), exact_parts, strict=True)]
    over = sum(rounded_up)
    assert {i for i, up in enumerate(rounded_up) if up} == {i for _, i in sorted(ranked)[:over]}


@LAW
@given(of=totals_and_weights(), data=st.data())
def test_without_ties_each_weight_gets_the_same_wherever_it_stands(
    of: tuple[int, list[int]], data: st.DataObject
) -> None:
    total, weights = of
    assume(sum(weights) > 0)
    remainders = {weight: abs(total) * weight % sum(weights) for weight in weights}
    assume(len(set(remainders.values())) == len(remainders))
    shuffled = data.draw(st.permutations(weights))
    here, there = (sorted(zip(w, spread(total, w), strict=True)) for w in (weights, shuffled))
    assert here == there
