"""Products, recipes and plans are kept up to date by command, and goods bought by the reel come in piece by piece."""

from __future__ import annotations

from pathlib import Path

from tests.cli.test_work import SQLITE, kit
from tests.cli.typing_in import Shell

pytestmark = SQLITE


def test_a_product_is_changed_so_that_freight_goes_by_weight(shell: Shell) -> None:
    kit(shell)
    shell.done("product", "add", "BOLT", "Bolt")
    words = ("receive", "--supplier", "ACM", "PANEL=1@10", "BOLT=10@1", "--freight", "9", "--by", "weight")
    refused = shell.type(*words)
    assert refused.code == 1
    assert "weight" in refused.err
    assert shell.done("product", "set", "bolt", "--weight", "0.2") == "BOLT (Bolt) is changed: weight.\n"
    shell.done("product", "set", "PANEL", "--weight", "1", "--name", "Big panel", "--reorder-point", "4")
    assert "20" not in shell.done("product", "list", "--search", "Big panel").splitlines()[0]
    assert "29.00" in shell.done(*words)
    bolts = shell.type("lots", "BOLT", "--json").json
    assert bolts[0]["cost_left"] == "16", "two thirds of the weight bear two thirds of the freight"
    nothing = shell.type("product", "set", "BOLT")
    assert (nothing.code, "Say what to change" in nothing.err) == (1, True)
    shell.done("product", "set", "BOLT", "--deactivate")
    assert "BOLT is inactive" in shell.type(*words).err
    shell.done("product", "set", "BOLT", "--activate")
    shell.done("supplier", "set", "ACM", "--deactivate")
    assert "ACM is inactive. Activate it before receiving from it." in shell.type(*words).err
    shell.done("supplier", "set", "ACM", "--activate")
    shell.done(*words)


def test_a_reel_comes_in_piece_by_piece(shell: Shell, tmp_path: Path) -> None:
    kit(shell)
    shell.done("product", "add", "R-1", "Resistor")
    shell.done("receive", "--supplier", "ACM", "--currency", "NZD", "--rate", "0.5", "R-1=1 reel of 5000@95.00")
    lot = shell.type("lots", "R-1", "--json").json[0]
    assert (lot["quantity_in"], lot["cost_left"]) == ("5000", "47.5")
    file = tmp_path / "delivery.csv"
    file.write_text("sku,quantity,purchase_unit,per_purchase_unit,total_cost,part_number\nR-1,2,box,50,8,X-7\n")
    shell.done("receive", "--supplier", "ACM", "--file", str(file))
    assert shell.type("lots", "R-1", "--json").json[0]["quantity_in"] == "100"
    file.write_text("sku,quantity,total_cost,colour\nR-1,2,8,red\n")
    assert "per_purchase_unit and weight" in shell.type("receive", "--supplier", "ACM", "--file", str(file)).err


def test_a_recipe_says_scrap_and_optional_and_keeps_its_history(shell: Shell) -> None:
    kit(shell)
    shell.done("product", "add", "SCREW", "Screw")
    shell.done("product", "add", "WIRE", "Wire")
    shell.done("bom", "set", "KIT", "PANEL=2", "SCREW=8+2.5%", "WIRE=0.35?")
    shown = [line.split() for line in shell.done("bom", "show", "KIT").splitlines()]
    assert ["SCREW", "Screw", "8", "2.5", "%", "0", "0.00"] in shown
    assert ["WIRE", "Wire", "0.35", "optional", "0", "0.00"] in shown
    assert "isn't of the form SKU=QTY+SCRAP%" in shell.type("bom", "set", "KIT", "SCREW=8+2").err
    told = shell.done("bom", "versions", "KIT")
    assert told.index("version 2  active") < told.index("version 1  archived")
    assert "  PANEL: quantity 1 → 2\n" in told
    assert [row["version"] for row in shell.type("bom", "versions", "KIT", "--json").json] == [2, 1]
    assert shell.type("bom", "used-in", "PANEL", "--json").json == [
        {"sku": "KIT", "name": "Kit", "levels": 1, "quantity": "2"}
    ]


def test_a_plan_that_fell_behind_says_so_and_is_refreshed(shell: Shell) -> None:
    kit(shell)
    shell.done("plan", "KIT", "2")
    shell.done("bom", "set", "KIT", "PANEL=2")
    asked = shell.type("execute", "PSB-000001", answer="n\n")
    assert "Newer BOM: version 2 is active. To follow it: partsemble refresh PSB-000001" in asked.out
    assert shell.done("refresh", "PSB-000001") == "PSB-000001 goes by BOM version 2 now.\n"
    again = shell.type("execute", "PSB-000001", answer="n\n")
    assert "Newer BOM" not in again.out
