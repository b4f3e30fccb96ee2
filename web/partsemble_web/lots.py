"""Lots: what is in stock, where it came from, and what was made of it."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for

from partsemble_core.domain.adjustments import AdjustmentReason
from partsemble_core.domain.lots import LotState
from partsemble_core.errors import PartsembleError
from partsemble_core.services.adjusting import adjust_lot
from partsemble_core.services.admitting import MAY_WRITE
from partsemble_core.services.explaining import explain_lot
from partsemble_core.services.holding import hold, release, split
from partsemble_web import lists
from partsemble_web.forms import Form
from partsemble_web.naming import product_name, receipt_name
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, reading, require, write

pages = Blueprint("lots", __name__, template_folder="templates")


LOTS = lists.ListPage(
    name="lots",
    template="lots/list.html",
    shown=(
        "number",
        "product_sku",
        "received_on",
        "expires_on",
        "state",
        "quantity_left",
        "unit_cost",
        "cost_left",
    ),
    links={
        "number": lambda row: url_for("lots.show_lot", lot_id=row["id"]),
        "product_sku": lambda row: url_for("products.show_product", product_id=row["product_id"]),
    },
    subtitles={"number": "source", "product_sku": "product_name"},
    choices={"state": ("State", tuple(LotState))},
    extra={"product": product_name, "receipt": receipt_name},
)
lists.route(pages, LOTS, path="/lots")


@pages.get("/lots/<id:lot_id>")
def show_lot(lot_id: int) -> str:
    return render_template("lots/lot.html", **_page(lot_id))


@pages.post("/lots/<id:lot_id>/adjust")
def adjust(lot_id: int) -> Answer:
    require(MAY_WRITE)
    form = Form.of(request.form, "quantity", "reason", "notes", "adjusted_on")
    who = act()
    try:
        done = write(lambda session: adjust_lot(session, who, lot_id, **form.values))
    except PartsembleError as error:
        return _refused(error, lot_id, asked="adjust", form=form)
    flash(f"{done.reference} is recorded.", "success")
    return _back_to(lot_id)


@pages.post("/lots/<id:lot_id>/hold")
def set_aside(lot_id: int) -> Answer:
    require(MAY_WRITE)
    form = Form.of(request.form, "reason")
    who = act()
    try:
        lot = write(lambda session: hold(session, who, lot_id, reason=form.values["reason"]))
    except PartsembleError as error:
        return _refused(error, lot_id, asked="hold", form=form)
    flash(f"Lot {lot.number} is on hold: nothing takes of it.", "success")
    return _back_to(lot_id)


@pages.post("/lots/<id:lot_id>/release")
def let_go(lot_id: int) -> Answer:
    require(MAY_WRITE)
    who = act()
    lot = write(lambda session: release(session, who, lot_id))
    flash(f"Lot {lot.number} is released.", "success")
    return _back_to(lot_id)


@pages.post("/lots/<id:lot_id>/split")
def divide(lot_id: int) -> Answer:
    require(MAY_WRITE)
    form = Form.of(request.form, "quantity")
    who = act()
    try:
        part = write(lambda session: split(session, who, lot_id, quantity=form.values["quantity"]))
    except PartsembleError as error:
        return _refused(error, lot_id, asked="split", form=form)
    flash(f"Lot {part.number} is split off.", "success")
    return _back_to(part.id)


def _page(lot_id: int) -> dict[str, object]:
    """What the template shows. ``blank`` fills the dialogs that nothing was typed into."""
    with reading() as session:
        story = explain_lot(session, lot_id)
    today = act().today
    blank = Form(values={"adjusted_on": today.isoformat()})
    return {"story": story, "today": today, "blank": blank, "reasons": tuple(AdjustmentReason)}


def _back_to(lot_id: int) -> Answer:
    return redirect(url_for("lots.show_lot", lot_id=lot_id), code=303)


def _refused(error: PartsembleError, lot_id: int, *, asked: str, form: Form) -> Answer:
    """The lot's page with the dialog open again. A lot that there isn't is no page: NotFound is raised on."""
    return refused("lots/lot.html", error, form=form, asked=asked, **_page(lot_id))
