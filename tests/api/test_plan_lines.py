"""The lines of a planned build: what GET answers, PUT takes, in the same words and units."""

from __future__ import annotations

from tests.api.callers import Firm
from tests.api.test_work import kit


def test_lines_that_are_read_and_written_back_change_nothing(firm: Firm) -> None:
    kit(firm)
    product = firm.shop.find("KIT")
    lines = [{"sku": "PANEL", "quantity": "3", "scrap_percent": "50", "optional": False}]
    firm.owner.send("PUT", f"/products/{product.id}/bom", {"components": lines, "output_quantity": "2"})
    made = firm.owner.send("POST", "/builds/plan", {"sku": "KIT", "quantity": "8"}, status=201)
    path = f"/builds/{made['id']}"
    read = firm.owner.get(path)
    (line,) = read["components"]
    assert (read["output_quantity"], line["quantity"], line["scrap_percent"]) == ("2", "3", "50")
    back = [{name: line[name] for name in ("sku", "quantity", "scrap_percent", "optional")}]
    assert back == lines
    written = firm.owner.send("PUT", path, {"components": back})
    assert (written["components"], written["is_modified"]) == (read["components"], False)
    assert firm.owner.refused("PUT", path, {"components": []}) == (422, "invalid", "components")


def test_a_count_is_cancelled_and_its_lots_counted_on_another(firm: Firm) -> None:
    kit(firm)
    first = firm.owner.send("POST", "/counts", {}, status=201)
    answer = firm.owner.call("POST", "/counts", json={"skus": ["PANEL"]})
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "count-open")
    assert answer.json["error"]["references"] == ["PSB-CNT-0001"]
    assert firm.owner.send("POST", f"/counts/{first['id']}/cancel")["state"] == "cancelled"
    assert firm.owner.refused("POST", f"/counts/{first['id']}/cancel") == (409, "wrong-state", None)
    firm.owner.send("POST", "/counts", {"skus": ["PANEL"]}, status=201)


def test_the_queue_is_moved_and_changed_and_costs_are_unfolded_through_the_api(firm: Firm) -> None:
    owner = firm.owner
    for sku in ("BOLT", "BOARD", "KIT"):
        owner.send("POST", "/products", {"sku": sku, "name": sku}, status=201)
    found = {row["sku"]: row["id"] for row in owner.get("/products")["rows"]}
    for sku, part in (("BOARD", "BOLT"), ("KIT", "BOARD")):
        lines = {"components": [{"sku": part, "quantity": "2"}]}
        owner.send("PUT", f"/products/{found[sku]}/bom", lines)
    line = {"sku": "BOLT", "quantity": "10", "unit_cost": "0.5"}
    draft = owner.send("POST", "/receipts", {"supplier": "ACM", "lines": [line]}, status=201)
    owner.send("POST", f"/receipts/{draft['id']}/confirm")
    plans = [owner.send("POST", "/builds/plan", {"sku": "BOARD", "quantity": q}, status=201)["id"] for q in ("1", "7")]
    moved = owner.send("POST", f"/builds/{plans[1]}/move", {"to": "top"})["rows"]
    assert [row["id"] for row in moved] == plans[::-1]
    assert [[short["missing"] for short in row["shortages"]] for row in moved] == [["4"], []]
    assert owner.send("POST", f"/builds/{plans[1]}/move", {"after": plans[0]})["rows"][1]["id"] == plans[1]
    some = {"build_ids": plans, "action": "set", "assignee": "Ada"}
    assert {row["assignee"] for row in owner.send("POST", "/builds/planned/change", some)["rows"]} == {"Ada"}
    assert owner.send("POST", "/builds/planned/change", {"build_ids": plans, "action": "cancel"})["rows"] == []
    assert {(row["total_cost"], row["unit_cost"]) for row in owner.get("/builds")["rows"]} == {(None, None)}
    owner.send("POST", "/builds", {"sku": "BOARD", "quantity": "3"}, status=201)
    kit = owner.send("POST", "/builds", {"sku": "KIT", "quantity": "1"}, status=201)
    tree = owner.get(f"/builds/{kit['id']}/cost-tree")
    assert [(row["level"], row["sku"], row["quantity"], row["cost"]) for row in tree["rows"]] == [
        (1, "BOARD", "2", "2"),
        (2, "BOLT", "4", "2"),
    ]
    assert tree["rows"][0]["made_by"] == "PSB-000003"
    assert tree["total_cost"] == kit["total_cost"]
