"""From text to a table: a header and numbered rows, every cell trimmed and in NFC."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from partsemble_core.plugin_api import say, word
from partsemble_csv_import.decoding import Unreadable

DELIMITERS = ",;\t|"
MAX_ROWS = 100_000
MAX_COLUMNS = 200
MAX_CELL = 32 * 1024
SAMPLE_ROWS = 200
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table. ``number`` is what a spreadsheet shows: usually the header is in row 1."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    delimiter: str
    problems: tuple[str, ...] = ()


def table_from(text: str) -> Table:
    """Reads delimited text. Rows that don't fit the header are in ``problems``. Raises Unreadable."""
    text, delimiter, skipped = _delimiter_of(text)
    header: tuple[str, ...] | None = None
    rows: list[Row] = []
    problems: list[str] = []
    for row in _rows(text, delimiter, first_number=1 + skipped):
        if not any(row.cells):
            continue
        if header is None:
            header = _checked_header(row.cells)
            continue
        if len(rows) >= MAX_ROWS:
            raise Unreadable(say("The file has more than {max_rows} rows; split it.", max_rows=MAX_ROWS))
        fitted = _fitted(row, len(header), problems)
        if fitted is not None:
            rows.append(fitted)
    if header is None or not (rows or problems):
        raise Unreadable("The file has no rows below its column names; export it again.")
    return Table(header=header, rows=tuple(rows), delimiter=delimiter, problems=tuple(problems))


def _delimiter_of(text: str) -> tuple[str, str, int]:
    """The text without a ``sep=`` line, the delimiter, and how many lines were taken off.

    The delimiter is the one under which most rows have as many cells as the header, and among equals the one
    that makes most columns.
    """
    first, _, rest = text.partition("\n")
    declared = first.strip("\r\ufeff ")
    if declared.lower().startswith("sep=") and declared[4:5] in tuple(DELIMITERS) and len(declared) == 5:
        return rest, declared[4], 1
    ranked = sorted(DELIMITERS, key=lambda delimiter: _fit(text, delimiter), reverse=True)
    return text, ranked[0], 0


def _fit(text: str, delimiter: str) -> tuple[int, bool, int]:
    """Percent of sampled rows that fit the header (-1 with one column), whether all could be read, columns."""
    widths: list[int] = []
    is_clean = True
    try:
        for row in _rows(text, delimiter, first_number=1):
            if any(row.cells):
                widths.append(len(row.cells))
            if len(widths) > SAMPLE_ROWS:
                break
    except Unreadable:
        is_clean = False
    if not widths or widths[0] < 2:
        return (-1, is_clean, 0)
    return (100 * widths.count(widths[0]) // len(widths), is_clean, widths[0])


def _rows(text: str, delimiter: str, *, first_number: int) -> Iterator[Row]:
    """Strictly quoted rows with their numbers. Raises Unreadable naming the row."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = first_number - 1
    try:
        for cells in reader:
            number += 1
            if len(cells) > MAX_COLUMNS:
                raise Unreadable(
                    say(
                        "Row {number} has more than {max_columns} columns; remove what isn't needed.",
                        number=number,
                        max_columns=MAX_COLUMNS,
                    )
                )
            yield Row(number, tuple(_cleaned(cell, number) for cell in cells))
    except csv.Error as error:
        raise Unreadable(
            say("Row {number} can't be read: {problem}", number=number + 1, problem=word(_in_plain_words(error)))
        ) from error


def _in_plain_words(error: csv.Error) -> str:
    text = str(error)
    if "unexpected end of data" in text:
        return "a quotation mark is opened and never closed."
    if "field limit" in text:
        return "a cell is longer than 32 KB (is a quotation mark not closed?)."
    if "expected after" in text:
        return "there is text after a closing quotation mark; double the marks inside of the cell."
    return f"{text}."


def _cleaned(cell: str, number: int) -> str:
    if len(cell) > MAX_CELL:
        raise Unreadable(
            say("Row {number} has a cell of more than 32 KB (is a quotation mark not closed?).", number=number)
        )
    if cell.isascii() and cell.isprintable():
        return cell.strip()
    for letter in cell:
        if letter in _BIDI or (unicodedata.category(letter) in {"Cc", "Cs"} and letter not in "\t\r\n"):
            raise Unreadable(
                say(
                    "Row {number} holds the control character U+{code:04X}; remove it.",
                    number=number,
                    code=ord(letter),
                )
            )
    return unicodedata.normalize("NFC", cell).strip().strip(_INVISIBLE).strip()


def _checked_header(cells: tuple[str, ...]) -> tuple[str, ...]:
    while cells and not cells[-1]:
        cells = cells[:-1]
    named = tuple(cell or f"Column {position}" for position, cell in enumerate(cells, start=1))
    seen: set[str] = set()
    for name in named:
        if name.casefold() in seen:
            raise Unreadable(say("Two columns are called {name!r}; rename one of them.", name=name))
        seen.add(name.casefold())
    return named


def _fitted(row: Row, width: int, problems: list[str]) -> Row | None:
    """The row with as many cells as the header; empty cells beyond it don't matter."""
    if len(row.cells) < width:
        problems.append(
            say(
                "Row {number} has {count} cells where the header has {width}; complete it.",
                number=row.number,
                count=len(row.cells),
                width=width,
            )
        )
        return None
    if any(row.cells[width:]):
        problems.append(
            say(
                "Row {number} has {count} cells where the header has {width}; correct it.",
                number=row.number,
                count=len(row.cells),
                width=width,
            )
        )
        return None
    return Row(row.number, row.cells[:width])
