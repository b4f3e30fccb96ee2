"""One search for everything: a page, and the palette that opens over every page."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from partsemble_core.errors import Invalid
from partsemble_core.services.searching import Hit, only_exact, search
from partsemble_web.places import MOST, Place, places_behind, places_in_menu
from partsemble_web.scope import reading

pages = Blueprint("finding", __name__, template_folder="templates")
PLACES = {
    "product": ("products.show_product", "product_id"),
    "lot": ("lots.show_lot", "lot_id"),
    "build": ("builds.show_build", "build_id"),
    "receipt": ("receipts.show_receipt", "receipt_id"),
    "adjustment": ("adjustments.show_adjustment", "adjustment_id"),
    "count": ("counts.show_count", "count_id"),
    "export": ("exports.show_export", "export_id"),
}
ICONS = {
    "product": "package",
    "lot": "stack-2",
    "build": "building-factory-2",
    "receipt": "truck-delivery",
    "adjustment": "scale",
    "count": "check",
    "supplier": "building-store",
    "export": "file-export",
}


def address_of(hit: Hit) -> str:
    """The page of what was found."""
    if hit.kind == "supplier":
        return url_for("suppliers.show_list", search=hit.title)
    endpoint, argument = PLACES[hit.kind]
    values: dict[str, Any] = {argument: hit.id}
    return url_for(endpoint, **values)


@pages.get("/search")
def show() -> str | Response:
    """What was found. A text that is exactly one thing's name leads straight to it, as after a scan; so does one that
    only one page goes by."""
    text = request.args.get("search", "")
    hits = _hits(text)
    exact = only_exact(hits)
    if exact is not None:
        return redirect(address_of(exact))
    places = [*places_in_menu(text), *places_behind(text)]
    if not hits and len(places) == 1:
        return redirect(places[0].address)
    return render_template("finding/page.html", **_shown(text, hits, places, is_place=bool(places)))


@pages.get("/search/hits")
def show_hits() -> str:
    """The hits alone, for the palette, which finds the pages of the menu by itself."""
    text = request.args.get("search", "")
    behind = places_behind(text)
    is_place = bool(behind or places_in_menu(text))
    try:
        hits = _hits(text)
    except Invalid as error:  # said in the palette: the page below it may hold what was typed and isn't sent yet
        return render_template("finding/hits.html", refusal=error.message)
    return render_template("finding/hits.html", **_shown(text, hits, behind, is_place=is_place))


def _hits(text: str) -> list[Hit]:
    with reading() as session:
        return search(session, text)


def _shown(text: str, hits: list[Hit], places: list[Place], *, is_place: bool) -> dict[str, object]:
    return {
        "text": text.strip(),
        "hits": [(hit, address_of(hit), ICONS[hit.kind]) for hit in hits],
        "places": places[:MOST],
        "is_place": is_place,
    }
