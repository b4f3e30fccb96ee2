from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st

from partsemble_core.domain.amounts import format_amount, format_quantity, from_millionths
from partsemble_core.services.preferring import LOCALES
from partsemble_web.writing import MINUS, marks_of, read_typed, write_amount, write_day, write_time, write_typed

AMOUNTS = st.builds(from_millionths, st.integers(min_value=-(10**15) + 1, max_value=10**15 - 1))
SPACE = "\u00a0"


@pytest.mark.parametrize(
    ("locale", "amount", "day", "time"),
    [
        ("en-GB", "−1,234.50", "4 Sep 2026", "14:05"),
        ("en-US", "−1,234.50", "Sep 4, 2026", f"2:05{SPACE}PM"),
        ("en-AU", "−1,234.50", "4 Sep 2026", f"2:05{SPACE}pm"),
        ("en-NZ", "−1,234.50", "4 Sep 2026", f"2:05{SPACE}pm"),
        ("en-IE", "−1,234.50", "4 Sep 2026", "14:05"),
        ("en-CA", "−1,234.50", "Sep 4, 2026", f"2:05{SPACE}p.m."),
        ("en-ZA", f"−1{SPACE}234,50", "4 Sep 2026", "14:05"),
        ("de-DE", "−1.234,50", "04.09.2026", "14:05"),
        ("de-AT", "−1.234,50", "04.09.2026", "14:05"),
        ("de-CH", "−1’234.50", "04.09.2026", "14:05"),
    ],
)
def test_each_locale_writes_in_its_own_way(locale: str, amount: str, day: str, time: str) -> None:
    assert write_amount("-1,234.50", locale) == amount
    assert write_day(dt.date(2026, 9, 4), locale) == day
    assert write_time(dt.time(14, 5), locale) == time


@pytest.mark.parametrize("locale", LOCALES)
def test_zero_has_no_sign(locale: str) -> None:
    assert write_amount("-0.00", locale) == write_amount("0.00", locale)
    assert write_amount("-0.01", locale).startswith("−")


def test_every_locale_offered_is_tried_above() -> None:
    marks = next(mark for mark in test_each_locale_writes_in_its_own_way.pytestmark if mark.name == "parametrize")
    assert [case[0] for case in marks.args[1]] == list(LOCALES)


@pytest.mark.parametrize("locale", LOCALES)
@given(value=AMOUNTS)
def test_what_is_written_is_read_back_to_the_last_digit(locale: str, value: Decimal) -> None:
    for text in (
        write_amount(format_quantity(value), locale),
        write_amount(format_amount(value, decimals=2), locale),
        write_typed(f"{value:f}", locale),
    ):
        read = read_typed(text, locale)
        assert read is not None
        assert Decimal(read) == value


@pytest.mark.parametrize("locale", LOCALES)
@given(value=AMOUNTS)
def test_digits_and_marks_are_those_of_the_unicode_tables(locale: str, value: Decimal) -> None:
    expected = format_decimal(value, locale=locale.replace("-", "_"), decimal_quantization=False)
    assert write_amount(format_quantity(value), locale) == expected.replace("-", MINUS)


@pytest.mark.parametrize(
    ("locale", "text", "plain"),
    [
        ("de-DE", "1.234,5", "1234.5"),
        ("de-DE", "1234,5", "1234.5"),
        ("de-DE", "1.234", "1234"),
        ("de-DE", "-0,000001", "-0.000001"),
        ("de-DE", "−7", "-7"),
        ("de-DE", "+7", "7"),
        ("de-DE", " 7 ", "7"),
        ("de-CH", "1'234.5", "1234.5"),
        ("de-CH", "1’234.5", "1234.5"),
        ("en-GB", "1,234.5", "1234.5"),
        ("en-GB", "1234.50", "1234.50"),
        ("en-ZA", "1 234,5", "1234.5"),
        ("en-ZA", "1\u202f234,5", "1234.5"),
    ],
)
def test_a_number_is_read_as_its_locale_writes_it(locale: str, text: str, plain: str) -> None:
    assert read_typed(text, locale) == plain


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("de-DE", "12.5"),
        ("de-DE", "1,234.5"),
        ("de-DE", "1.23.456"),
        ("de-DE", "1.2345"),
        ("de-DE", ",5"),
        ("de-DE", "5,"),
        ("de-DE", "1 234"),
        ("de-CH", "12,5"),
        ("en-GB", "1.234,5"),
        ("en-GB", "12,5"),
        ("en-GB", "1,23,456"),
        ("en-GB", "1e3"),
        ("en-GB", "NaN"),
        ("en-GB", "１２"),
        ("en-GB", "٣"),
        ("en-GB", "1_000"),
        ("en-GB", "--5"),
        ("en-GB", ""),
        ("en-ZA", "12.5"),
    ],
)
def test_nothing_is_guessed(locale: str, text: str) -> None:
    assert read_typed(text, locale) is None


def test_marks_never_clash() -> None:
    for locale in LOCALES:
        marks = marks_of(locale)
        assert marks.group != marks.point
