"""The BOM editor without a browser: what was typed stays, what is wrong is said at its line, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable

from partsemble_core.services.cataloguing import ComponentInput, save_bom
from tests.web.people import Visitor, text_of
from tests.web.shop import Shop, stock_up

Visit = Callable[[Shop, str], Visitor]
FORM = {
    "based_on": "1",
    "output_quantity": "1",
    "line": ["a", "b"],
    "sku": ["PANEL-24", "NOTHING"],
    "quantity": ["2", "1"],
    "scrap_percent": ["", ""],
    "optional": ["", "1"],
    "designators": ["P1, P2", ""],
}


def test_a_refused_form_comes_back_as_it_was_typed_with_what_is_wrong_at_its_line(shop: Shop, visit: Visit) -> None:
    stock_up(shop)
    builder = visit(shop, "builder")
    answer = builder.post("/products/5/bom", FORM)
    assert answer.status_code == 422
    assert 'value="NOTHING"' in answer.text
    assert 'value="P1, P2"' in answer.text
    said = answer.text.split('id="said-b-sku"')[1].split("</p>")[0]
    assert "There is no product with SKU" in said
    assert "71.352942" in text_of(answer), "the line that can stand has its cost"
    assert text_of(builder.get("/products/5/bom/versions")).count("Archived") == 0


def test_a_cost_that_is_not_known_is_no_zero(shop: Shop, visit: Visit) -> None:
    builder = visit(shop, "builder")
    form = FORM | {"sku": ["PANEL-24", "WIRE-075"], "optional": ["", ""]}
    said = text_of(builder.post("/products/5/bom/estimate", form))
    assert said.count("without 2 parts whose cost isn’t known") == 2, "directly, and rolled up"
    assert said.count("in stock – –") == 2, "unit cost and cost of a line"
    assert "parts whose cost isn’t known" in text_of(builder.get("/products/5"))
    stock_up(shop)
    assert "cost isn’t known" not in text_of(builder.post("/products/5/bom/estimate", form))
    assert "cost isn’t known" not in text_of(builder.get("/products/5"))


def test_an_estimate_answers_a_part_of_the_page_and_calls_nothing_wrong_that_is_still_empty(
    shop: Shop, visit: Visit
) -> None:
    stock_up(shop)
    builder = visit(shop, "builder")
    answer = builder.post("/products/5/bom/estimate", {**FORM, "quantity": ["2", ""], "sku": ["PANEL-24", ""]})
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert 'id="costs-a" hx-swap-oob="true"' in answer.text
    assert "71.352942" in answer.text
    assert "plain decimal number" not in answer.text
    hostile = {**FORM, "line": ['"><script>', "a"], "quantity": ["1e9", "٣"], "output_quantity": "0"}
    answer = builder.post("/products/5/bom/estimate", hostile)
    assert answer.status_code == 200
    assert "<script" not in answer.text
    assert "said-at-0-quantity" in answer.text
    assert builder.post("/products/99/bom/estimate", FORM).status_code == 404


def test_a_save_that_was_overtaken_shows_both_sides_and_goes_through_the_second_time(shop: Shop, visit: Visit) -> None:
    builder = visit(shop, "builder")
    theirs = [ComponentInput(sku="PANEL-24", quantity="4")]
    shop.write(lambda session, act: save_bom(session, act, product_id=5, components=theirs))
    mine = {**FORM, "sku": ["PANEL-24", "FRAME-AL"]}
    answer = builder.post("/products/5/bom", mine)
    assert answer.status_code == 409
    assert "owner@lumen.example made version 2 active" in text_of(answer)
    assert "PANEL-24: quantity 1 → 4" in text_of(answer)
    assert "FRAME-AL: added" in text_of(answer)
    assert 'name="based_on" value="2"' in answer.text
    assert builder.post("/products/5/bom", {**mine, "based_on": "2"}).status_code == 303
    assert text_of(builder.get("/products/5/bom/versions")).count("Archived") == 6, "in the table and in both choices"


def test_versions_are_compared_and_copied(shop: Shop, visit: Visit) -> None:
    builder = visit(shop, "builder")
    assert "Nothing to compare yet" in text_of(builder.get("/products/5/bom/difference"))
    theirs = [ComponentInput(sku="PANEL-24", quantity="4")]
    shop.write(lambda session, act: save_bom(session, act, product_id=5, components=theirs))
    page = text_of(builder.get("/products/5/bom/difference"))
    assert "4 lines differ" in page
    assert "PANEL-24 Light panel 24 W Changed 1 4" in page
    assert "Assembly Removed Labour, 25.00 × 0.5" in page
    copied = builder.get("/products/5/bom?version=1")
    assert "This is version 1, copied into the form." in text_of(copied)
    assert 'name="based_on" value="2"' in copied.text
    assert 'value="SCREW-M3"' in copied.text
    assert builder.get("/products/5/bom?version=9").status_code == 404
    assert builder.get("/products/5/bom?version=one").status_code == 422
    assert visit(shop, "viewer").get("/products/5/bom/difference").status_code == 200


def test_a_product_shows_its_history_and_what_plans_need(full_shop: Shop, visit: Visit) -> None:
    page = visit(full_shop, "viewer").get("/products/1")
    text = text_of(page)
    assert "Stock over the last year" in text
    assert "data-stock=" in page.text
    assert "2 Apr 2026 20 690.00" in text, "the first receipt, in the table beside the chart"
    assert "Planned builds need" in text
    assert "PSB-000002 LAMP-01 – 2" in text


def test_ticked_products_are_changed_and_the_list_keeps_its_filters(shop: Shop, visit: Visit) -> None:
    builder = visit(shop, "builder")
    ticked = {"ids": ["3", "4"], "kind": "raw_material", "sort": "-sku"}
    answer = builder.post("/products/reorder-point", {**ticked, "reorder_point": "9"})
    assert (answer.status_code, answer.location) == (303, "/products?sort=-sku&kind=raw_material")
    wrong = builder.post("/products/reorder-point", {**ticked, "reorder_point": "few"})
    assert wrong.status_code == 422
    refused = builder.post("/products/deactivate", ticked)
    assert refused.status_code == 409
    assert "SCREW-M3 (in the BOM of LAMP-01); WIRE-075 (in the BOM of LAMP-01)" in text_of(refused)
    assert builder.post("/products/deactivate", {"ids": ["5"]}).status_code == 303
    assert "Inactive" in text_of(builder.get("/products/5"))
    assert builder.post("/products/activate", {"ids": ["5"]}).status_code == 303
    assert builder.post("/products/activate", {}).status_code == 422
    assert builder.post("/products/activate", {"ids": ["x"]}).status_code == 404
