"""Xero's books as reconciling reads them: balances from the trial balance, and every manual journal."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from partsemble_core.plugin_api import (
    AccountBalance,
    BackendContext,
    BookedJournal,
    JournalLine,
    NotPermitted,
    Page,
    RetryLater,
    say,
)
from partsemble_xero.client import OutOfScope, read, rows_of, text_of
from partsemble_xero.journals import STATUSES, lines_in
from partsemble_xero.wire import calendar_date, decimal_of

REPORT_SCOPE = "accounting.reports.trialbalance.read"
MOST = 1000
"""Journals a page, at most, as Xero has it."""
_TOKEN = re.compile(r"\[([A-Za-z0-9-]{12})\]")
_CODE = re.compile(r"\(([^()]{1,10})\)$")
_COLUMNS = 5


def list_balances(ctx: BackendContext, on: dt.date) -> Sequence[AccountBalance]:
    """The two columns that Xero calls YTD: of an account of the balance sheet they are its whole balance.

    Raises NotPermitted naming the scope where the app wasn't given the report.
    """
    try:
        content = read(ctx, "Reports/TrialBalance", params={"date": on.isoformat()})
    except OutOfScope as error:
        message = say(
            "Xero doesn't let us read the trial balance. Add {report_scope} to the scopes of the Xero "
            "plugin and connect again.",
            report_scope=REPORT_SCOPE,
        )
        raise NotPermitted(message) from error
    reports = rows_of(content, "Reports")
    if len(reports) != 1:
        raise RetryLater("Xero's answer doesn't hold exactly one report; it will be asked again.")
    return tuple(_balance_in(row) for row in _account_rows(reports[0]))


def _account_rows(report: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """The rows that stand for an account; headings, sections without rows and totals are passed over."""
    for section in rows_of(report, "Rows"):
        if section.get("Rows") is None:
            continue
        yield from (row for row in rows_of(section, "Rows") if text_of(row, "RowType") == "Row" and _account_id(row))


def _account_id(row: Mapping[str, object]) -> str:
    for cell in rows_of(row, "Cells"):
        attributes = cell.get("Attributes")
        for attribute in attributes if isinstance(attributes, list) else ():
            if isinstance(attribute, dict) and text_of(attribute, "Id") == "account":
                return text_of(attribute, "Value")
    return ""


def _balance_in(row: Mapping[str, object]) -> AccountBalance:
    cells = rows_of(row, "Cells")
    if len(cells) != _COLUMNS:
        raise RetryLater(
            say(
                "Xero's trial balance has {count} columns instead of {columns}; report it.",
                count=len(cells),
                columns=_COLUMNS,
            )
        )
    code = _CODE.search(text_of(cells[0], "Value"))
    return AccountBalance(
        account_id=_account_id(row),
        account_code=code[1] if code else "",
        balance=_amount(cells[3]) - _amount(cells[4]),
    )


def _amount(cell: Mapping[str, object]) -> Decimal:
    """A cell's amount; an empty one is nothing."""
    text = text_of(cell, "Value").replace(",", "").strip()
    try:
        amount = Decimal(text or "0")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise RetryLater(
            say("Xero's trial balance holds {text!r} where an amount belongs; it will be asked again.", text=text[:40])
        )
    return amount


def list_journals(ctx: BackendContext, cursor: str | None, limit: int) -> Page[BookedJournal]:
    """Every manual journal, drafts and voided ones too, in the order in which they were last changed."""
    number = int(cursor) if cursor and cursor.isdecimal() else 1
    size = min(limit, MOST)
    query = {"page": str(number), "pageSize": str(size), "order": "UpdatedDateUTC ASC"}
    content = read(ctx, "ManualJournals", params=query)
    rows = rows_of(content, "ManualJournals")
    pagination = content.get("pagination")
    pages = pagination.get("pageCount") if isinstance(pagination, dict) else None
    found = [journal for row in rows if (journal := journal_from(row)) is not None]
    return Page(
        records=tuple(found),
        next_cursor=str(number + 1),
        has_more=number < pages if isinstance(pages, int) else len(rows) == size,
        complete=True,
    )


def journal_from(row: Mapping[str, object]) -> BookedJournal | None:
    """A row of ``/ManualJournals``; None where it has no id, day or status that we know."""
    external_id, narration = text_of(row, "ManualJournalID"), text_of(row, "Narration")
    status, day = STATUSES.get(text_of(row, "Status")), calendar_date(text_of(row, "Date"))
    if not external_id or status is None or day is None:
        return None
    tokens = _TOKEN.findall(narration)
    return BookedJournal(
        external_id=external_id,
        status=status,
        date=day,
        narration=narration,
        token=tokens[-1] if tokens else "",
        lines=_net_lines_in(row),
    )


def _net_lines_in(row: Mapping[str, object]) -> tuple[JournalLine, ...] | None:
    """The lines as they reached their accounts: where the amounts include tax, it is taken off."""
    lines, rows = lines_in(row), row.get("JournalLines")
    if lines is None or not isinstance(rows, list) or text_of(row, "LineAmountTypes") != "Inclusive":
        return lines
    taxes = [decimal_of(each, "TaxAmount") or Decimal(0) for each in rows]
    return tuple(replace(line, amount=line.amount - tax) for line, tax in zip(lines, taxes, strict=True))
