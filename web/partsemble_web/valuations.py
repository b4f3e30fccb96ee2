"""The value of stock at the end of any day, product by product, and how it went month by month."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

from flask import Blueprint, Response, render_template, request

from partsemble_core.domain.amounts import add
from partsemble_core.services.acting import parse_iso_day
from partsemble_core.services.attending import value_in_review
from partsemble_core.services.listing import Column, Listing, ListQuery
from partsemble_core.services.valuing import StockValue, monthly_trend, stock_at
from partsemble_core.store.session import CompanySession
from partsemble_web.scope import act, reading, the_company
from partsemble_web.traces import file_of

pages = Blueprint("valuations", __name__, template_folder="templates")
COLUMNS = (
    Column("sku", "SKU"),
    Column("name", "Name"),
    Column("kind", "Kind", "state"),
    Column("unit", "Unit"),
    Column("quantity", "Quantity", "quantity"),
    Column("average_cost", "Average cost", "money"),
    Column("value", "Value", "money"),
)


@pages.get("/valuation")
def show() -> str:
    """``on`` is the day, today without it; ``known_on`` leaves out what was recorded after that day."""
    today = act().today
    with reading() as session:
        value = _value(session, today)
        trend = monthly_trend(session, today=today)
        in_review = value_in_review(session) if value.day == today else None
    months = [(day, total, add([total, -before])) for (_, before), (day, total) in pairwise(trend)]
    return render_template(
        "valuations/valuation.html",
        value=value,
        months=list(reversed(months)),
        in_review=in_review,
        known_on=request.args.get("known_on", ""),
        today=today,
    )


@pages.get("/valuation.<any(csv, xlsx):file_type>")
def send_file(file_type: str) -> Response:
    with reading() as session:
        value = _value(session, act().today)
    rows: list[dict[str, object]] = [
        {column.key: getattr(product, column.key) for column in COLUMNS} for product in value.products
    ]
    rows.append(dict.fromkeys((column.key for column in COLUMNS), None) | {"sku": "Total", "value": value.total})
    listing = Listing(
        name="valuation", title="Valuation", columns=COLUMNS, rows=rows, total=len(rows), query=ListQuery()
    )
    return file_of(listing, name=f"valuation-{value.day}", file_type=file_type)


def _value(session: CompanySession, today: dt.date) -> StockValue:
    """What the address asks for. Raises Invalid for what is no day."""
    on, known_on = request.args.get("on", ""), request.args.get("known_on", "")
    day = parse_iso_day(on, field="on") if on else today
    return stock_at(session, day, known_at=_end_of(parse_iso_day(known_on, field="known_on")) if known_on else None)


def _end_of(day: dt.date) -> dt.datetime:
    """When the day ends on the company's clock."""
    last = dt.datetime.combine(day, dt.time.max, tzinfo=the_company().zone)
    return last.astimezone(dt.UTC)
