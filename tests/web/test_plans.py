"""Planned builds at the console: their recipe falls behind, they are edited, refreshed, and previewed to the lot."""

from __future__ import annotations

import re
from collections.abc import Callable

from partsemble_core.services.cataloguing import ComponentInput, save_bom
from partsemble_core.services.opting import set_options
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
    assert "Newer BOM" not in builder.get("/planned-builds").text
    assert 'id="refresh"' not in builder.get(f"/builds/{plan}").text
    save_smaller_bom(shop)
    assert "PSB-000001 Newer BOM v2" in text_of(builder.get("/planned-builds"))
    page = text_of(builder.get(f"/builds/{plan}"))
    assert "Newer BOM v2" in page
    assert "It goes by BOM version 1; version 2 is active." in page
    assert "version 2 is active" in text_of(builder.get(f"/planned-builds/{plan}/execute"))
    assert visit(shop, "viewer").post(f"/planned-builds/{plan}/refresh").status_code == 403
    assert builder.post(f"/planned-builds/{plan}/refresh").status_code == 303
    after = text_of(builder.get(f"/builds/{plan}"))
    assert "Newer BOM" not in after
    assert "FRAME-AL" not in after


def test_whoever_comes_late_to_a_plan_is_led_to_what_became_of_it(shop: Shop, visit: Visit) -> None:
    stock_up(shop)
    plan, builder = plan_lamps(shop, "2"), visit(shop, "builder")
    assert builder.post(f"/builds/{plan}/cancel").status_code == 303
    path = f"/planned-builds/{plan}/edit"
    for come in (lambda: builder.get(path), lambda: builder.post(path, {"quantity": "3"})):
        late = come()
        assert (late.status_code, late.location) == (303, f"/builds/{plan}")
        assert "was cancelled by builder@lumen.example on" in text_of(builder.get(late.location))
    again = builder.post(f"/builds/{plan}/cancel")
    assert again.status_code == 409
    assert "Cancelled while it was planned." in text_of(again)
    assert "was cancelled by builder@lumen.example on" in text_of(again)


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
    assert builder.get(f"/planned-builds/{plan}/execute").location == f"/builds/{plan}"
    assert "was executed by builder@lumen.example" in text_of(builder.get(f"/builds/{plan}"))


def test_a_sheet_lists_the_lots_to_take_and_has_a_code_to_scan(shop: Shop, visit: Visit) -> None:
    stock_up(shop)
    plan = plan_lamps(shop, "30")
    sheet = visit(shop, "viewer").get(f"/builds/{plan}/sheet")
    text = text_of(sheet)
    assert "PANEL-24 Light panel 24 W 30 each ACM-20260402 20 ACM-20260410 10" in text
    assert "Picked by" in text
    assert " style=" not in sheet.text
    assert "<svg" in sheet.text
    assert 'viewBox="0 0 ' in sheet.text
    assert "missing" in text_of(visit(shop, "viewer").get(f"/builds/{plan_lamps(shop, '95')}/sheet"))


def test_who_was_faster_is_named_on_the_build_as_it_is_now(shop: Shop, visit: Visit) -> None:
    stock_up(shop)
    shop.write(lambda session, act: set_options(session, {"qa_review": True}))
    plan = plan_lamps(shop, "2")
    first, second = visit(shop, "admin"), visit(shop, "builder")
    assert first.post(f"/builds/{plan}/execute").status_code == 303
    for path in (f"/builds/{plan}/execute", f"/builds/{plan}/cancel", f"/planned-builds/{plan}/refresh"):
        late = second.post(path)
        assert late.status_code == 409, path
        assert "PSB-000001 was executed by admin@lumen.example on" in text_of(late)
        assert "It waits for quality review" in text_of(late)
    assert first.post(f"/builds/{plan}/approve").status_code == 303
    for path in ("approve", "reject"):
        late = second.post(f"/builds/{plan}/{path}", {"reason": "other", "recovery": "full"})
        assert late.status_code == 409
        assert "PSB-000001 was approved by admin@lumen.example on" in text_of(late)
        assert "Output lot" in text_of(late)
    reason = {"reason": "wrong", "reversed_on": ""}
    assert first.post(f"/builds/{plan}/reverse", reason).status_code == 303
    again = first.post(f"/builds/{plan}/reverse", reason)
    assert again.status_code == 409
    assert "already reversed by PSB-REV-0001" in text_of(again)


def test_pages_ask_whether_anything_has_changed(shop: Shop, visit: Visit) -> None:
    viewer = visit(shop, "viewer")
    mark = viewer.get("/live").get_json()["mark"]
    assert f'data-live="{mark}"' in viewer.get("/builds").text
    assert viewer.get(f"/live?seen={mark}").status_code == 204
    plan_lamps(shop, "1")
    news = viewer.get(f"/live?seen={mark}").get_json()
    assert news["mark"] != mark
    assert news["busy"] is False
    assert Visitor(shop).get("/live").status_code == 303


def test_a_page_that_is_compared_takes_no_message_away(shop: Shop, visit: Visit) -> None:
    builder = visit(shop, "builder")
    lamp = shop.ids["LAMP-01"]
    assert builder.post("/planned-builds", {"product": lamp, "quantity": "1"}).status_code == 303
    assert "is planned." not in text_of(builder.get("/planned-builds", headers={"Partsemble-Live": "1"}))
    assert "PSB-000001 is planned." in text_of(builder.get("/planned-builds"))


def test_one_ticked_plan_that_is_no_id_stops_them_all(shop: Shop, visit: Visit) -> None:
    stock_up(shop)
    plan, builder = plan_lamps(shop, "2"), visit(shop, "builder")
    wrong = builder.post("/planned-builds/ticked", {"ids": [str(plan), "x"], "action": "cancel"})
    assert wrong.status_code == 422
    assert "These are no rows of the list. Tick some in it." in text_of(wrong)
    assert re.search(rf'<input[^>]*name="ids" value="{plan}"[^>]* checked', wrong.text)
    assert "Planned" in text_of(builder.get(f"/builds/{plan}"))
    long = builder.post("/planned-builds/ticked", {"ids": [str(plan)], "action": "set", "assignee": "x" * 201})
    assert "“For” may have at most 200 characters." in text_of(long)
    assert builder.post("/planned-builds/ticked", {"ids": [str(plan)], "action": "cancel"}).status_code == 303
