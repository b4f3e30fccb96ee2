"""Manual journals in the state file, and what they do to the ledger."""

from __future__ import annotations

import sqlite3
from datetime import date

from . import books
from .journal_rules import Journal, Line
from .queries import EVERY_ROW, Condition, Paging
from .tracking import Option

SCHEMA = """
CREATE TABLE IF NOT EXISTS journals (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, journal_id TEXT NOT NULL UNIQUE,
    tenant_id TEXT NOT NULL REFERENCES tenants, narration TEXT NOT NULL, day TEXT NOT NULL,
    status TEXT NOT NULL, line_amount_types TEXT NOT NULL, url TEXT, on_cash_basis INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS journals_by_narration ON journals (tenant_id, narration);
CREATE INDEX IF NOT EXISTS journals_by_update ON journals (tenant_id, updated_ms, seq);
CREATE TABLE IF NOT EXISTS journal_lines (
    journal_id TEXT NOT NULL REFERENCES journals (journal_id), position INTEGER NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts, description TEXT, tax_type TEXT NOT NULL,
    cents INTEGER NOT NULL, tax_cents INTEGER NOT NULL, PRIMARY KEY (journal_id, position)
) STRICT;
"""


def find_journal(connection: sqlite3.Connection, *, tenant_id: str, journal_id: str) -> Journal | None:
    """The journal with this id in this organisation, with its lines, or None."""
    row = connection.execute(
        "SELECT * FROM journals WHERE tenant_id = ? AND journal_id = ?", (tenant_id, journal_id.lower())
    ).fetchone()
    return None if row is None else _from_row(connection, row)


def count_journals(connection: sqlite3.Connection, *, tenant_id: str, where: Condition, since_ms: int) -> int:
    """How many journals ``where`` holds for that were changed at or after ``since_ms``."""
    (count,) = connection.execute(
        "SELECT count(*) FROM journals WHERE tenant_id = ? AND updated_ms >= ?"  # noqa: S608 - words from queries.py, values bound
        f" AND {where.sql}",
        (tenant_id, since_ms, *where.values),
    ).fetchone()
    return int(count)


def list_journals(
    connection: sqlite3.Connection,
    *,
    tenant_id: str,
    where: Condition = EVERY_ROW,
    order: str = "updated_ms ASC",
    since_ms: int = 0,
    paging: Paging | None = None,
) -> list[Journal]:
    """One page of journals, or all of them; equals come in the order of their making."""
    limit = (paging.size, (paging.number - 1) * paging.size) if paging else (-1, 0)
    rows = connection.execute(
        "SELECT * FROM journals WHERE tenant_id = ? AND updated_ms >= ?"  # noqa: S608 - words from queries.py, values bound
        f" AND {where.sql} ORDER BY {order}, seq LIMIT ? OFFSET ?",
        (tenant_id, since_ms, *where.values, *limit),
    ).fetchall()
    return [_from_row(connection, row) for row in rows]


def save_journal(connection: sqlite3.Connection, journal: Journal, *, tenant_id: str, tax_account_id: str) -> None:
    """Store a journal and its lines, and make the ledger agree with its status."""
    connection.execute(
        "INSERT INTO journals (journal_id, tenant_id, narration, day, status, line_amount_types, url,"
        " on_cash_basis, updated_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (journal_id) DO UPDATE SET narration = excluded.narration, day = excluded.day,"
        " status = excluded.status, line_amount_types = excluded.line_amount_types, url = excluded.url,"
        " on_cash_basis = excluded.on_cash_basis, updated_ms = excluded.updated_ms",
        (
            journal.journal_id,
            tenant_id,
            journal.narration,
            journal.day.isoformat(),
            journal.status,
            journal.line_amount_types,
            journal.url,
            int(journal.on_cash_basis),
            journal.updated_ms,
        ),
    )
    connection.execute("DELETE FROM journal_lines WHERE journal_id = ?", (journal.journal_id,))
    connection.executemany(
        "INSERT INTO journal_lines VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                journal.journal_id,
                at,
                line.account_id,
                line.description,
                line.tax_type,
                line.cents,
                line.tax_cents,
            )
            for at, line in enumerate(journal.lines)
        ],
    )
    _save_tracking(connection, journal)
    books.take_back(connection, source_id=journal.journal_id)
    if journal.status == "POSTED":
        books.post(
            connection,
            tenant_id=tenant_id,
            source_id=journal.journal_id,
            day=journal.day,
            lines=_ledger_lines(journal, tax_account_id),
        )


def _save_tracking(connection: sqlite3.Connection, journal: Journal) -> None:
    connection.execute("DELETE FROM journal_line_tracking WHERE journal_id = ?", (journal.journal_id,))
    connection.executemany(
        "INSERT INTO journal_line_tracking VALUES (?, ?, ?)",
        [(journal.journal_id, at, each.option_id) for at, line in enumerate(journal.lines) for each in line.tracking],
    )


def _tracking_of(connection: sqlite3.Connection, journal_id: str) -> dict[int, tuple[Option, ...]]:
    """The options of a journal's lines, by position."""
    rows = connection.execute(
        "SELECT t.position, c.category_id, c.name AS category, o.option_id, o.name FROM journal_line_tracking t"
        " JOIN tracking_options o USING (option_id) JOIN tracking_categories c USING (category_id)"
        " WHERE t.journal_id = ? ORDER BY t.position, c.name",
        (journal_id,),
    )
    found: dict[int, tuple[Option, ...]] = {}
    for row in rows:
        option = Option(
            category_id=row["category_id"],
            category=row["category"],
            option_id=row["option_id"],
            name=row["name"],
            is_active=True,
        )
        found[row["position"]] = (*found.get(row["position"], ()), option)
    return found


def _ledger_lines(journal: Journal, tax_account_id: str) -> list[books.LedgerLine]:
    lines = []
    for line in journal.lines:
        net = line.cents - (line.tax_cents if journal.line_amount_types == "Inclusive" else 0)
        lines.append(books.LedgerLine(line.account_id, net))
        if line.tax_cents:
            lines.append(books.LedgerLine(tax_account_id, line.tax_cents))
    return lines


def _from_row(connection: sqlite3.Connection, row: sqlite3.Row) -> Journal:
    lines = connection.execute(
        "SELECT l.*, a.code FROM journal_lines l JOIN accounts a USING (account_id)"
        " WHERE journal_id = ? ORDER BY position",
        (row["journal_id"],),
    )
    tracking = _tracking_of(connection, row["journal_id"])
    return Journal(
        journal_id=row["journal_id"],
        narration=row["narration"],
        day=date.fromisoformat(row["day"]),
        status=row["status"],
        line_amount_types=row["line_amount_types"],
        url=row["url"],
        on_cash_basis=bool(row["on_cash_basis"]),
        lines=tuple(
            Line(
                account_id=line["account_id"],
                account_code=line["code"],
                description=line["description"],
                tax_type=line["tax_type"],
                cents=line["cents"],
                tax_cents=line["tax_cents"],
                tracking=tracking.get(line["position"], ()),
            )
            for line in lines
        ),
        updated_ms=row["updated_ms"],
    )
