"""The stock ledger: every movement there ever was, in the order in which it was recorded."""

from __future__ import annotations

from flask import Blueprint, url_for

from partsemble_core.services.listing import Row
from partsemble_core.store.lots import DocumentKind
from partsemble_web import lists
from partsemble_web.naming import document_link, lot_name, product_name
from partsemble_web.speaking import mark

pages = Blueprint("stock", __name__, template_folder="templates")

KINDS = (DocumentKind.RECEIPT, DocumentKind.BUILD, DocumentKind.ADJUSTMENT, DocumentKind.SPLIT, DocumentKind.REVERSAL)


def row_link(row: Row) -> str | None:
    return document_link(row["kind"], row["document_id"])


ENTRIES = lists.ListPage(
    name="entries",
    template="stock/list.html",
    shown=("effective_on", "reference", "product_sku", "lot_number", "recorded_by", "quantity", "cost"),
    minor=frozenset({"recorded_by"}),
    links={
        "reference": row_link,
        "product_sku": lambda row: url_for("products.show_product", product_id=row["product_id"]),
        "lot_number": lambda row: url_for("lots.show_lot", lot_id=row["lot_id"]),
    },
    choices={"kind": (mark("Document"), KINDS)},
    extra={"product": product_name, "lot": lot_name},
)
lists.route(pages, ENTRIES, path="/stock-ledger")
