"""Receipts: entered as a draft, looked over, then confirmed; confirming opens the lots."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, flash, redirect, render_template, request, url_for

from partsemble_core.errors import PartsembleError
from partsemble_core.services.admitting import MAY_WRITE
from partsemble_core.services.explaining import ReceiptStory, explain_receipt
from partsemble_core.services.landing import ChargeInput
from partsemble_core.services.listing import Row, receipt_label
from partsemble_core.services.picking import active_products, active_suppliers
from partsemble_core.services.receiving import LineInput, confirm_receipt, draft_receipt, edit_receipt
from partsemble_core.store.receipts import Supplier
from partsemble_core.store.session import CompanySession
from partsemble_web import lists
from partsemble_web.forms import Form, rows_of
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, reading, require, the_company, write

pages = Blueprint("receipts", __name__, template_folder="templates")
VALUES = ("supplier", "received_on", "notes", "currency", "rate")
CHARGE_FIELDS = ("label", "amount", "spread_by")
LINE_FIELDS = (
    "sku",
    "quantity",
    "unit_cost",
    "total_cost",
    "lot_number",
    "expires_on",
    "part_number",
    "purchase_unit",
    "per_purchase_unit",
    "weight",
)
LABELS = ("Draft", "Recorded", "Pending export", "Synced", "Held", "Failed", "Left out", "Reversed")


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
    return render_template("receipts/receipt.html", **receipt_page(receipt_id))


def receipt_page(receipt_id: int, form: Form | None = None) -> dict[str, object]:
    """What a receipt's page shows, with ``form`` as it was typed into its dialog. Raises NotFound."""
    with reading() as session:
        story = explain_receipt(session, receipt_id)
    export = story.export
    label = receipt_label(story.receipt.state, export.state if export else None)
    blank = Form(values={"reversed_on": act().today.isoformat()})
    return {"story": story, "label": label, "form": form or blank}


@pages.get("/receipts/new")
def show_form() -> str:
    require(MAY_WRITE)
    form = Form(values=dict.fromkeys(VALUES, "") | {"received_on": act().today.isoformat()})
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
                charges=_charges(form.rows["charges"]),
                currency=form.values["currency"] or None,
                rate=form.values["rate"] or None,
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
                charges=_charges(form.rows["charges"]),
                currency=form.values["currency"] or the_company().currency,
                rate=form.values["rate"] or None,
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
        values={name: request.form.get(name, "") for name in VALUES},
        rows={
            "lines": rows_of(request.form, LINE_FIELDS, key="sku"),
            "charges": _charge_rows(),
        },
    )


def _charge_rows() -> tuple[dict[str, str], ...]:
    """Lines with nothing but the preset way of spreading weren't typed."""
    rows = rows_of(request.form, CHARGE_FIELDS, key="label", prefix="charge_")
    return tuple(row for row in rows if row["label"] or row["amount"])


def _stored(story: ReceiptStory) -> Form:
    lines = [
        {
            "sku": part.product.sku,
            "quantity": f"{part.line.entered_quantity:f}",
            "unit_cost": "",
            "total_cost": f"{part.line.entered_cost:f}",
            "lot_number": part.line.lot_number,
            "expires_on": part.line.expires_on.isoformat() if part.line.expires_on else "",
            "part_number": part.line.supplier_part_number,
            "purchase_unit": part.line.purchase_unit,
            "per_purchase_unit": f"{part.line.per_purchase_unit:f}" if part.line.per_purchase_unit != 1 else "",
            "weight": "" if part.line.weight is None else f"{part.line.weight:f}",
        }
        for part in story.parts
    ]
    charges = [{"label": c.label, "amount": f"{c.amount:f}", "spread_by": c.spread_by} for c in story.charges]
    is_foreign = story.receipt.currency != the_company().currency
    return Form(
        values={
            "supplier": story.supplier.code,
            "received_on": story.receipt.received_on.isoformat(),
            "notes": story.receipt.notes,
            "currency": story.receipt.currency if is_foreign else "",
            "rate": f"{story.receipt.rate:f}" if is_foreign else "",
        },
        rows={"lines": tuple(lines), "charges": tuple(charges)},
    )


def _charges(rows: Sequence[dict[str, str]]) -> list[ChargeInput]:
    return [ChargeInput(label=row["label"], amount=row["amount"], spread_by=row["spread_by"] or "cost") for row in rows]


def _lines(rows: Sequence[dict[str, str]]) -> list[LineInput]:
    return [
        LineInput(
            sku=row["sku"],
            quantity=row["quantity"],
            total_cost=row["total_cost"] or None,
            unit_cost=row["unit_cost"] or None,
            lot_number=row["lot_number"],
            expires_on=row["expires_on"] or None,
            part_number=row["part_number"],
            purchase_unit=row["purchase_unit"],
            per_purchase_unit=row["per_purchase_unit"] or None,
            weight=row["weight"] or None,
        )
        for row in rows
    ]
