"""Planned builds at the console: their recipe falls behind, they are edited, refreshed, and previewed to the lot."""

from __future__ import annotations

import re
from collections.abc import Callable

from partsemble_core.services.cataloguing import ComponentInput, save_bom
from tests.web.people import Visitor, text_of
from tests.web.shop import Shop, plan_lamps, stock_up

Visit = Callable[[Shop, str], Visitor]


def save_smaller_bom(shop: Shop) -> None:
    parts = [ComponentInput(sku="PANEL-24", quantity="1")]
    shop.write(lambda session, act: save_bom(session, act, product_id=shop.ids["LAMP-01"], components=parts))


def test_a_plan_says_that_its_recipe_is_old_until_it_is_refreshed(shop: Shop, visit: Visit) -> None:
    stock_up(shop)
    plan = plan_lamps(shop, "2")
    builder = visit(shop, "builder")
    assert "Newer recipe" not in builder.get("/planned-builds").text
    assert 'id="refresh"' not in builder.get(f"/builds/{plan}").text
    save_smaller_bom(shop)
    assert "PSB-000001 Newer recipe v2" in text_of(builder.get("/planned-builds"))
    page = text_of(builder.get(f"/builds/{plan}"))
    assert "Newer recipe v2" in page
    assert "It goes by BOM version 1; version 2 is active." in page
    assert "version 2 is active" in text_of(builder.get(f"/planned-builds/{plan}/execute"))
    assert visit(shop, "viewer").post(f"/planned-builds/{plan}/refresh").status_code == 403
    assert builder.post(f"/planned-builds/{plan}/refresh").status_code == 303
    after = text_of(builder.get(f"/builds/{plan}"))
    assert "Newer recipe" not in after
    assert "FRAME-AL" not in after


def test_a_plan_is_edited_and_only_changed_lines_make_it_modified(shop: Shop, visit: Visit) -> None:
    stock_up(shop)
    plan = plan_lamps(shop, "2")
    builder = visit(shop, "builder")
    form = builder.get(f"/planned-builds/{plan}/edit").text
    cells = {
        "line_sku": ["PANEL-24", "FRAME-AL", "SCREW-M3", "WIRE-075"],
        "line_quantity": ["1", "1", "8", "0.35"],
        "line_scrap_percent": ["0", "0", "2", "0"],
    }
    for name, texts in cells.items():
        assert re.findall(rf'name="{name}" [^>]*value="([^"]*)"', form)[:4] == texts
    head = {"quantity": "2", "target_on": "2026-12-01", "assignee": "Mia", "notes": "Rush"}
    stands = {**head, **cells, "line_optional": ["", "", "", "1"]}
    assert builder.post(f"/planned-builds/{plan}/edit", stands).status_code == 303
    page = text_of(builder.get(f"/builds/{plan}"))
    assert "Target 1 Dec 2026 For Mia" in page
    assert "Modified" not in page
    wrong = {**stands, "quantity": "3", "line_quantity": ["1", "0", "8", "0.35"]}
    refused = builder.post(f"/planned-builds/{plan}/edit", wrong)
    assert refused.status_code == 422
    assert 'name="quantity" type="text"\n    value="3"' in refused.text
    changed = {**wrong, "line_quantity": ["1", "2", "8", "0.35"]}
    assert builder.post(f"/planned-builds/{plan}/edit", changed).status_code == 303
    page = text_of(builder.get(f"/builds/{plan}"))
    assert "3 × LAMP-01" in page
    assert "Modified" in page
    assert "PSB-000001 Modified" in text_of(builder.get("/planned-builds"))


def test_a_plan_is_executed_at_the_figures_that_were_shown_or_not_at_all(shop: Shop, visit: Visit) -> None:
    stock_up(shop)
    plan = plan_lamps(shop, "2")
    builder = visit(shop, "builder")
    page = builder.get(f"/planned-builds/{plan}/execute")
    assert "ACM-20260402 2 34.50 69.00" in text_of(page)
    found = re.search(r'name="expected" value="([^"]+)"', page.text)
    assert found is not None
    wrong = builder.post(f"/builds/{plan}/execute", {"expected": "1"})
    assert wrong.status_code == 409
    assert "Stock has changed since the preview" in text_of(wrong)
    assert builder.post(f"/builds/{plan}/execute", {"expected": found[1]}).status_code == 303
    assert "Made 2 each" in text_of(builder.get(f"/builds/{plan}"))
    assert builder.get(f"/planned-builds/{plan}/execute").status_code == 409
