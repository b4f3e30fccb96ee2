"""Answers a query from a table: one statement counts, one finds the page's rows, one fetches them, whatever the list.

What counts and finds reads no more tables than the question is about, since every other row of a page is thrown away;
and a page of the second half is found from the end. So the last page costs what the first does.

A search of a long list doesn't count all that it finds: the ids up to the last row that anybody pages to are both the
count and the page.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from partsemble_core.errors import Invalid, say, word
from partsemble_core.services.acting import parse_iso_day
from partsemble_core.services.listing.asking import Column, Listing, ListQuery, Row, check_page, search_words
from partsemble_core.store.session import CompanySession

Statement = sa.Select[*tuple[Any, ...]]
Condition = Callable[[str], sa.ColumnElement[bool]]
FETCH = 1_000
"""Rows that a download holds at a time."""
FEW = 1_000
"""Rows of a long list that a search finds one by one, before it looks at all of them."""
MOST_FOUND = 10_000
"""Rows of a long list that a search pages through; a download holds all."""
ID_DIGITS = 18
Match = Callable[[Any], sa.ColumnElement[bool]]
"""Whether a text column holds the word that is searched for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """A table that a list reads of, and that never adds a row to it or takes one away."""

    keys: frozenset[str]
    """The values it is needed for, and the filters, by their names."""
    add: Callable[[Statement], Statement]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A list: its columns with what they read, how its tables are joined, what may be filtered and searched.

    ``join`` adds FROM to a SELECT, with the joins that every question needs; ``joins`` are those that some do, in the
    order in which they build on each other. ``finish`` works out what the database can't do exactly.
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
    joins: tuple[Join, ...] = ()
    sorts: Mapping[str, Any] = field(default_factory=dict)
    """What a column is sorted by, where that isn't what it shows without case."""
    lacking: frozenset[str] = frozenset()
    """Amounts that some rows don't have: a dash on a page, nothing in a file, null for a program."""
    finds: Mapping[str, Callable[[Match], sa.ColumnElement[bool]]] = field(default_factory=dict)
    """How a long list is searched through columns of other tables, by ids that match there. Columns may share one."""
    finish: Callable[[Row], Row] = lambda row: row


def page_of(session: CompanySession, table: Table, query: ListQuery) -> Listing:
    """One page in three statements; of a search in a long list in two, and one for each word.

    Raises Invalid naming a sort, filter or page that the list doesn't have.
    """
    check_page(query)
    conditions, used = _conditions(session, table, query)
    order = _order(table, query)
    if table.finds and query.search.strip():
        ids, total, has_more = _first_found(session, table, query, conditions, used, order)
    else:
        has_more = False
        total = session.scalar(_from(table, sa.select(sa.func.count()), used).where(*conditions)) or 0
        ids = _ids(session, table, query, conditions, used, order, total)
    return Listing(
        name=table.name,
        title=word(table.title),
        columns=table.columns,
        rows=_rows(session, table, ids, order),
        total=total,
        has_more=has_more,
        query=query,
    )


def all_rows(session: CompanySession, table: Table, query: ListQuery) -> Generator[Row, None, None]:
    """Every row that the query finds, in its order, as the database saw them at one moment: one statement, streamed."""
    conditions, _ = _conditions(session, table, query)
    statement = _selected(table).where(*conditions).order_by(*_order(table, query))
    with session.execute(statement, execution_options={"yield_per": FETCH}) as found:
        for row in found.mappings():
            yield table.finish(dict(row))


def _first_found(
    session: CompanySession,
    table: Table,
    query: ListQuery,
    conditions: Sequence[sa.ColumnElement[bool]],
    used: frozenset[str],
    order: Sequence[sa.UnaryExpression[Any]],
) -> tuple[list[int], int, bool]:
    """The page's rows in their order, how many rows can be paged to, and whether there are more than these."""
    statement = _from(table, sa.select(table.row_id), used | {query.sort or table.order}).where(*conditions)
    found = list(session.scalars(statement.order_by(*order).limit(MOST_FOUND + 1)))
    total = min(len(found), MOST_FOUND)
    first = (query.page - 1) * query.page_size
    return found[:total][first : first + query.page_size], total, len(found) > total


def _ids(
    session: CompanySession,
    table: Table,
    query: ListQuery,
    conditions: Sequence[sa.ColumnElement[bool]],
    used: frozenset[str],
    order: Sequence[sa.UnaryExpression[Any]],
    total: int,
) -> list[int]:
    """The page's rows, in their order. In the second half they are counted from the end."""
    first = (query.page - 1) * query.page_size
    size = min(query.page_size, total - first)
    if size <= 0:
        return []
    from_end = first > total - first - size
    statement = _from(table, sa.select(table.row_id), used | {query.sort or table.order}).where(*conditions)
    turned = _reversed(table, query) if from_end else order
    skipped = total - first - size if from_end else first
    found = list(session.scalars(statement.order_by(*turned).limit(size).offset(skipped)))
    return found[::-1] if from_end else found


def _rows(
    session: CompanySession, table: Table, ids: Sequence[int], order: Sequence[sa.UnaryExpression[Any]]
) -> list[Row]:
    if not ids:
        return []
    rows = session.execute(_selected(table).where(table.row_id.in_(ids)).order_by(*order)).mappings()
    return [table.finish(dict(row)) for row in rows]


