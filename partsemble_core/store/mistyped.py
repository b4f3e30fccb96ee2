"""Mistyped values: SQLite keeps whatever it is given, so a row can hold text for an amount, or a day that is none.

PostgreSQL keeps the types of its columns by itself.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from partsemble_core.store.base import Millionths, UtcDateTime
from partsemble_core.store.everything import metadata
from partsemble_core.store.session import CompanySession

Said = list[tuple[int, str]]


def mistyped_rows(session: CompanySession, *, limit: int) -> Iterator[tuple[str, Said]]:
    """(table, row ids with what is wrong there) for each table with such rows of the company: a statement a table."""
    if session.get_bind().dialect.name != "sqlite":
        return
    for table in metadata.sorted_tables:
        wrong = {column.name: test for column in table.columns if (test := _wrong(column))}
        if "company_id" not in table.columns or not wrong:
            continue
        flagged = ", ".join(f"{test} AS wrong_{name}" for name, test in wrong.items())
        any_of = " OR ".join(wrong.values())
        asked = f"SELECT id, {flagged} FROM {table.name} WHERE company_id = :company AND ({any_of})"  # noqa: S608
        rows = session.connection().execute(
            sa.text(f"{asked} ORDER BY id LIMIT :limit"), {"company": session.company_id, "limit": limit}
        )
        said = [(row["id"], _told([name for name in wrong if row[f"wrong_{name}"]])) for row in rows.mappings()]
        if said:
            yield table.name, said


def _told(names: list[str]) -> str:
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} of the wrong kind"


def _wrong(column: sa.Column[object]) -> str:
    """A test in SQL that is true for a value that can't be of the column; empty where any may be."""
    name = column.name
    if isinstance(column.type, Millionths | sa.Integer):
        return f"(typeof({name}) NOT IN ('integer', 'null'))"
    if isinstance(column.type, sa.LargeBinary):
        return f"(typeof({name}) NOT IN ('blob', 'null'))"
    if isinstance(column.type, UtcDateTime):
        return f"({name} IS NOT NULL AND (typeof({name}) <> 'text' OR datetime({name}) IS NULL))"
    if isinstance(column.type, sa.Date):
        return f"({name} IS NOT NULL AND date({name}) IS NOT {name})"
    return ""
