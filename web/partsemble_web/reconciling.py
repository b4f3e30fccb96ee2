"""Stock against the books at the end of a day, each difference explained, and true-ups of the rounding between them."""

from __future__ import annotations

import datetime as dt

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from partsemble_core.domain.reconciliation import TITLES, Reason, Verdict
from partsemble_core.errors import PartsembleError
from partsemble_core.services.acting import parse_day
from partsemble_core.services.admitting import MAY_EXPORT
from partsemble_core.services.listing import document_label
from partsemble_core.services.noting import reconcile_and_note
from partsemble_core.services.reconciling import Reconciliation, count_postings, reconcile
from partsemble_core.services.tabulating import reconciliation_listing
from partsemble_core.services.truing import export_of, latest_true_ups, take_back, taken_back_by, true_up
from partsemble_core.store.true_ups import get_true_up
from partsemble_web.forms import Form
from partsemble_web.lists import ListPage, route
from partsemble_web.naming import document_link
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, reading, require, the_house, the_person, write
from partsemble_web.speaking import mark
from partsemble_web.traces import file_of

pages = Blueprint("reconciling", __name__, template_folder="templates")
LATEST = 5
SHOWN = 50
"""Lines of one reason that the page shows; a file has them all."""
MANY = 5_000
"""Postings from which comparing takes a second or more: then a page that says so comes first, and fetches this one."""
HELP = {
    Reason.WAITING: mark("They are posted by the worker, or wait for a person under Exports."),
    Reason.IN_DOUBT: mark("No answer came; the books are checked before anything is sent again."),
    Reason.FAILED: mark("The books said no. Open each to see why, and decide."),
    Reason.LEFT_OUT: mark("By choice, with the reason. Opening stock belongs here: the books have it already."),
    Reason.CANCELLED: mark(
        "Called off here and never posted; the reversal that takes it out of stock lies after this day."
    ),
    Reason.NOT_EXPORTED: mark(
        "No posting was made for them. Enter their value there, as an opening balance or a journal."
    ),
    Reason.OTHER_BOOKS: mark("They went to the books that were connected then."),
    Reason.IN_REVIEW: mark(
        "At the end of this day components had left stock; what came of them follows with the decision."
    ),
    Reason.OTHER_DAY: mark("Stock moved on one side of this day, the posting is dated on the other."),
    Reason.WITHIN_STOCK: mark(
        "Labour and overhead raise the value of what was built. Without an account for applied costs they are credited "
        "to the account of components. Choose one in Integrations."
    ),
    Reason.ROUNDING: mark("Stock is kept to the sixth decimal, the books to the smallest amount. A true-up moves it."),
    Reason.EDITED: mark("Somebody changed amounts or accounts of our journal. Change them back there."),
    Reason.MOVED: mark("Somebody moved our journal to the other side of this day. Give it back its date there."),
    Reason.VOIDED: mark(
        "Somebody voided our journal, for good. If the document is right, enter the same journal in the books again: "
        "it shows among journals of others, and the two cancel. If it is wrong, reverse it here, and void the "
        "reversal's journal in the books too: it undoes nothing."
    ),
    Reason.MISSING: mark(
        "Our journal is gone. If the document is right, enter the same journal in the books again: it shows among "
        "journals of others, and the two cancel. If it is wrong, reverse it here, and void the reversal's journal in "
        "the books too: it undoes nothing."
    ),
    Reason.DOUBLE: mark("A second journal carries our mark. Void the copy in the books."),
    Reason.THERE_ALREADY: mark("Our journal is posted there; the look-up will notice."),
    Reason.FOREIGN: mark(
        "Posted by people or other programs to an account of stock, or copied from ours that was voided."
    ),
}
COPIES = (Reason.DOUBLE, Reason.FOREIGN)
"""Journals that no export's page shows: their id is how they are found in the books."""
RUNS = ListPage(
    name="reconcile_runs",
    template="reconciling/runs.html",
    shown=("asked_at", "on", "verdict", "stock", "books", "difference", "asked_by"),
    minor=frozenset({"stock", "books", "asked_by"}),
    links={"on": lambda row: url_for("reconciling.show", on=row["on"])},
    choices={"verdict": (mark("Verdict"), tuple(Verdict))},
    subtitles={"verdict": "problem"},
)
TRUE_UPS = ListPage(
    name="true_ups",
    template="reconciling/true_ups.html",
    shown=("reference", "on", "label", "amount", "reason", "created_at", "created_by"),
    minor=frozenset({"created_at", "created_by"}),
    links={"reference": lambda row: url_for("reconciling.show_true_up", true_up_id=row["id"])},
    choices={"label": (mark("Status"), ("Pending export", "Synced", "Failed", "Left out", "Recorded"))},
)
route(pages, RUNS, path="/reconcile/runs", noun="runs")
route(pages, TRUE_UPS, path="/true-ups", noun="true_ups")


