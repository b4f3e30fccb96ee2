"""A program is told what of a shortage is on hold, before and after it is refused."""

from __future__ import annotations

from typing import Any

from tests.api.callers import Firm
from tests.api.test_work import kit


def test_every_shortage_says_what_is_on_hold(firm: Firm) -> None:
    """Panels: 20 and 50 and 100. The hundred are on hold; 71 are wanted."""
    kit(firm)
    lots = firm.owner.get("/lots?sort=received_on")["rows"]
    firm.owner.send("POST", f"/lots/{lots[2]['id']}/hold", {"reason": "Moist"})
    wanted = {"sku": "KIT", "quantity": "71"}
    firm.owner.send("POST", "/builds/plan", wanted, status=201)
    refused = firm.owner.call("POST", "/builds", json=wanted)
    told: list[list[dict[str, Any]]] = [
        firm.owner.send("POST", "/builds/preview", wanted)["shortages"],
        firm.owner.get("/builds/planned")["rows"][0]["shortages"],
        firm.owner.get("/shortages")["rows"],
        refused.json["error"]["shortages"],
    ]
    for (short,) in told:
        assert [short[key] for key in ("needed", "available", "missing", "held")] == ["71", "70", "1", "100"]
    assert [row["place"] for row in firm.owner.get("/builds?sort=place")["rows"]] == [1]
    assert refused.json["error"]["message"] == (
        "Stock doesn't reach. PANEL: 71 needed, 70 available, 100 on hold, 1 missing. "
        "Release lots on hold, receive the missing goods, or build less."
    )
