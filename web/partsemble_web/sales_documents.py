"""Sales documents as last read from the books: the list, and each with its lines."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for

from partsemble_core.services.viewing_sales import view_sale
from partsemble_web import lists
from partsemble_web.scope import reading

pages = Blueprint("sales_documents", __name__, template_folder="templates")
PAGE = lists.ListPage(
    name="sales_documents",
    template="sales_documents/list.html",
    shown=("number", "date", "kind", "state", "contact_name", "net", "currency"),
    minor=frozenset({"kind"}),
    links={"number": lambda row: url_for("sales_documents.show_sale", sale_id=row["id"])},
    choices={
        "kind": ("Kind", ("invoice", "receipt", "credit")),
        "state": ("State", ("draft", "open", "paid", "voided", "deleted")),
    },
    subtitles={"contact_name": "problem"},
)
lists.route(pages, PAGE, path="/integrations/sales-documents")


@pages.get("/integrations/sales-documents/<id:sale_id>")
def show_sale(sale_id: int) -> str:
    """One document with its lines."""
    with reading() as session:
        view = view_sale(session, sale_id)
    return render_template("sales_documents/document.html", view=view)
