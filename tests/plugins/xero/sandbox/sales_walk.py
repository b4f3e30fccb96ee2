"""A tour of invoices and credit notes: by our own client and by Xero's SDK."""

from __future__ import annotations

import datetime

from tests.plugins.xero.sandbox.client import KITS, App
from tests.plugins.xero.sandbox.stranger import Stranger

MISSING = "55555555-1111-4222-8333-666666666666"
LINES = [{"item": "SENSOR-KIT", "quantity": "2", "discount_rate": "5"}, {"description": "With thanks"}]


def walk_sales(app: App) -> None:
    """Both lists and single documents, in every status, well asked for and badly."""
    for status in ("DRAFT", "SUBMITTED", "AUTHORISED", "PAID"):
        app.sandbox.invoice(KITS, status=status, lines=LINES, currency="USD", rate="0.61")
    app.sandbox.credit_note(KITS, lines=[{"item": "SENSOR-KIT", "quantity": "1"}])
    app.sandbox.invoice(KITS, app.sandbox.invoice(KITS, lines=LINES)["number"], status="VOIDED")
    since = {"If-Modified-Since": "2020-01-01T00:00:00"}
    shown = app.call("GET", "/Invoices", query={"page": "1", "pageSize": "5", "unitdp": "4"}).json()["Invoices"]
    for query in ({"IDs": shown[0]["InvoiceID"]}, {"Statuses": "PAID"}, {"page": "1", "summaryOnly": "true"}):
        app.call("GET", "/Invoices", query=query)
    app.call("GET", "/Invoices", query={"where": 'Type=="ACCREC"', "order": "UpdatedDateUTC ASC"}, headers=since)
    app.call("GET", "/CreditNotes", query={"page": "1", "pageSize": "2"}, headers=since)
    for path in ("/Invoices", "/CreditNotes"):
        app.call("GET", path)
        app.call("GET", path, query={"where": "nonsense"})
        app.call("GET", f"{path}/{MISSING}")
    app.call("GET", f"/Invoices/{shown[0]['InvoiceID']}", query={"unitdp": "4"})
    app.call("GET", f"/Invoices/{shown[0]['InvoiceNumber']}")
    credit = app.call("GET", "/CreditNotes").json()["CreditNotes"][0]
    app.call("GET", f"/CreditNotes/{credit['CreditNoteID']}")


def walk_sales_as_stranger(stranger: Stranger, tenant_id: str) -> None:
    accounting, since = stranger.accounting, datetime.datetime.fromisoformat("2020-01-01T00:00:00")
    found = accounting.get_invoices(tenant_id, if_modified_since=since, page=1, page_size=2, unitdp=4).invoices
    accounting.get_invoices(tenant_id, i_ds=[found[0].invoice_id], statuses=["DRAFT"], summary_only=True)
    accounting.get_invoice(tenant_id, found[0].invoice_id)
    notes = accounting.get_credit_notes(tenant_id, page=1, where='Type=="ACCRECCREDIT"').credit_notes
    accounting.get_credit_note(tenant_id, notes[0].credit_note_id)
