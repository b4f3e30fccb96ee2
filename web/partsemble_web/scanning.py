"""One field for a scanner: what is read opens at once, or says what it could be."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from partsemble_core.services.scanning import Scan, read_code, scan
from partsemble_core.services.searching import Hit, search
from partsemble_core.store.session import CompanySession
from partsemble_web.finding import ICONS, address_of
from partsemble_web.scope import reading

pages = Blueprint("scanning", __name__, template_folder="templates")
SIMILAR = 5
LONGEST_SEARCH = 200


@pages.get("/scan")
def show() -> str | Response:
    """With ``code`` it opens what was read, as a label's own address does; without it, or if that isn't one thing, the
    field."""
    with reading() as session:
        found = scan(session, read_code(request.args.get("code", ""), sku=request.args.get("sku", "")))
        similar = _similar(session, found)
    if found.only is not None:
        return redirect(address_of(found.only))
    return render_template(
        "scanning/scan.html",
        code=found.code,
        hits=[(hit, address_of(hit), ICONS[hit.kind]) for hit in found.hits],
        similar=[(hit, address_of(hit), ICONS[hit.kind]) for hit in similar],
        search_address=url_for("finding.show", search=found.code.text[:LONGEST_SEARCH]),
    )


def _similar(session: CompanySession, found: Scan) -> list[Hit]:
    """What the code is a part of, where it is nothing's whole name: half a number was typed, or a label is worn."""
    text = found.code.text
    return [] if found.hits or len(text) < 3 or len(text) > LONGEST_SEARCH else search(session, text)[:SIMILAR]
