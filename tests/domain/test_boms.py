"""BOMs: what may stand in one, and what making a quantity takes."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partsemble_core.domain.amounts import from_millionths
from partsemble_core.domain.boms import (
    LINES,
    Bom,
    CostKind,
    CostLine,
    check_bom,
    costs_of,
    estimate,
    max_buildable,
    needs_of,
)
from partsemble_core.errors import Invalid
from tests.domain.makers import Amount, a_bom, a_component, a_fixed_cost, a_timed_cost, exact
from tests.domain.strategies import LAW, costs, millionths, quantities


def refused_field(bom: Bom) -> str:
    with pytest.raises(Invalid) as refusal:
        check_bom(bom)
    return refusal.value.field


def test_a_good_bom_is_handed_back() -> None:
    bom = a_bom(a_component(1, scrap="99.999999"), a_component(2, optional=True), costs=[a_fixed_cost(0)])
    assert check_bom(bom) is bom


@pytest.mark.parametrize("quantity", ["0", "-1", "1000000000", "1E+30", "0.0000001", "NaN", "Infinity"])
def test_a_bad_quantity_names_its_line(quantity: str) -> None:
    assert refused_field(a_bom(a_component(1), a_component(2, quantity=quantity))) == "components[1].quantity"


@pytest.mark.parametrize("makes", ["0", "-1", "1000000000"])
def test_a_bad_output_quantity_is_refused(makes: str) -> None:
    assert refused_field(a_bom(makes=makes)) == "output_quantity"


@pytest.mark.parametrize("scrap", ["-1", "100", "250", "NaN", "0.0000001"])
def test_scrap_is_at_least_0_and_below_100_per_cent(scrap: str) -> None:
    assert refused_field(a_bom(a_component(1, scrap=scrap))) == "components[0].scrap_percent"


def test_the_same_component_twice_is_refused_naming_both_lines() -> None:
    bom = a_bom(a_component(1), a_component(2), a_component(1, optional=True))
    with pytest.raises(Invalid, match=r"Lines 1 and 3 name the same component\. Add") as refusal:
        check_bom(bom)
    assert refusal.value.field == "components[2].sku"


def test_an_empty_bom_is_refused() -> None:
    assert refused_field(Bom(product_id=100, components=())) == "components"


def test_a_bom_has_a_limit_of_lines() -> None:
    check_bom(a_bom(*(a_component(i) for i in range(LINES))))
    assert refused_field(a_bom(*(a_component(i) for i in range(LINES + 1)))) == "components"


GOOD = CostLine(kind=CostKind.LABOUR, label="Labour")


@pytest.mark.parametrize(
    ("line", "field"),
    [
        pytest.param(GOOD, "amount", id="neither"),
        pytest.param(replace(GOOD, amount=exact(1), rate=exact(1), quantity=exact(1)), "amount", id="both"),
        pytest.param(replace(GOOD, amount=exact(1), rate=exact(1)), "amount", id="amount and rate"),
        pytest.param(replace(GOOD, rate=exact(1)), "quantity", id="rate alone"),
        pytest.param(replace(GOOD, quantity=exact(1)), "rate", id="quantity alone"),
        pytest.param(replace(GOOD, amount=exact(-1)), "amount", id="negative amount"),
        pytest.param(replace(GOOD, rate=exact(-1), quantity=exact(1)), "rate", id="negative rate"),
        pytest.param(replace(GOOD, rate=exact(1), quantity=exact(-1)), "quantity", id="negative quantity"),
        pytest.param(replace(GOOD, amount=exact("NaN")), "amount", id="not a number"),
        pytest.param(replace(GOOD, rate=exact(10**6), quantity=exact(1000)), "rate", id="too much together"),
        pytest.param(replace(GOOD, amount=exact(1), label=" "), "label", id="no label"),
        pytest.param(replace(GOOD, amount=exact(1), label="x" * 201), "label", id="long label"),
    ],
)
def test_a_bad_cost_line_names_its_field(line: CostLine, field: str) -> None:
    assert refused_field(a_bom(costs=[a_fixed_cost(), line])) == f"cost_lines[1].{field}"


def test_a_cost_line_without_figures_has_no_cost() -> None:
    with pytest.raises(Invalid, match="an amount, or a rate and a quantity"):
        GOOD.cost()


def test_a_recipe_for_a_batch_is_divided_by_what_it_makes() -> None:
    paint = a_bom(a_component(1, quantity=30), costs=[a_fixed_cost("12.00")], makes=20)
    assert [n.quantity for n in needs_of(paint, exact(5))] == [exact("7.5")]
    assert [c.cost for c in costs_of(paint, exact(5))] == [3]


def test_scrap_is_taken_on_top() -> None:
    assert [n.quantity for n in needs_of(a_bom(a_component(1, quantity=4, scrap=5)), exact(10))] == [42]


def test_a_need_carries_its_line_and_whether_it_is_optional() -> None:
    bom = a_bom(a_component(7), a_component(8, optional=True))
    assert [(n.line, n.product_id, n.optional) for n in needs_of(bom, exact(1))] == [
        (0, 7, False),
        (1, 8, True),
    ]


def test_a_share_that_rounds_to_nothing_is_refused_rather_than_made_of_nothing() -> None:
    with pytest.raises(Invalid, match="rounds to nothing") as refusal:
        needs_of(a_bom(a_component(1, quantity="0.000001"), makes=10), exact(1))
    assert refusal.value.field == "quantity"


@pytest.mark.parametrize(
    ("bom", "stock", "units"),
    [
        pytest.param(a_bom(a_component(1, quantity=3)), {1: 10}, 3, id="rounded down"),
        pytest.param(a_bom(a_component(1, quantity=3)), {}, 0, id="nothing in stock"),
        pytest.param(a_bom(a_component(1)), {1: -5}, 0, id="oversold stock allows nothing"),
        pytest.param(a_bom(a_component(1, quantity=1, scrap=10)), {1: 11}, 10, id="scrap needs stock too"),
        pytest.param(a_bom(a_component(1, quantity=1, scrap=10)), {1: "10.999999"}, 9, id="just short with scrap"),
        pytest.param(a_bom(a_component(1, quantity=3), makes=20), {1: 4}, 26, id="a batch"),
        pytest.param(a_bom(a_component(1), a_component(2)), {1: 5, 2: 2}, 2, id="the least of them"),
        pytest.param(a_bom(a_component(1, optional=True)), {1: 5}, None, id="nothing required"),
    ],
)
def test_stock_allows_this_many(bom: Bom, stock: dict[int, Amount], units: int | None) -> None:
    assert max_buildable(bom, {p: exact(q) for p, q in stock.items()}) == units


def test_the_estimate_is_what_is_required_at_todays_cost_plus_the_cost_lines() -> None:
    bom = a_bom(
        a_component(1, quantity=4, scrap=25),
        a_component(2, optional=True),
        a_component(3),
        costs=[a_fixed_cost("2.00"), a_timed_cost(rate="25.00", quantity="0.5")],
    )
    # 4 + 25 % = 5 at 0.30; the optional one left out; product 3 was never bought, so it has no cost yet.
    assert estimate(bom, {1: exact("0.30"), 2: exact("9.99")}) == exact("16.00")


def test_the_estimate_is_for_one_output_quantity() -> None:
    assert estimate(a_bom(a_component(1, quantity=30), makes=20), {1: exact("0.10")}) == 3


@LAW
@given(
    stock=st.lists(quantities(), min_size=1, max_size=3),
    each=st.lists(millionths(least=1000, most=10**10).map(from_millionths), min_size=3, max_size=3),
    scrap=costs(most=99_999_999),
    makes=quantities(most=10**9),
)
def test_what_can_be_built_is_what_the_scarcest_component_allows_and_stock_reaches_for_it(
    stock: list[Decimal], each: list[Decimal], scrap: Decimal, makes: Decimal
) -> None:
    bom = a_bom(*(a_component(i, quantity=each[i], scrap=scrap) for i in range(len(stock))), makes=makes)
    most = max_buildable(bom, dict(enumerate(stock)))
    per_unit = [Fraction(q) * (1 + Fraction(scrap) / 100) / Fraction(makes) for q in each]
    assert most == min(math.floor(Fraction(have) / need) for have, need in zip(stock, per_unit, strict=False))
    if most:
        assert all(need.quantity <= stock[need.product_id] for need in needs_of(bom, most))
