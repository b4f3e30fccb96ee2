from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from partsemble_xero.sandbox.problems import Problem
from partsemble_xero.sandbox.queries import Column, Paging, read_order, read_paging, read_where

COLUMNS = {
    "Code": Column("code", "text"),
    "Type": Column("type", "text"),
    "System": Column("system", "text"),
    "Id": Column("id", "guid"),
    "Date": Column("day", "day"),
    "Updated": Column("updated_ms", "moment"),
    "IsSold": Column("is_sold", "flag"),
}
ID = "55555555-1111-4222-8333-666666666666"
ROWS = [
    ("310", "DIRECTCOSTS", None, ID, "2026-10-31", 0, 1),
    ("610", "CURRENT", "DEBTORS", "other", "2026-11-01", 1_795_392_000_000, 0),
    ('6"\\1', "CURRENT", None, "third", "2026-11-02", 1_795_392_000_001, 0),
]


def found(where: str) -> list[str]:
    """The codes of the rows that a ``where`` holds for."""
    condition = read_where(where, columns=COLUMNS, entity="Thing")
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (code, type, system, id, day, updated_ms, is_sold)")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", ROWS)
        return [code for (code,) in connection.execute(f"SELECT code FROM t WHERE {condition.sql}", condition.values)]


def refusal(where: str) -> str:
    with pytest.raises(Problem) as caught:
        read_where(where, columns=COLUMNS, entity="Thing")
    body = json.loads(caught.value.answer.body)
    assert (caught.value.answer.status, body["ErrorNumber"], body["Type"]) == (400, 16, "QueryParseException")
    return str(body["Message"])


@pytest.mark.parametrize(
    ("where", "codes"),
    [
        ("", ["310", "610", '6"\\1']),
        ('Code=="310"', ["310"]),
        ('Code = "310"', ["310"]),
        ('Code!="310"', ["610", '6"\\1']),
        (r'Code=="6\"\\1"', ['6"\\1']),
        ('Type=="CURRENT" AND System=="DEBTORS"', ["610"]),
        ('Type=="CURRENT"&&System==null', ['6"\\1']),
        ('Code=="310" OR Type=="CURRENT" AND System!=null', ["310", "610"]),
        ('(Code=="310" || Type=="CURRENT") and System!=null', ["610"]),
        (f'Id==guid("{ID.upper()}")', ["310"]),
        (f'Id == Guid("{ID}")', ["310"]),
        ("Date>=DateTime(2026, 11, 01)", ["610", '6"\\1']),
        ("Date<DateTime(2026,11,1)", ["310"]),
        ("Updated>DateTime(2026,11,23,0,0,0)", ['6"\\1']),
        ("IsSold==true", ["310"]),
        ("IsSold == FALSE", ["610", '6"\\1']),
        ('Code=="AND"', []),
    ],
)
def test_a_where_finds_its_rows(where: str, codes: list[str]) -> None:
    assert found(where) == codes


@pytest.mark.parametrize(
    "where",
    [
        "Code",
        "Code==",
        'Code=="a" AND',
        'Code=="a" "b"',
        '(Code=="a"',
        'Code=="a")',
        "Code==310",
        "Code==true",
        "Date==DateTime(2026,13,1)",
        "Date==DateTime(x)",
        'Date=="2026-10-31"',
        "IsSold==1",
        'Code~"a"',
        '"a"=="a"',
        "(" * 30 + 'Code=="a"' + ")" * 30,
        'Code.Contains("a")',
    ],
)
def test_a_where_that_cannot_be_read_is_refused(where: str) -> None:
    assert refusal(where)


def test_an_unknown_field_is_named() -> None:
    assert refusal('Colour=="red"') == "No property or field 'Colour' exists in type 'Thing'"


def test_a_value_never_becomes_sql() -> None:
    assert found('Code=="x\' OR 1=1 --"') == []


def test_an_order_names_fields_and_directions() -> None:
    assert read_order("Type DESC, Code", columns=COLUMNS, entity="Thing", default="Code") == "type DESC, code ASC"
    assert read_order(None, columns=COLUMNS, entity="Thing", default="Updated ASC") == "updated_ms ASC"


@pytest.mark.parametrize("order", ["Code SIDEWAYS", "Code ASC extra", "Code; DROP TABLE t", ",", "Colour"])
def test_an_order_that_cannot_be_read_is_refused(order: str) -> None:
    with pytest.raises(Problem):
        read_order(order, columns=COLUMNS, entity="Thing", default="Code")


def test_a_page_has_a_hundred_rows_unless_told() -> None:
    assert read_paging({}) is None
    assert read_paging({"pageSize": "7"}) is None
    assert read_paging({"page": "2"}) == Paging(2, 100)
    assert read_paging({"page": "1", "pageSize": "1000"}) == Paging(1, 1000)


@pytest.mark.parametrize(
    "query",
    [{"page": "0"}, {"page": "-1"}, {"page": "x"}, {"page": "1", "pageSize": "1001"}, {"page": "1", "pageSize": "0"}],
)
def test_a_page_out_of_range_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(Problem):
        read_paging(query)
