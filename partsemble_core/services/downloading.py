"""Downloading: a list as a CSV or XLSX file that a spreadsheet reads as data and never as formulas."""

from __future__ import annotations

import csv
import datetime as dt
import io
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from partsemble_core.errors import Invalid, Refused, say
from partsemble_core.services.listing import Column, Listing, ListQuery, Row, get_table, rows_for_download
from partsemble_core.store.companies import get_company
from partsemble_core.store.session import CompanySession

ROWS = 200_000
"""What one file may hold: it is made in memory, and a spreadsheet ends at a million."""
CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMULA_STARTS = frozenset("=+-@\t\r\n\0\uff1d\uff0b\uff0d\uff20")
"""What makes a spreadsheet take a text for a formula, in full width too (OWASP, CSV injection)."""
CELL_LENGTH = 32_767
WIDTHS = {"text": 24, "state": 16, "date": 12, "time": 20}
NUMBER_FORMATS = {
    "date": "yyyy-mm-dd",
    "time": "yyyy-mm-dd hh:mm:ss",
    "money": "#,##0.00####",
    "quantity": "#,##0.######",
}


class TooManyRows(Refused):
    """More rows than one file may hold."""

    code = "too-many-rows"

    def __init__(self) -> None:
        super().__init__(
            say("A file holds at most {rows:,} rows. Filter the list, by day for example, and try again.", rows=ROWS)
        )


@dataclass(frozen=True, slots=True)
class Download:
    """A file as it is sent."""

    content: bytes
    filename: str
    content_type: str


def download(session: CompanySession, name: str, query: ListQuery, *, file_type: str) -> Download:
    """All rows of a list that the query finds, whatever its page. Times are of the company's zone.

    Raises NotFound for the list, Invalid for the type and the query, TooManyRows.
    """
    if file_type not in ("csv", "xlsx"):
        raise Invalid(
            "format", say("{file_type!r} is no file type to download. Use csv or xlsx.", file_type=file_type[:20])
        )
    table, company = get_table(name), get_company(session)
    with closing(rows_for_download(session, name, query)) as found:
        rows = list(_counted(found))
    listing = Listing(name=name, title=table.title, columns=table.columns, rows=rows, total=len(rows), query=query)
    zone = ZoneInfo(company.timezone)
    if file_type == "csv":
        return Download(to_csv(listing, zone=zone), f"{name}.csv", CSV_TYPE)
    return Download(to_xlsx(listing, zone=zone), f"{name}.xlsx", XLSX_TYPE)


def to_csv(listing: Listing, *, zone: dt.tzinfo = dt.UTC) -> bytes:
    """The rows as CSV (RFC 4180, UTF-8 with BOM). Amounts are plain numbers; text can't start a formula."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([column.title for column in listing.columns])
    for row in listing.rows:
        writer.writerow([_csv_cell(row[column.key], zone) for column in listing.columns])
    return text.getvalue().encode("utf-8-sig")


def to_xlsx(listing: Listing, *, zone: dt.tzinfo = dt.UTC) -> bytes:
    """The rows as a workbook: amounts are numbers, days are days, and text is text whatever it begins with."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(listing.title[:31])
    sheet.freeze_panes = "A2"
    for position, column in enumerate(listing.columns, start=1):
        sheet.column_dimensions[get_column_letter(position)].width = WIDTHS.get(column.kind, 14)
    sheet.append([_heading(sheet, column) for column in listing.columns])
    for row in listing.rows:
        sheet.append([_xlsx_cell(sheet, row[column.key], column, zone) for column in listing.columns])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def defused(text: str) -> str:
    """The text, with an apostrophe before it where a spreadsheet would take it for a formula."""
    start = next((letter for letter in text if not _is_blank(letter)), "")
    first = text[:1]
    return f"'{text}" if start in FORMULA_STARTS or first in FORMULA_STARTS else text


def _is_blank(letter: str) -> bool:
    return letter not in FORMULA_STARTS and (letter.isspace() or unicodedata.category(letter) == "Cf")


def _counted(rows: Iterable[Row]) -> Iterator[Row]:
    for count, row in enumerate(rows, start=1):
        if count > ROWS:
            raise TooManyRows
        yield row


def _csv_cell(value: object, zone: dt.tzinfo) -> str:
    match value:
        case None:
            return ""
        case Decimal():
            return f"{value:f}"
        case dt.datetime():
            return value.astimezone(zone).isoformat(sep=" ", timespec="seconds")
        case dt.date():
            return value.isoformat()
        case str():
            return defused(value)
        case _:
            return str(value)


def _heading(sheet: Any, column: Column) -> Any:
    cell = _text_cell(sheet, column.title)
    cell.font = Font(bold=True)
    return cell


def _xlsx_cell(sheet: Any, value: Any, column: Column, zone: dt.tzinfo) -> Any:
    if isinstance(value, str):
        return _text_cell(sheet, value)
    if isinstance(value, dt.datetime):
        value = value.astimezone(zone).replace(tzinfo=None, microsecond=0)  # a spreadsheet knows no zones
    cell = WriteOnlyCell(sheet, value=value)
    if column.kind in NUMBER_FORMATS and value is not None:
        cell.number_format = NUMBER_FORMATS[column.kind]
    return cell


def _text_cell(sheet: Any, text: str) -> Any:
    cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub(" ", text)[:CELL_LENGTH])
    cell.data_type = "s"  # openpyxl takes a text that begins with = for a formula
    return cell
