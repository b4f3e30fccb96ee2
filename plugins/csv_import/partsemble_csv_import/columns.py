"""Which column holds what: as told, else by a known name, else by content; and asked where not clear."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from partsemble_core.plugin_api import say, word
from partsemble_csv_import.designators import is_designator_list
from partsemble_csv_import.tables import Row, Table

ROLES = ("designator", "part_number", "quantity", "name", "manufacturer", "value")
ALIASES = {"description": "name", "mpn": "part_number", "reference": "designator"}
ESSENTIAL = frozenset({"designator", "part_number", "quantity"})
LABELS = {
    "designator": "designator",
    "part_number": "part number",
    "quantity": "quantity",
    "name": "name",
    "manufacturer": "manufacturer",
    "value": "value",
}
_KNOWN: Mapping[str, tuple[str, ...]] = {
    "designator": (
        *(
            "designator",
            "designators",
            "reference",
            "references",
            "ref",
            "refs",
            "refdes",
            "referencedesignator",
        ),
        *("referencedesignators", "partreference", "parts", "location", "locations"),
    ),
    "part_number": (
        *(
            "partnumber",
            "mpn",
            "manufacturerpartnumber",
            "manufacturerpart",
            "mfrpartnumber",
            "mfrpart",
            "mfrpn",
        ),
        *("mfgpartnumber", "mfgpart", "mfgpn", "partno", "pn", "sku", "itemcode", "componentsku"),
    ),
    "quantity": ("quantity", "qty", "qtyper", "quantityper", "qtyperboard", "quantityperboard", "count"),
    "name": ("description", "desc", "partdescription", "name", "partname", "componentname"),
    "manufacturer": ("manufacturer", "manufacturername", "mfr", "mfg", "mfrname", "mfgname", "vendorname"),
    "value": ("value", "val", "comment"),
}
_PART_NUMBER = re.compile(r"(?=.*\d)[A-Za-z0-9][A-Za-z0-9\-./,+#_()*&:=]{3,49}", re.ASCII)
_ENOUGH = 90
"""Percent of the filled cells that must look the part."""


@dataclass(slots=True)
class Columns:
    """The outcome: role → column name, with what there is to say about it."""

    names: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def columns_of(table: Table, *, placed: Sequence[Row], mapping: Mapping[str, str]) -> Columns:
    """Assigns columns to roles. ``placed`` are the rows that count: content is judged by them alone."""
    columns = Columns()
    _take_given(columns, table.header, mapping)
    _take_known(columns, table.header)
    if not columns.problems and _is_headless(table):
        columns.problems.append("The first row looks like a part, not like column names; add a row of names.")
    if not columns.problems:
        _take_guessed(columns, table, placed)
    if not columns.problems:
        _ask_for_missing(columns, table, placed)
    return columns


def _take_given(columns: Columns, header: Sequence[str], mapping: Mapping[str, str]) -> None:
    by_name = {_key(name): name for name in header}
    for given, wanted in mapping.items():
        role = ALIASES.get(given, given)
        if role not in ROLES:
            columns.problems.append(
                say("There is no field {given!r} to map; the fields are {roles}.", given=given, roles=", ".join(ROLES))
            )
        elif _key(wanted) not in by_name:
            columns.problems.append(
                say(
                    "There is no column {wanted!r} for {given}; the columns are {listed}.",
                    wanted=wanted,
                    given=given,
                    listed=_list(header),
                )
            )
        else:
            columns.names[role] = by_name[_key(wanted)]


def _take_known(columns: Columns, header: Sequence[str]) -> None:
    given = set(columns.names.values())
    for role, known in _KNOWN.items():
        if role in columns.names:
            continue
        found = [name for name in header if _bare(name) in known and name not in given]
        if len(found) > 1 and role in ESSENTIAL:
            columns.problems.append(_which(role, found))
        elif found:
            columns.names[role] = min(found, key=lambda name: known.index(_bare(name)))
        if len(found) > 1 and role not in ESSENTIAL:
            columns.warnings.append(_taken(role, columns.names[role]))


def _take_guessed(columns: Columns, table: Table, placed: Sequence[Row]) -> None:
    looks: Sequence[tuple[str, Callable[[Sequence[str]], bool]]] = (
        ("designator", _looks_like_designators),
        ("part_number", _looks_like_part_numbers),
        ("name", _looks_like_descriptions),
        ("manufacturer", _looks_like_manufacturers),
    )
    for role, looks_right in looks:
        if role in columns.names or (role == "designator" and "quantity" in columns.names):
            continue
        taken = set(columns.names.values())
        found = []
        for position, name in enumerate(table.header):
            cells = [row.cells[position] for row in placed]
            filled = [cell for cell in cells if cell]
            if name not in taken and 100 * len(filled) >= _ENOUGH * len(cells) > 0 and looks_right(filled):
                found.append(name)
        if len(found) == 1:
            columns.names[role] = found[0]
            columns.warnings.append(_taken(role, found[0]))
        elif found and role in ESSENTIAL:
            columns.problems.append(_which(role, found))
            return


def _ask_for_missing(columns: Columns, table: Table, placed: Sequence[Row]) -> None:
    if not placed:
        return
    if "part_number" not in columns.names:
        columns.problems.append(
            say(
                "No column holds the part numbers for certain; use --map part_number=COLUMN. The columns are {listed}.",
                listed=_list(table.header),
            )
        )
    if not columns.names.keys() & {"designator", "quantity"}:
        columns.problems.append(
            say(
                "No column holds designators or quantities; use --map designator=COLUMN or quantity=COLUMN. "
                "The columns are {listed}.",
                listed=_list(table.header),
            )
        )


def _is_headless(table: Table) -> bool:
    """A column called C1 above C2 and C3 is no column name."""
    for position, name in enumerate(table.header):
        kinds = {row.cells[position].rstrip("0123456789") for row in table.rows}
        if is_designator_list(name) and name.rstrip("0123456789") in kinds - {name, ""}:
            return True
    return False


def _looks_like_designators(cells: Sequence[str]) -> bool:
    return _share(cells, is_designator_list) >= _ENOUGH and len(set(cells)) == len(cells)


def _looks_like_part_numbers(cells: Sequence[str]) -> bool:
    letters = _share(cells, lambda cell: any(letter.isalpha() for letter in cell) or "-" in cell)
    return _share(cells, lambda cell: bool(_PART_NUMBER.fullmatch(cell))) >= _ENOUGH and letters >= _ENOUGH


def _looks_like_descriptions(cells: Sequence[str]) -> bool:
    return _share(cells, lambda cell: cell.count(" ") >= 2 and len(cell) >= 10) >= _ENOUGH


def _looks_like_manufacturers(cells: Sequence[str]) -> bool:
    def is_name(cell: str) -> bool:
        return cell[0].isalpha() and not any(letter.isdigit() for letter in cell) and cell.count(" ") <= 3

    return _share(cells, is_name) >= _ENOUGH and (len(set(cells)) < len(cells) or len(cells) == 1)


def _share(cells: Sequence[str], test: Callable[[str], bool]) -> int:
    return 100 * sum(1 for cell in cells if test(cell)) // len(cells) if cells else 0


def _taken(role: str, name: str) -> str:
    return say(
        "Column {name!r} was taken for the {label}; use --map {role}=COLUMN to change it.",
        name=name,
        label=word(LABELS[role]),
        role=role,
    )


def _which(role: str, found: Sequence[str]) -> str:
    return say(
        "The {label} could be in {listed}; say which with --map {role}=COLUMN.",
        label=word(LABELS[role]),
        listed=_list(found),
        role=role,
    )


def _list(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip().casefold()


def _bare(name: str) -> str:
    return "".join(letter for letter in _key(name) if letter.isalnum())
