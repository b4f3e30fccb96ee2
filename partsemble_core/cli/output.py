"""How commands write: tables for people, JSON for programs, questions before anything that can't be undone."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from partsemble_core.domain.amounts import format_amount, format_quantity
from partsemble_core.services.listing import Column, Kind

RIGHT = ("quantity", "money", "number")
CELL = 48


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table for people. Money is shown with the currency's decimals, and more where they matter."""

    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]
    decimals: int = 2

    def __str__(self) -> str:
        cells = [[self._cell(row[column.key], column.kind) for column in self.columns] for row in self.rows]
        titles = [_title(column) for column in self.columns]
        widths = [max(len(line[i]) for line in [titles, *cells]) for i in range(len(titles))]
        return "\n".join(self._line(line, widths) for line in [titles, ["─" * width for width in widths], *cells])

    def _line(self, cells: Sequence[str], widths: Sequence[int]) -> str:
        padded = [
            cell.rjust(width) if column.kind in RIGHT else cell.ljust(width)
            for cell, width, column in zip(cells, widths, self.columns, strict=True)
        ]
        return "  ".join(padded).rstrip()

    def _cell(self, value: Any, kind: Kind) -> str:
        text = shown(value, kind, decimals=self.decimals)
        return text if len(text) <= CELL else text[: CELL - 1] + "…"


def _title(column: Column) -> str:
    """Times are those of UTC, and say so."""
    return f"{column.title} (UTC)" if column.kind == "time" else column.title


def shown(value: Any, kind: Kind, *, decimals: int) -> str:
    """One value as people read it, without what a terminal would act on."""
    match value:
        case None:
            return ""
        case Decimal():
            return format_amount(value, decimals=decimals) if kind == "money" else format_quantity(value)
        case dt.datetime():
            return value.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M")
        case _:
            return "".join(letter if letter.isprintable() else "�" for letter in str(value))


def print_json(value: Any) -> None:
    """One JSON document: amounts are strings, days and times ISO text."""
    print(json.dumps(value, default=_json, ensure_ascii=False, indent=2))


def print_rows(columns: Sequence[Column], rows: Iterable[Mapping[str, Any]], *, decimals: int, as_json: bool) -> None:
    """A list as a table, or with ``as_json`` as an array of objects."""
    found = list(rows)
    if as_json:
        print_json(found)
    elif found:
        print(Sheet(columns, found, decimals))
    else:
        print("Nothing found.")


def agreed(question: str, *, yes: bool) -> bool:
    """Whether the person agrees; ``yes`` was said beforehand. No answer is no."""
    if yes:
        return True
    print(f"{question} [y/N] ", end="", flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def counted(count: int, noun: str) -> str:
    """``1 line``, ``2 lines``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _json(value: object) -> object:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dt.date):
        return value.isoformat()
    raise TypeError(type(value).__name__)
