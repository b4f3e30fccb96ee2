"""Receipts, supplier codes and lot numbers: what arrives, and what is refused at the door."""

from __future__ import annotations

import datetime as dt

import pytest

from partsemble_core.domain.lots import automatic_number
from partsemble_core.domain.receipts import LINES, check_lines, check_supplier_code, line_cost, total_cost
from partsemble_core.errors import Invalid
from tests.domain.makers import DAY_ONE, a_day, a_receipt_line, exact


def test_a_line_costs_its_total() -> None:
    assert line_cost(exact(3), total_cost="10.00") == 10


def test_a_line_costs_its_unit_cost_times_its_quantity() -> None:
    assert line_cost(exact("2.5"), unit_cost="3.333333") == exact("8.333332")


def test_goods_may_be_free() -> None:
    assert line_cost(exact(3), unit_cost=0) == 0


@pytest.mark.parametrize(("total", "unit"), [(None, None), ("1", "1"), ("0", "0")])
def test_a_line_has_either_a_total_or_a_unit_cost(total: str | None, unit: str | None) -> None:
    with pytest.raises(Invalid, match="either the total cost of the line or its unit cost") as refusal:
        line_cost(exact(1), total_cost=total, unit_cost=unit, field="lines[4]")
    assert refusal.value.field == "lines[4].total_cost"


@pytest.mark.parametrize(
    ("total", "unit", "field"),
    [("-1", None, "total_cost"), (None, "-1", "unit_cost"), (None, 1.5, "unit_cost")],
)
def test_a_bad_cost_names_its_field(total: object, unit: object, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        line_cost(exact(1), total_cost=total, unit_cost=unit)
    assert refusal.value.field == f"lines[0].{field}"


def test_a_line_that_comes_to_too_much_is_refused() -> None:
    with pytest.raises(Invalid, match="smaller than 1,000,000,000") as refusal:
        line_cost(exact(1_000_000), unit_cost="1000")
    assert refusal.value.field == "lines[0].total_cost"


def test_the_receipt_is_worth_the_sum_of_its_lines() -> None:
    assert total_cost([a_receipt_line(cost="0.000001"), a_receipt_line(cost="999999999.999999")]) == 10**9


def test_a_good_receipt_passes() -> None:
    lines = [
        a_receipt_line(lot_number="A1", expires_on=DAY_ONE),
        a_receipt_line(product_id=2, lot_number="A1"),
    ]
    check_lines(lines, received_on=DAY_ONE)


def test_an_empty_receipt_is_refused() -> None:
    with pytest.raises(Invalid, match="at least one line") as refusal:
        check_lines([], received_on=DAY_ONE)
    assert refusal.value.field == "lines"


def test_a_receipt_has_a_limit_of_lines() -> None:
    check_lines([a_receipt_line()] * LINES, received_on=DAY_ONE)
    with pytest.raises(Invalid, match="at most 2000 lines"):
        check_lines([a_receipt_line()] * (LINES + 1), received_on=DAY_ONE)


@pytest.mark.parametrize("quantity", ["0", "-1", "1000000000", "0.0000001", "NaN"])
def test_a_bad_quantity_names_its_line(quantity: str) -> None:
    with pytest.raises(Invalid) as refusal:
        check_lines([a_receipt_line(), a_receipt_line(quantity, cost=1)], received_on=DAY_ONE)
    assert refusal.value.field == "lines[1].quantity"


def test_a_negative_cost_names_its_line() -> None:
    with pytest.raises(Invalid) as refusal:
        check_lines([a_receipt_line(cost="-0.01")], received_on=DAY_ONE)
    assert refusal.value.field == "lines[0].total_cost"


def test_goods_that_had_expired_before_they_came_are_refused() -> None:
    check_lines([a_receipt_line(expires_on=a_day(2))], received_on=a_day(2))
    with pytest.raises(Invalid, match="before the day of receipt") as refusal:
        check_lines([a_receipt_line(expires_on=a_day(1))], received_on=a_day(2))
    assert refusal.value.field == "lines[0].expires_on"


@pytest.mark.parametrize("again", ["A1", "a1", " A1 "])
def test_one_lot_number_twice_for_one_product_is_refused(again: str) -> None:
    with pytest.raises(Invalid, match="stands twice") as refusal:
        check_lines([a_receipt_line(lot_number="A1"), a_receipt_line(lot_number=again)], received_on=DAY_ONE)
    assert refusal.value.field == "lines[1].lot_number"


def test_many_lines_may_leave_their_lot_number_to_us() -> None:
    check_lines([a_receipt_line(), a_receipt_line()], received_on=DAY_ONE)


@pytest.mark.parametrize("number", ["x" * 65, "A\x00", "A\nB"])
def test_a_bad_lot_number_names_its_line(number: str) -> None:
    with pytest.raises(Invalid) as refusal:
        check_lines([a_receipt_line(lot_number=number)], received_on=DAY_ONE)
    assert refusal.value.field == "lines[0].lot_number"


@pytest.mark.parametrize("code", ["AB", "ACM", "ACME"])
def test_a_supplier_code_is_two_to_four_capitals(code: str) -> None:
    assert check_supplier_code(code) == code


@pytest.mark.parametrize("code", ["", "A", "ACMEX", "acm", "Acm", "A1", "A-B", " ACM", "ACM\n", "ÄB", "ＡＢ", "ΑΒ"])
def test_any_other_supplier_code_is_refused(code: str) -> None:
    with pytest.raises(Invalid, match="2 to 4 capital letters") as refusal:
        check_supplier_code(code)
    assert refusal.value.field == "code"


def test_a_lot_number_that_a_person_took_is_left_out() -> None:
    received_on = dt.date(2026, 4, 4)
    assert automatic_number("ACM", received_on, {"ACM-20260404", "ACM-20260404-003"}) == "ACM-20260404-002"
    assert automatic_number("ACM", received_on, {"ACM-20260404-002"}) == "ACM-20260404"


def test_the_thousandth_lot_of_a_day_still_gets_a_number() -> None:
    taken = {"ACM-20260404", *(f"ACM-20260404-{n:03d}" for n in range(2, 1000))}
    assert automatic_number("ACM", dt.date(2026, 4, 4), taken) == "ACM-20260404-1000"


def test_days_and_suppliers_count_apart() -> None:
    taken = {"ACM-20260404", "ACM-20260404-002"}
    assert automatic_number("ACM", dt.date(2026, 4, 5), taken) == "ACM-20260405"
    assert automatic_number("BLT", dt.date(2026, 4, 4), taken) == "BLT-20260404"
