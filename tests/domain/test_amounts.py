"""Reading, rounding and showing amounts: worked examples and everything that must be refused."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest

from partsemble_core.domain.amounts import (
    add,
    format_amount,
    format_quantity,
    from_millionths,
    from_minor,
    multiply,
    parse_cost,
    parse_decimal,
    parse_quantity,
    scale,
    share,
    spread,
    to_millionths,
    to_minor,
    unit_cost,
)
from partsemble_core.errors import Invalid
from tests.domain.makers import exact


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ("12.50", "12.5"),
        (" 12 ", "12"),
        ("+7", "7"),
        ("-7.000001", "-7.000001"),
        ("007", "7"),
        ("-0", "0"),
        ("999999999.999999", "999999999.999999"),
        ("1.5000000", "1.5"),  # a seventh decimal of zero changes nothing; spreadsheets write such
        (12, "12"),
        (-999_999_999, "-999999999"),
        (Decimal("0.10"), "0.1"),
        (Decimal("-0"), "0"),
        (Decimal("1E+5"), "100000"),
        (Decimal("0E-20"), "0"),
    ],
)
def test_a_plain_number_is_read_exactly(given: object, number: str) -> None:
    # Compared as text, since Decimal("0.10") == Decimal("0.1") and -0 == 0 would hide what is kept.
    assert str(parse_decimal(given, field="x")) == number


@pytest.mark.parametrize(
    "given",
    [
        "",
        " ",
        "NaN",
        "sNaN",
        "Infinity",
        "-inf",
        "1e5",
        "1E5",
        "1_000",
        "1,000",
        "1 000",
        "1'000",
        "12,50",
        ".5",
        "5.",
        "--5",
        "0x10",
        "１２３",  # full-width digits
        "٣٤",  # Arabic-Indic digits
        "12\u00a0",  # a no-break space isn't trimmed: it hides in what people paste
        "\t12",
        "12\n",
        "12\x00",
        "½",
        "1" * 31,
        "0." + "1" * 31,
        1.5,
        float("nan"),
        True,
        False,
        None,
        b"12",
        ["12"],
        1 + 0j,
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        Decimal("-Infinity"),
    ],
)
def test_what_is_not_a_plain_number_is_refused(given: object) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_decimal(given, field="lines[2].unit_cost")
    assert refusal.value.field == "lines[2].unit_cost"
    assert "Unit cost" in str(refusal.value)


@pytest.mark.parametrize(
    "given",
    [
        "1000000000",
        "-1000000000",
        10**9,
        10**400,
        -(10**400),
        Decimal(10) ** 9,
        Decimal("1E+999999"),
        Decimal("-1E+30"),
    ],
)
def test_a_thousand_million_is_too_much(given: object) -> None:
    with pytest.raises(Invalid, match=r"must be smaller than 1,000,000,000\.") as refusal:
        parse_decimal(given, field="x")
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize(
    "given",
    [
        "1.0000001",
        "0.0000005",
        "-0.0000001",
        "1.000000000000000000000000000001",  # 31 digits: more than Decimal's usual 28
        "0.000000000000000000000000000001",
        "999999999.9999999999999999999999999",  # must not round up to the limit
        Decimal("1E-7"),
        Decimal("1E-999999"),
        Decimal("1." + "0" * 40 + "1"),
    ],
)
def test_a_seventh_decimal_is_refused_and_not_rounded(given: object) -> None:
    with pytest.raises(Invalid, match="at most 6 decimals"):
        parse_decimal(given, field="x")


def test_a_refusal_does_not_repeat_a_whole_page_of_input() -> None:
    with pytest.raises(Invalid) as refusal:
        parse_decimal("x" * 10_000, field="x")
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize("given", [0, "-0", "0.000000", "-1", Decimal("-0.000001")])
def test_a_quantity_is_above_zero(given: object) -> None:
    with pytest.raises(Invalid, match="Quantity must be greater than zero") as refusal:
        parse_quantity(given)
    assert refusal.value.field == "quantity"


def test_a_quantity_may_be_one_millionth() -> None:
    assert parse_quantity("0.000001") == exact("0.000001")


def test_a_cost_may_be_zero() -> None:
    assert parse_cost("0.00") == 0


@pytest.mark.parametrize("given", ["-0.01", -1, Decimal("-0.000001")])
def test_a_cost_is_not_negative(given: object) -> None:
    with pytest.raises(Invalid, match="must not be negative") as refusal:
        parse_cost(given, field="freight_cost")
    assert refusal.value.field == "freight_cost"


def test_millionths_refuse_to_round() -> None:
    with pytest.raises(ValueError, match="more than 6 decimals"):
        to_millionths(exact("0.0000001"))


def test_millionths_keep_neither_trailing_zeros_nor_exponents_nor_a_negative_zero() -> None:
    assert [str(from_millionths(n)) for n in (0, 1, -1, 10**6, -1_500_000, 10**15 - 1)] == [
        "0", "0.000001", "-0.000001", "1", "-1.5", "999999999.999999",
    ]  # fmt: skip


def test_no_decimal_context_can_touch_a_value() -> None:
    with localcontext() as context:
        context.prec = 3
        assert str(parse_decimal("1234.567891", field="x")) == "1234.567891"
        assert str(add([exact("999999999.999999"), exact("0.000001")])) == "1000000000"
        assert str(multiply(exact("1234.5"), exact("1.001"))) == "1235.7345"
        assert str(share(exact("100000.01"), exact(1), exact(2))) == "50000.005"
        assert to_minor(exact("1234567.89"), decimals=2) == 123_456_789
        assert str(from_minor(123_456_789, decimals=2)) == "1234567.89"


@pytest.mark.parametrize(("part", "whole"), [(2, 1), (-1, 1), (0, 0), (1, 0), (0, -1)])
def test_more_than_there_is_cannot_be_shared(part: int, whole: int) -> None:
    with pytest.raises(ValueError, match="can't take"):
        share(exact(1), exact(part), exact(whole))


def test_scaling_rounds_once_and_not_at_every_step() -> None:
    # 1 ÷ 3 rounded, × 3 would be 0.999999.
    assert scale(exact(1), times=exact(3), over=exact(3)) == 1
    assert scale(exact("0.000001"), times=exact(5), over=exact(10)) == 0
    assert scale(exact("0.000003"), times=exact(5), over=exact(10)) == exact("0.000002")


def test_scrap_raises_what_is_scaled_by_its_per_cent() -> None:
    assert scale(exact(4), times=exact(10), over=exact(1), percent_more=exact("2.5")) == 41


def test_without_quantity_there_is_no_unit_cost() -> None:
    assert unit_cost(exact(5), exact(0)) == 0


@pytest.mark.parametrize(
    ("amount", "decimals", "units"),
    [
        ("2.345", 2, 234),
        ("2.355", 2, 236),
        ("2.345001", 2, 235),
        ("-2.345", 2, -234),
        ("-2.355", 2, -236),
        ("0.005", 2, 0),
        ("0.5", 0, 0),
        ("1.5", 0, 2),
        ("2.5", 0, 2),
        ("1.2345", 3, 1234),
        ("999999999.999999", 2, 100_000_000_000),
    ],
)
def test_minor_units_are_rounded_half_to_even(amount: str, decimals: int, units: int) -> None:
    assert to_minor(exact(amount), decimals=decimals) == units


def test_minor_units_are_shown_with_exactly_the_currencys_places() -> None:
    assert [str(from_minor(n, decimals=d)) for n, d in ((5, 2), (-5, 2), (0, 2), (5, 0), (5, 3))] == [
        "0.05", "-0.05", "0.00", "5", "0.005",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (101, [1, 1, 1], [34, 34, 33]),
        (100, [1, 2, 1], [25, 50, 25]),
        (1, [1, 1], [1, 0]),
        (10, [3, 3, 4], [3, 3, 4]),
        (7, [1, 0, 2], [2, 0, 5]),
        (5, [0, 0], [5, 0]),
        (0, [1, 2], [0, 0]),
        (-100, [1, 1, 1], [-34, -33, -33]),
        (5, [9], [5]),
    ],
)
def test_a_total_is_spread_by_largest_remainder_and_ties_go_to_the_earlier(
    total: int, weights: list[int], parts: list[int]
) -> None:
    assert spread(total, weights) == parts


@pytest.mark.parametrize("weights", [[], [1, -1], [-1]])
def test_nothing_is_spread_over_no_or_negative_weights(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        spread(1, weights)


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        ("1234567.5", 2, "1,234,567.50"),
        ("0.000001", 2, "0.000001"),
        ("1E+3", 2, "1,000.00"),
        ("5", 0, "5"),
        ("5.10", 0, "5.1"),
        ("-1234.5", 2, "-1,234.50"),
        ("1.2", 3, "1.200"),
    ],
)
def test_money_is_shown_grouped_with_at_least_the_currencys_places(value: str, decimals: int, text: str) -> None:
    assert format_amount(exact(value), decimals=decimals) == text


def test_a_quantity_is_shown_without_trailing_zeros() -> None:
    assert [format_quantity(exact(q)) for q in ("1200", "0.500000", "10")] == ["1,200", "0.5", "10"]


@pytest.mark.parametrize("given", ["", "  "])
def test_nothing_typed_is_called_missing(given: str) -> None:
    with pytest.raises(Invalid, match=r"^Reorder point is missing\. Fill it in\.$"):
        parse_decimal(given, field="reorder_point")
