"""Tabulating: a reconciliation as the rows of a file, and as plain values for programs."""

from __future__ import annotations

from decimal import Decimal

from partsemble_core.domain.reconciliation import TITLES, Line
from partsemble_core.services.listing import Column, Listing, ListQuery, Row
from partsemble_core.services.reconciling import Reconciliation

COLUMNS = (
    Column("what", "What"),
    Column("reference", "Reference"),
    Column("account", "Account"),
    Column("stock", "Stock", "money"),
    Column("posted", "Posted", "money"),
    Column("books", "Books", "money"),
    Column("books_minus_posted", "Books − posted", "money"),
    Column("amount", "Amount", "money"),
    Column("external_id", "Their id"),
    Column("note", "Note"),
)


def reconciliation_listing(found: Reconciliation) -> Listing:
    """Accounts and their sum, every line of the explanation, what remains, and what both add up to: as on the page."""
    rows: list[Row] = [
        _row(
            "Account",
            account=f"{account.code} {account.name}",
            stock=account.stock,
            posted=account.posted,
            books=account.books,
            books_minus_posted=account.books_minus_posted,
        )
        for account in found.accounts
    ]
    rows.append(
        _row(
            "Sum",
            stock=found.stock,
            posted=found.posted,
            books=found.books,
            books_minus_posted=found.books_minus_posted,
            note=found.problem,
        )
    )
    rows += [_line(line) for _, _, lines in found.groups for line in lines]
    if found.remainder is not None:
        rows.append(_row("Not explained", amount=found.remainder, note=found.why_no_journals))
    rows.append(_row("Posted − stock" if found.books is None else "Books − stock", amount=found.difference))
    return Listing(
        name="reconcile", title="Reconciliation", columns=COLUMNS, rows=rows, total=len(rows), query=ListQuery()
    )


def _line(line: Line) -> Row:
    return _row(
        TITLES[line.reason],
        reference=line.reference,
        amount=line.amount,
        external_id=line.external_id,
        note=line.words,
    )


def _row(what: str, **values: str | Decimal | None) -> Row:
    empty: Row = {column.key: None if column.kind == "money" else "" for column in COLUMNS}
    return {**empty, "what": what, **values}


def reconciliation_values(found: Reconciliation) -> Row:
    """The same for JSON."""
    return {
        "on": found.day,
        "organisation": found.organisation,
        "verdict": found.verdict.value,
        "stock": found.stock,
        "posted": found.posted,
        "books": found.books,
        "books_minus_posted": found.books_minus_posted,
        "difference": found.difference,
        "rounding": found.rounding,
        "unexplained": found.unexplained,
        "cancelling_lines": found.cancelling,
        "remainder": found.remainder,
        "problem": found.problem,
        "why_no_journals": found.why_no_journals,
        "accounts": [
            {
                "account_id": account.external_id,
                "code": account.code,
                "name": account.name,
                "stock": account.stock,
                "posted": account.posted,
                "books": account.books,
                "books_minus_posted": account.books_minus_posted,
            }
            for account in found.accounts
        ],
        "reasons": [
            {
                "reason": reason.value,
                "title": TITLES[reason],
                "amount": total,
                "lines": [_values(each) for each in lines],
            }
            for reason, total, lines in found.groups
        ],
    }


def _values(line: Line) -> Row:
    return {
        "reference": line.reference,
        "amount": line.amount,
        "document_kind": line.key[0] if line.key else None,
        "document_id": line.key[1] if line.key else None,
        "external_id": line.external_id,
        "export_id": line.export_id,
        "note": line.words,
    }
