"""Sales and purchase documents in the state file, and what they do to the ledger."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import date

from . import books
from .accounts import Account, chart_of
from .queries import EVERY_ROW, Condition, Paging
from .sales_rules import IN_LEDGER, Kind, SalesDocument, SalesLine, in_base
from .webhooks import announce

SCHEMA = """
CREATE TABLE IF NOT EXISTS sales_documents (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, document_id TEXT NOT NULL UNIQUE,
    tenant_id TEXT NOT NULL REFERENCES tenants, kind TEXT NOT NULL, type TEXT NOT NULL, number TEXT NOT NULL,
    reference TEXT NOT NULL, contact_id TEXT NOT NULL, contact_name TEXT NOT NULL, day TEXT NOT NULL,
    due_day TEXT NOT NULL, status TEXT NOT NULL, line_amount_types TEXT NOT NULL, currency TEXT NOT NULL,
    rate_e6 INTEGER NOT NULL, paid_day TEXT, updated_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS sales_documents_by_update ON sales_documents (tenant_id, kind, updated_ms, seq);
CREATE TABLE IF NOT EXISTS sales_lines (
    document_id TEXT NOT NULL REFERENCES sales_documents (document_id), position INTEGER NOT NULL,
    line_id TEXT NOT NULL, description TEXT NOT NULL, account_id TEXT NOT NULL REFERENCES accounts,
    tax_type TEXT NOT NULL, quantity_e4 INTEGER, unit_e4 INTEGER, discount_e4 INTEGER, discount_cents INTEGER,
    cents INTEGER, tax_cents INTEGER NOT NULL, item_id TEXT, PRIMARY KEY (document_id, position)
) STRICT;
"""
_FIELDS = (
    "document_id", "tenant_id", "kind", "type", "number", "reference", "contact_id", "contact_name", "day", "due_day",
    "status", "line_amount_types", "currency", "rate_e6", "paid_day", "updated_ms",
)  # fmt: skip


def keep_document(connection: sqlite3.Connection, document: SalesDocument, *, tenant_id: str) -> None:
    """Stores a document as it now is, makes the ledger agree and tells the app's webhook: the only way in."""
    known = connection.execute(
        "SELECT 1 FROM sales_documents WHERE document_id = ?", (document.document_id,)
    ).fetchone()
    values = (
        document.document_id,
        tenant_id,
        document.kind,
        document.type,
        document.number,
        document.reference,
        document.contact_id,
        document.contact_name,
        document.day.isoformat(),
        document.due_day.isoformat(),
        document.status,
        document.line_amount_types,
        document.currency,
        document.rate_e6,
        document.paid_day and document.paid_day.isoformat(),
        document.updated_ms,
    )
    places = ", ".join("?" * len(_FIELDS))
    changes = ", ".join(f"{name} = excluded.{name}" for name in _FIELDS[1:])
    connection.execute(
        f"INSERT INTO sales_documents ({', '.join(_FIELDS)}) VALUES ({places})"  # noqa: S608 - names from above
        f" ON CONFLICT (document_id) DO UPDATE SET {changes}",
        values,
    )
    connection.execute("DELETE FROM sales_lines WHERE document_id = ?", (document.document_id,))
    connection.executemany(
        "INSERT INTO sales_lines VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [_line_row(document.document_id, position, line) for position, line in enumerate(document.lines)],
    )
    books.take_back(connection, source_id=document.document_id)
    if document.status in IN_LEDGER:
        lines = ledger_lines(document, chart_of(connection, tenant_id))
        books.post(connection, tenant_id=tenant_id, source_id=document.document_id, day=document.day, lines=lines)
    announce(
        connection,
        tenant_id=tenant_id,
        category="INVOICE" if document.kind == "invoice" else "CREDITNOTE",
        resource_id=document.document_id,
        change="UPDATE" if known else "CREATE",
        now_ms=document.updated_ms,
    )


def find_document(connection: sqlite3.Connection, *, tenant_id: str, kind: Kind, name: str) -> SalesDocument | None:
    """The document with this id or number, or None; of several with one number, the first made."""
    row = connection.execute(
        "SELECT * FROM sales_documents WHERE tenant_id = ? AND kind = ?"
        " AND (document_id = ? OR (number = ? AND number <> '')) ORDER BY document_id = ? DESC, seq LIMIT 1",
        (tenant_id, kind, name.lower(), name, name.lower()),
    ).fetchone()
    return None if row is None else _from_row(connection, row)


def next_number(connection: sqlite3.Connection, *, tenant_id: str, kind: Kind) -> str:
    """The number of the next sale of this kind."""
    (count,) = connection.execute(
        "SELECT count(*) FROM sales_documents WHERE tenant_id = ? AND kind = ? AND type IN ('ACCREC', 'ACCRECCREDIT')",
        (tenant_id, kind),
    ).fetchone()
    return f"{'INV' if kind == 'invoice' else 'CN'}-{count + 1:04d}"


def count_documents(
    connection: sqlite3.Connection, *, tenant_id: str, kind: Kind, where: Condition, since_ms: int
) -> int:
    """How many documents ``where`` holds for that were changed at or after ``since_ms``."""
    (count,) = connection.execute(
        "SELECT count(*) FROM sales_documents WHERE tenant_id = ? AND kind = ? AND updated_ms >= ?"  # noqa: S608 - words from queries.py, values bound
        f" AND {where.sql}",
        (tenant_id, kind, since_ms, *where.values),
    ).fetchone()
    return int(count)


def list_documents(
    connection: sqlite3.Connection,
    *,
    tenant_id: str,
    kind: Kind,
    where: Condition = EVERY_ROW,
    order: str = "updated_ms ASC",
    since_ms: int = 0,
    paging: Paging | None = None,
) -> list[SalesDocument]:
    """One page of documents, or all of them; equals come in the order of their making."""
    limit = (paging.size, (paging.number - 1) * paging.size) if paging else (-1, 0)
    rows = connection.execute(
        "SELECT * FROM sales_documents WHERE tenant_id = ? AND kind = ? AND updated_ms >= ?"  # noqa: S608 - words from queries.py, values bound
        f" AND {where.sql} ORDER BY {order}, seq LIMIT ? OFFSET ?",
        (tenant_id, kind, since_ms, *where.values, *limit),
    ).fetchall()
    return [_from_row(connection, row) for row in rows]


def ledger_lines(document: SalesDocument, chart: Sequence[Account]) -> list[books.LedgerLine]:
    """What a document does to the accounts, in the currency of the books; a payment goes through the bank.

    A sale debits receivables and credits revenue and tax; a purchase and a credit note are its mirror.
    """
    ids = {account.system_account: account.account_id for account in chart if account.system_account}
    bank = next(account.account_id for account in chart if account.type == "BANK" and account.code)
    owed = ids["DEBTORS"] if document.is_sale else ids["CREDITORS"]
    sign = (1 if document.is_sale else -1) * (1 if document.kind == "invoice" else -1)
    lines = []
    for line in document.lines:
        for account_id, cents in ((line.account_id, document.net_of(line)), (ids["GST"], line.tax_cents)):
            if cents:
                lines.append(books.LedgerLine(account_id, -sign * in_base(cents, document.rate_e6)))
    total = -sum(line.cents for line in lines)
    lines.append(books.LedgerLine(owed, total))
    if document.status == "PAID":
        lines += [books.LedgerLine(owed, -total), books.LedgerLine(bank, total)]
    return lines


def _line_row(document_id: str, position: int, line: SalesLine) -> tuple[str | int | None, ...]:
    return (
        document_id,
        position,
        line.line_id,
        line.description,
        line.account_id,
        line.tax_type,
        line.quantity_e4,
        line.unit_e4,
        line.discount_e4,
        line.discount_cents,
        line.cents,
        line.tax_cents,
        line.item_id,
    )


def _from_row(connection: sqlite3.Connection, row: sqlite3.Row) -> SalesDocument:
    lines = connection.execute(
        "SELECT l.*, a.code AS account_code, i.code AS item_code, i.name AS item_name FROM sales_lines l"
        " JOIN accounts a USING (account_id) LEFT JOIN items i USING (item_id) WHERE document_id = ? ORDER BY position",
        (row["document_id"],),
    )
    return SalesDocument(
        document_id=row["document_id"],
        kind=row["kind"],
        type=row["type"],
        number=row["number"],
        reference=row["reference"],
        contact_id=row["contact_id"],
        contact_name=row["contact_name"],
        day=date.fromisoformat(row["day"]),
        due_day=date.fromisoformat(row["due_day"]),
        status=row["status"],
        line_amount_types=row["line_amount_types"],
        currency=row["currency"],
        rate_e6=row["rate_e6"],
        lines=tuple(_line_from_row(line) for line in lines),
        paid_day=date.fromisoformat(row["paid_day"]) if row["paid_day"] else None,
        updated_ms=row["updated_ms"],
    )


def _line_from_row(row: sqlite3.Row) -> SalesLine:
    return SalesLine(
        line_id=row["line_id"],
        description=row["description"],
        account_id=row["account_id"],
        account_code=row["account_code"],
        tax_type=row["tax_type"],
        quantity_e4=row["quantity_e4"],
        unit_e4=row["unit_e4"],
        discount_e4=row["discount_e4"],
        discount_cents=row["discount_cents"],
        cents=row["cents"],
        tax_cents=row["tax_cents"],
        item_id=row["item_id"],
        item_code=row["item_code"],
        item_name=row["item_name"],
    )
