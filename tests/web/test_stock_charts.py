"""The chart of a product's stock begins a year ago, with nothing before the first movement."""

from __future__ import annotations

import datetime as dt
import html
import json
from collections.abc import Callable

import pytest

from partsemble_core.services.adjusting import open_stock
from tests.web.people import Visitor
from tests.web.shop import Shop

Visit = Callable[[Shop, str], Visitor]
YEAR = 365


@pytest.mark.parametrize(
    ("ago", "wanted"),
    [
        (10, [(YEAR, "0"), (11, "0"), (10, "4"), (0, "4")]),
        (YEAR - 1, [(YEAR, "0"), (YEAR - 1, "4"), (0, "4")]),
        (YEAR, [(YEAR, "4"), (0, "4")]),
        (YEAR + 90, [(YEAR, "4"), (0, "4")]),
        (0, [(YEAR, "0"), (1, "0"), (0, "4")]),
    ],
)
def test_the_chart_begins_a_year_ago(shop: Shop, visit: Visit, ago: int, wanted: list[tuple[int, str]]) -> None:
    today = shop.house.act(shop.company_id, by="x").today
    day = today - dt.timedelta(days=ago)
    shop.write(
        lambda session, act: open_stock(session, act, sku="WIRE-075", quantity="4", total_cost="2", on=day.isoformat())
    )
    page = visit(shop, "viewer").get(f"/products/{shop.ids['WIRE-075']}").text
    drawn = json.loads(html.unescape(page.split('data-stock="')[1].split('"')[0]))
    days = [(today - dt.date.fromisoformat(text)).days for text in drawn["days"]]
    assert list(zip(days, drawn["quantities"], strict=True)) == wanted
    assert drawn["values"][-1] == "2"


def test_what_never_moved_has_no_chart(shop: Shop, visit: Visit) -> None:
    assert "data-stock" not in visit(shop, "viewer").get(f"/products/{shop.ids['WIRE-075']}").text
