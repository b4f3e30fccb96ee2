"""Adjustments: every correction of a lot, with its reason; opening stock is entered here too."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from partsemble_core.domain.adjustments import AdjustmentReason
from partsemble_core.errors import PartsembleError
from partsemble_core.services.adjusting import open_stock
from partsemble_core.services.admitting import MAY_SET_UP, MAY_WRITE
from partsemble_core.services.listing import Row
from partsemble_core.services.picking import offer_products
from partsemble_core.services.reversing import reverse
from partsemble_core.store.adjustments import AdjustmentState, find_reversal, get_adjustment, get_count
from partsemble_core.store.exports import find_for_document
from partsemble_core.store.lots import DocumentKind, get_lot
from partsemble_core.store.products import get_product
from partsemble_core.store.session import CompanySession
from partsemble_web import lists
from partsemble_web.forms import Form
from partsemble_web.naming import lot_name, product_name
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, reading, require, write
from partsemble_web.speaking import mark

pages = Blueprint("adjustments", __name__, template_folder="templates")
OPENING_FIELDS = ("sku", "quantity", "total_cost", "on", "lot_number", "expires_on", "notes")


def count_name(session: CompanySession, text: str) -> str:
    """Its reference. Raises NotFound."""
    return get_count(session, int(text)).reference


def lot_link(row: Row) -> str | None:
    return url_for("lots.show_lot", lot_id=row["lot_id"]) if row["lot_id"] else None


ADJUSTMENTS = lists.ListPage(
    name="adjustments",
    template="adjustments/list.html",
    shown=("reference", "adjusted_on", "product_sku", "lot_number", "quantity", "cost", "reason", "state"),
    links={
        "reference": lambda row: url_for("adjustments.show_adjustment", adjustment_id=row["id"]),
        "product_sku": lambda row: url_for("products.show_product", product_id=row["product_id"]),
        "lot_number": lot_link,
    },
    subtitles={"reason": "notes"},
    choices={"reason": (mark("Reason"), tuple(AdjustmentReason)), "state": (mark("State"), tuple(AdjustmentState))},
    extra={"product": product_name, "lot": lot_name, "count": count_name},
)
lists.route(pages, ADJUSTMENTS, path="/adjustments")


@pages.get("/adjustments/<id:adjustment_id>")
def show_adjustment(adjustment_id: int) -> str:
    return render_template("adjustments/adjustment.html", **_page(adjustment_id))


@pages.post("/adjustments/<id:adjustment_id>/reverse")
def undo(adjustment_id: int) -> Answer:
    require(MAY_SET_UP)
    form = Form.of(request.form, "reason", "reversed_on")
    who = act()
    kind = DocumentKind.ADJUSTMENT.value
    try:
        done = write(lambda session: reverse(session, who, kind, adjustment_id, **form.values))
    except PartsembleError as error:
        return refused("adjustments/adjustment.html", error, **{**_page(adjustment_id), "form": form})
    said = _("Reversed by %(reference)s: stock is as if it had not been.", reference=done.reference)
    flash(said, "success")
    return redirect(url_for("adjustments.show_adjustment", adjustment_id=adjustment_id), code=303)


@pages.get("/opening-stock/new")
def show_opening_form() -> str:
    require(MAY_WRITE)
    form = Form(values={"on": act().today.isoformat()})
    return render_template("adjustments/opening.html", form=form, **_choices())


@pages.post("/opening-stock")
def add_opening() -> Answer:
    """A lot that was there before Partsemble. Nothing is posted: the books have its value already."""
    require(MAY_WRITE)
    form = Form.of(request.form, *OPENING_FIELDS)
    who = act()
    try:
        done = write(lambda session: open_stock(session, who, **form.values))
    except PartsembleError as error:
        return refused("adjustments/opening.html", error, form=form, **_choices())
    flash(_("%(reference)s opened the lot.", reference=done.reference), "success")
    return redirect(url_for("lots.show_lot", lot_id=done.lot_id), code=303)


def _page(adjustment_id: int) -> dict[str, object]:
    with reading() as session:
        found = get_adjustment(session, adjustment_id)
        return {
            "adjustment": found,
            "product": get_product(session, found.product_id),
            "lot": get_lot(session, found.lot_id) if found.lot_id is not None else None,
            "count": get_count(session, found.count_id) if found.count_id is not None else None,
            "export": find_for_document(session, DocumentKind.ADJUSTMENT, adjustment_id),
            "reversal": find_reversal(session, DocumentKind.ADJUSTMENT, adjustment_id),
            "form": Form(values={"reversed_on": act().today.isoformat()}),
        }


def _choices() -> dict[str, object]:
    with reading() as session:
        return {"offered": offer_products(session)}
