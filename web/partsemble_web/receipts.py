"""Receipts: entered as a draft, looked over, then confirmed; confirming opens the lots."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, flash, redirect, render_template, request, url_for

from partsemble_core.errors import PartsembleError
from partsemble_core.services.admitting import MAY_WRITE
from partsemble_core.services.explaining import ReceiptStory, explain_receipt
from partsemble_core.services.listing import Row, receipt_label
from partsemble_core.services.picking import active_products, active_suppliers
from partsemble_core.services.receiving import LineInput, confirm_receipt, draft_receipt, edit_receipt
from partsemble_core.store.receipts import Supplier
from partsemble_core.store.session import CompanySession
from partsemble_web import lists
from partsemble_web.forms import Form, rows_of
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, reading, require, write

pages = Blueprint("receipts", __name__, template_folder="templates")
LINE_FIELDS = ("sku", "quantity", "unit_cost", "total_cost", "lot_number", "expires_on")
LABELS = ("Draft", "Recorded", "Pending export", "Synced", "Failed")


def supplier_name(session: CompanySession, text: str) -> str:
    found = session.get(Supplier, int(text))
    return found.name if found is not None and found.company_id == session.company_id else "(unknown)"


def receipt_link(row: Row) -> str:
    return url_for("receipts.show_receipt", receipt_id=row["id"])


RECEIPTS = lists.ListPage(
    name="receipts",
    template="receipts/list.html",
    shown=("reference", "supplier_code", "received_on", "label", "total_cost"),
    links={"reference": receipt_link},
    subtitles={"supplier_code": "supplier_name"},
    choices={"label": ("Status", LABELS)},
    extra={"supplier": supplier_name},
)
lists.route(pages, RECEIPTS, path="/receipts")


@pages.get("/receipts/<id:receipt_id>")
def show_receipt(receipt_id: int) -> str:
    with reading() as session:
        story = explain_receipt(session, receipt_id)
    export = story.export
    label = receipt_label(story.receipt.state, export.state if export else None)
    return render_template("receipts/receipt.html", story=story, label=label)


@pages.get("/receipts/new")
def show_form() -> str:
    require(MAY_WRITE)
    form = Form(values={"supplier": "", "received_on": act().today.isoformat(), "notes": ""})
    return render_template("receipts/form.html", form=form, receipt=None, **_choices())


@pages.post("/receipts")
def add() -> Answer:
    require(MAY_WRITE)
    form = _typed()
    who = act()
    try:
        receipt = write(
            lambda session: draft_receipt(
                session,
                who,
                supplier=form.values["supplier"],
                lines=_lines(form.rows["lines"]),
                received_on=form.values["received_on"],
                notes=form.values["notes"],
            )
        )
    except PartsembleError as error:
        return refused("receipts/form.html", error, form=form, receipt=None, **_choices())
    return redirect(url_for("receipts.show_receipt", receipt_id=receipt.id), code=303)


@pages.get("/receipts/<id:receipt_id>/edit")
def show_edit_form(receipt_id: int) -> str:
    require(MAY_WRITE)
    with reading() as session:
        story = explain_receipt(session, receipt_id)
    return render_template("receipts/form.html", form=_stored(story), receipt=story.receipt, **_choices())


@pages.post("/receipts/<id:receipt_id>/edit")
def change(receipt_id: int) -> Answer:
    require(MAY_WRITE)
    form = _typed()
    who = act()
    with reading() as session:
        story = explain_receipt(session, receipt_id)
    try:
        write(
            lambda session: edit_receipt(
                session,
                receipt_id,
                lines=_lines(form.rows["lines"]),
                received_on=form.values["received_on"],
                act=who,
            )
        )
    except PartsembleError as error:
        return refused("receipts/form.html", error, form=form, receipt=story.receipt, **_choices())
    return redirect(url_for("receipts.show_receipt", receipt_id=receipt_id), code=303)


@pages.post("/receipts/<id:receipt_id>/confirm")
def confirm(receipt_id: int) -> Answer:
    require(MAY_WRITE)
    who = act()
    receipt = write(lambda session: confirm_receipt(session, who, receipt_id))
    flash(f"{receipt.reference} is confirmed: its goods are in stock.", "success")
    return redirect(url_for("receipts.show_receipt", receipt_id=receipt_id), code=303)


def _choices() -> dict[str, object]:
    with reading() as session:
        return {"suppliers": active_suppliers(session), "offered": active_products(session)}


def _typed() -> Form:
    return Form(
        values={name: request.form.get(name, "") for name in ("supplier", "received_on", "notes")},
        rows={"lines": rows_of(request.form, LINE_FIELDS, key="sku")},
    )


def _stored(story: ReceiptStory) -> Form:
    lines = [
        {
            "sku": part.product.sku,
            "quantity": f"{part.line.quantity:f}",
            "unit_cost": "",
            "total_cost": f"{part.line.cost:f}",
            "lot_number": part.line.lot_number,
            "expires_on": part.line.expires_on.isoformat() if part.line.expires_on else "",
        }
        for part in story.parts
    ]
    return Form(
        values={
            "supplier": story.supplier.code,
            "received_on": story.receipt.received_on.isoformat(),
            "notes": story.receipt.notes,
        },
        rows={"lines": tuple(lines)},
    )


def _lines(rows: Sequence[dict[str, str]]) -> list[LineInput]:
    return [
        LineInput(
            sku=row["sku"],
            quantity=row["quantity"],
            total_cost=row["total_cost"] or None,
            unit_cost=row["unit_cost"] or None,
            lot_number=row["lot_number"],
            expires_on=row["expires_on"] or None,
        )
        for row in rows
    ]
