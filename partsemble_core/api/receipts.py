"""Receipts, and how suppliers call and pack what we buy."""

from __future__ import annotations

from typing import Any

from partsemble_core.api import stock_schemas as schemas
from partsemble_core.api.areas import Area
from partsemble_core.api.door import Json, reading, writing
from partsemble_core.api.lists import list_route
from partsemble_core.api.tags import check_match, tag
from partsemble_core.services.acting import Act
from partsemble_core.services.admitting import MAY_WRITE
from partsemble_core.services.explaining import ReceiptPart, explain_receipt
from partsemble_core.services.listing import receipt_label
from partsemble_core.services.noticing import subject_of
from partsemble_core.services.receiving import (
    ChargeInput,
    LineInput,
    confirm_receipt,
    draft_receipt,
    edit_receipt,
)
from partsemble_core.services.supplying import list_supplier_parts, remove_supplier_part, save_supplier_part
from partsemble_core.store.products import products_by_id
from partsemble_core.store.receipts import Receipt, charges_of
from partsemble_core.store.session import CompanySession

area = Area("stock", "Goods that arrive, the lots that they open, and the ledger of all movements.")
list_route(area, "receipts", path="/receipts")
list_route(area, "entries", path="/entries")


@area.route("POST", "/receipts", takes=schemas.ReceiptIn, gives=schemas.ReceiptOut, status=201, roles=MAY_WRITE)
def add_receipt(body: dict[str, Any]) -> Json:
    """A draft. It moves no stock until it is confirmed."""
    lines, charges = _lines(body.pop("lines")), _charges(body.pop("charges")) or ()

    def draft(session: CompanySession, act: Act) -> Json:
        return _receipt_body(session, draft_receipt(session, act, lines=lines, charges=charges, **body).id)

    return writing(draft)


@area.route("GET", "/receipts/<id:receipt_id>", gives=schemas.ReceiptOut)
def show_receipt(receipt_id: int) -> Json:
    """One receipt with its lines and, once confirmed, the lots that they opened."""
    with reading() as session:
        tag(session, subject_of(Receipt, receipt_id))
        return _receipt_body(session, receipt_id)


@area.route("PUT", "/receipts/<id:receipt_id>", takes=schemas.ReceiptEdit, gives=schemas.ReceiptOut, roles=MAY_WRITE)
def put_receipt(body: dict[str, Any], receipt_id: int) -> Json:
    """Replaces a draft's lines. Day, charges, currency and rate stay where they are left out."""
    lines, charges = _lines(body.pop("lines")), _charges(body.pop("charges"))

    def edit(session: CompanySession, act: Act) -> Json:
        check_match(session, subject_of(Receipt, receipt_id))
        edit_receipt(session, receipt_id, lines=lines, charges=charges, act=act, **body)
        return _receipt_body(session, receipt_id)

    return writing(edit)


@area.route("POST", "/receipts/<id:receipt_id>/confirm", gives=schemas.ReceiptOut, roles=MAY_WRITE)
def confirm(receipt_id: int) -> Json:
    """Opens a lot a line, gives the number and queues the export. A confirmed receipt is locked."""

    def confirm_it(session: CompanySession, act: Act) -> Json:
        return _receipt_body(session, confirm_receipt(session, act, receipt_id).id)

    return writing(confirm_it)


@area.route("GET", "/suppliers/<code>/parts", gives=schemas.PartsOut)
def list_parts(code: str) -> Json:
    """What the supplier calls the products we buy there, and how it packs them, by its numbers."""
    with reading() as session:
        return _parts_body(session, code)


@area.route("PUT", "/suppliers/<code>/parts/<sku>", takes=schemas.PartIn, gives=schemas.PartsOut, roles=MAY_WRITE)
def put_part(body: dict[str, Any], code: str, sku: str) -> Json:
    """Notes the supplier's number of a product and what one purchase unit holds, for later receipts."""

    def save(session: CompanySession, act: Act) -> Json:
        save_supplier_part(session, supplier=code, sku=sku, **body)
        return _parts_body(session, code)

    return writing(save)


@area.route("DELETE", "/suppliers/<code>/parts/<sku>", gives=schemas.PartsOut, roles=MAY_WRITE)
def delete_part(code: str, sku: str) -> Json:
    """Forgets it. Receipts that named it keep their numbers."""

    def remove(session: CompanySession, act: Act) -> Json:
        remove_supplier_part(session, supplier=code, sku=sku)
        return _parts_body(session, code)

    return writing(remove)


def _lines(rows: list[dict[str, Any]]) -> list[LineInput]:
    return [LineInput(**row) for row in rows]


def _charges(rows: list[dict[str, Any]] | None) -> list[ChargeInput] | None:
    return None if rows is None else [ChargeInput(**row) for row in rows]


def _parts_body(session: CompanySession, code: str) -> Json:
    parts = list_supplier_parts(session, supplier=code)
    products = products_by_id(session, {part.product_id for part in parts})
    return {
        "rows": [
            {
                "product_id": part.product_id,
                "sku": products[part.product_id].sku,
                "part_number": part.part_number,
                "purchase_unit": part.purchase_unit,
                "per_purchase_unit": part.per_purchase_unit,
            }
            for part in parts
        ]
    }


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
        "currency": receipt.currency,
        "rate": receipt.rate,
        "charges": charges_of(session, receipt.id),
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
        "entered_quantity": part.line.entered_quantity,
        "purchase_unit": part.line.purchase_unit,
        "per_purchase_unit": part.line.per_purchase_unit,
        "entered_cost": part.line.entered_cost,
        "weight": part.line.weight,
        "part_number": part.line.supplier_part_number,
    }
