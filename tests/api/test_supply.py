from __future__ import annotations

from typing import Any

import pytest

from tests.api.callers import Firm
from tests.api.test_work import kit, stock


def test_freight_is_spread_over_the_lines_exactly(firm: Firm) -> None:
    firm.shop.products("A", "B")
    body = {
        "supplier": "ACM",
        "lines": [
            {"sku": "A", "quantity": "1", "total_cost": "10"},
            {"sku": "B", "quantity": "2", "total_cost": "20"},
        ],
        "charges": [{"label": "Freight", "amount": "10"}, {"label": "Pallet", "amount": "3", "spread_by": "quantity"}],
    }
    draft = firm.owner.send("POST", "/receipts", body, status=201)
    assert [line["cost"] for line in draft["lines"]] == ["14.333333", "28.666667"]
    assert [charge["spread_by"] for charge in draft["charges"]] == ["cost", "quantity"]
    assert (draft["total_cost"], draft["lines"][0]["entered_cost"]) == ("43", "10")
    kept = firm.owner.send("PUT", f"/receipts/{draft['id']}", {"lines": body["lines"]})
    assert kept["total_cost"] == "43"
    free = firm.owner.send("PUT", f"/receipts/{draft['id']}", {"lines": body["lines"], "charges": []})
    assert (free["total_cost"], free["charges"]) == ("30", [])


def test_foreign_currency_and_reels_come_in_as_stock_units_at_base_cost(firm: Firm) -> None:
    firm.shop.product("LED")
    part = {"part_number": "L-77", "purchase_unit": "reel", "per_purchase_unit": "5000"}
    (row,) = firm.owner.send("PUT", "/suppliers/ACM/parts/LED", part)["rows"]
    assert (row["sku"], row["part_number"], row["per_purchase_unit"]) == ("LED", "L-77", "5000")
    line = {"part_number": "l-77", "quantity": "2", "unit_cost": "100"}
    body = {"supplier": "ACM", "lines": [line], "currency": "USD", "rate": "1.6"}
    draft = firm.owner.send("POST", "/receipts", body, status=201)
    assert (draft["currency"], draft["rate"], draft["total_cost"]) == ("USD", "1.6", "320")
    (found,) = draft["lines"]
    assert (found["sku"], found["quantity"], found["entered_quantity"]) == ("LED", "10000", "2")
    assert (found["unit_cost"], found["purchase_unit"]) == ("0.032", "reel")
    assert firm.owner.get("/suppliers/ACM/parts")["rows"] == [row]
    assert firm.owner.send("DELETE", "/suppliers/ACM/parts/led")["rows"] == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"currency": "usd"}, "currency"),
        ({"currency": "USD"}, "rate"),
        ({"currency": "USD", "rate": "0"}, "rate"),
        ({"charges": [{"label": "Freight", "amount": "-1"}]}, "charges[0].amount"),
        ({"charges": [{"label": "Freight", "amount": "1", "spread_by": "colour"}]}, "charges[0].spread_by"),
        ({"charges": [{"label": "", "amount": "1"}]}, "charges[0].label"),
        ({"lines": [{"part_number": "X", "quantity": "1", "unit_cost": "1"}]}, "lines[0].part_number"),
        ({"lines": [{"quantity": "1", "unit_cost": "1"}]}, "lines[0].sku"),
        (
            {"lines": [{"sku": "LED", "quantity": "1", "unit_cost": "1", "purchase_unit": "box"}]},
            "lines[0].per_purchase_unit",
        ),
    ],
)
def test_a_receipt_names_what_is_wrong_with_it(firm: Firm, change: dict[str, Any], field: str) -> None:
    firm.shop.product("LED")
    body = {"supplier": "ACM", "lines": [{"sku": "LED", "quantity": "1", "unit_cost": "1"}], **change}
    assert firm.owner.refused("POST", "/receipts", body) == (422, "invalid", field)


def test_suppliers_parts_are_of_known_suppliers_and_products(firm: Firm) -> None:
    firm.shop.products("LED", "CHIP")
    body = {"part_number": "X"}
    assert firm.owner.refused("GET", "/suppliers/ZZZ/parts")[:2] == (404, "not-found")
    assert firm.owner.refused("PUT", "/suppliers/ACM/parts/NONE", body)[:2] == (404, "not-found")
    firm.owner.send("PUT", "/suppliers/ACM/parts/LED", body)
    assert firm.owner.refused("PUT", "/suppliers/ACM/parts/CHIP", body) == (409, "conflict", "part_number")


