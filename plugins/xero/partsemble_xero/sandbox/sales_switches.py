"""The switches with which a person makes and changes invoices and credit notes, as they would in Xero itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from .sales_input import read_document
from .sales_records import find_document, keep_document
from .sales_rules import Kind, SalesDocument, SalesRefused
from .tenants import Tenant
from .wire import from_ms, money


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a switch of one organisation is given. ``path`` holds the names in its address."""

    connection: sqlite3.Connection
    tenant: Tenant
    fields: Mapping[str, object]
    now_ms: int
    path: Mapping[str, str]


def make_invoice(change: Change) -> object:
    """A new invoice or bill, AUTHORISED unless ``status`` says otherwise."""
    return _make(change, "invoice")


def change_invoice(change: Change) -> object:
    """Changes the fields sent; ``status`` approves, pays, voids or deletes. Lines without ``line_id`` get new ids."""
    return _change(change, "invoice")


def make_credit_note(change: Change) -> object:
    """A new credit note."""
    return _make(change, "credit_note")


def change_credit_note(change: Change) -> object:
    """The same as for an invoice."""
    return _change(change, "credit_note")


SALES_SWITCHES: tuple[tuple[str, Callable[[Change], object]], ...] = (
    ("/invoices", make_invoice),
    ("/invoices/<document>", change_invoice),
    ("/credit-notes", make_credit_note),
    ("/credit-notes/<document>", change_credit_note),
)
"""Below an organisation's address, and what a POST there does."""


def local_day(tenant: Tenant, now_ms: int) -> date:
    """Today where the organisation is."""
    return from_ms(now_ms).astimezone(ZoneInfo(tenant.region.zone)).date()


def _make(change: Change, kind: Kind) -> object:
    if not change.fields.get("lines"):
        raise SalesRefused("lines-not-valid", field="lines", cure="send at least one line")
    return _kept(change, kind, before=None)


def _change(change: Change, kind: Kind) -> object:
    name = change.path["document"]
    before = find_document(change.connection, tenant_id=change.tenant.tenant_id, kind=kind, name=name)
    if before is None:
        raise SalesRefused("document-not-found", field="document", cure="name an id or a number", status=404)
    return _kept(change, kind, before=before)


def _kept(change: Change, kind: Kind, *, before: SalesDocument | None) -> object:
    document = read_document(
        change.connection,
        change.tenant,
        change.fields,
        kind=kind,
        before=before,
        now_ms=change.now_ms,
        today=local_day(change.tenant, change.now_ms),
    )
    keep_document(change.connection, document, tenant_id=change.tenant.tenant_id)
    return {
        "id": document.document_id,
        "number": document.number,
        "status": document.status,
        "total": f"{money(document.total_cents):f}",
        "line_ids": [line.line_id for line in document.lines],
    }
