"""Sales from Xero: invoices to customers and credit notes to them, page by page, by the time of their last change."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from partsemble_core.plugin_api import (
    BackendContext,
    Page,
    RetryLater,
    SalesDocument,
    SalesKind,
    SalesLine,
    SalesStatus,
)
from partsemble_xero.client import read, rows_of, text_of
from partsemble_xero.journals import since_text
from partsemble_xero.sales_cursor import ListPlace, Seen, after_page, read_cursor, write_cursor
from partsemble_xero.wire import calendar_date, decimal_of, instant_of

STATUSES = {
    "DRAFT": SalesStatus.DRAFT,
    "SUBMITTED": SalesStatus.DRAFT,
    "AUTHORISED": SalesStatus.OPEN,
    "PAID": SalesStatus.PAID,
    "VOIDED": SalesStatus.VOIDED,
    "DELETED": SalesStatus.DELETED,
}
PAGE_MAX = 1000
SAFETY = dt.timedelta(seconds=1)
"""Whether ``If-Modified-Since`` holds for the second itself is not published."""
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesList:
    """One of Xero's two lists: the type that is a sale, and what Xero calls id and number there."""

    type: str
    kind: SalesKind
    id_name: str
    number_name: str


LISTS: Mapping[str, SalesList] = {
    "Invoices": SalesList(type="ACCREC", kind=SalesKind.INVOICE, id_name="InvoiceID", number_name="InvoiceNumber"),
    "CreditNotes": SalesList(
        type="ACCRECCREDIT", kind=SalesKind.CREDIT, id_name="CreditNoteID", number_name="CreditNoteNumber"
    ),
}


def fetch_sales(ctx: BackendContext, cursor: str | None, limit: int) -> Page[SalesDocument]:
    """The next page of either list; ``sales_cursor.py`` tells how none is missed while they change."""
    place = read_cursor(cursor)
    wanted, here = LISTS[place.reading], place.current
    size = min(limit, PAGE_MAX)
    content = read(ctx, place.reading, params=_params(wanted, here, size), modified_since=_since(here))
    rows = rows_of(content, place.reading)
    documents = [document_from(row, wanted) for row in rows]
    place, has_more = after_page(
        place,
        [_seen(row, wanted) for row in rows],
        more=_goes_on(content, rows=len(rows), page=here.page, size=size),
        read_at=instant_of(text_of(content, "DateTimeUTC")) or ctx.now(),
    )
    return Page(
        records=tuple(document for document in documents if document is not None),
        next_cursor=write_cursor(place),
        has_more=has_more,
    )


def document_from(row: Mapping[str, object], wanted: SalesList) -> SalesDocument | None:
    """One row. None for what is no sale to a customer, or has no id, no date or a status that we don't know."""
    external_id, day = text_of(row, wanted.id_name), calendar_date(text_of(row, "Date"))
    status = STATUSES.get(text_of(row, "Status"))
    if text_of(row, "Type") != wanted.type or not external_id or day is None or status is None:
        return None
    contact = row.get("Contact")
    contact = contact if isinstance(contact, dict) else {}
    return SalesDocument(
        external_id=external_id,
        number=text_of(row, wanted.number_name),
        kind=wanted.kind,
        status=status,
        date=day,
        currency=text_of(row, "CurrencyCode"),
        rate=decimal_of(row, "CurrencyRate") or Decimal(1),
        lines=_lines(row),
        contact_id=text_of(contact, "ContactID") or None,
        contact_name=text_of(contact, "Name"),
        updated_at=instant_of(text_of(row, "UpdatedDateUTC")),
    )


def _lines(row: Mapping[str, object]) -> tuple[SalesLine, ...]:
    """The lines that sell something: those that only describe have neither quantity nor amount."""
    found = row.get("LineItems")
    lines = [line for line in found if isinstance(line, dict)] if isinstance(found, list) else []
    has_tax = _includes_tax(row, lines)
    return tuple(
        _line(line, has_tax=has_tax)
        for line in lines
        if decimal_of(line, "LineAmount") is not None or decimal_of(line, "Quantity") is not None
    )


def _line(line: Mapping[str, object], *, has_tax: bool) -> SalesLine:
    item = line.get("Item")
    item = item if isinstance(item, dict) else {}
    amount = decimal_of(line, "LineAmount") or ZERO
    return SalesLine(
        line_id=text_of(line, "LineItemID"),
        quantity=decimal_of(line, "Quantity") or ZERO,
        net_amount=amount - (decimal_of(line, "TaxAmount") or ZERO) if has_tax else amount,
        item_id=text_of(item, "ItemID") or None,
        item_code=text_of(item, "Code") or text_of(line, "ItemCode") or None,
        description=text_of(line, "Description"),
    )


def _includes_tax(row: Mapping[str, object], lines: list[dict[str, object]]) -> bool:
    """Whether line amounts hold their tax. A word that we don't know is settled by the document's own total."""
    types = text_of(row, "LineAmountTypes")
    if types in {"Exclusive", "Inclusive", "NoTax"}:
        return types == "Inclusive"
    amounts = sum((decimal_of(line, "LineAmount") or ZERO for line in lines), ZERO)
    return bool(decimal_of(row, "TotalTax")) and amounts == decimal_of(row, "Total")


def _seen(row: Mapping[str, object], wanted: SalesList) -> Seen:
    changed_at = instant_of(text_of(row, "UpdatedDateUTC"))
    if changed_at is None:
        raise RetryLater("Xero's answer has a document without the time of its last change; it will be asked again.")
    return Seen(external_id=text_of(row, wanted.id_name), changed_at=changed_at)


def _params(wanted: SalesList, here: ListPlace, size: int) -> dict[str, str]:
    return {
        "page": str(here.page),
        "pageSize": str(size),
        "order": "UpdatedDateUTC ASC",
        "where": f'Type=="{wanted.type}"',
        "unitdp": "4",
    }


def _since(here: ListPlace) -> str:
    return since_text(here.since - SAFETY) if here.since else ""


def _goes_on(content: Mapping[str, object], *, rows: int, page: int, size: int) -> bool:
    """Whether pages follow; where Xero doesn't say how many there are, a full one is taken for not the last."""
    pagination = content.get("pagination")
    pages = pagination.get("pageCount") if isinstance(pagination, dict) else None
    return page < pages if isinstance(pages, int) else rows >= size
