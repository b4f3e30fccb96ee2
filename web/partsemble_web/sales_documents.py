"""Sales documents as last read from the books: the list, and each with its lines."""

from __future__ import annotations

from flask import render_template, url_for

from partsemble_core.services.viewing_sales import view_sale
from partsemble_web.lists import ListPage
from partsemble_web.scope import reading
from partsemble_web.speaking import mark

PAGE = ListPage(
    name="sales_documents",
    template="sales_documents/list.html",
    shown=("number", "date", "kind", "state", "contact_name", "net", "currency"),
    minor=frozenset({"kind"}),
    links={"number": lambda row: url_for("integrations.show_sale", sale_id=row["id"])},
    choices={
        "kind": (mark("Kind"), ("invoice", "receipt", "credit")),
        "state": (mark("State"), ("draft", "open", "paid", "voided", "deleted")),
    },
    subtitles={"contact_name": "problem"},
    has_own_currency=True,
)


def show_sale(sale_id: int) -> str:
    """One document with its lines."""
    with reading() as session:
        view = view_sale(session, sale_id)
    return render_template("sales_documents/document.html", view=view)
