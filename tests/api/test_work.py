from __future__ import annotations

import csv
import io

import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.store.companies import Role
from partsemble_core.store.exports import Export
from tests.api.callers import Firm
from tests.services.makers import connect


def stock(firm: Firm, sku: str, quantity: str, unit_cost: str, day: str) -> int:
    """A confirmed receipt of one line; its id."""
    line = {"sku": sku, "quantity": quantity, "unit_cost": unit_cost}
    body = {"supplier": "ACM", "received_on": day, "lines": [line]}
    draft = firm.owner.send("POST", "/receipts", body, status=201)
    assert (draft["state"], draft["reference"], draft["lines"][0]["lot_id"]) == ("draft", "", None)
    return int(firm.owner.send("POST", f"/receipts/{draft['id']}/confirm")["id"])


def kit(firm: Firm) -> None:
    """Panels in three lots (N1), and a kit made of one."""
    firm.owner.send("POST", "/products", {"sku": "PANEL", "name": "Panel"}, status=201)
    made = firm.owner.send("POST", "/products", {"sku": "KIT", "name": "Kit", "kind": "finished_good"}, status=201)
    for day, (quantity, cost) in enumerate((("20", "34.50"), ("50", "35.50"), ("100", "36.00")), start=1):
        stock(firm, "PANEL", quantity, cost, f"2026-03-0{day}")
    firm.owner.send("PUT", f"/products/{made['id']}/bom", {"components": [{"sku": "panel", "quantity": "1"}]})


def test_oldest_lots_are_drawn_first_and_cost_is_exact_through_the_api(firm: Firm) -> None:
    """N1: 20 @ 34.50, 50 @ 35.50, 100 @ 36.00; take 60."""
    kit(firm)
    build = firm.owner.send("POST", "/builds", {"sku": "KIT", "quantity": "60"}, status=201)
    assert (build["total_cost"], build["unit_cost"]) == ("2110", "35.166667")
    draws = build["components"][0]["draws"]
    assert [(d["quantity"], d["cost"]) for d in draws] == [("20", "690"), ("40", "1420")]
    lots = firm.owner.get("/lots?sort=received_on&search=panel")["rows"]
    assert [lot["quantity_left"] for lot in lots] == ["0", "10", "100"]
    assert firm.owner.get(f"/builds/{build['id']}") == build


def test_a_preview_shows_what_the_build_then_takes_and_writes_nothing(firm: Firm) -> None:
    kit(firm)
    ask = {"sku": "KIT", "quantity": "60"}
    preview = firm.callers[Role.VIEWER].send("POST", "/builds/preview", ask)
    assert firm.owner.get("/builds")["total"] == 0
    build = firm.owner.send("POST", "/builds", ask, status=201)
    same = preview.keys() & build.keys() - {"bom_version", "components"}
    assert {key: preview[key] for key in same} == {key: build[key] for key in same}
    (shown,), (taken,) = preview["components"], build["components"]
    assert shown["draws"], "it says which lots"
    assert {key: taken[key] for key in shown} == shown


def test_a_preview_names_every_shortage(firm: Firm) -> None:
    kit(firm)
    preview = firm.owner.send("POST", "/builds/preview", {"sku": "KIT", "quantity": "171"})
    (shortage,) = preview["shortages"]
    assert (shortage["sku"], shortage["needed"], shortage["available"], shortage["missing"]) == (
        "PANEL",
        "171",
        "170",
        "1",
    )


def test_a_build_beyond_stock_is_refused_whole_with_every_shortage(firm: Firm) -> None:
    kit(firm)
    answer = firm.owner.call("POST", "/builds", json={"sku": "KIT", "quantity": "171"})
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "stock-short")
    assert [s["missing"] for s in answer.json["error"]["shortages"]] == ["1"]
    assert firm.owner.get("/entries")["total"] == 3


def test_a_lot_tells_where_it_came_from_and_what_drew_from_it(firm: Firm) -> None:
    kit(firm)
    build = firm.owner.send("POST", "/builds", {"sku": "KIT", "quantity": "60"}, status=201)
    made = firm.owner.get(f"/lots/{build['lot_id']}")
    assert (made["source"], made["build_id"], made["unit_cost"]) == (build["reference"], build["id"], "35.166667")
    first = firm.owner.get(f"/lots/{build['components'][0]['draws'][0]['lot_id']}")
    (use,) = first["draws"]
    assert (use["reference"], use["made_sku"], use["quantity"]) == (build["reference"], "KIT", "20")


def test_a_bom_is_saved_as_the_next_version_and_read_back(firm: Firm) -> None:
    kit(firm)
    made = firm.owner.get("/products?search=KIT")["rows"][0]["id"]
    line = {"sku": "PANEL", "quantity": "2", "scrap_percent": "5", "designators": ["P1", "P2"]}
    cost = {"kind": "labour", "label": "Assembly", "rate": "25.00", "quantity": "0.5"}
    bom = firm.owner.send("PUT", f"/products/{made}/bom", {"components": [line], "cost_lines": [cost]})
    assert bom == firm.owner.get(f"/products/{made}/bom")
    assert (bom["version"], bom["buildable"]) == (2, "80")
    assert bom["components"][0]["designators"] == ["P1", "P2"]
    assert bom["cost_lines"][0]["rate"] == "25"


def test_an_explosion_lists_all_that_must_be_bought(firm: Firm) -> None:
    kit(firm)
    made = firm.owner.get("/products?search=KIT")["rows"][0]["id"]
    rows = firm.owner.get(f"/products/{made}/explosion?quantity=10")["rows"]
    assert [(row["sku"], row["quantity"]) for row in rows] == [("PANEL", "10")]