def test_a_product_is_changed_field_by_field(firm: Firm) -> None:
    product = firm.shop.product("LED")
    path = f"/products/{product.id}"
    changed = firm.owner.send("PUT", path, {"name": "Red LED", "build_point": "3", "build_target": "10"})
    assert (changed["sku"], changed["name"], changed["build_target"]) == ("LED", "Red LED", "10")
    assert firm.owner.send("PUT", path, {"is_active": False})["is_active"] is False
    assert firm.owner.refused("PUT", path, {"kind": "magic"}) == (422, "invalid", "kind")
    assert firm.owner.refused("PUT", path, {"stock": "5"}) == (422, "invalid", "stock")
    firm.shop.product("CHIP")
    assert firm.owner.refused("PUT", path, {"sku": "chip"}) == (409, "conflict", "sku")


def test_only_a_product_without_history_is_deleted(firm: Firm) -> None:
    firm.shop.products("LED", "CHIP")
    stock(firm, "LED", "1", "1", "2026-03-01")
    assert firm.owner.refused("DELETE", f"/products/{firm.shop.find('LED').id}") == (409, "conflict", None)
    path = f"/products/{firm.shop.find('CHIP').id}"
    assert firm.owner.send("DELETE", path)["sku"] == "CHIP"
    assert firm.owner.refused("GET", path)[:2] == (404, "not-found")


def test_versions_tell_what_changed_and_a_draft_becomes_active(firm: Firm) -> None:
    kit(firm)
    path = f"/products/{firm.shop.find('KIT').id}/bom"
    body = {"components": [{"sku": "PANEL", "quantity": "2"}]}
    rows = firm.owner.send("POST", f"{path}/drafts", body, status=201)["rows"]
    assert [(row["version"], row["state"]) for row in rows] == [(2, "draft"), (1, "active")]
    assert rows[0]["changes"] == ["PANEL: quantity 1 → 2"]
    draft = f"{path}/drafts/{rows[0]['id']}"
    body["components"][0]["quantity"] = "3"
    assert firm.owner.send("PUT", draft, body)["rows"][0]["changes"] == ["PANEL: quantity 1 → 3"]
    active = firm.owner.send("POST", f"{draft}/activate")
    assert [row["state"] for row in active["rows"]] == ["active", "archived"]
    assert firm.owner.get(f"{path}/versions") == active
    assert firm.owner.get(path)["components"][0]["quantity"] == "3"
    assert firm.owner.refused("DELETE", draft) == (409, "wrong-state", None)
    dropped = firm.owner.send("POST", f"{path}/drafts", body, status=201)["rows"][0]["id"]
    assert firm.owner.send("DELETE", f"{path}/drafts/{dropped}") == active


def test_where_a_product_is_used_over_all_levels(firm: Firm) -> None:
    kit(firm)
    firm.shop.product("BOX")
    firm.shop.bom("BOX", {"KIT": "4"})
    rows = firm.owner.get(f"/products/{firm.shop.find('PANEL').id}/where-used")["rows"]
    assert [(row["sku"], row["levels"], row["quantity"]) for row in rows] == [("KIT", 1, "1"), ("BOX", 2, None)]


def test_what_to_build_and_buy_next(firm: Firm) -> None:
    """N10: build point 3, target 10, stock 2: build 8. N12: alert at the reorder point."""
    kit(firm)
    product = firm.shop.find("KIT")
    firm.owner.send("POST", "/builds", {"sku": "KIT", "quantity": "2"}, status=201)
    firm.owner.send("PUT", f"/products/{product.id}", {"build_point": "3", "build_target": "10"})
    (suggestion,) = firm.owner.get("/suggestions")["rows"]
    assert suggestion == {
        "product_id": product.id,
        "sku": "KIT",
        "stock": "2",
        "coming": "0",
        "quantity": "8",
        "alert": "below",
    }
    panel = firm.shop.find("PANEL")
    assert firm.owner.get("/reorder-alerts")["rows"] == []
    firm.owner.send("PUT", f"/products/{panel.id}", {"reorder_point": "168"})
    (alert,) = firm.owner.get("/reorder-alerts")["rows"]
    assert (alert["sku"], alert["stock"], alert["reorder_point"]) == ("PANEL", "168", "168")
    firm.owner.send("POST", "/builds/plan", {"sku": "KIT", "quantity": "170"}, status=201)
    assert firm.owner.get("/shortages")["rows"] == [
        {
            "product_id": panel.id,
            "sku": "PANEL",
            "needed": "170",
            "available": "168",
            "held": "0",
            "missing": "2",
            "coming": "0",
        }
    ]
