"""A bill of materials out of delimited text: pure, and nothing it meets makes it raise."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from partsemble_core.plugin_api import BomFile, BomFileLine, BomFileSkip, say
from partsemble_csv_import.columns import Columns, columns_of
from partsemble_csv_import.decoding import Unreadable, decoded
from partsemble_csv_import.designators import UnclearRange, designators_of, natural_key
from partsemble_csv_import.tables import Row, Table, table_from

NOT_PLACED = frozenset(
    {
        "dnp",
        "dni",
        "dnf",
        "do not place",
        "do not populate",
        "do not fit",
        "not fitted",
        "no stuff",
        "nostuff",
    }
)
_NO = frozenset({"", "0", "no", "n", "false"})
_QUANTITY = re.compile(r"\d{1,9}(?:\.\d{1,6})?", re.ASCII)
_EXCEL_DAMAGE = re.compile(r"\d(?:[.,]\d+)?E\+\d+", re.ASCII | re.IGNORECASE)
MAX_TEXT = 500
MAX_PROBLEMS = 50


@dataclass(slots=True)
class _Component:
    part_number: str
    name: str = ""
    manufacturer: str = ""
    quantity: Decimal = Decimal(0)
    designators: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Reading:
    """What has been found so far."""

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    components: dict[str, _Component] = field(default_factory=dict)
    row_of: dict[str, int] = field(default_factory=dict)


def bom_from(content: bytes, mapping: Mapping[str, str]) -> BomFile:
    """Reads a file. Whatever is wrong with it is in ``problems``, each with its row and its cure."""
    try:
        text, warnings = decoded(content)
        table = table_from(text)
    except Unreadable as error:
        return BomFile(lines=(), problems=(error.message,), mapping=dict(mapping))
    marked = {row.number: mark for row in table.rows if (mark := _mark_of(row, table)) is not None}
    placed = [row for row in table.rows if row.number not in marked]
    columns = columns_of(table, placed=placed, mapping=mapping)
    reader = _RowReader(table, columns)
    skips = [(row, marked[row.number]) for row in table.rows if row.number in marked]
    skips += [(row, "its quantity is 0") for row in placed if reader.is_nought(row)]
    reading = _Reading(problems=[*table.problems, *columns.problems], warnings=[*warnings, *columns.warnings])
    if len(skips) == len(table.rows):
        reading.problems.append("No row is to be placed; look at the DNP marks and quantities.")
    for row in placed if not columns.problems else ():
        if not reader.is_nought(row):
            _read(reader, row, reading)
    return BomFile(
        lines=() if reading.problems else tuple(_line(each) for each in reading.components.values()),
        skipped=tuple(
            BomFileSkip(row_number=row.number, designator=reader.cell(row, "designator"), reason=reason)
            for row, reason in sorted(skips, key=lambda skip: skip[0].number)
        ),
        problems=_bounded(reading.problems),
        warnings=_bounded(reading.warnings),
        mapping=columns.names,
        rows=len(table.rows),
    )


def _mark_of(row: Row, table: Table) -> str | None:
    """Why a row isn't placed: such a mark stands in any cell, or a column of that name says so."""
    for name, cell in zip(table.header, row.cells, strict=True):
        if cell.casefold() in NOT_PLACED:
            return say("marked {cell}: not to be placed", cell=cell)
        if name.casefold() in NOT_PLACED and cell.casefold() not in _NO:
            return say("marked {name} ({cell}): not to be placed", name=name, cell=cell)
    return None


class _RowReader:
    """Gives a row's cell for a role."""

    def __init__(self, table: Table, columns: Columns) -> None:
        self._positions = {role: table.header.index(name) for role, name in columns.names.items()}

    def cell(self, row: Row, role: str) -> str:
        position = self._positions.get(role)
        return row.cells[position] if position is not None else ""

    def is_nought(self, row: Row) -> bool:
        """A quantity of nought is a way to say "not placed"; such a row is listed, not dropped."""
        quantity = self.cell(row, "quantity")
        return bool(_QUANTITY.fullmatch(quantity)) and Decimal(quantity) == 0


