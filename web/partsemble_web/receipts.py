"""Receipts: entered as a draft, looked over, then confirmed; confirming opens the lots."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from partsemble_core.domain import amounts
from partsemble_core.domain.receipts import ReceiptState
from partsemble_core.errors import PartsembleError, WrongState
from partsemble_core.services.admitting import MAY_WRITE
from partsemble_core.services.explaining import ReceiptStory, explain_receipt
from partsemble_core.services.landing import ChargeInput
from partsemble_core.services.listing import Row, receipt_label
from partsemble_core.services.noticing import check_unchanged, last_number, subject_of
from partsemble_core.services.picking import active_suppliers, offer_products, receipts_picked
from partsemble_core.services.receiving import LineInput, confirm_receipt, draft_receipt, edit_receipt
from partsemble_core.services.scanning import read_code, scan
from partsemble_core.store.receipts import Receipt, Supplier
from partsemble_core.store.session import CompanySession
from partsemble_web import lists
from partsemble_web.each import do_each, left, ticked, way_back
from partsemble_web.forms import Form, rows_of
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, reading, require, the_company, write
from partsemble_web.showing import moment
from partsemble_web.speaking import mark

pages = Blueprint("receipts", __name__, template_folder="templates")
PATH = "/receipts"
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
    return found.name if found is not None and found.company_id == session.company_id else _("(unknown)")


def receipt_link(row: Row) -> str:
    return url_for("receipts.show_receipt", receipt_id=row["id"])


RECEIPTS = lists.ListPage(
    name="receipts",
    template="receipts/list.html",
    shown=("reference", "supplier_code", "received_on", "label", "total_cost"),
    links={"reference": receipt_link},
    subtitles={"supplier_code": "supplier_name"},
    choices={"label": (mark("Status"), LABELS)},
    extra={"supplier": supplier_name},
    pick=lambda row: row["state"] == ReceiptState.DRAFT,
    picked_by=MAY_WRITE,
)
lists.route(pages, RECEIPTS, path=PATH)


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
    """With ``supplier`` that one is chosen already."""
    require(MAY_WRITE)
    asked = {"received_on": act().today.isoformat(), "supplier": request.args.get("supplier", "")}
    form = Form(values=dict.fromkeys(VALUES, "") | asked)
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
        seen = last_number(session, subject_of(Receipt, receipt_id))
        story = explain_receipt(session, receipt_id)
    page = {"receipt": story.receipt, "supplier": story.supplier, **_choices()}
    return render_template("receipts/form.html", form=_stored(story), seen=seen, **page)


@pages.post("/receipts/<id:receipt_id>/edit")
def change(receipt_id: int) -> Answer:
    require(MAY_WRITE)
    form = _typed()
    who = act()
    with reading() as session:
        story = explain_receipt(session, receipt_id)

    def save(session: CompanySession) -> None:
        check_unchanged(session, subject_of(Receipt, receipt_id), seen=request.form.get("seen"))
        edit_receipt(
            session,
            receipt_id,
            lines=_lines(form.rows["lines"]),
            received_on=form.values["received_on"],
            act=who,
            charges=_charges(form.rows["charges"]),
            currency=form.values["currency"] or the_company().currency,
            rate=form.values["rate"] or None,
        )

    try:
        write(save)
    except PartsembleError as error:
        page = {"receipt": story.receipt, "supplier": story.supplier, **_choices()}
        return refused("receipts/form.html", error, form=form, **page)
    return redirect(url_for("receipts.show_receipt", receipt_id=receipt_id), code=303)


@pages.post("/receipts/<id:receipt_id>/confirm")
def confirm(receipt_id: int) -> Answer:
    require(MAY_WRITE)
    who = act()
    try:
        receipt = write(lambda session: confirm_receipt(session, who, receipt_id))
    except WrongState:  # somebody was faster, or the button was pressed twice
        flash(_confirmed_already(receipt_id), "info")
    except PartsembleError as error:
        return refused("receipts/receipt.html", error, asked="confirm", **receipt_page(receipt_id))
    else:
        flash(_("%(reference)s is confirmed: its goods are in stock.", reference=receipt.reference), "success")
    return redirect(url_for("receipts.show_receipt", receipt_id=receipt_id), code=303)


def _confirmed_already(receipt_id: int) -> str:
    with reading() as session:
        receipt = explain_receipt(session, receipt_id).receipt
    text = _(
        "%(reference)s was confirmed already, by %(by)s on %(time)s.",
        reference=receipt.reference,
        by=receipt.confirmed_by,
        time=moment(receipt.confirmed_at),
    )
    return str(text)


@pages.get("/receipts/confirm/new")
def ask_to_confirm() -> str:
    """Asks whether all ticked drafts are right."""
    require(MAY_WRITE)
    rows = _drafts()
    if not rows:
        return _nothing_ticked()
    return render_template(
        "receipts/confirm.html",
        rows=rows,
        total=amounts.add([receipt.total_cost for receipt, _by in rows]),
        **_list([receipt.id for receipt, _by in rows]),
    )


@pages.post("/receipts/confirm")
def confirm_ticked() -> Answer:
    """Each by itself: one that is refused stops none of the others."""
    require(MAY_WRITE)
    who, rows = act(), _drafts()
    if not rows:
        return _nothing_ticked(), HTTPStatus.UNPROCESSABLE_ENTITY
    outcomes = do_each(
        [(receipt.id, name_of(receipt)) for receipt, _by in rows],
        lambda session, receipt_id: confirm_receipt(session, who, receipt_id),
        address=lambda receipt_id: url_for("receipts.show_receipt", receipt_id=receipt_id),
        title=name_of,
    )
    done = sum(not each.problem for each in outcomes)
    said = ngettext("%(num)s receipt is confirmed.", "%(num)s receipts are confirmed: their goods are in stock.", done)
    return render_template(
        "each/done.html",
        outcomes=outcomes,
        heading=_("Confirm receipts"),
        said_good=said,
        done_word=_("Confirmed"),
        what=_("Receipt"),
        **_list(left(outcomes)),
    )


@pages.get("/receipts/scanned")
def find_scanned() -> Response:
    """For the form: the SKUs that a scanned ``code`` may mean, as JSON. A lot's label means its product."""
    with reading() as session:
        found = scan(session, read_code(request.args.get("code", ""), sku=request.args.get("sku", "")))
    names = {"lot": lambda hit: hit.subtitle, "product": lambda hit: hit.title}
    return jsonify(skus=list(dict.fromkeys(names[hit.kind](hit) for hit in found.hits if hit.kind in names)))


def name_of(receipt: Receipt) -> str:
    """Its number; a draft has none."""
    return receipt.reference or _("Draft %(number)s", number=receipt.id)


def _drafts() -> list[tuple[Receipt, Supplier]]:
    with reading() as session:
        return receipts_picked(session, ticked())


def _nothing_ticked() -> str:
    text = _("Tick the drafts in the list of receipts, then come back.")
    return render_template("each/nothing.html", heading=_("Confirm receipts"), text=text, **_list())


def _list(ticked_rows: Sequence[int] = ()) -> dict[str, str]:
    return {**way_back(PATH, ticked_rows), "back_title": _("Receipts")}


def _choices() -> dict[str, object]:
    with reading() as session:
        return {"suppliers": active_suppliers(session), "offered": offer_products(session)}


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
