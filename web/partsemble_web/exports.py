"""Exports: what goes to the books, line by line, and how each attempt at it ended."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for

from partsemble_core.domain.exports import ExportState, StepKind
from partsemble_core.services.admitting import MAY_EXPORT
from partsemble_core.services.explaining import explain_export
from partsemble_core.services.listing import export_label
from partsemble_core.services.retrying import retry_export
from partsemble_web import lists
from partsemble_web.naming import document_link
from partsemble_web.refusals import Answer
from partsemble_web.scope import reading, require, write
from partsemble_web.stock import row_link

pages = Blueprint("exports", __name__, template_folder="templates")
STEPS = {
    StepKind.CREATE.value: "Create",
    StepKind.POST.value: "Post",
    StepKind.LOOK_UP.value: "Look up",
    "discard": "Delete extra draft",
}
EXPORTS = lists.ListPage(
    name="exports",
    template="exports/list.html",
    shown=("reference", "kind", "created_at", "label", "attempts", "posted_at", "amount"),
    minor=frozenset({"kind", "attempts", "created_at"}),
    links={"reference": lambda row: url_for("exports.show_export", export_id=row["id"]), "kind": row_link},
    choices={"label": ("Status", ("Pending export", "Synced", "Failed", "Recorded"))},
    subtitles={"label": "problem"},
)
lists.route(pages, EXPORTS, path="/exports")


@pages.get("/exports/<id:export_id>")
def show_export(export_id: int) -> str:
    with reading() as session:
        story = explain_export(session, export_id)
    return render_template(
        "exports/export.html",
        story=story,
        label=export_label(story.export.state),
        document=document_link(story.export.document_kind, story.export.document_id),
        can_retry=story.export.state == ExportState.REVIEW,
        steps=STEPS,
    )


@pages.post("/exports/<id:export_id>/retry")
def retry(export_id: int) -> Answer:
    """Lets the worker go on with an export that waited for a person."""
    require(MAY_EXPORT)
    export = write(lambda session: retry_export(session, export_id))
    flash(f"{export.reference} is tried again.", "success")
    return redirect(url_for("exports.show_export", export_id=export.id), code=303)
