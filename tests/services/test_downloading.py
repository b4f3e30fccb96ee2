from __future__ import annotations

import csv
import datetime as dt
import io
from decimal import Decimal

import pytest
from openpyxl import load_workbook

from partsemble_core.errors import Invalid
from partsemble_core.services import downloading
from partsemble_core.services.downloading import TooManyRows, defused, download, to_csv, to_xlsx
from partsemble_core.services.listing import LISTS, Column, Listing, ListQuery
from tests.services.makers import Shop

COLUMNS = (
    Column("text", "Text"),
    Column("amount", "Amount", "money"),
    Column("day", "Day", "date"),
    Column("time", "Time", "time"),
)
NOON = dt.datetime(2026, 3, 5, 12, 30, tzinfo=dt.UTC)
FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    "＋1",
    "－1",
    "＠A1",
    "  =1",
    "\u200b=1",
    "\u00a0=1",
]
HARMLESS = ["", "Bolt M3", "3=3", "a@b.c", "5-pin", "'quoted", 'Ärger, "so"\nzweizeilig']


def a_listing(*texts: str, amount: Decimal = Decimal("-5.25")) -> Listing:
    rows = [{"id": i, "text": text, "amount": amount, "day": NOON.date(), "time": NOON} for i, text in enumerate(texts)]
    return Listing(name="things", title="Things", columns=COLUMNS, rows=rows, total=len(rows), query=ListQuery())  # type: ignore[arg-type]


def csv_rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_a_spreadsheet_would_run_is_defused(text: str) -> None:
    assert defused(text) == f"'{text}"
    assert csv_rows(to_csv(a_listing(text)))[1][0] == f"'{text}"


@pytest.mark.parametrize("text", HARMLESS)
def test_every_other_text_comes_through_csv_unchanged(text: str) -> None:
    assert csv_rows(to_csv(a_listing(text)))[1][0] == text


def test_csv_begins_with_a_byte_order_mark_and_ends_lines_as_the_standard_says() -> None:
    content = to_csv(a_listing("é"))
    assert content.startswith(b"\xef\xbb\xbfText,Amount,Day,Time\r\n")
    assert content.endswith(b"\r\n")


def test_amounts_in_csv_are_plain_numbers_whatever_their_sign_and_size() -> None:
    assert csv_rows(to_csv(a_listing("x")))[1][1:3] == ["-5.25", "2026-03-05"]
    assert csv_rows(to_csv(a_listing("x", amount=Decimal("0.000001"))))[1][1] == "0.000001"
    assert csv_rows(to_csv(a_listing("x", amount=Decimal("999999999"))))[1][1] == "999999999"


@pytest.mark.parametrize("text", [*FORMULAS, *HARMLESS])
def test_a_workbook_holds_every_text_as_text(text: str) -> None:
    sheet = load_workbook(io.BytesIO(to_xlsx(a_listing(text)))).active
    assert sheet is not None
    cell = sheet["A2"]
    assert cell.data_type in ("s", "inlineStr")
    assert (cell.value or "").replace("\r", "\n").strip() == text.replace("\r", "\n").strip()


def test_a_workbook_holds_numbers_as_numbers_and_days_as_days() -> None:
    sheet = load_workbook(io.BytesIO(to_xlsx(a_listing("x")))).active
    assert sheet is not None
    assert (sheet["B2"].data_type, Decimal(str(sheet["B2"].value))) == ("n", Decimal("-5.25"))
    assert sheet["C2"].value == dt.datetime(2026, 3, 5)  # noqa: DTZ001 - a workbook knows no zones
    assert sheet["D2"].value == dt.datetime(2026, 3, 5, 12, 30)  # noqa: DTZ001


def test_a_character_that_no_workbook_may_hold_is_left_out() -> None:
    sheet = load_workbook(io.BytesIO(to_xlsx(a_listing("a\x0bb")))).active
    assert sheet is not None
    assert sheet["A2"].value == "a b"


@pytest.mark.parametrize("file_type", ["csv", "xlsx"])
@pytest.mark.parametrize("name", LISTS)
def test_every_list_can_be_downloaded(shop: Shop, name: str, file_type: str) -> None:
    shop.product("=BOOM()")
    shop.stock("=BOOM()", "3", "2.50")
    with shop.reading() as session:
        found = download(session, name, ListQuery(), file_type=file_type)
    assert found.filename == f"{name}.{file_type}"
    if file_type == "xlsx":
        assert load_workbook(io.BytesIO(found.content)).sheetnames
    else:
        assert all(not cell.startswith("=") for row in csv_rows(found.content) for cell in row)


def test_another_file_type_is_refused(shop: Shop) -> None:
    with shop.reading() as session, pytest.raises(Invalid) as caught:
        download(session, "lots", ListQuery(), file_type="exe")
    assert caught.value.field == "format"


def test_a_download_is_refused_rather_than_cut_short(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloading, "ROWS", 2)
    shop.products("A", "B")
    with shop.reading() as session:
        download(session, "products", ListQuery(), file_type="csv")
    shop.products("C")
    with shop.reading() as session, pytest.raises(TooManyRows):
        download(session, "products", ListQuery(), file_type="csv")
