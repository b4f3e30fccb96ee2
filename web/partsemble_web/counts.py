"""Stock counts: started, printed, counted, looked over, and confirmed, which adjusts; and the list of adjustments."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from partsemble_core.domain.adjustments import CountState
from partsemble_core.errors import Invalid, PartsembleError, say
from partsemble_core.services.acting import Act
from partsemble_core.services.admitting import MAY_WRITE
from partsemble_core.services.counting import cancel_count, confirm_count, enter_counts, start_count, view_count
from partsemble_core.services.picking import lots_called, offer_products
from partsemble_core.store.adjustments import StockCount, get_count
from partsemble_core.store.products import products_by_id
from partsemble_core.store.session import CompanySession
from partsemble_web import lists
from partsemble_web.forms import Form, Typed, rows_of
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, reading, require, write
from partsemble_web.speaking import mark

pages = Blueprint("counts", __name__, template_folder="templates")
FIELDS = ("counted_on", "notes")
COUNTS = lists.ListPage(
    name="counts",
    template="counts/list.html",
    shown=("reference", "counted_on", "state", "lots", "counted", "notes"),
    links={"reference": lambda row: url_for("counts.show_count", count_id=row["id"])},
    subtitles={"reference": "created_by"},
    choices={"state": (mark("State"), tuple(CountState))},
)
lists.route(pages, COUNTS, path="/counts")


@pages.get("/counts/new")
def show_form() -> str:
    require(MAY_WRITE)
    form = Form(values={"counted_on": act().today.isoformat()}, rows={"skus": (), "lots": ()})
    return render_template("counts/form.html", form=form, **_choices())


@pages.post("/counts")
def add() -> Answer:
    """All stock, or what is named: products by SKU, or lots by number."""
    require(MAY_WRITE)
    form = Form(
        values={name: request.form.get(name, "") for name in FIELDS},
        rows={
            "skus": rows_of(request.form, ("sku",), key="sku"),
            "lots": rows_of(request.form, ("lot",), key="lot"),
        },
    )
    who = act()
    try:
        count = write(lambda session: _start(session, who, form))
    except PartsembleError as error:
        return refused("counts/form.html", error, form=form, **_choices())
    said = _("%(reference)s is started. What is expected is fixed now; work may go on.", reference=count.reference)
    flash(said, "success")
    return _to_count(count.id)


@pages.get("/counts/<id:count_id>")
def show_count(count_id: int) -> str:
    return render_template("counts/count.html", **_page(count_id))


@pages.get("/counts/<id:count_id>/sheet")
def show_sheet(count_id: int) -> str:
    """To print and write on. It doesn't say what is expected, so that people count what is there."""
    return render_template("counts/sheet.html", printed_at=act().at, **_page(count_id))


@pages.post("/counts/<id:count_id>/lines")
def enter(count_id: int) -> Answer:
    """What was counted, by lot; an empty one isn't counted."""
    require(MAY_WRITE)
    who = act()
    names = [text for text in request.form.getlist("lot") if text.isascii() and text.isdigit() and len(text) <= 18]
    typed = dict(zip(map(int, names), request.form.getlist("counted"), strict=False))
    try:
        count = write(lambda session: enter_counts(session, who, count_id, counted=dict(typed)))
    except PartsembleError as error:
        return refused("counts/count.html", error, **{**_page(count_id), "typed": typed})
    flash(_("%(reference)s is saved.", reference=count.reference), "success")
    return _to_count(count_id)


@pages.post("/counts/<id:count_id>/confirm")
def confirm(count_id: int) -> Answer:
    require(MAY_WRITE)
    who = act()
    try:
        written = write(lambda session: confirm_count(session, who, count_id))
    except PartsembleError as error:
        return refused("counts/count.html", error, **_page(count_id))
    flash(_("Confirmed. Adjustments made: %(count)s.", count=len(written)), "success")
    return _to_count(count_id)


@pages.post("/counts/<id:count_id>/cancel")
def cancel(count_id: int) -> Answer:
    require(MAY_WRITE)
    who = act()
    try:
        count = write(lambda session: cancel_count(session, who, count_id))
    except PartsembleError as error:
        return refused("counts/count.html", error, **_page(count_id))
    flash(_("%(reference)s is cancelled. Nothing was adjusted.", reference=count.reference), "success")
    return _to_count(count_id)


def _start(session: CompanySession, who: Act, form: Form) -> StockCount:
    skus = [row["sku"] for row in form.rows["skus"]]
    numbers = [row["lot"] for row in form.rows["lots"]]
    if skus and numbers:
        raise Invalid("lot_ids", say("Name products or lots, not both. Empty one of the two."))
    return start_count(
        session,
        who,
        skus=skus or None,
        lot_ids=lots_called(session, numbers) if numbers else (),
        counted_on=form.values["counted_on"],
        notes=form.values["notes"],
    )


def _page(count_id: int) -> dict[str, object]:
    """What the templates show: the count, its lines in the order of the sheet, and what is typed into them."""
    with reading() as session:
        count = get_count(session, count_id)
        lines = sorted(view_count(session, count_id), key=lambda line: (line.sku, line.lot.received_on, line.lot.id))
        products = products_by_id(session, {line.lot.product_id for line in lines})
    return {
        "count": count,
        "lines": lines,
        "products": products,
        "typed": {line.lot.id: "" if line.counted is None else Typed(f"{line.counted:f}") for line in lines},
        "counted": [line for line in lines if line.counted is not None],
        "differing": [line for line in lines if line.variance],
        "has_late": any(line.late for line in lines),
    }


def _to_count(count_id: int) -> Answer:
    return redirect(url_for("counts.show_count", count_id=count_id), code=303)


def _choices() -> dict[str, object]:
    with reading() as session:
        return {"offered": offer_products(session)}
