from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from partsemble_xero.sandbox.wire import (
    WireError,
    calendar_date,
    decode,
    encode,
    iso_seven_digits,
    money,
    read_day,
    read_moment,
    to_ms,
)


def test_an_amount_leaves_as_a_number_with_its_cents() -> None:
    assert encode({"LineAmount": money(-125040)}) == '{"LineAmount":-1250.40}'


def test_a_number_comes_in_with_every_digit() -> None:
    assert decode(b"[0.1, 1e2, 9999999999.99]") == [Decimal("0.1"), Decimal("1e2"), Decimal("9999999999.99")]


def test_a_float_is_never_written() -> None:
    with pytest.raises(TypeError, match="float"):
        encode([0.1])


@pytest.mark.parametrize("raw", [b"", b"{", b"NaN", b"\xff", b"[" * 100_000, b'{"a":Infinity}'])
def test_what_is_no_json_is_refused(raw: bytes) -> None:
    with pytest.raises(WireError):
        decode(raw)


def test_texts_are_written_as_json_writes_them() -> None:
    value = {'quo"te': ["back\\slash", "line\nbreak", "Ünï", True, None, 7, ""]}
    assert json.loads(encode(value)) == value


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2018-10-20", date(2018, 10, 20)),
        ("/Date(1539993600000+0000)/", date(2018, 10, 20)),
        ("/Date(1419937200000+1300)/", date(2014, 12, 31)),
        ("/Date(1795392000000)/", date(2026, 11, 23)),
        ("2026-11-23T23:30:00", date(2026, 11, 23)),
        ("2026-11-23T02:00:00+13:00", date(2026, 11, 22)),
        ("/Date(-86400000)/", date(1969, 12, 31)),
    ],
)
def test_a_day_is_read_in_each_form_that_xero_takes(text: str, day: date) -> None:
    assert read_day(text) == day


@pytest.mark.parametrize("text", ["", "31/12/2026", "2026-13-01", "2026-02-30", "/Date(999999999999999)/", "now"])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(WireError, match="is not a date"):
        read_day(text)


def test_a_day_goes_out_as_midnight_utc() -> None:
    assert calendar_date(date(2018, 10, 20)) == "/Date(1539993600000+0000)/"


def test_a_moment_without_a_zone_is_utc() -> None:
    assert read_moment("2026-11-23T08:00:00") == to_ms(datetime(2026, 11, 23, 8, tzinfo=UTC))
    assert read_moment("2026-11-23T08:00:00+01:00") == to_ms(datetime(2026, 11, 23, 7, tzinfo=UTC))


def test_a_connections_moment_has_seven_decimals_and_no_zone() -> None:
    assert iso_seven_digits(to_ms(datetime(2026, 11, 23, 8, 1, 7, 452_000, tzinfo=UTC))) == (
        "2026-11-23T08:01:07.4520000"
    )
