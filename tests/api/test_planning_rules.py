"""What the planning page shows and does, over the API: what can be built, what is overdue, what is suggested."""

from __future__ import annotations

import datetime as dt
from typing import Any

from partsemble_core.store.companies import Role
from tests.api.callers import Firm
from tests.api.test_work import kit

FUTURE = dt.date(2999, 1, 1)


def planned(firm: Firm, **values: Any) -> dict[str, Any]:
    body = {"sku": "KIT", "quantity": "1", **values}
    found: dict[str, Any] = firm.owner.send("POST", "/builds/plan", body, status=201)
    return found


def references(answer: dict[str, Any]) -> list[str]:
    return [row["reference"] for row in answer["rows"]]


def test_what_can_be_built_is_listed_with_each_product_by_itself(firm: Firm) -> None:
    """170 panels at one a kit (N1's lots) make 170 kits, 85 pairs; nothing limits what has optional lines alone."""
    kit(firm)
    firm.shop.products("PAIR", "BARE")
    firm.shop.bom("PAIR", {"PANEL": "2"})
    bare = firm.shop.find("BARE")
    lines = [{"sku": "PANEL", "quantity": "1", "optional": True}]
    firm.owner.send("PUT", f"/products/{bare.id}/bom", {"components": lines})
    rows = firm.callers[Role.VIEWER].get("/buildable")["rows"]
    assert [(row["sku"], row["quantity"]) for row in rows] == [("BARE", None), ("KIT", "170"), ("PAIR", "85")]
    assert rows[0]["product_id"] == bare.id


def test_planned_builds_are_overdue_the_day_after_their_target(firm: Firm) -> None:
    """“Overdue planned builds”: the longest overdue first; one of today, to come or without a date isn't."""
    kit(firm)
    today = firm.served.house.clock().date()
    for day in (today - dt.timedelta(days=1), today, FUTURE, None, today - dt.timedelta(days=9)):
        planned(firm, target_on=None if day is None else day.isoformat())
    assert references(firm.callers[Role.VIEWER].get("/builds/overdue")) == ["PSB-000005", "PSB-000001"]


def test_what_is_suggested_is_planned_once_and_adjusted(firm: Firm) -> None:
    """“At most one automatic planned build a product, adjusted, never doubled”; N10: point 3, target 10, stock 2: 8."""
    kit(firm)
    product = firm.shop.find("KIT")
    firm.owner.send("PUT", f"/products/{product.id}", {"build_point": "3", "build_target": "10"})
    for quantity in ("10", "10"):
        (row,) = firm.owner.send("POST", "/builds/planned/suggested")["rows"]
        assert (row["reference"], row["quantity"], row["is_automatic"]) == ("PSB-000001", quantity, True)
    firm.owner.send("POST", "/builds", {"sku": "KIT", "quantity": "2"}, status=201)
    (row,) = firm.callers[Role.BUILDER].send("POST", "/builds/planned/suggested")["rows"]
    assert (row["reference"], row["quantity"]) == ("PSB-000001", "8")
    planned(firm, quantity="5")
    assert references(firm.owner.send("POST", "/builds/planned/suggested")) == ["PSB-000003"]
    status, code, _ = firm.callers[Role.VIEWER].refused("POST", "/builds/planned/suggested")
    assert (status, code) == (403, "forbidden")