def choice(
    expression: sa.SQLColumnExpression[str], values: Iterable[str] | type[enum.StrEnum], *, key: str
) -> Condition:
    """A filter that takes one of ``values``."""
    known = {str(value) for value in values}

    def condition(text: str) -> sa.ColumnElement[bool]:
        if text not in known:
            raise Invalid(
                key,
                say(
                    "{text!r} can't be filtered by. Use one of {known}.", text=text[:40], known=", ".join(sorted(known))
                ),
            )
        return expression == text

    return condition


def by_id(column: Any, *, key: str) -> Condition:
    """A filter that takes an id."""

    def condition(text: str) -> sa.ColumnElement[bool]:
        if not (text.isascii() and text.isdigit() and len(text) <= ID_DIGITS):
            raise Invalid(key, say("{text!r} isn't an id. Use a whole number.", text=text[:20]))
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


def _conditions(
    session: CompanySession, table: Table, query: ListQuery
) -> tuple[list[sa.ColumnElement[bool]], frozenset[str]]:
    """What a row has to fulfil, and the names of the values and filters that this is about."""
    conditions, used = [], set()
    for key, text in {**table.presets, **query.filters}.items():
        if key not in table.filters:
            known = ", ".join(table.filters) or word("none")
            raise Invalid(
                key,
                say(
                    "{title} can't be filtered by {key!r}. Filters are: {known}.",
                    title=word(table.title),
                    key=key[:40],
                    known=known,
                ),
            )
        if text:
            conditions.append(table.filters[key](text))
            used.add(key)
    for part in search_words(query.search):
        match = holds(session, part)
        found = [match(table.reads[key]) for key in table.searched if key not in table.finds]
        if table.finds:
            found += [find(match) for find in _searches(table)]
            found = _by_few(session, table, found)
            if not found:
                return [sa.false()], frozenset()
        conditions.append(sa.or_(*found))
        used |= set(table.searched) - set(table.finds)
    return conditions, frozenset(used)


def _searches(table: Table) -> Iterable[Callable[[Match], sa.ColumnElement[bool]]]:
    """Each way of searching other tables once, however many columns share it."""
    return dict.fromkeys(table.finds[key] for key in table.searched if key in table.finds)


def _by_few(
    session: CompanySession, table: Table, found: Sequence[sa.ColumnElement[bool]]
) -> list[sa.ColumnElement[bool]]:
    """The same rows of a long list, found by less: what few rows fulfil becomes their ids, what none does goes.

    Each condition is asked by its own index. Where one is left of each word, the database can start from either.
    """
    mine = table.row_id.class_.company_id == session.company_id
    asked = [
        sa.select(sa.literal(place).label("place"), table.row_id.label("id")).where(mine, condition).limit(FEW + 1)
        for place, condition in enumerate(found)
    ]
    rows = session.execute(sa.union_all(*(sa.select(each.subquery()) for each in asked))).all()
    counts = Counter(row.place for row in rows)
    few = {row.id for row in rows if counts[row.place] <= FEW}
    many = [condition for place, condition in enumerate(found) if counts[place] > FEW]
    return [*many, table.row_id.in_(few)] if few else many


def holds(session: CompanySession, word: str) -> Match:
    """Whether a column holds the word in any case.

    SQLite compares A to Z in any case by itself, many times faster than through the `lower` that knows all letters.
    """
    if word.isascii() and session.get_bind().dialect.name == "sqlite":
        return lambda column: column.contains(word, autoescape=True)
    return lambda column: column.icontains(word, autoescape=True)


def _from(table: Table, statement: Statement, used: Iterable[str]) -> Statement:
    """The tables that are needed for the values and filters used."""
    keys = frozenset(used)
    statement = table.join(statement)
    for join in table.joins:
        if join.keys & keys:
            statement = join.add(statement)
    return statement


def _selected(table: Table) -> Statement:
    reads = [expression.label(key) for key, expression in table.reads.items()]
    statement: Statement = sa.select(table.row_id.label("id"), *reads)
    return _from(table, statement, [key for join in table.joins for key in join.keys])


def _order(table: Table, query: ListQuery, *, turned: bool = False) -> list[sa.UnaryExpression[Any]]:
    """By the column asked for, then by id, so that no row is on two pages or on none; ``turned``: from the end."""
    kinds = {column.key: column.kind for column in table.columns if column.sortable}
    if query.sort and query.sort not in kinds:
        known = ", ".join(kinds)
        raise Invalid(
            "sort",
            say(
                "{title} can't be sorted by {sort!r}. Use one of {known}.",
                title=word(table.title),
                sort=query.sort[:40],
                known=known,
            ),
        )
    key = query.sort or table.order
    descending = (query.descending if query.sort else table.descending) != turned
    by = table.sorts.get(key)
    if by is None:
        by = sa.func.lower(table.reads[key]) if kinds[key] == "text" else table.reads[key]
    first, then = (by.desc(), table.row_id.desc()) if descending else (by.asc(), table.row_id.asc())
    if _is_filled(table.sorts.get(key, table.reads[key])):
        return [first, then]  # an index can't follow where NULLs belong, and here there are none
    return [first.nulls_first() if turned else first.nulls_last(), then]


def _is_filled(expression: Any) -> bool:
    """Whether it is a column of the list's own kind that is never NULL."""
    return isinstance(expression, sa.orm.InstrumentedAttribute) and not expression.property.columns[0].nullable


def _reversed(table: Table, query: ListQuery) -> list[sa.UnaryExpression[Any]]:
    return _order(table, query, turned=True)
