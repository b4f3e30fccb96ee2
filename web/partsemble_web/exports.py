"""Exports: what goes to the books, line by line, how each attempt ended, and what a person decides about it."""

from __future__ import annotations

import json
from collections.abc import Callable

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from partsemble_core.domain.exports import ExportState, StepKind
from partsemble_core.errors import PartsembleError
from partsemble_core.services import deciding
from partsemble_core.services.admitting import MAY_EXPORT, MAY_SET_UP
from partsemble_core.services.explaining import explain_export
from partsemble_core.services.exporting import is_untouched
from partsemble_core.services.listing import export_label
from partsemble_core.services.rehearsing import dry_run
from partsemble_core.services.retrying import retry_export
from partsemble_core.store.exports import Export
from partsemble_core.store.lots import DocumentKind
from partsemble_core.store.session import CompanySession
from partsemble_web import exports_together, lists
from partsemble_web.forms import Form
from partsemble_web.naming import document_link
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, reading, require, the_house, the_person, write
from partsemble_web.speaking import mark
from partsemble_web.stock import row_link

pages = Blueprint("exports", __name__, template_folder="templates")
STEPS = {
    StepKind.CREATE.value: mark("Create"),
    StepKind.POST.value: mark("Post"),
    StepKind.LOOK_UP.value: mark("Look up"),
    "discard": mark("Delete extra draft"),
}
STATES = {
    ExportState.HELD: mark("Waits for you to post it"),
    ExportState.PENDING: mark("Waits for the worker"),
    ExportState.CREATING: mark("Being created"),
    ExportState.CREATED: mark("Created as a draft"),
    ExportState.POSTING: mark("Being posted"),
    ExportState.POSTED: mark("Posted"),
    ExportState.UNKNOWN: mark("Checking"),
    ExportState.REVIEW: mark("Failed"),
    ExportState.SKIPPED: mark("Left out"),
    ExportState.CANCELLED: mark("Cancelled"),
}
SENT = {
    ExportState.POSTED: mark("exactly as it was sent"),
    ExportState.REVIEW: mark("what was tried"),
    ExportState.SKIPPED: mark("not posted"),
    ExportState.CANCELLED: mark("not posted"),
}
"""What the journal on the page is; elsewhere it is yet to be sent."""
REHEARSED = (ExportState.HELD, ExportState.PENDING)
"""Of these nothing was posted yet: their page is the dry run."""
EXPORTS = lists.ListPage(
    name="exports",
    template="exports/list.html",
    shown=("reference", "kind", "created_at", "label", "attempts", "posted_at", "amount"),
    minor=frozenset({"kind", "attempts", "created_at"}),
    links={"reference": lambda row: url_for("exports.show_export", export_id=row["id"]), "kind": row_link},
    choices={
        "label": (mark("Status"), ("Held", "Pending export", "Checking", "Synced", "Failed", "Left out", "Recorded")),
        "kind": (mark("Document"), tuple(DocumentKind)),
    },
    subtitles={"label": "problem"},
    pick=lambda row: (
        row["state"] in (ExportState.HELD, ExportState.REVIEW)
        or (row["state"] == ExportState.PENDING and not row["attempts"])
    ),
)
pages.add_url_rule("/exports/decide", "ask", exports_together.ask)
pages.add_url_rule("/exports/retry", "retry_ticked", exports_together.retry, methods=["POST"])
pages.add_url_rule("/exports/hold", "hold_ticked", exports_together.hold, methods=["POST"])
pages.add_url_rule("/exports/skip", "skip_ticked", exports_together.skip, methods=["POST"])
pages.add_url_rule("/exports/queue", "show_queue", exports_together.show_queue)
pages.add_url_rule("/exports/<id:export_id>/progress", "show_progress", exports_together.show_progress)


@pages.get("/exports")
def show_list() -> str:
    """The outbox, and above it how the queue stands."""
    return lists.show(EXPORTS, path="/exports", **exports_together.queue_values())


@pages.get("/exports.<any(csv, xlsx):file_type>")
def send_file(file_type: str) -> Response:
    return lists.send_download("exports", file_type)


@pages.get("/exports/<id:export_id>")
def show_export(export_id: int) -> str:
    return render_template("exports/export.html", **_page(export_id))


