"""BOMs over the API while they are edited: estimates, differences, saves that were overtaken, many products at once."""

from __future__ import annotations

from typing import Any

from tests.api.callers import Firm


def line(sku: str, quantity: str, **more: Any) -> dict[str, Any]:
    return {"sku": sku, "quantity": quantity, **more}


def stocked(firm: Firm) -> dict[str, int]:
    """Panels at 3.00 and a frame made of two of them; ids by SKU."""
    shop = firm.shop
    shop.products("PANEL", "FRAME", "KIT")
    shop.stock("PANEL", "10", "3.00")
    shop.bom("FRAME", {"PANEL": "2"})
    return {sku: shop.find(sku).id for sku in ("PANEL", "FRAME", "KIT")}


def test_an_estimate_costs_what_can_stand_and_names_the_rest(firm: Firm) -> None:
    ids = stocked(firm)
    body = {
        "components": [line("FRAME", "2"), line("PANEL", "1", scrap_percent="10"), line("KIT", "1"), line("NONE", "1")],
        "cost_lines": [{"kind": "labour", "label": "Work", "rate": "20", "quantity": "0.1"}],
    }
    found = firm.owner.send("POST", f"/products/{ids['KIT']}/bom/estimate", body)
    assert [row["cost"] for row in found["components"]] == ["0", "3.3", None, None]
    assert [row["rolled_up_cost"] for row in found["components"]] == ["12", "3.3", None, None]
    assert (found["estimated_cost"], found["rolled_up_cost"], found["cost_lines"]) == ("5.3", "17.3", ["2"])
    problems = [(problem["field"], problem["code"]) for problem in found["problems"]]
    assert sorted(problems) == [("components[2].sku", "bom-cycle"), ("components[3].sku", "invalid")]
    assert firm.owner.refused("GET", f"/products/{ids['KIT']}/bom")[0] == 404, "nothing was saved"


def test_a_save_says_what_it_is_based_on_or_overwrites(firm: Firm) -> None:
    path = f"/products/{stocked(firm)['KIT']}/bom"
    one, two = ({"components": [line("PANEL", quantity)]} for quantity in "12")
    assert firm.owner.send("PUT", path, {**one, "based_on": 0})["version"] == 1
    assert firm.owner.refused("PUT", path, {**two, "based_on": 0}) == (409, "bom-changed", "based_on")
    assert firm.owner.refused("PUT", path, {**two, "based_on": -1}) == (422, "invalid", "based_on")
    assert firm.owner.refused("PUT", path, {**two, "based_on": "1"})[:2] == (422, "invalid")
    assert firm.owner.send("PUT", path, {**two, "based_on": 1})["version"] == 2
    assert firm.owner.send("PUT", path, one)["version"] == 3
    found = firm.owner.get(f"{path}/difference?before=1&after=2")
    assert [(row["sku"], row["difference"]) for row in found["components"]] == [("PANEL", "changed")]
    assert (found["components"][0]["before"]["quantity"], found["components"][0]["after"]["quantity"]) == ("1", "2")
    assert found["unit_cost"] == {"before": "3", "after": "6", "effect": "3"}
    assert firm.owner.get(f"{path}/difference")["before"] == 2
    assert firm.owner.refused("GET", f"{path}/difference?after=9")[:2] == (404, "not-found")
    assert firm.owner.refused("GET", f"{path}/difference?after=x")[:2] == (422, "invalid")


def test_a_cost_that_is_not_known_is_said_wherever_it_counts_as_nothing(firm: Firm) -> None:
    ids = stocked(firm)
    firm.shop.products("BOLT", "STICKER")
    path = f"/products/{ids['KIT']}/bom"
    parts = [line("PANEL", "1"), line("FRAME", "1"), line("STICKER", "1", optional=True)]
    first = firm.owner.send("PUT", path, {"components": parts})
    second = firm.owner.send("PUT", path, {"components": [*parts, line("BOLT", "2")]})
    assert (first["unknown_costs"], second["unknown_costs"]) == (1, 2)
    known = {row["sku"]: row["is_cost_known"] for row in second["components"]}
    assert known == {"PANEL": True, "FRAME": False, "STICKER": False, "BOLT": False}
    found = firm.owner.get(f"{path}/difference")
    assert found["unknown_cost_skus"] == ["BOLT", "FRAME"], "a frame was never in stock"
    assert found["rolled_up_unknown_cost_skus"] == ["BOLT"], "but its parts were"
    assert found["rolled_up_unit_cost"] == {"before": "9", "after": "9", "effect": "0"}
    told = {part["sku"]: part["is_cost_known"] for part in firm.owner.get(f"{path}/parts?quantity=1")["parts"]}
    assert told == {"PANEL": True, "FRAME": True, "STICKER": False, "BOLT": False}
    estimated = firm.owner.send("POST", f"{path}/estimate", {"components": [line("BOLT", "1"), line("PANEL", "1")]})
    assert [row["is_cost_known"] for row in estimated["components"]] == [False, True]


def test_parts_history_and_needs(firm: Firm) -> None:
    ids = stocked(firm)
    found = firm.owner.get(f"/products/{ids['FRAME']}/bom/parts?quantity=3")
    assert [(part["sku"], part["quantity"], part["cost"]) for part in found["parts"]] == [("PANEL", "6", "18")]
    assert found["cost"] == "18"
    [day] = firm.owner.get(f"/products/{ids['PANEL']}/stock-history")["rows"][:1]
    assert (day["quantity"], day["value"]) == ("10", "30")
    firm.owner.send("POST", "/builds/plan", {"sku": "FRAME", "quantity": "2"}, status=201)
    [need] = firm.owner.get(f"/products/{ids['PANEL']}/planned-needs")["rows"]
    assert (need["sku"], need["quantity"]) == ("FRAME", "4")


def test_many_products_at_once_or_none(firm: Firm) -> None:
    ids = stocked(firm)
    both = [ids["PANEL"], ids["KIT"]]
    assert firm.owner.send("POST", "/products/reorder-point", {"ids": both, "reorder_point": "4"})["ids"] == both[::-1]
    assert firm.owner.get(f"/products/{ids['PANEL']}")["reorder_point"] == "4"
    answer = firm.owner.call("POST", "/products/deactivate", json={"ids": both})
    assert answer.status_code == 409
    assert answer.json["error"]["code"] == "products-in-use"
    assert answer.json["error"]["references"] == ["PANEL (in the BOM of FRAME)"]
    assert firm.owner.get(f"/products/{ids['KIT']}")["is_active"]
    firm.owner.send("POST", "/products/deactivate", {"ids": [ids["PANEL"], ids["FRAME"]]})
    assert not firm.owner.get(f"/products/{ids['PANEL']}")["is_active"]
    firm.owner.send("POST", "/products/activate", {"ids": [ids["PANEL"]]})
    assert firm.owner.get(f"/products/{ids['PANEL']}")["is_active"]
    assert firm.owner.refused("POST", "/products/activate", {"ids": []})[:2] == (422, "invalid")
    assert firm.owner.refused("POST", "/products/activate", {"ids": [10**12]})[:2] == (404, "not-found")
