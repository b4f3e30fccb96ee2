"""The trace of a lot: back to suppliers, forward to where it is now; drawn, listed, as a sheet to print, and a file."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, render_template

from partsemble_core.services.downloading import CSV_TYPE, XLSX_TYPE, to_csv, to_xlsx
from partsemble_core.services.listing import Column, Listing, ListQuery
from partsemble_core.services.tracing import TracedLot, TraceReport, recall_rows, trace_lot
from partsemble_web.graphs import branches, draw
from partsemble_web.scope import act, reading, the_company
from partsemble_web.speaking import mark

pages = Blueprint("traces", __name__, template_folder="templates")
COLUMNS = (
    Column("what", mark("What")),
    Column("level", mark("Level"), "number"),
    Column("sku", mark("SKU")),
    Column("name", mark("Name")),
    Column("lot", mark("Lot")),
    Column("supplier", mark("Supplier")),
    Column("reference", mark("Document")),
    Column("received_on", mark("Received"), "date"),
    Column("state", mark("State"), "state"),
    Column("unit", mark("Unit")),
    Column("quantity_left", mark("Quantity left"), "quantity"),
    Column("least", mark("At least"), "quantity"),
    Column("most", mark("At most"), "quantity"),
)
PLACES: Mapping[str, str] = {
    "in_review": mark("Waits for review"),
    "waste": mark("Wasted"),
    "adjustment": mark("Adjusted"),
    "reversal": mark("Reversed"),
}


@pages.get("/lots/<id:lot_id>/trace")
def show_trace(lot_id: int) -> str:
    with reading() as session:
        report = trace_lot(session, lot_id)
    return render_template(
        "traces/trace.html",
        report=report,
        places=PLACES,
        printed_at=act().at,
        graph=draw(report),
        back_branches=branches(report, back=True),
        forward_branches=branches(report, back=False),
        to_hold=[lot.lot_id for lot in affected(report) if lot.state == "open"],
    )


@pages.get("/lots/<id:lot_id>/recall")
def show_recall(lot_id: int) -> str:
    """The sheet to print and work through: every lot that may hold some of it, where that is now, and the documents."""
    with reading() as session:
        report = trace_lot(session, lot_id)
    return render_template(
        "traces/recall.html", report=report, places=PLACES, printed_at=act().at, documents=documents(report)
    )


@pages.get("/lots/<id:lot_id>/trace.<any(csv, xlsx):file_type>")
def send_trace(lot_id: int, file_type: str) -> Response:
    with reading() as session:
        rows = recall_rows(trace_lot(session, lot_id))
    listing = Listing(name="trace", title="Trace", columns=COLUMNS, rows=rows, total=len(rows), query=ListQuery())
    return file_of(listing, name=f"trace-of-lot-{lot_id}", file_type=file_type)


def affected(report: TraceReport) -> list[TracedLot]:
    """The lot and all that was made of it, as far as something is left."""
    return [lot for lot in (report.lot, *(product.lot for product in report.products)) if lot.quantity_left]


def documents(report: TraceReport) -> list[tuple[str, str]]:
    """The numbers of all documents of the report with what each did, oldest first."""
    lots = (*(source.lot for source in report.sources), report.lot, *(product.lot for product in report.products))
    found: dict[str, str] = {}
    for lot in sorted(lots, key=lambda each: each.lot_id):
        kind = "receipt" if lot.receipt_id else "build" if lot.build_id else "opening" if lot.origin else ""
        if kind and lot.split_from_id is None:
            found.setdefault(lot.origin, kind)
    for place in (*report.places, *report.customers):
        found.setdefault(place.reference, place.kind)
    return list(found.items())


def file_of(listing: Listing, *, name: str, file_type: str) -> Response:
    """Rows that aren't one of the lists, as a file to save."""
    zone = the_company().zone
    if file_type == "csv":
        answer = Response(to_csv(listing, zone=zone), content_type=CSV_TYPE)
    else:
        answer = Response(to_xlsx(listing, zone=zone), content_type=XLSX_TYPE)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.{file_type}"'
    return answer
