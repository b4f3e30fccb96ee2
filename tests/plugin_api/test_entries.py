"""A frozen posting comes back as it was, and what no ledger should be asked is refused by name."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import unicodedata
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partsemble_core.errors import Invalid
from partsemble_core.plugin_api import (
    Capabilities,
    JournalEntry,
    JournalLine,
    Posting,
    Tracking,
    check_entry,
    entry_bytes,
    entry_from_bytes,
)

CAPABILITIES = Capabilities(posting=Posting.LOCAL, max_narration=40)


def line(amount: str, *, tracking: tuple[Tracking, ...] = (), **changes: str) -> JournalLine:
    return JournalLine(
        tracking=tracking, **{"account_id": "id-310", "account_code": "310", **changes}, amount=Decimal(amount)
    )


def entry(*lines: JournalLine) -> JournalEntry:
    return JournalEntry(
        token="AB12CD34EF56",
        date=dt.date(2026, 10, 5),
        currency="NZD",
        decimals=2,
        reference="PSB-000123",
        narration="Build PSB-000123",
        lines=lines or (line("12.30"), line("-12.3")),
    )


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
amounts = st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12)
entries = st.builds(
    JournalEntry,
    token=text,
    date=st.dates(),
    currency=text,
    decimals=st.integers(0, 6),
    reference=text,
    narration=text,
    lines=st.lists(st.builds(JournalLine, account_id=text, account_code=text, amount=amounts, description=text)).map(
        tuple
    ),
    source_url=text,
    reverses=text,
)


def composed(original: JournalEntry) -> JournalEntry:
    def nfc(value: str) -> str:
        return unicodedata.normalize("NFC", value)

    lines = tuple(dataclasses.replace(each, description=nfc(each.description)) for each in original.lines)
    changes = {"narration": nfc(original.narration), "reference": nfc(original.reference)}
    return dataclasses.replace(original, lines=lines, **changes)  # type: ignore[arg-type]


@given(entries)
def test_an_entry_comes_back_from_its_bytes(original: JournalEntry) -> None:
    frozen = entry_bytes(original)
    assert entry_from_bytes(frozen) == composed(original)
    assert entry_bytes(entry_from_bytes(frozen)) == frozen


@given(entries)
def test_an_entry_holds_no_number_that_could_become_a_float(original: JournalEntry) -> None:
    def refuse(text: str) -> None:
        raise AssertionError(text)

    json.loads(entry_bytes(original), parse_float=refuse)


def test_equal_amounts_give_equal_bytes_however_they_were_written() -> None:
    first = entry(line("12.30"), line("-12.3"))
    second = entry(line("12.3000"), line("-1.23E+1"))
    assert entry_bytes(first) == entry_bytes(second)
    assert b'"amount":"12.30"' in entry_bytes(first)


def test_texts_are_composed_and_ids_are_left_as_they_are() -> None:
    loose = dataclasses.replace(entry(line("1", account_id="e\u0301"), line("-1")), narration="Cafe\u0301")
    frozen = entry_from_bytes(entry_bytes(loose))
    assert (frozen.narration, frozen.lines[0].account_id) == ("Caf\u00e9", "e\u0301")
    assert entry_bytes(loose) == entry_bytes(dataclasses.replace(loose, narration="Caf\u00e9"))


def test_a_combining_mark_after_a_line_break_does_not_break_the_bytes() -> None:
    original = dataclasses.replace(entry(), narration="a\n\u0303b")
    assert entry_from_bytes(entry_bytes(original)).narration == "a\n\u0303b"


@given(st.binary() | st.text().map(str.encode))
def test_strange_bytes_are_refused_and_never_crash(content: bytes) -> None:
    with pytest.raises(Invalid):
        entry_from_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        {"format": 2},
        {"extra": 1},
        {"lines": [{"account_id": "a", "account_code": "b", "amount": 1.5}]},
        {"lines": [{"account_id": "a", "account_code": "b", "amount": "NaN"}]},
        {"lines": [{"account_id": "a", "account_code": "b", "amount": "1_000"}]},
        {"lines": [{"account_id": "a", "account_code": "b", "amount": "１"}]},
        {"decimals": "2"},
        {"decimals": True},
        {"narration": None},
        {"date": "5 October"},
    ],
)
def test_changed_bytes_are_refused(damage: dict[str, object]) -> None:
    body = json.loads(entry_bytes(entry())) | damage
    with pytest.raises(Invalid):
        entry_from_bytes(json.dumps(body).encode())


def test_amounts_that_are_no_numbers_are_not_frozen() -> None:
    for amount in ("NaN", "Infinity", "1E+9999", "1E-9999"):
        with pytest.raises(Invalid) as caught:
            entry_bytes(entry(line("1"), line(amount)))
        assert caught.value.field == "lines[1].amount"


def test_a_good_entry_passes() -> None:
    check_entry(entry(), CAPABILITIES)
    check_entry(entry(line("9999999999999"), line("-9999999999998.99"), line("-0.01000")), CAPABILITIES)


@pytest.mark.parametrize("amount", ["NaN", "sNaN", "Infinity", "-Infinity", "0", "-0.00", "1E+13", "0.001", "1E-400"])
def test_an_impossible_amount_is_refused_by_its_line(amount: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_entry(entry(line("1"), line(amount), line("-1")), CAPABILITIES)
    assert caught.value.field == "lines[1].amount"


def test_an_unbalanced_entry_states_both_totals() -> None:
    with pytest.raises(Invalid, match=r"debits 30\.50, credits 30\.49") as caught:
        check_entry(entry(line("10.25"), line("20.25"), line("-30.49")), CAPABILITIES)
    assert caught.value.field == "lines"


def test_a_float_amount_is_refused() -> None:
    broken = dataclasses.replace(line("1"), amount=1.0)  # type: ignore[arg-type]
    with pytest.raises(Invalid) as caught:
        check_entry(entry(broken, line("-1")), CAPABILITIES)
    assert caught.value.field == "lines[0].amount"


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("token", {"token": "short"}),
        ("token", {"token": 'AB12CD34EF5"'}),
        ("currency", {"currency": "nzd"}),
        ("decimals", {"decimals": 7}),
        ("narration", {"narration": "x" * 41}),
        ("narration", {"narration": " "}),
        ("narration", {"narration": "a\x00b"}),
        ("reference", {"reference": "a\ud800"}),
        ("date", {"date": dt.datetime(2026, 10, 5, tzinfo=dt.UTC)}),
        ("lines", {"lines": ()}),
        ("lines", {"lines": (line("1"),)}),
        ("lines[0].account_id", {"lines": (line("1", account_id=" "), line("-1"))}),
        ("lines[1].account_code", {"lines": (line("1"), line("-1", account_code=""))}),
        ("lines[1].description", {"lines": (line("1"), line("-1", description="x" * 4001))}),
    ],
)
def test_a_bad_field_is_refused_by_name(field: str, change: dict[str, object]) -> None:
    with pytest.raises(Invalid) as caught:
        check_entry(dataclasses.replace(entry(), **change), CAPABILITIES)  # type: ignore[arg-type]
    assert caught.value.field == field


NORTH = Tracking(category_id="c-1", category="Region", option_id="o-1", option="North")


def test_a_line_without_tracking_has_the_bytes_that_it_always_had() -> None:
    """Rows frozen before lines could carry any are read as they were written."""
    old = (
        b'{"currency":"USD","date":"2026-10-05","decimals":2,"format":1,"lines":[{"account_code":"622","account_id":'
        b'"a","amount":"1.00","description":""},{"account_code":"621","account_id":"b","amount":"-1.00","description"'
        b':""}],"narration":"made","reference":"PSB-1","reverses":"","source_url":"","token":"ABCDEFGHJKMN"}'
    )
    read = entry_from_bytes(old)
    assert [each.tracking for each in read.lines] == [(), ()]
    assert entry_bytes(read) == old


def test_tracking_is_frozen_with_the_line() -> None:
    tracked = entry(line("1", tracking=(NORTH,)), line("-1"))
    frozen = entry_from_bytes(entry_bytes(tracked))
    assert [each.tracking for each in frozen.lines] == [(NORTH,), ()]
    assert entry_bytes(frozen) == entry_bytes(tracked)
    check_entry(tracked, CAPABILITIES)


@pytest.mark.parametrize("damage", ["text", [7], [{}], [{"category_id": 1}], [None], 7, [["x"]]])
def test_tracking_that_was_changed_is_refused(damage: object) -> None:
    body = json.loads(entry_bytes(entry()))
    body["lines"][0]["tracking"] = damage
    with pytest.raises(Invalid):
        entry_from_bytes(json.dumps(body).encode())


@pytest.mark.parametrize(
    "tracking",
    [
        (NORTH, NORTH),
        (dataclasses.replace(NORTH, option_id=" "),),
        (dataclasses.replace(NORTH, category_id=""),),
        (dataclasses.replace(NORTH, option="a\x00"),),
    ],
)
def test_tracking_that_no_books_take_is_refused(tracking: tuple[Tracking, ...]) -> None:
    with pytest.raises(Invalid) as caught:
        check_entry(entry(line("1", tracking=tracking), line("-1")), CAPABILITIES)
    assert caught.value.field == "lines[0].tracking"
