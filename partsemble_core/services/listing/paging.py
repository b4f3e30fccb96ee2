"""Answers a query from a table: one statement counts, one fetches the page, whatever the list."""

from __future__ import annotations

import enum
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from partsemble_core.errors import Invalid
from partsemble_core.services.acting import parse_iso_day
from partsemble_core.services.listing.asking import Column, Listing, ListQuery, Row, check_page, search_words
from partsemble_core.store.session import CompanySession

Statement = sa.Select[*tuple[Any, ...]]
Condition = Callable[[str], sa.ColumnElement[bool]]
FETCH = 1_000
"""Rows that a download holds at a time."""
ID_DIGITS = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A list: its columns with what they read, how its tables are joined, what may be filtered and searched.

    ``join`` adds FROM and joins to a SELECT; ``finish`` works out what the database can't do exactly.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    row_id: sa.orm.InstrumentedAttribute[int]
    reads: Mapping[str, Any]
    join: Callable[[Statement], Statement]
    searched: tuple[str, ...]
    order: str
    descending: bool = False
    filters: Mapping[str, Condition] = field(default_factory=dict)
    presets: Mapping[str, str] = field(default_factory=dict)
    """Filters that hold unless the query says otherwise."""
    finish: Callable[[Row], Row] = lambda row: row


def page_of(session: CompanySession, table: Table, query: ListQuery) -> Listing:
    """One page in two statements. Raises Invalid naming a sort, filter or page that the list doesn't have."""
    check_page(query)
    conditions = _conditions(table, query)
    total = session.scalar(table.join(sa.select(sa.func.count(table.row_id))).where(*conditions)) or 0
    statement = _selected(table, query).where(*conditions)
    first = (query.page - 1) * query.page_size
    rows = session.execute(statement.limit(query.page_size).offset(first)).mappings()
    return Listing(
        name=table.name,
        title=table.title,
        columns=table.columns,
        rows=[table.finish(dict(row)) for row in rows],
        total=total,
        query=query,
    )


def all_rows(session: CompanySession, table: Table, query: ListQuery) -> Generator[Row, None, None]:
    """Every row that the query finds, in its order, as the database saw them at one moment: one statement, streamed."""
    statement = _selected(table, query).where(*_conditions(table, query))
    with session.execute(statement, execution_options={"yield_per": FETCH}) as found:
        for row in found.mappings():
            yield table.finish(dict(row))


def choice(
    expression: sa.SQLColumnExpression[str], values: Iterable[str] | type[enum.StrEnum], *, key: str
) -> Condition:
    """A filter that takes one of ``values``."""
    known = {str(value) for value in values}

    def condition(text: str) -> sa.ColumnElement[bool]:
        if text not in known:
            raise Invalid(key, f"{text[:40]!r} can't be filtered by. Use one of {', '.join(sorted(known))}.")
        return expression == text

    return condition


def by_id(column: Any, *, key: str) -> Condition:
    """A filter that takes an id."""

    def condition(text: str) -> sa.ColumnElement[bool]:
        if not (text.isascii() and text.isdigit() and len(text) <= ID_DIGITS):
            raise Invalid(key, f"{text[:20]!r} isn't an id. Use a whole number.")
        found: sa.ColumnElement[bool] = column == int(text)
        return found

    return condition


def since(column: Any, *, key: str) -> Condition:
    """A filter that takes the first day to show."""
    return lambda text: column >= parse_iso_day(text, field=key)


def until(column: Any, *, key: str) -> Condition:
    """A filter that takes the last day to show."""
    return lambda text: column <= parse_iso_day(text, field=key)


def same_company(left: Any, key: Any, right: Any) -> sa.ColumnElement[bool]:
    """A join that can't leave the company, and that its indexes serve."""
    joined: sa.ColumnElement[bool] = sa.and_(right.company_id == left.company_id, right.id == key)
    return joined


def _conditions(table: Table, query: ListQuery) -> list[sa.ColumnElement[bool]]:
    conditions = []
    for key, text in {**table.presets, **query.filters}.items():
        if key not in table.filters:
            known = ", ".join(table.filters) or "none"
            raise Invalid(key, f"{table.title} can't be filtered by {key[:40]!r}. Filters are: {known}.")
        if text:
            conditions.append(table.filters[key](text))
    for word in search_words(query):
        found = [table.reads[key].icontains(word, autoescape=True) for key in table.searched]
        conditions.append(sa.or_(*found))
    return conditions


def _selected(table: Table, query: ListQuery) -> Statement:
    reads = [expression.label(key) for key, expression in table.reads.items()]
    statement: Statement = sa.select(table.row_id.label("id"), *reads)
    return table.join(statement).order_by(*_order(table, query))


def _order(table: Table, query: ListQuery) -> list[sa.UnaryExpression[Any]]:
    """By the column asked for, then by id, so that no row is on two pages or on none."""
    kinds = {column.key: column.kind for column in table.columns if column.sortable}
    if query.sort and query.sort not in kinds:
        known = ", ".join(kinds)
        raise Invalid("sort", f"{table.title} can't be sorted by {query.sort[:40]!r}. Use one of {known}.")
    key = query.sort or table.order
    descending = query.descending if query.sort else table.descending
    expression = table.reads[key]
    by = sa.func.lower(expression) if kinds[key] == "text" else expression
    turned = [by.desc(), table.row_id.desc()] if descending else [by.asc(), table.row_id.asc()]
    return [turned[0].nulls_last(), turned[1]]
