"""Between an entry and Xero's words: pure, and the same text every time."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partsemble_core.plugin_api import JournalEntry, JournalLine, JournalStatus, json_text
from partsemble_xero.accounts import account_from
from partsemble_xero.client import messages_in
from partsemble_xero.items import item_from
from partsemble_xero.journals import (
    MAX_NARRATION,
    difference,
    fields_of,
    is_linkable,
    journal_body,
    result_from,
    since_text,
    wire_narration,
)
from partsemble_xero.wire import calendar_date

ENTRY = JournalEntry(
    token="AB12CD34EF56",
    date=dt.date(2026, 10, 31),
    currency="NZD",
    decimals=2,
    reference="PSB-000123",
    narration="Build PSB-000123",
    lines=(
        JournalLine(account_id="id-622", account_code="622", amount=Decimal("1250.4"), description="Sensor Kit × 5"),
        JournalLine(account_id="id-621", account_code="621", amount=Decimal("-1250.40")),
    ),
    source_url="https://stock.example.com/builds/123",
)
ROW = {
    "ManualJournalID": "11111111-aaaa-4bbb-8ccc-222222222222",
    "Status": "POSTED",
    "Date": "/Date(1793404800000+0000)/",
    "Narration": "Build PSB-000123 [AB12CD34EF56]",
    "JournalLines": [
        {"LineAmount": Decimal("1250.40"), "AccountCode": "622", "AccountID": "id-622"},
        {"LineAmount": Decimal("-1250.4"), "AccountCode": "621"},
    ],
}


def test_the_body_is_what_xero_asks_for() -> None:
    assert json_text(journal_body(ENTRY, status="DRAFT")) == (
        '{"ManualJournals": [{"Narration": "Build PSB-000123 [AB12CD34EF56]", "Date": "2026-10-31", '
        '"Status": "DRAFT", "LineAmountTypes": "NoTax", "JournalLines": ['
        '{"LineAmount": 1250.40, "AccountCode": "622", "TaxType": "NONE", "Description": "Sensor Kit \\u00d7 5"}, '
        '{"LineAmount": -1250.40, "AccountCode": "621", "TaxType": "NONE", "Description": ""}], '
        '"Url": "https://stock.example.com/builds/123"}]}'
    )


def test_the_id_is_named_when_posting() -> None:
    body = json.loads(json_text(journal_body(ENTRY, status="POSTED", external_id="some-id")))
    assert body["ManualJournals"][0]["ManualJournalID"] == "some-id"
    assert len(body["ManualJournals"][0]["JournalLines"]) == 2


@given(st.text(max_size=400), st.text(max_size=20))
def test_a_narration_is_plain_short_and_ends_with_the_token(narration: str, reference: str) -> None:
    text = wire_narration(dataclasses.replace(ENTRY, narration=narration, reference=reference))
    assert text.isascii()
    assert text.isprintable()
    assert not set('"\\') & set(text)
    assert "  " not in text
    assert len(text) <= MAX_NARRATION
    assert text.endswith(" [AB12CD34EF56]")


def test_a_reference_that_the_narration_lacks_comes_first() -> None:
    entry = dataclasses.replace(ENTRY, narration='Größe “XL” 5 × 3 \\ "x"\n½')
    assert wire_narration(entry) == "PSB-000123 Grosse 'XL' 5 x 3 / 'x' 1?2 [AB12CD34EF56]"


@pytest.mark.parametrize(
    ("url", "is_good"),
    [
        ("https://stock.example.com/b/1", True),
        ("http://localhost:8000/b", True),
        ("https://stock.example.com/Xero/1", False),
        ("javascript:alert(1)", False),
        ("//host/path", False),
        ("https://", False),
        ("https://[broken", False),
        ("", False),
    ],
)
def test_a_link_that_xero_would_refuse_is_left_out(url: str, is_good: bool) -> None:
    assert is_linkable(url) is is_good
    body = json.loads(json_text(journal_body(dataclasses.replace(ENTRY, source_url=url), status="DRAFT")))
    assert ("Url" in body["ManualJournals"][0]) is is_good


def test_equal_journals_are_told_from_others() -> None:
    assert difference(ROW, ENTRY) == ""
    first, second = ROW["JournalLines"]
    changes: list[tuple[dict[str, object], str]] = [
        ({"Date": "/Date(1793318400000+0000)/"}, "the date is 2026-10-30"),
        ({"JournalLines": [first]}, "it has 1 lines"),
        ({"JournalLines": None}, "it has 0 lines"),
        ({"JournalLines": [first, "x"]}, "line 2: it is unreadable"),
        ({"JournalLines": [{**first, "LineAmount": Decimal("1250.41")}, second]}, "line 1: the amount is 1250.41"),  # type: ignore[dict-item]
        ({"JournalLines": [first, {**second, "AccountCode": "620"}]}, "line 2: the account is 620"),  # type: ignore[dict-item]
        ({"JournalLines": [{**first, "AccountID": "id-x"}, second]}, "line 1: the code 622 belongs to another"),  # type: ignore[dict-item]
    ]
    for change, words in changes:
        assert difference({**ROW, **change}, ENTRY).startswith(words)


def test_a_result_needs_an_id_and_a_known_status() -> None:
    result = result_from(ROW)
    assert result is not None
    assert (result.status, result.posted_on) == (JournalStatus.POSTED, dt.date(2026, 10, 31))
    assert result_from({**ROW, "ManualJournalID": "00000000-0000-0000-0000-000000000000"}) is None
    assert result_from({**ROW, "Status": "NEWFANGLED"}) is None
    assert result_from({}) is None


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("/Date(1539993600000+0000)/", dt.date(2018, 10, 20)),
        ("/Date(1419937200000+1300)/", dt.date(2014, 12, 31)),
        ("/Date(1419980400000-0500)/", dt.date(2014, 12, 30)),
        ("/Date(-62135596800000)/", dt.date(1, 1, 1)),
        ("/Date(9999999999999999)/", None),
        ("2026-10-31", None),
        ("", None),
    ],
)
def test_calendar_days_are_read_without_local_time(text: str, day: dt.date | None) -> None:
    assert calendar_date(text) == day


def test_modified_since_is_iso_in_utc() -> None:
    moment = dt.datetime(2026, 10, 5, 23, 30, tzinfo=dt.timezone(dt.timedelta(hours=13)))
    assert since_text(moment) == "2026-10-05T10:30:00"


def test_messages_are_found_at_every_depth_once() -> None:
    content = {
        "Message": "A validation exception occurred",
        "Elements": [
            {
                "ValidationErrors": [{"Message": "one"}, {"Message": "two"}],
                "JournalLines": [{"ValidationErrors": [{"Message": "two"}, {"Message": "three"}]}],
            }
        ],
    }
    assert messages_in(content) == ("one", "two", "three")
    assert messages_in({"Message": "on top"}) == ("on top",)
    assert messages_in({"Elements": 5, "ValidationErrors": 7}) == ()


def test_a_refusal_names_the_lines_of_its_accounts() -> None:
    problem = "Account code '621' is not a valid code for this document."
    assert fields_of((problem,), ENTRY) == ("lines[1].account_code",)
    assert fields_of(("Something else.",), ENTRY) == ()


@pytest.mark.parametrize(
    ("change", "is_usable"),
    [
        ({}, True),
        ({"SystemAccount": ""}, True),
        ({"SystemAccount": None}, True),
        ({"SystemAccount": "ROUNDING"}, True),
        ({"SystemAccount": "HISTORICAL"}, True),
        ({"SystemAccount": "REALISEDCURRENCYGAIN"}, True),
        ({"SystemAccount": "GST"}, False),
        ({"SystemAccount": "CISASSET"}, False),
        ({"SystemAccount": "SOMETHINGNEW"}, False),
        ({"Type": "BANK"}, False),
        ({"Type": "INVENTORY"}, False),
        ({"Type": "SOMETHINGNEW", "Class": "NEW"}, True),
        ({"Status": "ARCHIVED"}, False),
        ({"Code": None}, False),
    ],
)
def test_an_account_is_usable_or_says_why_not(change: dict[str, object], is_usable: bool) -> None:
    row = {"AccountID": "a", "Code": "621", "Name": "Stock", "Type": "CURRENT", "Class": "ASSET", "Status": "ACTIVE"}
    account = account_from({**row, **change})
    assert account.usable is is_usable
    assert bool(account.why_not) is not is_usable


def test_an_item_with_little_in_it_is_read() -> None:
    item = item_from({"ItemID": "i", "Code": "FLOUR", "PurchaseDetails": {}, "SalesDetails": None})
    assert (item.name, item.purchase_cost, item.sales_price, item.is_tracked) == ("FLOUR", None, None, False)
    priced = item_from({"ItemID": "i", "Code": "X", "PurchaseDetails": {"UnitPrice": Decimal("18.5025")}})
    assert priced.purchase_cost == Decimal("18.5025")
    assert item_from({"ItemID": "i", "Code": "X", "PurchaseDetails": {"UnitPrice": 4}}).purchase_cost == Decimal(4)
