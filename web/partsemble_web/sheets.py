"""Build sheets: what somebody at the bench has to take and to sign, on paper."""

from __future__ import annotations

import io

import segno
from flask import Blueprint, render_template
from markupsafe import Markup

from partsemble_core.domain.builds import BuildState
from partsemble_core.services.building import preview_planned
from partsemble_core.services.explaining import explain_build
from partsemble_core.services.listing import build_label
from partsemble_web.builds import preview_parts
from partsemble_web.scope import act, reading

pages = Blueprint("sheets", __name__, template_folder="templates")


@pages.get("/builds/<id:build_id>/sheet")
def show(build_id: int) -> str:
    """Of a planned build the lots that it would take today, of an executed one those that it took."""
    who = act()
    with reading() as session:
        story = explain_build(session, build_id)
        planned = None
        if story.build.state == BuildState.PLANNED:
            planned = preview_planned(session, build_id, built_on=who.today)
    return render_template(
        "builds/sheet.html",
        story=story,
        label=build_label(story.build.state, story.export.state if story.export else None),
        planned=planned,
        parts=preview_parts(planned),
        code=code_of(story.build.reference),
        today=who.today,
        by=who.by,
    )


def code_of(text: str) -> Markup:
    """A QR code as a picture in the page itself: black on white whatever the theme, and without a style of its own."""
    drawn = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        drawn, kind="svg", dark="#000", light="#fff", border=2, omitsize=True, xmldecl=False, svgns=False
    )
    return Markup(drawn.getvalue().decode("utf-8").strip())  # noqa: S704 - made here, of a number of ours