def test_a_draft_is_edited_and_a_confirmed_receipt_is_locked(firm: Firm) -> None:
    firm.owner.send("POST", "/products", {"sku": "PANEL", "name": "Panel"}, status=201)
    line = {"sku": "PANEL", "quantity": "1", "total_cost": "9"}
    draft = firm.owner.send("POST", "/receipts", {"supplier": "ACM", "lines": [line]}, status=201)
    edited = firm.owner.send("PUT", f"/receipts/{draft['id']}", {"lines": [{**line, "total_cost": "7.50"}]})
    assert (edited["total_cost"], edited["label"]) == ("7.5", "Draft")
    confirmed = firm.owner.send("POST", f"/receipts/{draft['id']}/confirm")
    assert (confirmed["label"], confirmed["lines"][0]["lot_id"] is None) == ("Recorded", False)
    assert firm.owner.refused("POST", f"/receipts/{draft['id']}/confirm") == (409, "wrong-state", None)
    assert firm.owner.refused("PUT", f"/receipts/{draft['id']}", {"lines": [line]}) == (409, "wrong-state", None)


def test_an_export_shows_exactly_what_is_sent_and_can_be_tried_again(firm: Firm) -> None:
    connect(firm.shop)
    firm.owner.send("POST", "/products", {"sku": "PANEL", "name": "Panel"}, status=201)
    stock(firm, "PANEL", "20", "34.50", "2026-03-01")
    (row,) = firm.owner.get("/exports")["rows"]
    export = firm.owner.get(f"/exports/{row['id']}")
    assert [line["amount"] for line in export["payload"]["lines"]] == ["690.00", "-690.00"]
    assert (export["state"], export["label"], export["attempts"]) == ("pending", "Pending export", [])
    accountant = firm.callers[Role.ACCOUNTANT]
    assert accountant.refused("POST", f"/exports/{row['id']}/retry") == (409, "wrong-state", None)
    firm.shop.write(lambda session: session.execute(sa.update(Export).values(state=ExportState.REVIEW)))
    assert accountant.send("POST", f"/exports/{row['id']}/retry")["state"] == "pending"


def test_an_account_is_chosen_for_a_role(firm: Firm) -> None:
    connection = connect(firm.shop, one_account=True)
    path = f"/connections/{connection.id}"
    assert [row["code"] for row in firm.owner.get(f"{path}/accounts")["rows"]] == ["600"]
    chosen = firm.owner.send("PUT", f"{path}/accounts/waste", {"code": "600"})
    roles = {role["role"]: role["account_code"] for role in chosen["roles"]}
    assert roles["waste"] == "600"
    assert firm.owner.refused("PUT", f"{path}/accounts/waste", {"code": "999"}) == (422, "invalid", "waste")
    assert firm.owner.refused("PUT", f"{path}/accounts/tips", {"code": "600"}) == (422, "invalid", "role")
    assert firm.owner.get("/connections")["rows"] == [chosen]


def test_a_list_is_downloaded_with_its_filters_and_without_its_pages(firm: Firm) -> None:
    kit(firm)
    answer = firm.owner.call("GET", "/products.csv?kind=finished_good&search=kit")
    assert answer.headers["Content-Disposition"] == "attachment; filename=products.csv"
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [row["SKU"] for row in rows] == ["KIT"]
    assert firm.owner.call("GET", "/lots.xlsx").data.startswith(b"PK")


def test_the_company_is_the_one_of_the_token(firm: Firm) -> None:
    company = firm.owner.get("/company")
    assert (company["id"], company["currency"], company["decimals"]) == (firm.company_id, "NZD", 2)


def test_a_supplier_is_created_once(firm: Firm) -> None:
    body = {"code": "BLT", "name": "Bolts & Co"}
    assert firm.owner.send("POST", "/suppliers", body, status=201)["is_active"] is True
    assert firm.owner.refused("POST", "/suppliers", body) == (409, "conflict", "code")


def test_a_name_in_a_body_that_nothing_has_is_said_at_its_field(firm: Firm) -> None:
    """As in a line of a receipt; only what stands in the address is not found."""
    for path in ("/builds/preview", "/builds", "/builds/plan"):
        assert firm.owner.refused("POST", path, {"sku": "NONE", "quantity": "1"}) == (422, "invalid", "sku")
    opening = {"sku": "NONE", "quantity": "1", "total_cost": "1"}
    assert firm.owner.refused("POST", "/stock/opening", opening) == (422, "invalid", "sku")
    line = {"sku": "NONE", "quantity": "1", "unit_cost": "1"}
    assert firm.owner.refused("POST", "/receipts", {"supplier": "NOBODY", "lines": [line]}) == (
        422,
        "invalid",
        "supplier",
    )


def test_an_address_of_a_supplier_is_one(firm: Firm) -> None:
    for address in ("nonsense", "a b@c.example", "@", "NaN"):
        body = {"code": "BLT", "name": "Bolts & Co", "email": address}
        assert firm.owner.refused("POST", "/suppliers", body) == (422, "invalid", "email")
        assert firm.owner.refused("PATCH", "/suppliers/ACM", {"email": address}) == (422, "invalid", "email")
    firm.owner.send("PATCH", "/suppliers/ACM", {"email": "Sales@acm.example"})
    assert firm.owner.get("/suppliers/ACM")["email"] == "Sales@acm.example"
