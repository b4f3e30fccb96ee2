"""Invoices and CreditNotes: read only; a person makes and changes them with the switches."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from .endpoint import Call, Endpoint, Route
from .problems import Answer, not_found, query_refused
from .queries import EVERY_ROW, Bound, Column, Condition, read_order, read_paging, read_where
from .sales_input import read_document
from .sales_records import SCHEMA, count_documents, find_document, keep_document, list_documents
from .sales_rules import Kind, SalesDocument, SalesLine
from .tenants import Tenant
from .wire import calendar_date, from_ms, instant, is_guid, money

_SCOPES = ("accounting.invoices", "accounting.invoices.read")
_NAMES: Mapping[Kind, tuple[str, str, str]] = {
    "invoice": ("Invoices", "InvoiceID", "InvoiceNumber"),
    "credit_note": ("CreditNotes", "CreditNoteID", "CreditNoteNumber"),
}
_COLUMNS = {
    "Type": Column("type", "text"),
    "Status": Column("status", "text"),
    "Reference": Column("reference", "text"),
    "CurrencyCode": Column("currency", "text"),
    "LineAmountTypes": Column("line_amount_types", "text"),
    "Date": Column("day", "day"),
    "DueDate": Column("due_day", "day"),
    "Contact.ContactID": Column("contact_id", "guid"),
    "Contact.Name": Column("contact_name", "text"),
    "UpdatedDateUTC": Column("updated_ms", "moment"),
}
_FILTERS = (
    ("IDs", "document_id", True),
    ("InvoiceNumbers", "number", False),
    ("Statuses", "status", False),
    ("ContactIDs", "contact_id", True),
)
"""Parameters of Invoices that name several values: the parameter, its column, whether they are ids."""


def list_invoices(call: Call) -> Answer:
    """GET /Invoices: lines only with ``page``, and never with ``summaryOnly``."""
    with_lines = call.query.get("summaryOnly", "").lower() != "true"
    return _listed(call, "invoice", narrowed=_filters(call.query), with_lines=with_lines)


def list_credit_notes(call: Call) -> Answer:
    """GET /CreditNotes: lines only with ``page``; it has no other filter than ``where``."""
    return _listed(call, "credit_note", narrowed=EVERY_ROW, with_lines=True)


def get_invoice(call: Call) -> Answer:
    """GET /Invoices/{InvoiceID or number}."""
    return _one(call, "invoice")


def get_credit_note(call: Call) -> Answer:
    """GET /CreditNotes/{CreditNoteID or number}."""
    return _one(call, "credit_note")


def _listed(call: Call, kind: Kind, *, narrowed: Condition, with_lines: bool) -> Answer:
    name, id_name, number_name = _NAMES[kind]
    entity = name.removesuffix("s")
    columns = {**_COLUMNS, id_name: Column("document_id", "guid"), number_name: Column("number", "text")}
    paging = read_paging(call.query)
    asked = read_where(call.query.get("where"), columns=columns, entity=entity)
    where = Condition(f"{asked.sql} AND {narrowed.sql}", (*asked.values, *narrowed.values))
    order = read_order(call.query.get("order"), columns=columns, entity=entity, default="UpdatedDateUTC ASC")
    since_ms = call.modified_since_ms() or 0
    tenant_id = call.tenant.tenant_id
    found = list_documents(
        call.connection, tenant_id=tenant_id, kind=kind, where=where, order=order, since_ms=since_ms, paging=paging
    )
    shown = [_shown(each, call, with_lines=with_lines and paging is not None) for each in found]
    if paging is None:
        return call.answer({name: shown})
    count = count_documents(call.connection, tenant_id=tenant_id, kind=kind, where=where, since_ms=since_ms)
    pages = -(-count // paging.size)
    pagination = {"page": paging.number, "pageSize": paging.size, "pageCount": pages, "itemCount": count}
    return call.answer({"pagination": pagination, name: shown})


def _filters(query: Mapping[str, str]) -> Condition:
    parts: list[str] = []
    values: list[Bound] = []
    for parameter, column, are_ids in _FILTERS:
        wanted = [each.strip() for each in query.get(parameter, "").split(",") if each.strip()]
        if not wanted:
            continue
        if are_ids and not all(is_guid(each) for each in wanted):
            raise query_refused(f"{parameter} must be GUIDs, separated by commas")
        parts.append(f"{column} IN ({', '.join('?' * len(wanted))})")
        values += [each.lower() for each in wanted] if are_ids else wanted
    term = query.get("searchTerm", "").strip()
    if term:
        like = "%" + re.sub(r"([\\%_])", r"\\\1", term) + "%"
        parts.append(r"(number LIKE ? ESCAPE '\' OR reference LIKE ? ESCAPE '\' OR contact_name LIKE ? ESCAPE '\')")
        values += [like] * 3
    return Condition(" AND ".join(parts) or "1", tuple(values))


def _one(call: Call, kind: Kind) -> Answer:
    document = find_document(call.connection, tenant_id=call.tenant.tenant_id, kind=kind, name=call.path["document"])
    if document is None:
        raise not_found()
    return call.answer({_NAMES[kind][0]: [_shown(document, call, with_lines=True)]})


def _shown(document: SalesDocument, call: Call, *, with_lines: bool) -> dict[str, object]:
    _, id_name, number_name = _NAMES[document.kind]
    is_settled = document.status == "PAID"
    due = 0 if is_settled else document.total_cents
    shown: dict[str, object] = {
        "Type": document.type,
        id_name: document.document_id,
        number_name: document.number,
        "Reference": document.reference,
        "Payments": [],
        "HasErrors": False,
        "CurrencyRate": (Decimal(document.rate_e6) / 10**6).quantize(Decimal("0.000001")),
        "HasAttachments": False,
        "Contact": {"ContactID": document.contact_id, "Name": document.contact_name},
        "DateString": f"{document.day.isoformat()}T00:00:00",
        "Date": calendar_date(document.day),
        "DueDateString": f"{document.due_day.isoformat()}T00:00:00",
        "DueDate": calendar_date(document.due_day),
        "Status": document.status,
        "LineAmountTypes": document.line_amount_types,
        "LineItems": [_shown_line(line, call) for line in document.lines] if with_lines else [],
        "SubTotal": money(document.net_cents),
        "TotalTax": money(document.tax_cents),
        "Total": money(document.total_cents),
        "UpdatedDateUTC": instant(document.updated_ms),
        "UpdatedDateUTCString": from_ms(document.updated_ms).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "CurrencyCode": document.currency,
    }
    if document.kind == "invoice":
        shown |= {
            "IsDiscounted": any(line.discount_e4 or line.discount_cents for line in document.lines),
            "AmountDue": money(due),
            "AmountPaid": money(document.total_cents - due),
            "AmountCredited": money(0),
        }
    else:
        shown |= {"RemainingCredit": money(due), "Allocations": []}
    if document.paid_day is not None:
        shown["FullyPaidOnDate"] = calendar_date(document.paid_day)
    return shown


def _shown_line(line: SalesLine, call: Call) -> dict[str, object]:
    """A line as Xero shows it; one that only describes has neither quantity nor amounts."""
    places = 4 if call.query.get("unitdp") == "4" else 2
    shown: dict[str, object] = {"LineItemID": line.line_id, "Description": line.description, "Tracking": []}
    if line.quantity_e4 is None or line.unit_e4 is None or line.cents is None:
        return shown
    unit = Decimal(line.unit_e4).scaleb(-4).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    shown |= {
        "Quantity": Decimal(line.quantity_e4).scaleb(-4),
        "UnitAmount": unit,
        "LineAmount": money(line.cents),
        "TaxAmount": money(line.tax_cents),
        "TaxType": line.tax_type,
        "AccountCode": line.account_code,
        "AccountID": line.account_id,
    }
    if line.discount_e4 is not None:
        shown["DiscountRate"] = Decimal(line.discount_e4).scaleb(-4)
    if line.discount_cents is not None:
        shown["DiscountAmount"] = money(line.discount_cents)
    if line.item_id is not None:
        shown["ItemCode"] = line.item_code
        shown["Item"] = {"ItemID": line.item_id, "Code": line.item_code, "Name": line.item_name or ""}
    return shown


def _first_documents(today: date, currency: str) -> list[tuple[Kind, dict[str, object]]]:
    """A sale of the kit, one in another currency, a bill, and a kit that came back: all drafts, the books are empty."""
    other, rate = ("USD", "0.6125") if currency != "USD" else ("EUR", "0.92")
    kit: dict[str, object] = {"item": "SENSOR-KIT", "quantity": "3"}
    set_up = {"item": "SETUP", "quantity": "1", "discount_rate": "10"}
    bolts = {"item": "BOLT-M6", "quantity": "1000", "unit_amount": "0.125"}
    back = {**kit, "quantity": "1", "description": "Returned, box unopened"}
    abroad = {"currency": other, "rate": rate, "contact": "Marine Systems", "line_amount_types": "NoTax"}
    days = [(today - timedelta(days=ago)).isoformat() for ago in (30, 21, 14, 7)]
    documents: list[tuple[Kind, dict[str, object]]] = [
        ("invoice", {"date": days[0], "contact": "Ridgeway University", "lines": [kit, set_up]}),
        ("invoice", {"date": days[1], **abroad, "lines": [{**kit, "quantity": "5"}]}),
        ("invoice", {"date": days[2], "type": "ACCPAY", "number": "8841", "contact": "Bolt & Co", "lines": [bolts]}),
        ("credit_note", {"date": days[3], "contact": "Ridgeway University", "lines": [back]}),
    ]
    return [(kind, {**fields, "status": "DRAFT"}) for kind, fields in documents]


def _seed(connection: sqlite3.Connection, tenant: Tenant, now_ms: int) -> None:
    today = from_ms(now_ms).astimezone(ZoneInfo(tenant.region.zone)).date()
    for kind, fields in _first_documents(today, tenant.currency):
        document = read_document(connection, tenant, fields, kind=kind, before=None, now_ms=now_ms, today=today)
        keep_document(connection, document, tenant_id=tenant.tenant_id)


def _route(path: str, handler: Callable[[Call], Answer]) -> Route:
    return Route(method="GET", path=path, handler=handler, scopes=_SCOPES)


INVOICES = Endpoint(
    name="Invoices",
    schema=SCHEMA,
    seed=_seed,
    routes=(_route("/Invoices", list_invoices), _route("/Invoices/<document>", get_invoice)),
)
CREDIT_NOTES = Endpoint(
    name="CreditNotes",
    routes=(_route("/CreditNotes", list_credit_notes), _route("/CreditNotes/<document>", get_credit_note)),
)
