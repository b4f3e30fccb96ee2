"""Lots: what is in stock, where it came from, and what was made of it."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for

from partsemble_core.domain.lots import LotState
from partsemble_core.services.explaining import explain_lot
from partsemble_web import lists
from partsemble_web.naming import product_name, receipt_name
from partsemble_web.scope import reading

pages = Blueprint("lots", __name__, template_folder="templates")


LOTS = lists.ListPage(
    name="lots",
    template="lots/list.html",
    shown=(
        "number",
        "product_sku",
        "received_on",
        "state",
        "quantity_in",
        "quantity_left",
        "unit_cost",
        "cost_left",
    ),
    minor=frozenset({"quantity_in"}),
    links={
        "number": lambda row: url_for("lots.show_lot", lot_id=row["id"]),
        "product_sku": lambda row: url_for("products.show_product", product_id=row["product_id"]),
    },
    subtitles={"number": "source", "product_sku": "product_name"},
    choices={"state": ("State", tuple(LotState))},
    extra={"product": product_name, "receipt": receipt_name},
)
lists.route(pages, LOTS, path="/lots")


@pages.get("/lots/<id:lot_id>")
def show_lot(lot_id: int) -> str:
    with reading() as session:
        story = explain_lot(session, lot_id)
    return render_template("lots/lot.html", story=story)