def _read(reader: _RowReader, row: Row, reading: _Reading) -> None:
    designators = _designators(reader, row, reading)
    quantity = _quantity(reader, row, designators, reading)
    part_number = reader.cell(row, "part_number")
    if not part_number:
        reading.problems.append(_without_number(row, designators))
    for role in ("part_number", "name", "manufacturer"):
        if len(reader.cell(row, role)) > MAX_TEXT:
            reading.problems.append(
                say(
                    "Row {number}: the {role} has more than {max_text} characters; cut it.",
                    number=row.number,
                    role=role,
                    max_text=MAX_TEXT,
                )
            )
    if quantity is None or not part_number:
        return
    if _EXCEL_DAMAGE.fullmatch(part_number):
        message = say(
            "Row {number}: the part number {part_number} looks damaged by a spreadsheet; check it.",
            number=row.number,
            part_number=part_number,
        )
        reading.warnings.append(message)
    key = unicodedata.normalize("NFC", part_number.casefold())
    component = reading.components.setdefault(key, _Component(part_number))
    _add(component, reader, row, designators=designators, quantity=quantity, reading=reading)


def _without_number(row: Row, designators: Sequence[str]) -> str:
    if designators:
        return say(
            "Row {number} ({designators}) has no part number; add it, mark the row DNP, or use --map "
            "part_number=COLUMN.",
            number=row.number,
            designators=", ".join(designators),
        )
    return say(
        "Row {number} has no part number; add it, mark the row DNP, or use --map part_number=COLUMN.", number=row.number
    )


def _add(
    component: _Component,
    reader: _RowReader,
    row: Row,
    *,
    designators: Sequence[str],
    quantity: Decimal,
    reading: _Reading,
) -> None:
    component.name = component.name or reader.cell(row, "name")
    manufacturer = reader.cell(row, "manufacturer")
    if component.manufacturer and manufacturer.casefold() not in {"", component.manufacturer.casefold()}:
        reading.warnings.append(
            say(
                "Row {number}: {part_number} is by {manufacturer!r} here and by {other!r} "
                "above; check the part numbers.",
                number=row.number,
                part_number=component.part_number,
                manufacturer=manufacturer,
                other=component.manufacturer,
            )
        )
    component.manufacturer = component.manufacturer or manufacturer
    component.name = component.name or reader.cell(row, "value")
    component.quantity += quantity
    component.designators.extend(designators)
    component.rows.append(row.number)


def _designators(reader: _RowReader, row: Row, reading: _Reading) -> tuple[str, ...]:
    cell = reader.cell(row, "designator")
    try:
        found = designators_of(cell)
    except UnclearRange as error:
        message = say(
            "Row {number}: {error!r} may be a range; write the designators out, as C1, C2, C3.",
            number=row.number,
            error=str(error),
        )
        reading.problems.append(message)
        return ()
    for designator in found:
        first = reading.row_of.setdefault(designator.casefold(), row.number)
        if first != row.number or found.count(designator) > 1:
            reading.problems.append(
                say(
                    "Row {number}: the designator {designator} stands in row {first} too; keep one.",
                    number=row.number,
                    designator=designator,
                    first=first,
                )
            )
    return found


def _quantity(reader: _RowReader, row: Row, designators: Sequence[str], reading: _Reading) -> Decimal | None:
    """The quantity of a row, None where it makes no sense: said in ``problems`` then."""
    cell = reader.cell(row, "quantity")
    if not cell and designators:
        return Decimal(len(designators))
    if not cell:
        reading.problems.append(
            say("Row {number} has neither designator nor quantity; complete or remove it.", number=row.number)
        )
        return None
    if not _QUANTITY.fullmatch(cell):
        reading.problems.append(
            say(
                "Row {number}: the quantity {cell!r} is not a plain number such as 4 or 0.25; correct it.",
                number=row.number,
                cell=cell[:40],
            )
        )
        return None
    quantity = Decimal(cell)
    if designators and quantity != len(designators):
        reading.problems.append(
            say(
                "Row {number}: the quantity is {cell}, but {count} designators are listed; make them agree.",
                number=row.number,
                cell=cell,
                count=len(designators),
            )
        )
        return None
    return quantity


def _line(component: _Component) -> BomFileLine:
    return BomFileLine(
        part_number=component.part_number,
        name=component.name or component.part_number,
        quantity=component.quantity,
        designators=tuple(sorted(component.designators, key=natural_key)),
        manufacturer=component.manufacturer,
        row_numbers=tuple(component.rows),
    )


def _bounded(messages: Sequence[str]) -> tuple[str, ...]:
    if len(messages) <= MAX_PROBLEMS:
        return tuple(messages)
    return (*messages[:MAX_PROBLEMS], say("… and {count} more of these.", count=len(messages) - MAX_PROBLEMS))