@pages.post("/exports/post")
def post_held() -> Answer:
    """Posts the ticked ones of those that wait, or with `all` every one of them."""
    require(MAY_EXPORT)
    digest = request.form.get("digest") or None
    ticked = exports_together.ticked(request.form.getlist("ids"))

    def post(session: CompanySession) -> list[Export]:
        ids = deciding.held_exports(session) if "all" in request.form else ticked
        return deciding.post_held(session, ids, digest=digest)

    try:
        exports = write(post)
    except PartsembleError as error:
        if digest and len(ticked) == 1:
            return refused("exports/export.html", error, asked="post", **_page(ticked[0]))
        return exports_together.show_refused("post", error, ticked)
    one = exports[0]
    if len(exports) == 1:
        flash(_("%(reference)s goes out.", reference=one.reference), "success")
        return redirect(url_for("exports.show_export", export_id=one.id), code=303)
    flash(ngettext("%(num)s export goes out.", "%(num)s exports go out.", len(exports)), "success")
    return redirect(url_for("exports.show_list"), code=303)


@pages.post("/exports/<id:export_id>/retry")
def retry(export_id: int) -> Answer:
    """Lets the worker go on with an export that waited for a person."""
    require(MAY_EXPORT)
    try:
        export = write(lambda session: retry_export(session, export_id))
    except PartsembleError as error:
        return refused("exports/export.html", error, asked="retry", **_page(export_id))
    flash(_("%(reference)s is tried again.", reference=export.reference), "success")
    return redirect(url_for("exports.show_export", export_id=export.id), code=303)


@pages.post("/exports/<id:export_id>/skip")
def skip(export_id: int) -> Answer:
    """Leaves it out of the books for good."""
    require(MAY_EXPORT)
    reason = request.form.get("reason", "")

    def decide() -> tuple[int, str]:
        export = deciding.skip_export(the_house(), act(), the_person().company_id, export_id, reason=reason)
        return export.id, _("%(reference)s is left out of the books.", reference=export.reference)

    return _decided(export_id, "skip", decide)


@pages.post("/exports/<id:export_id>/adopt")
def adopt(export_id: int) -> Answer:
    """Says that it is in the books under an id; the books are asked."""
    require(MAY_EXPORT)
    theirs = request.form.get("external_id", "")

    def decide() -> tuple[int, str]:
        export = deciding.adopt(the_house(), act(), the_person().company_id, export_id, external_id=theirs)
        return export.id, _("%(reference)s is posted: the books hold it.", reference=export.reference)

    return _decided(export_id, "adopt", decide)


@pages.post("/exports/<id:export_id>/cancel")
def cancel(export_id: int) -> Answer:
    """Calls it off and reverses its document."""
    require(MAY_SET_UP)
    reason = request.form.get("reason", "")

    def decide() -> tuple[int, str]:
        done = deciding.cancel_and_reverse(the_house(), act(), the_person().company_id, export_id, reason=reason)
        if done is None:
            return export_id, _("The posting is cancelled.")
        words = _("The posting is cancelled, and its document reversed by %(reference)s.", reference=done.reference)
        return export_id, words

    return _decided(export_id, "cancel", decide)


@pages.post("/exports/<id:export_id>/remap")
def remap(export_id: int) -> Answer:
    """Posts it anew with the accounts of today."""
    require(MAY_EXPORT)

    def decide() -> tuple[int, str]:
        new = deciding.remap(the_house(), act(), the_person().company_id, export_id)
        return new.id, _("%(reference)s goes out with the accounts of today.", reference=new.reference)

    return _decided(export_id, "remap", decide)


def _decided(export_id: int, asked: str, decide: Callable[[], tuple[int, str]]) -> Answer:
    """The page of the export that the decision leads to; a refusal in the dialog that asked."""
    try:
        shown_id, words = decide()
    except PartsembleError as error:
        return refused("exports/export.html", error, asked=asked, **_page(export_id))
    flash(words, "success")
    return redirect(url_for("exports.show_export", export_id=shown_id), code=303)


def _page(export_id: int) -> dict[str, object]:
    with reading() as session:
        story = explain_export(session, export_id)
        digest = dry_run(session, export_id).digest
    export = story.export
    return {
        "story": story,
        "label": export_label(export.state),
        "state_words": STATES[ExportState(export.state)],
        "sent_words": SENT.get(ExportState(export.state), mark("exactly as it will be sent")),
        "is_rehearsal": export.state in REHEARSED,
        "payload": json.dumps(json.loads(export.body), indent=2, ensure_ascii=False),
        "payload_raw": bytes(export.body).decode("utf-8"),
        "seen": exports_together.progress_of(export) if exports_together.is_on_its_way(export) else "",
        "document": document_link(export.document_kind, export.document_id),
        "is_held": export.state == ExportState.HELD,
        "is_failed": export.state == ExportState.REVIEW,
        "may_skip": export.state == ExportState.REVIEW or is_untouched(export),
        "may_hold": export.state == ExportState.PENDING and is_untouched(export),
        "may_reverse": export.document_kind in deciding.REVERSIBLE,
        "digest": digest,
        "steps": STEPS,
        "form": Form.of(request.form, "reason", "external_id"),
    }
