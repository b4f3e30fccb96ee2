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