@pages.get("/reconcile")
def show() -> str:
    """Our side; the books are asked by a button."""
    if "now" not in request.args:
        with reading() as session:
            postings = count_postings(session)
        if postings > MANY:
            return render_template("reconciling/comparing.html", postings=postings, day=_day())
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
    flash(_("%(reference)s goes out.", reference=made.reference), "success")
    return redirect(url_for("reconciling.show"), code=303)


@pages.get("/true-ups/<id:true_up_id>")
def show_true_up(true_up_id: int) -> str:
    """One true-up, its posting, and whether it was taken back."""
    return render_template("reconciling/true_up.html", **_true_up_page(true_up_id))


@pages.post("/true-ups/<id:true_up_id>/reverse")
def reverse_true_up(true_up_id: int) -> Answer:
    require(MAY_EXPORT)
    who, reason = act(), request.form.get("reason", "")
    try:
        made = write(lambda session: take_back(session, who, true_up_id, reason=reason))
    except PartsembleError as error:
        return refused("reconciling/true_up.html", error, asked="reverse", **_true_up_page(true_up_id))
    flash(_("%(reference)s goes out and takes it back.", reference=made.reference), "success")
    return redirect(url_for("reconciling.show_true_up", true_up_id=made.id), code=303)


def _true_up_page(true_up_id: int) -> dict[str, object]:
    with reading() as session:
        made = get_true_up(session, true_up_id)
        export = export_of(session, made)
        original = get_true_up(session, made.reverses_id) if made.reverses_id else None
        taken_back = taken_back_by(session, made)
    return {
        "made": made,
        "export": export,
        "label": document_label(export.state),
        "original": original,
        "taken_back": taken_back,
        "form": Form.of(request.form, "reason"),
    }


def _day() -> dt.date:
    """Raises Invalid."""
    return parse_day(request.values.get("on", ""), field="on", today=act().today)


def _reconciled(day: dt.date, *, offline: bool) -> Reconciliation:
    """What the books answer is kept among the runs."""
    if offline:
        return reconcile(the_house(), the_person().company_id, on=day, offline=True)
    return reconcile_and_note(the_house(), act(), the_person().company_id, on=day)


def _file(found: Reconciliation, file_type: str) -> Response:
    return file_of(reconciliation_listing(found), name=f"reconciliation-{found.day}", file_type=file_type)


def _page(*, offline: bool, lenient: bool = False) -> dict[str, object]:
    """``lenient``: the form that was refused may hold no day; then it is today's page."""
    today = act().today
    found = _reconciled(today if lenient else _day(), offline=offline)
    with reading() as session:
        true_ups = [(made, document_label(export.state)) for made, export in latest_true_ups(session, limit=LATEST)]
    return {
        "found": found,
        "offline": offline,
        "agrees": found.verdict == Verdict.AGREES,
        "is_known": found.verdict != Verdict.UNKNOWN,
        "groups": found.groups,
        "titles": TITLES,
        "help": HELP,
        "most": SHOWN,
        "copies": COPIES,
        "true_ups": true_ups,
        "link_of": lambda line: document_link(*line.key) if line.key else None,
        "today": today,
        "form": Form.of(request.form, "reason", "on"),
    }
