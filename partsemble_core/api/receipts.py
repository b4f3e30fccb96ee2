"""Receipts and the lots that they open."""

from __future__ import annotations

from typing import Any

from partsemble_core.api import schemas
from partsemble_core.api.areas import Area
from partsemble_core.api.door import Json, reading, writing
from partsemble_core.api.lists import list_route
from partsemble_core.services.admitting import MAY_WRITE
from partsemble_core.services.explaining import LotStory, ReceiptPart, Use, explain_lot, explain_receipt
from partsemble_core.services.listing import receipt_label
from partsemble_core.services.receiving import LineInput, confirm_receipt, draft_receipt, edit_receipt
from partsemble_core.store.session import CompanySession

area = Area("stock", "Goods that arrive, the lots that they open, and the ledger of all movements.")
list_route(area, "receipts", path="/receipts")
list_route(area, "lots", path="/lots")
list_route(area, "entries", path="/entries")


@area.route("POST", "/receipts", takes=schemas.ReceiptIn, gives=schemas.ReceiptOut, status=201, roles=MAY_WRITE)
def add_receipt(body: dict[str, Any]) -> Json:
    """A draft. It moves no stock until it is confirmed."""
    lines = _lines(body.pop("lines"))

    def draft(session: CompanySession, act: Any) -> Json:
        return _receipt_body(session, draft_receipt(session, act, lines=lines, **body).id)

    return writing(draft)


@area.route("GET", "/receipts/<id:receipt_id>", gives=schemas.ReceiptOut)
def show_receipt(receipt_id: int) -> Json:
    """One receipt with its lines and, once confirmed, the lots that they opened."""
    with reading() as session:
        return _receipt_body(session, receipt_id)


@area.route("PUT", "/receipts/<id:receipt_id>", takes=schemas.ReceiptEdit, gives=schemas.ReceiptOut, roles=MAY_WRITE)
def put_receipt(body: dict[str, Any], receipt_id: int) -> Json:
    """Replaces a draft's lines and day."""
    lines = _lines(body["lines"])

    def edit(session: CompanySession, act: Any) -> Json:
        edit_receipt(session, receipt_id, lines=lines, received_on=body["received_on"], act=act)
        return _receipt_body(session, receipt_id)

    return writing(edit)


@area.route("POST", "/receipts/<id:receipt_id>/confirm", gives=schemas.ReceiptOut, roles=MAY_WRITE)
def confirm(receipt_id: int) -> Json:
    """Opens a lot a line, gives the number and queues the export. A confirmed receipt is locked."""

    def confirm_it(session: CompanySession, act: Any) -> Json:
        return _receipt_body(session, confirm_receipt(session, act, receipt_id).id)

    return writing(confirm_it)


@area.route("GET", "/lots/<id:lot_id>", gives=schemas.LotOut)
def show_lot(lot_id: int) -> Json:
    """One lot, the document it came from, and all that drew from it."""
    with reading() as session:
        return _lot_body(explain_lot(session, lot_id))


def _lines(rows: list[dict[str, Any]]) -> list[LineInput]:
    return [LineInput(**row) for row in rows]


def _receipt_body(session: CompanySession, receipt_id: int) -> Json:
    story = explain_receipt(session, receipt_id)
    receipt, export = story.receipt, story.export
    return {
        "id": receipt.id,
        "reference": receipt.reference,
        "state": receipt.state,
        "label": receipt_label(receipt.state, export.state if export else None),
        "supplier": story.supplier.code,
        "received_on": receipt.received_on,
        "notes": receipt.notes,
        "total_cost": receipt.total_cost,
        "export_id": export.id if export else None,
        "lines": [_line_body(part) for part in story.parts],
    }


def _line_body(part: ReceiptPart) -> Json:
    return {
        "position": part.line.position,
        "product_id": part.product.id,
        "sku": part.product.sku,
        "quantity": part.line.quantity,
        "cost": part.line.cost,
        "unit_cost": part.unit_cost,
        "lot_number": part.lot.number if part.lot else part.line.lot_number,
        "lot_id": part.lot.id if part.lot else None,
        "expires_on": part.line.expires_on,
    }


def _lot_body(story: LotStory) -> Json:
    lot = story.lot
    source = story.receipt or story.build
    return {
        "id": lot.id,
        "number": lot.number,
        "product_id": lot.product_id,
        "sku": story.product.sku,
        "received_on": lot.received_on,
        "expires_on": lot.expires_on,
        "quantity_in": lot.quantity_in,
        "cost_in": lot.cost_in,
        "quantity_left": lot.quantity_left,
        "cost_left": lot.cost_left,
        "unit_cost": story.unit_cost,
        "state": lot.state,
        "receipt_id": story.receipt.id if story.receipt else None,
        "build_id": lot.build_id,
        "source": source.reference if source else "",
        "draws": [_use_body(use) for use in story.uses],
    }


def _use_body(use: Use) -> Json:
    return {
        "document_kind": use.kind,
        "document_id": use.document_id,
        "reference": use.reference,
        "used_on": use.on,
        "quantity": use.quantity,
        "cost": use.cost,
        "made_sku": use.made.sku if use.made else None,
    }
