"""Lots: what is in stock, where it came from, and what was made of it."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from partsemble_core.domain.adjustments import AdjustmentReason
from partsemble_core.domain.lots import LotState
from partsemble_core.errors import PartsembleError
from partsemble_core.services.adjusting import adjust_lot
from partsemble_core.services.admitting import MAY_WRITE
from partsemble_core.services.explaining import explain_lot
from partsemble_core.services.holding import REASON, clean_reason, hold, release, split
from partsemble_core.services.picking import lots_picked
from partsemble_core.store.lots import Lot
from partsemble_core.store.products import Product, products_by_id
from partsemble_web import lists
from partsemble_web.each import Outcome, do_each, left, ticked, way_back
from partsemble_web.forms import Form
from partsemble_web.naming import product_name, receipt_name
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, reading, require, write
from partsemble_web.speaking import mark

pages = Blueprint("lots", __name__, template_folder="templates")
PATH = "/lots"
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
    choices={"state": (mark("State"), tuple(LotState))},
    extra={"product": product_name, "receipt": receipt_name},
    pick=lambda row: row["state"] != LotState.REVERSED,
    picked_by=MAY_WRITE,
)
lists.route(pages, LOTS, path=PATH)


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
    flash(_("%(reference)s is recorded.", reference=done.reference), "success")
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
    flash(_("Lot %(number)s is on hold: nothing takes of it.", number=lot.number), "success")
    return _back_to(lot_id)


@pages.post("/lots/<id:lot_id>/release")
def let_go(lot_id: int) -> Answer:
    require(MAY_WRITE)
    who = act()
    lot = write(lambda session: release(session, who, lot_id))
    flash(_("Lot %(number)s is released.", number=lot.number), "success")
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
    flash(_("Lot %(number)s is split off.", number=part.number), "success")
    return _back_to(part.id)


@pages.get("/lots/hold/new")
def ask_to_hold() -> str:
    """Asks for the reason, for all ticked lots."""
    return _ask(_("Put on hold"), template="lots/hold.html", most=REASON)


@pages.post("/lots/hold")
def hold_ticked() -> Answer:
    """Each by itself: one that can't be held stops none of the others. The reason is asked about once, for all."""
    require(MAY_WRITE)
    form, who, rows = Form.of(request.form, "reason"), act(), _rows()
    if not rows:
        return _nothing_ticked(_("Put on hold")), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        reason = clean_reason(form.values["reason"])
    except PartsembleError as error:
        page = {"heading": _("Put on hold"), "rows": rows, "most": REASON, **_way_back(rows)}
        return refused("lots/hold.html", error, form=form, **page)
    outcomes = do_each(
        _named(rows),
        lambda session, lot_id: hold(session, who, lot_id, reason=reason),
        address=_address,
        title=lambda lot: lot.number,
    )
    done = sum(not each.problem for each in outcomes)
    said = ngettext("%(num)s lot is on hold.", "%(num)s lots are on hold: nothing takes of them.", done)
    return _done(outcomes=outcomes, heading=_("Put on hold"), said_good=said, done_word=_("On hold"))


@pages.get("/lots/release/new")
def ask_to_release() -> str:
    """Asks whether all ticked lots are let go."""
    return _ask(_("Release lots"), template="lots/release.html")


@pages.post("/lots/release")
def release_ticked() -> Answer:
    require(MAY_WRITE)
    who, rows = act(), _rows()
    if not rows:
        return _nothing_ticked(_("Release lots")), HTTPStatus.UNPROCESSABLE_ENTITY
    outcomes = do_each(
        _named(rows),
        lambda session, lot_id: release(session, who, lot_id),
        address=_address,
        title=lambda lot: lot.number,
    )
    done = sum(not each.problem for each in outcomes)
    said = ngettext("%(num)s lot is released.", "%(num)s lots are released.", done)
    return _done(outcomes=outcomes, heading=_("Release lots"), said_good=said, done_word=_("Released"))


def _ask(heading: str, *, template: str, **more: object) -> str:
    require(MAY_WRITE)
    rows = _rows()
    if not rows:
        return _nothing_ticked(heading)
    return render_template(template, heading=heading, rows=rows, form=Form(values={}), **more, **_way_back(rows))


def _nothing_ticked(heading: str) -> str:
    text, back = _("Tick the lots in their list, then come back."), way_back(PATH, [])["back"]
    return render_template("each/nothing.html", heading=heading, text=text, back=back, back_title=_("Lots"))


def _way_back(rows: Sequence[tuple[Lot, Product]]) -> dict[str, str]:
    return way_back(PATH, [lot.id for lot, _product in rows])


def _rows() -> list[tuple[Lot, Product]]:
    """The ticked lots. Raises Invalid, NotFound."""
    with reading() as session:
        lots = lots_picked(session, ticked())
        products = products_by_id(session, {lot.product_id for lot in lots})
    return [(lot, products[lot.product_id]) for lot in lots]


def _named(rows: Sequence[tuple[Lot, Product]]) -> list[tuple[int, str]]:
    return [(lot.id, lot.number) for lot, _product in rows]


def _address(lot_id: int) -> str:
    return url_for("lots.show_lot", lot_id=lot_id)


def _done(outcomes: Sequence[Outcome], **values: object) -> str:
    where = {**way_back(PATH, left(outcomes)), "back_title": _("Lots")}
    return render_template("each/done.html", outcomes=outcomes, what=_("Lot"), labels="", **where, **values)


def _page(lot_id: int) -> dict[str, object]:
    """What the template shows. ``blank`` fills the dialogs that nothing was typed into."""
    with reading() as session:
        story = explain_lot(session, lot_id)
    today = act().today
    blank = Form(values={"adjusted_on": today.isoformat()})
    return {"story": story, "today": today, "blank": blank, "reasons": tuple(AdjustmentReason), "most": REASON}


def _back_to(lot_id: int) -> Answer:
    return redirect(url_for("lots.show_lot", lot_id=lot_id), code=303)


def _refused(error: PartsembleError, lot_id: int, *, asked: str, form: Form) -> Answer:
    """The lot's page with the dialog open again. A lot that there isn't is no page: NotFound is raised on."""
    return refused("lots/lot.html", error, form=form, asked=asked, **_page(lot_id))
