"""Xero's ``where``, ``order`` and paging parameters, turned into SQL with bound values.

Understood: ``==  !=  <  <=  >  >=``, ``AND`` / ``&&``, ``OR`` / ``||``, parentheses, texts in double
quotes, ``guid("…")``, ``DateTime(y,m,d)``, ``true``, ``false`` and ``null``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

from .problems import query_refused
from .wire import to_ms

Kind = Literal["text", "guid", "day", "moment", "flag"]
Bound = str | int | None
PAGE_SIZE_DEFAULT = 100
PAGE_SIZE_MAX = 1000
DEPTH_MAX = 20
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<call>guid|datetime)\s*\((?P<args>[^()]*)\)"""
    r"""|(?P<op>==|!=|<=|>=|&&|\|\||[=<>()])|(?P<word>[A-Za-z][A-Za-z0-9_.]*))""",
    re.IGNORECASE,
)
_SQL_OPERATOR = {"==": "IS", "=": "IS", "!=": "IS NOT", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


@dataclass(frozen=True, slots=True)
class Column:
    """A field that can be asked for: its SQL column and what a value for it looks like."""

    sql: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Condition:
    """SQL for a WHERE clause and its bound values."""

    sql: str
    values: tuple[Bound, ...] = ()


EVERY_ROW = Condition("1")


@dataclass(frozen=True, slots=True)
class Paging:
    """A page, counted from 1, and its size."""

    number: int
    size: int


def read_where(text: str | None, *, columns: Mapping[str, Column], entity: str) -> Condition:
    """Compile a ``where``; none at all holds for every row. Raises a query problem."""
    if not text or not text.strip():
        return EVERY_ROW
    return _WhereReader(text, columns, entity).read()


def read_order(text: str | None, *, columns: Mapping[str, Column], entity: str, default: str) -> str:
    """Compile ``Field [ASC|DESC][, …]`` to SQL. Raises a query problem."""
    parts = []
    for part in (text or default).split(","):
        words = part.split()
        direction = words[1].upper() if len(words) == 2 else "ASC"
        if not 1 <= len(words) <= 2 or direction not in {"ASC", "DESC"}:
            raise query_refused(f"The order '{part.strip()}' could not be read")
        parts.append(f"{_column(words[0], columns, entity).sql} {direction}")
    return ", ".join(parts)


def read_paging(query: Mapping[str, str]) -> Paging | None:
    """The page that was asked for; None without ``page``. Raises a query problem."""
    if "page" not in query:
        return None
    number = _whole(query["page"], name="page", most=10**9)
    return Paging(number, _whole(query.get("pageSize", str(PAGE_SIZE_DEFAULT)), name="pageSize", most=PAGE_SIZE_MAX))


def _whole(text: str, *, name: str, most: int) -> int:
    if not re.fullmatch(r"\d{1,10}", text) or not 1 <= int(text) <= most:
        raise query_refused(f"{name} must be a whole number from 1 to {most}")
    return int(text)


def _column(name: str, columns: Mapping[str, Column], entity: str) -> Column:
    if name not in columns:
        raise query_refused(f"No property or field '{name}' exists in type '{entity}'")
    return columns[name]


class _WhereReader:
    """Recursive descent over one ``where``."""

    def __init__(self, text: str, columns: Mapping[str, Column], entity: str) -> None:
        self._columns = columns
        self._entity = entity
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0
        self._values: list[Bound] = []

    def read(self) -> Condition:
        sql = self._either()
        if self._at != len(self._tokens):
            raise query_refused(f"Syntax error at '{self._tokens[self._at][1]}'")
        return Condition(sql, tuple(self._values))

    def _either(self) -> str:
        parts = [self._both()]
        while self._take({"OR", "||"}):
            parts.append(self._both())
        return "(" + " OR ".join(parts) + ")"

    def _both(self) -> str:
        parts = [self._one()]
        while self._take({"AND", "&&"}):
            parts.append(self._one())
        return "(" + " AND ".join(parts) + ")"

    def _one(self) -> str:
        if not self._take({"("}):
            return self._comparison()
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise query_refused("The where has too many parentheses inside each other")
        sql = self._either()
        if not self._take({")"}):
            raise query_refused("Syntax error: ')' expected")
        self._depth -= 1
        return sql

    def _comparison(self) -> str:
        kind, name = self._next()
        column = _column(name, self._columns, self._entity) if kind == "word" else None
        _, operator = self._next()
        if column is None or operator not in _SQL_OPERATOR:
            raise query_refused(f"Syntax error at '{name}'")
        kind, literal = self._next()
        self._values.append(_bound(column, kind=kind, literal=literal))
        return f"{column.sql} {_SQL_OPERATOR[operator]} ?"

    def _next(self) -> tuple[str, str]:
        if self._at == len(self._tokens):
            raise query_refused("Syntax error: the where ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, wanted: set[str]) -> bool:
        found = self._at < len(self._tokens) and self._tokens[self._at][1].upper() in wanted
        found = found and self._tokens[self._at][0] != "text"
        self._at += found
        return found


def _tokens(text: str) -> list[tuple[str, str]]:
    """(kind, text) pairs; the text of a ``guid(…)`` or ``DateTime(…)`` is what stands in its parentheses."""
    tokens = []
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            raise query_refused(f"Syntax error at '{text[at : at + 20].strip()}'")
        at = found.end()
        if found["call"]:
            tokens.append((found["call"].lower(), found["args"]))
        else:
            kind = str(found.lastgroup)
            tokens.append((kind, _unquoted(found[kind]) if kind == "text" else found[kind]))
    return tokens


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def _bound(column: Column, *, kind: str, literal: str) -> Bound:
    """The value to compare ``column`` with, as it is stored. Raises a query problem."""
    if kind == "word" and literal.lower() == "null":
        return None
    if column.kind == "flag" and kind == "word" and literal.lower() in {"true", "false"}:
        return int(literal.lower() == "true")
    if column.kind == "guid" and kind in {"guid", "text"}:
        return literal.strip().strip('"').lower()
    if column.kind == "text" and kind == "text":
        return literal
    if column.kind in {"day", "moment"} and kind == "datetime":
        return _point_in_time(column, literal)
    raise query_refused(f"'{literal}' cannot be compared with this field")


def _point_in_time(column: Column, args: str) -> Bound:
    try:
        numbers = [int(number) for number in args.split(",")]
        if column.kind == "day":
            return date(*numbers[:3]).isoformat()
        year, month, day, hour, minute, second = (*numbers, 0, 0, 0)[:6]
        return to_ms(datetime(year, month, day, hour, minute, second, tzinfo=UTC))
    except (ValueError, TypeError, OverflowError) as error:
        raise query_refused(f"DateTime({args}) is not a date") from error
