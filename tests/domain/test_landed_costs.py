"""Charges, purchase units and foreign money: exact, or refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partsemble_core.domain.amounts import add, from_millionths, to_millionths
from partsemble_core.domain.receipts import (
    Charge,
    SpreadBy,
    in_base_currency,
    in_stock_units,
    landed_costs,
    parse_money,
    parse_spread_by,
    parse_weight,
)
from partsemble_core.errors import Invalid
from tests.domain.makers import a_receipt_line, exact
from tests.domain.strategies import LAW, costs, quantities


def a_charge(amount: str = "1", by: SpreadBy = SpreadBy.COST) -> Charge:
    return Charge(label="Freight", amount=exact(amount), spread_by=by)


@LAW
@given(st.lists(st.tuples(quantities(), costs()), min_size=1, max_size=8), st.data())
def test_landed_costs_sum_exactly_and_no_share_is_off_by_a_millionth(
    of: list[tuple[Decimal, Decimal]], data: st.DataObject
) -> None:
    lines = [a_receipt_line(quantity, cost=cost) for quantity, cost in of]
    ways = [SpreadBy.QUANTITY, SpreadBy.WEIGHT] + ([SpreadBy.COST] if any(cost for _, cost in of) else [])
    charges = [
        Charge(label="x", amount=data.draw(costs()), spread_by=data.draw(st.sampled_from(ways))) for _ in range(2)
    ]
    landed = landed_costs(lines, charges, weights=[line.quantity for line in lines])
    assert add(landed) == add([*(line.cost for line in lines), *(charge.amount for charge in charges)])
    for line, cost in zip(lines, landed, strict=True):
        shares = Decimal(0)
        for charge in charges:
            part, whole = line.quantity, add([each.quantity for each in lines])
            if charge.spread_by == SpreadBy.COST:
                part, whole = line.cost, add([each.cost for each in lines])
            shares += from_millionths(to_millionths(charge.amount) * to_millionths(part) // to_millionths(whole))
        assert 0 <= cost - line.cost - shares <= Decimal("0.000002")


def test_every_line_needs_a_weight_if_a_charge_goes_by_it() -> None:
    lines = [a_receipt_line(), a_receipt_line()]
    with pytest.raises(Invalid, match="give the weight of every line") as refusal:
        landed_costs(lines, [a_charge(by=SpreadBy.WEIGHT)], weights=[exact(1), None])
    assert refusal.value.field == "lines[1].weight"


@pytest.mark.parametrize("by", [SpreadBy.COST, SpreadBy.WEIGHT])
def test_a_charge_is_not_spread_by_what_no_line_has(by: SpreadBy) -> None:
    lines = [a_receipt_line(cost=0), a_receipt_line(cost=0)]
    with pytest.raises(Invalid, match="Spread by quantity") as refusal:
        landed_costs(lines, [a_charge("0"), a_charge(by=by)], weights=[exact(0)] * 2)
    assert refusal.value.field == "charges[0].spread_by" if by == SpreadBy.COST else "charges[1].spread_by"


@pytest.mark.parametrize(
    ("quantity", "per_unit", "pieces"), [("2", "5000", "10000"), ("0.5", "0.000002", "0.000001"), ("970", "1", "970")]
)
def test_purchase_units_become_stock_units_exactly(quantity: str, per_unit: str, pieces: str) -> None:
    assert in_stock_units(exact(quantity), per_purchase_unit=exact(per_unit), field="q") == exact(pieces)


@pytest.mark.parametrize(("quantity", "per_unit"), [("0.333333", "0.1"), ("0.000001", "0.5"), ("999999999", "5000")])
def test_purchase_units_are_never_rounded(quantity: str, per_unit: str) -> None:
    with pytest.raises(Invalid) as refusal:
        in_stock_units(exact(quantity), per_purchase_unit=exact(per_unit), field="lines[3].quantity")
    assert refusal.value.field == "lines[3].quantity"


def test_foreign_money_is_rounded_half_even_to_six_places() -> None:
    assert in_base_currency(exact("0.5"), rate=exact("0.000001")) == 0
    assert in_base_currency(exact("1.5"), rate=exact("0.000001")) == exact("0.000002")
    assert in_base_currency(exact("10"), rate=exact("1.654321")) == exact("16.54321")


def test_money_is_the_companys_own_unless_it_says_otherwise() -> None:
    for currency, rate in [(None, None), ("", ""), ("NZD", None), ("NZD", "1.0")]:
        money = parse_money(currency, rate, base="NZD")
        assert (money.currency, money.rate) == ("NZD", 1)
    assert parse_money("USD", "1.65", base="NZD").rate == exact("1.65")


@pytest.mark.parametrize("way", ["colour", "", None, 1])
def test_ways_to_spread_are_listed(way: object) -> None:
    with pytest.raises(Invalid, match="cost, quantity, weight"):
        parse_spread_by(way, field="charges[0].spread_by")


def test_a_weight_is_not_negative() -> None:
    assert parse_weight("0", field="weight") == 0
    with pytest.raises(Invalid, match="can't be negative"):
        parse_weight("-0.1", field="weight")
