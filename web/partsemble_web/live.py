"""Live: pages ask every few seconds whether anything has changed, and then show it by themselves.

Asking isn't work: it must not keep a sign-in from ending, and it takes no message that waits for the person.
"""

from __future__ import annotations

from flask import Blueprint, Response, g, jsonify, request

from partsemble_core.services.glancing import glance
from partsemble_web.scope import reading

pages = Blueprint("live", __name__)
HEADER = "Partsemble-Live"
"""Comes with a page that is fetched to be compared with the one that is shown."""


@pages.before_app_request
def look() -> None:
    """Before a page is made: what changes from now on is news to it."""
    is_page = request.method == "GET" and "person" in g and request.blueprint not in (None, "live", "assets")
    if is_page and "HX-Request" not in request.headers:
        with reading() as session:
            g.live = glance(session).mark


@pages.app_context_processor
def offer() -> dict[str, object]:
    """For the frame of all pages. Nothing is live about a form for something new, or one that was refused."""
    is_new = request.path.endswith("/new") and request.endpoint != "builds.show_form"
    return {
        "live_mark": "" if is_new else g.get("live", ""),
        "is_live_fetch": HEADER in request.headers,
    }


@pages.get("/live")
def show() -> Response:
    """Whether anything has changed since ``seen``: 204 if not. ``busy`` asks to be asked again soon."""
    with reading() as session:
        found = glance(session)
    if request.args.get("seen") == found.mark and not found.is_busy:
        return Response(status=204)
    return jsonify({"mark": found.mark, "busy": found.is_busy})
