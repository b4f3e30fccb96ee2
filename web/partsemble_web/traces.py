"""The trace of a lot: back to suppliers, forward to where it is now; as a page, a sheet to print, and a file."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, render_template

from partsemble_core.services.downloading import CSV_TYPE, XLSX_TYPE, to_csv, to_xlsx
from partsemble_core.services.listing import Column, Listing, ListQuery
from partsemble_core.services.tracing import recall_rows, trace_lot
from partsemble_web.scope import act, reading, the_company

pages = Blueprint("traces", __name__, template_folder="templates")
COLUMNS = (
    Column("what", "What"),
    Column("level", "Level", "number"),
    Column("sku", "SKU"),
    Column("name", "Name"),
    Column("lot", "Lot"),
    Column("supplier", "Supplier"),
    Column("reference", "Document"),
    Column("received_on", "Received", "date"),
    Column("state", "State", "state"),
    Column("unit", "Unit"),
    Column("quantity_left", "Quantity left", "quantity"),
    Column("least", "At least", "quantity"),
    Column("most", "At most", "quantity"),
)
PLACES: Mapping[str, str] = {
    "in_review": "Waits for review",
    "waste": "Wasted",
    "adjustment": "Adjusted",
    "reversal": "Reversed",
}


@pages.get("/lots/<id:lot_id>/trace")
def show_trace(lot_id: int) -> str:
    with reading() as session:
        report = trace_lot(session, lot_id)
    return render_template("traces/trace.html", report=report, places=PLACES, printed_at=act().at)


@pages.get("/lots/<id:lot_id>/trace.<any(csv, xlsx):file_type>")
def send_trace(lot_id: int, file_type: str) -> Response:
    with reading() as session:
        rows = recall_rows(trace_lot(session, lot_id))
    listing = Listing(name="trace", title="Trace", columns=COLUMNS, rows=rows, total=len(rows), query=ListQuery())
    return file_of(listing, name=f"trace-of-lot-{lot_id}", file_type=file_type)


def file_of(listing: Listing, *, name: str, file_type: str) -> Response:
    """Rows that aren't one of the lists, as a file to save."""
    zone = the_company().zone
    if file_type == "csv":
        answer = Response(to_csv(listing, zone=zone), content_type=CSV_TYPE)
    else:
        answer = Response(to_xlsx(listing, zone=zone), content_type=XLSX_TYPE)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.{file_type}"'
    return answer
