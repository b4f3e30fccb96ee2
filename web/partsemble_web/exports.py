"""Exports: what goes to the books, line by line, how each attempt ended, and what a person decides about it."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, url_for

from partsemble_core.domain.exports import ExportState, StepKind
from partsemble_core.errors import Invalid, PartsembleError
from partsemble_core.services import deciding
from partsemble_core.services.admitting import MAY_EXPORT, MAY_SET_UP
from partsemble_core.services.explaining import explain_export
from partsemble_core.services.exporting import is_untouched
from partsemble_core.services.listing import export_label
from partsemble_core.services.rehearsing import dry_run
from partsemble_core.services.retrying import retry_export
from partsemble_core.store.exports import Export
from partsemble_core.store.session import CompanySession
from partsemble_web import lists
from partsemble_web.forms import Form
from partsemble_web.naming import document_link
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, reading, require, the_house, the_person, write
from partsemble_web.stock import row_link

pages = Blueprint("exports", __name__, template_folder="templates")
STEPS = {
    StepKind.CREATE.value: "Create",
    StepKind.POST.value: "Post",
    StepKind.LOOK_UP.value: "Look up",
    "discard": "Delete extra draft",
}
STATES = {
    ExportState.HELD: "Waits for you to post it",
    ExportState.PENDING: "Waits for the worker",
    ExportState.CREATING: "Being created",
    ExportState.CREATED: "Created as a draft",
    ExportState.POSTING: "Being posted",
    ExportState.POSTED: "Posted",
    ExportState.UNKNOWN: "Being looked up",
    ExportState.REVIEW: "Failed",
    ExportState.SKIPPED: "Left out",
    ExportState.CANCELLED: "Cancelled",
}
SENT = {
    ExportState.POSTED: "exactly as it was sent",
    ExportState.REVIEW: "what was tried",
    ExportState.SKIPPED: "not posted",
    ExportState.CANCELLED: "not posted",
}
"""What the journal on the page is; elsewhere it is yet to be sent."""
EXPORTS = lists.ListPage(
    name="exports",
    template="exports/list.html",
    shown=("reference", "kind", "created_at", "label", "attempts", "posted_at", "amount"),
    minor=frozenset({"kind", "attempts", "created_at"}),
    links={"reference": lambda row: url_for("exports.show_export", export_id=row["id"]), "kind": row_link},
    choices={"label": ("Status", ("Held", "Pending export", "Synced", "Failed", "Left out", "Recorded"))},
    subtitles={"label": "problem"},
    pick=lambda row: row["state"] == ExportState.HELD,
)
lists.route(pages, EXPORTS, path="/exports")


@pages.get("/exports/<id:export_id>")
def show_export(export_id: int) -> str:
    return render_template("exports/export.html", **_page(export_id))


@pages.post("/exports/post")
def post_held() -> Answer:
    """Posts the ticked ones of those that wait, or with `all` every one of them."""
    require(MAY_EXPORT)
    digest = request.form.get("digest") or None

    def post(session: CompanySession) -> list[Export]:
        ids = deciding.held_exports(session) if "all" in request.form else _ticked()
        return deciding.post_held(session, ids, digest=digest)

    exports = write(post)
    one = exports[0]
    flash(f"{one.reference} goes out." if len(exports) == 1 else f"{len(exports)} exports go out.", "success")
    if len(exports) == 1:
        return redirect(url_for("exports.show_export", export_id=one.id), code=303)
    return redirect(url_for("exports.show_list"), code=303)


@pages.post("/exports/<id:export_id>/retry")
def retry(export_id: int) -> Answer:
    """Lets the worker go on with an export that waited for a person."""
    require(MAY_EXPORT)
    export = write(lambda session: retry_export(session, export_id))
    flash(f"{export.reference} is tried again.", "success")
    return redirect(url_for("exports.show_export", export_id=export.id), code=303)


@pages.post("/exports/<id:export_id>/skip")
def skip(export_id: int) -> Answer:
    """Leaves it out of the books for good."""
    require(MAY_EXPORT)
    reason = request.form.get("reason", "")

    def decide() -> tuple[int, str]:
        export = deciding.skip_export(the_house(), act(), the_person().company_id, export_id, reason=reason)
        return export.id, f"{export.reference} is left out of the books."

    return _decided(export_id, "skip", decide)


@pages.post("/exports/<id:export_id>/adopt")
def adopt(export_id: int) -> Answer:
    """Says that it is in the books under an id; the books are asked."""
    require(MAY_EXPORT)
    theirs = request.form.get("external_id", "")

    def decide() -> tuple[int, str]:
        export = deciding.adopt(the_house(), act(), the_person().company_id, export_id, external_id=theirs)
        return export.id, f"{export.reference} is posted: the books hold it."

    return _decided(export_id, "adopt", decide)


@pages.post("/exports/<id:export_id>/cancel")
def cancel(export_id: int) -> Answer:
    """Calls it off and reverses its document."""
    require(MAY_SET_UP)
    reason = request.form.get("reason", "")

    def decide() -> tuple[int, str]:
        done = deciding.cancel_and_reverse(the_house(), act(), the_person().company_id, export_id, reason=reason)
        by = f" The document is reversed by {done.reference}." if done else ""
        return export_id, f"The posting is cancelled.{by}"

    return _decided(export_id, "cancel", decide)


@pages.post("/exports/<id:export_id>/remap")
def remap(export_id: int) -> Answer:
    """Posts it anew with the accounts of today."""
    require(MAY_EXPORT)

    def decide() -> tuple[int, str]:
        new = deciding.remap(the_house(), act(), the_person().company_id, export_id)
        return new.id, f"{new.reference} goes out with the accounts of today."

    return _decided(export_id, "remap", decide)


def _decided(export_id: int, asked: str, decide: Callable[[], tuple[int, str]]) -> Answer:
    """The page of the export that the decision leads to; a refusal in the dialog that asked."""
    try:
        shown_id, words = decide()
    except PartsembleError as error:
        return refused("exports/export.html", error, asked=asked, **_page(export_id))
    flash(words, "success")
    return redirect(url_for("exports.show_export", export_id=shown_id), code=303)


def _ticked() -> list[int]:
    """Raises Invalid."""
    ids = request.form.getlist("ids")
    if not all(text.isascii() and text.isdigit() and len(text) <= 18 for text in ids):
        raise Invalid("ids", "These are no exports. Tick some in the list.")
    return [int(text) for text in ids]


def _page(export_id: int) -> dict[str, object]:
    with reading() as session:
        story = explain_export(session, export_id)
        digest = dry_run(session, export_id).digest
    export = story.export
    return {
        "story": story,
        "label": export_label(export.state),
        "state_words": STATES[ExportState(export.state)],
        "sent_words": SENT.get(ExportState(export.state), "exactly as it will be sent"),
        "document": document_link(export.document_kind, export.document_id),
        "is_held": export.state == ExportState.HELD,
        "is_failed": export.state == ExportState.REVIEW,
        "may_skip": export.state == ExportState.REVIEW or is_untouched(export),
        "may_reverse": export.document_kind in deciding.REVERSIBLE,
        "digest": digest,
        "steps": STEPS,
        "form": Form.of(request.form, "reason", "external_id"),
    }
