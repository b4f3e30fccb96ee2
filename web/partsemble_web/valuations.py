"""The value of stock at the end of any day, product by product, and how it went month by month."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from itertools import pairwise
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext as _

from partsemble_core.domain.amounts import add
from partsemble_core.domain.products import ProductKind, parse_kind
from partsemble_core.errors import Invalid, say
from partsemble_core.services.acting import parse_iso_day
from partsemble_core.services.attending import value_in_review
from partsemble_core.services.listing import Column, Listing, ListQuery, Row, parse_list_query
from partsemble_core.services.listing.asking import check_page, search_words
from partsemble_core.services.valuing import StockValue, monthly_trend, stock_at
from partsemble_core.store.session import CompanySession
from partsemble_web import lists
from partsemble_web.scope import act, reading, the_company
from partsemble_web.showing import day
from partsemble_web.speaking import mark
from partsemble_web.traces import file_of

pages = Blueprint("valuations", __name__, template_folder="templates")
COLUMNS = (
    Column("sku", mark("SKU")),
    Column("name", mark("Name")),
    Column("kind", mark("Kind"), "state"),
    Column("unit", mark("Unit")),
    Column("quantity", mark("Quantity"), "quantity"),
    Column("average_cost", mark("Average cost"), "money"),
    Column("value", mark("Value"), "money"),
)

DAYS = ("on", "known_on")
TOP = 25
"""Products on the page itself; the list has all."""
PRODUCTS = lists.ListPage(
    name="valuation",
    template="valuations/products.html",
    shown=("sku", "kind", "quantity", "unit", "average_cost", "value"),
    links={"sku": lambda row: url_for("products.show_product", product_id=row["id"])},
    subtitles={"sku": "name"},
    choices={"kind": (mark("Kind"), tuple(ProductKind))},
)


@pages.get("/valuation")
def show() -> str:
    """``on`` is the day, today without it; ``known_on`` leaves out what was recorded after that day."""
    today = act().today
    with reading() as session:
        value = _value(session, today)
        trend = monthly_trend(session, today=today)
        in_review = value_in_review(session) if value.day == today else None
    months = [(end, total, add([total, -before])) for (_before, before), (end, total) in pairwise(trend)]
    return render_template(
        "valuations/valuation.html",
        value=value,
        most=sorted(value.products, key=lambda product: product.value, reverse=True)[:TOP],
        months=list(reversed(months)),
        in_review=in_review,
        known_on=request.args.get("known_on", ""),
        today=today,
    )


@pages.get("/valuation/products")
def show_products() -> str:
    """The same product by product as a list, with everything that lists can."""
    arguments = request.args.to_dict()
    arguments.pop("columns", None)
    query, chosen = parse_list_query(arguments), tuple(request.args.getlist("columns"))
    check_page(query)
    with reading() as session:
        value = _value(session, act().today)
    listing = _listing(value, query)
    path = url_for("valuations.show_products")
    dates = {key: day(parse_iso_day(text, field=key)) for key, text in query.filters.items() if text and key in DAYS}
    shown = lists.Shown(
        page=PRODUCTS,
        listing=listing,
        columns=lists.columns_of(PRODUCTS, listing, chosen),
        extra=dates,
        path=path,
        chosen=chosen,
    )
    return render_template(PRODUCTS.template, list=shown, today=act().today, value=value)


@pages.get("/valuation/products.<any(csv, xlsx):file_type>")
def send_products(file_type: str) -> Response:
    """All rows that the list's search and filters leave, in its order."""
    arguments = request.args.to_dict()
    arguments.pop("columns", None)
    query = parse_list_query(arguments)
    with reading() as session:
        value = _value(session, act().today)
    whole = replace(query, page=1, page_size=max(1, len(value.products)))
    return file_of(_listing(value, whole), name=f"valuation-{value.day}", file_type=file_type)


@pages.get("/valuation.<any(csv, xlsx):file_type>")
def send_file(file_type: str) -> Response:
    with reading() as session:
        value = _value(session, act().today)
    rows: list[dict[str, object]] = [
        {column.key: getattr(product, column.key) for column in COLUMNS} for product in value.products
    ]
    rows.append(dict.fromkeys((column.key for column in COLUMNS), None) | {"sku": _("Total"), "value": value.total})
    listing = Listing(
        name="valuation", title="Valuation", columns=COLUMNS, rows=rows, total=len(rows), query=ListQuery()
    )
    return file_of(listing, name=f"valuation-{value.day}", file_type=file_type)


def _listing(value: StockValue, query: ListQuery) -> Listing:
    """The products that the query asks for, sorted and cut to its page. Raises Invalid naming what can't be."""
    columns = {column.key: column for column in COLUMNS}
    if query.sort and query.sort not in columns:
        known = ", ".join(columns)
        raise Invalid(
            "sort", say("There is no column {name!r}. Sort by one of {known}.", name=query.sort[:40], known=known)
        )
    for key in query.filters:
        if key not in (*DAYS, "kind"):
            known = ", ".join((*DAYS, "kind"))
            raise Invalid(key, say("There is no filter {name!r}. Use one of {known}.", name=key[:40], known=known))
    words = [word.casefold() for word in search_words(query.search)]
    kind = parse_kind(query.filters["kind"]) if query.filters.get("kind") else ""
    rows: list[Row] = [
        {"id": product.product_id} | {column.key: getattr(product, column.key) for column in COLUMNS}
        for product in value.products
        if (not kind or product.kind == kind)
        and all(word in f"{product.sku} {product.name}".casefold() for word in words)
    ]
    sort = query.sort or "value"
    rows.sort(key=lambda row: _order(row[sort]), reverse=query.descending if query.sort else True)
    start = (query.page - 1) * query.page_size
    return Listing(
        name="valuation",
        title=_("Value by product"),
        columns=COLUMNS,
        rows=rows[start : start + query.page_size],
        total=len(rows),
        query=query,
    )


def _order(value: object) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _value(session: CompanySession, today: dt.date) -> StockValue:
    """What the address asks for. Raises Invalid for what is no day."""
    on, known_on = request.args.get("on", ""), request.args.get("known_on", "")
    asked = parse_iso_day(on, field="on") if on else today
    return stock_at(session, asked, known_at=_end_of(parse_iso_day(known_on, field="known_on")) if known_on else None)


def _end_of(asked: dt.date) -> dt.datetime:
    """When the day ends on the company's clock."""
    last = dt.datetime.combine(asked, dt.time.max, tzinfo=the_company().zone)
    return last.astimezone(dt.UTC)
