"""Stock against the books at the end of a day, each difference explained, and true-ups of the rounding between them."""

from __future__ import annotations

import datetime as dt

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for

from partsemble_core.domain.reconciliation import TITLES, Reason, Verdict
from partsemble_core.errors import PartsembleError
from partsemble_core.services.acting import parse_day
from partsemble_core.services.admitting import MAY_EXPORT
from partsemble_core.services.listing import export_label
from partsemble_core.services.reconciling import Reconciliation, reconcile
from partsemble_core.services.tabulating import reconciliation_listing
from partsemble_core.services.truing import list_true_ups, take_back, true_up
from partsemble_web.forms import Form
from partsemble_web.naming import document_link
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, reading, require, the_house, the_person, write
from partsemble_web.traces import file_of

pages = Blueprint("reconciling", __name__, template_folder="templates")
SHOWN = 50
"""Lines of one reason that the page shows; a file has them all."""
REPLACE = (
    "If the document is right, enter the same journal in the books again: it shows among journals of others, and the "
    "two cancel. If it is wrong, reverse it here, and void the reversal's journal in the books too: it undoes nothing."
)
HELP = {
    Reason.WAITING: "They are posted by the worker, or wait for a person under Exports.",
    Reason.IN_DOUBT: "No answer came; they are looked up before anything is sent again.",
    Reason.FAILED: "The books said no. Open each to see why, and decide.",
    Reason.LEFT_OUT: "By choice, with the reason. Opening stock belongs here: the books have it already.",
    Reason.CANCELLED: "Called off here and never posted; the reversal that takes it out of stock lies after this day.",
    Reason.NOT_EXPORTED: "No posting was made for them. Enter their value there, as an opening balance or a journal.",
    Reason.OTHER_BOOKS: "They went to the books that were connected then.",
    Reason.IN_REVIEW: "At the end of this day components had left stock; what came of them follows with the decision.",
    Reason.OTHER_DAY: "Stock moved on one side of this day, the posting is dated on the other.",
    Reason.WITHIN_STOCK: "Labour and overhead raise the value of what was built. Without an account for applied costs "
    "they are credited to the account of components. Choose one in Integrations.",
    Reason.ROUNDING: "Stock is kept to the sixth decimal, the books to the smallest amount. A true-up moves it.",
    Reason.EDITED: "Somebody changed amounts or accounts of our journal. Change them back there.",
    Reason.MOVED: "Somebody moved our journal to the other side of this day. Give it back its date there.",
    Reason.VOIDED: f"Somebody voided our journal, for good. {REPLACE}",
    Reason.MISSING: f"Our journal is gone. {REPLACE}",
    Reason.DOUBLE: "A second journal carries our mark. Void the copy in the books.",
    Reason.THERE_ALREADY: "Our journal is posted there; the look-up will notice.",
    Reason.FOREIGN: "Posted by people or other programs to an account of stock, or copied from ours that was voided.",
}


@pages.get("/reconcile")
def show() -> str:
    """Our side; the books are asked by a button."""
    return render_template("reconciling/reconcile.html", **_page(offline=True))


@pages.post("/reconcile")
def ask() -> str:
    require(MAY_EXPORT)
    return render_template("reconciling/reconcile.html", **_page(offline=False))


@pages.get("/reconcile.<any(csv, xlsx):file_type>")
def send_file(file_type: str) -> Response:
    return _file(_reconciled(_day(), offline=True), file_type)


@pages.post("/reconcile.<any(csv, xlsx):file_type>")
def send_books_file(file_type: str) -> Response:
    """With what the books hold, asked once more."""
    require(MAY_EXPORT)
    return _file(_reconciled(_day(), offline=False), file_type)


@pages.post("/true-ups")
def make_true_up() -> Answer:
    require(MAY_EXPORT)
    who, on = act(), request.form.get("on", "")
    try:
        made = write(lambda session: true_up(session, who, on=on))
    except PartsembleError as error:
        return refused("reconciling/reconcile.html", error, asked="true-up", **_page(offline=True, lenient=True))
    flash(f"{made.reference} goes out.", "success")
    return redirect(url_for("reconciling.show"), code=303)


@pages.post("/true-ups/<id:true_up_id>/reverse")
def reverse_true_up(true_up_id: int) -> Answer:
    require(MAY_EXPORT)
    who, reason = act(), request.form.get("reason", "")
    try:
        made = write(lambda session: take_back(session, who, true_up_id, reason=reason))
    except PartsembleError as error:
        page = _page(offline=True, lenient=True)
        return refused("reconciling/reconcile.html", error, asked=f"reverse-{true_up_id}", **page)
    flash(f"{made.reference} goes out and takes it back.", "success")
    return redirect(url_for("reconciling.show"), code=303)


def _day() -> dt.date:
    """Raises Invalid."""
    return parse_day(request.values.get("on", ""), field="on", today=act().today)


def _reconciled(day: dt.date, *, offline: bool) -> Reconciliation:
    return reconcile(the_house(), the_person().company_id, on=day, offline=offline)


def _file(found: Reconciliation, file_type: str) -> Response:
    return file_of(reconciliation_listing(found), name=f"reconciliation-{found.day}", file_type=file_type)


def _page(*, offline: bool, lenient: bool = False) -> dict[str, object]:
    """``lenient``: the form that was refused may hold no day; then it is today's page."""
    today = act().today
    found = _reconciled(today if lenient else _day(), offline=offline)
    with reading() as session:
        true_ups = [(made, export, export_label(export.state)) for made, export in list_true_ups(session)]
    return {
        "found": found,
        "offline": offline,
        "agrees": found.verdict == Verdict.AGREES,
        "is_known": found.verdict != Verdict.UNKNOWN,
        "groups": found.groups,
        "titles": TITLES,
        "help": HELP,
        "most": SHOWN,
        "true_ups": true_ups,
        "taken_back": {made.reverses_id for made, _, _ in true_ups},
        "link_of": lambda line: document_link(*line.key) if line.key else None,
        "today": today,
        "form": Form.of(request.form, "reason", "on"),
    }
