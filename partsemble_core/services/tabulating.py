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
    Column("amount", "Difference", "money"),
    Column("external_id", "Their id"),
    Column("note", "Note"),
)


def reconciliation_listing(found: Reconciliation) -> Listing:
    """Accounts and their sum, then every line of the explanation, then what remains."""
    rows: list[Row] = [
        _row(
            "Account",
            account=f"{account.code} {account.name}",
            stock=account.stock,
            posted=account.posted,
            books=account.books,
            amount=account.difference,
        )
        for account in found.accounts
    ]
    rows.append(
        _row(
            "Sum",
            stock=found.stock,
            posted=found.posted,
            books=found.books,
            amount=found.difference,
            note=found.problem,
        )
    )
    rows += [_line(line) for _, _, lines in found.groups for line in lines]
    if found.remainder is not None:
        rows.append(_row("Not explained", amount=found.remainder, note=found.why_no_journals))
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
        "difference": found.difference,
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
                "difference": account.difference,
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
        "note": line.words,
    }
