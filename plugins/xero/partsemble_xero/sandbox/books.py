"""The general ledger: what posted documents of any kind have done to the accounts.

Every posted document writes its lines here and a voided one takes them back, so that balances never
depend on the kind of document.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

SCHEMA = """
CREATE TABLE IF NOT EXISTS ledger_lines (
    tenant_id TEXT NOT NULL, source_id TEXT NOT NULL, account_id TEXT NOT NULL, day TEXT NOT NULL,
    cents INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS ledger_lines_by_account ON ledger_lines (tenant_id, account_id);
CREATE INDEX IF NOT EXISTS ledger_lines_by_source ON ledger_lines (source_id);
"""


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """An amount on an account in cents: debit positive, credit negative."""

    account_id: str
    cents: int


def post(
    connection: sqlite3.Connection, *, tenant_id: str, source_id: str, day: date, lines: Sequence[LedgerLine]
) -> None:
    """Write a document's lines. Raises ``ArithmeticError`` when they do not sum to zero."""
    if sum(line.cents for line in lines):
        raise ArithmeticError(f"document {source_id} does not balance")
    connection.executemany(
        "INSERT INTO ledger_lines VALUES (?, ?, ?, ?, ?)",
        [(tenant_id, source_id, line.account_id, day.isoformat(), line.cents) for line in lines],
    )


def take_back(connection: sqlite3.Connection, *, source_id: str) -> None:
    """Remove a document's lines, if it has any."""
    connection.execute("DELETE FROM ledger_lines WHERE source_id = ?", (source_id,))


def balances(
    connection: sqlite3.Connection, tenant_id: str, *, first: date = date.min, last: date = date.max
) -> dict[str, int]:
    """Sum in cents by account id of the lines dated ``first`` through ``last``; accounts without any are absent."""
    rows = connection.execute(
        "SELECT account_id, sum(cents) AS cents FROM ledger_lines WHERE tenant_id = ? AND day BETWEEN ? AND ?"
        " GROUP BY account_id",
        (tenant_id, first.isoformat(), last.isoformat()),
    )
    return {row["account_id"]: row["cents"] for row in rows}
