"""The first page says what can be built, and what planned builds wait for."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from decimal import Decimal

from partsemble_core.services.valuing import monthly_trend
from tests.web.people import Visitor, text_of
from tests.web.shop import NOW, Shop, stock_up

Visit = Callable[[Shop, str], Visitor]


def test_home_says_what_can_be_built_what_is_short_and_what_is_overdue(shop: Shop, visit: Visit) -> None:
    """“Dashboard: what can I build, shortages, …”: the 80 frames are what limits lamps; two plans for 110 need 30 more,
    and their day has passed.
    """
    stock_up(shop)
    builder = visit(shop, "builder")
    empty = text_of(builder.get("/"))
    assert "Can be built now" in empty
    assert "Nothing. All is well." in empty
    lamp = str(shop.ids["LAMP-01"])
    for quantity in ("60", "50"):
        fields = {"product": lamp, "quantity": quantity, "target_on": "2026-01-31"}
        assert builder.post("/planned-builds", fields).status_code == 303
    home = text_of(builder.get("/"))
    assert "LAMP-01 Workshop lamp: 80 each" in home
    assert "Overdue PSB-000001 Planned for 31 Jan 2026" in home
    assert "Overdue PSB-000002" in home
    assert "Short FRAME-AL 30 each missing for planned builds" in home
    assert "Latest builds" not in home, "what is only planned has no cost yet"


def test_the_value_of_stock_is_drawn_once_there_is_some_and_written_beside_it(shop: Shop, visit: Visit) -> None:
    empty = visit(shop, "viewer").get("/").text
    assert "data-chart" not in empty
    assert "uPlot" not in empty
    stock_up(shop)
    page = visit(shop, "viewer").get("/").text
    drawn = json.loads(html.unescape(page.split('data-chart="')[1].split('"')[0]))
    with shop.house.reading(shop.company_id) as session:
        trend = monthly_trend(session, today=NOW.date())
    assert drawn["days"] == [day.isoformat() for day, _ in trend]
    assert [Decimal(value) for value in drawn["values"]] == [value for _, value in trend]
    assert trend[-1][1] > 0
    written = page.split("<caption>")[1].split("</table>")[0]
    assert written.count("<td>") == 2 * len(trend)
