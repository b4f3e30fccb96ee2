"""The first page says what can be built, and what planned builds wait for."""

from __future__ import annotations

from collections.abc import Callable

from tests.web.people import Visitor, text_of
from tests.web.shop import Shop, stock_up

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
