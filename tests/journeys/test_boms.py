from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from partsemble_core.services.cataloguing import ComponentInput, create_product, save_bom
from tests.journeys.conftest import Console
from tests.web.shop import stock_up


def parts(page: Page) -> Locator:
    return page.locator("#part-lines > li")


def skus(page: Page) -> list[str]:
    return [field.input_value() for field in parts(page).get_by_label("Component SKU").all()]


def settle(page: Page) -> None:
    """Waits for the estimate of what was typed last."""
    expect(page.locator("#totals")).to_have_attribute("aria-busy", "false", timeout=30_000)


def save(page: Page) -> None:
    """Once the estimate has come: it would complain that it was cut off."""
    settle(page)
    page.get_by_role("button", name="Save and activate").click()


def refusals(page_errors: list[str]) -> list[int]:
    """The statuses that the browser noted, which are then dealt with."""
    noted = [int(words.partition("status of ")[2][:3]) for words in page_errors]
    page_errors.clear()
    return noted


@pytest.fixture
def editor(console: Console) -> Page:
    """The BOM of the lamp, which is 1 panel, 1 frame, 8 screws with 2 % scrap, some wire if there is any, and work."""
    stock_up(console.shop)
    console.sign_in("builder")
    console.open("/products/5/bom")
    return console.page


def test_the_cost_follows_what_is_typed(editor: Page) -> None:
    direct = editor.locator('[data-total="direct"]')
    expect(direct).to_contain_text("59.665563")
    panel = parts(editor).nth(0)
    panel.get_by_label("Quantity").fill("2")
    settle(editor)
    expect(panel.locator(".bom-cost")).to_have_text("71.352942")
    expect(direct).to_contain_text("95.342034")
    expect(editor.locator('[data-total="buildable"]')).to_contain_text("80")
    screws = parts(editor).nth(2)
    screws.get_by_label("Scrap %").fill("100")
    settle(editor)
    expect(screws.get_by_text("Scrap must be at least 0 and below 100 per cent.")).to_be_visible()
    expect(screws.get_by_label("Scrap %")).to_have_attribute("aria-invalid", "true")
    expect(editor.locator("#totals")).to_contain_text("Without 1 line")
    screws.get_by_label("Scrap %").fill("0")
    settle(editor)
    expect(screws.get_by_label("Scrap %")).not_to_have_attribute("aria-invalid", "true")
    expect(direct).to_contain_text("95.337042")
    editor.get_by_role("button", name="Add a cost line").click()
    work = editor.locator("#cost-lines > li").last
    work.get_by_label("Label").fill("Box")
    work.get_by_label("Fixed amount").fill("1.20")
    settle(editor)
    expect(direct).to_contain_text("96.537042")
    parts(editor).nth(3).get_by_role("button", name="Remove this line").click()
    expect(parts(editor)).to_have_count(3)
    save(editor)
    expect(editor.get_by_role("status")).to_contain_text("BOM version 2 is active now.")
    expect(editor.locator("tfoot")).to_contain_text("96.537042")


def test_a_line_is_dragged_and_moved_by_keys(editor: Page) -> None:
    assert skus(editor) == ["PANEL-24", "FRAME-AL", "SCREW-M3", "WIRE-075"]
    grip, below = parts(editor).nth(0).locator("[data-grip]"), parts(editor).nth(2)
    start, end = grip.bounding_box(), below.bounding_box()
    assert start is not None
    assert end is not None
    editor.mouse.move(start["x"] + 8, start["y"] + 16)
    editor.mouse.down()
    editor.mouse.move(start["x"] + 8, start["y"] + 40, steps=4)
    editor.mouse.move(start["x"] + 8, end["y"] + end["height"] - 6, steps=12)
    editor.mouse.up()
    expect(editor.locator("#bom-said")).to_have_text("PANEL-24 is line 3 of 4 now.")
    assert skus(editor) == ["FRAME-AL", "SCREW-M3", "PANEL-24", "WIRE-075"]

    up = parts(editor).nth(3).get_by_role("button", name="Move this line up")
    up.focus()
    editor.keyboard.press("Enter")
    expect(editor.locator("#bom-said")).to_have_text("WIRE-075 is line 3 of 4 now.")
    expect(parts(editor).nth(2).get_by_role("button", name="Move this line up")).to_be_focused()
    editor.keyboard.press("Enter")
    editor.keyboard.press("Enter")
    editor.keyboard.press("Enter")
    expect(editor.locator("#bom-said")).to_have_text("WIRE-075 stays line 1 of 4.")
    assert skus(editor) == ["WIRE-075", "FRAME-AL", "SCREW-M3", "PANEL-24"]
    save(editor)
    expect(editor.get_by_role("status")).to_contain_text("BOM version 2 is active now.")
    editor.get_by_role("link", name="Edit BOM").click()
    assert skus(editor) == ["WIRE-075", "FRAME-AL", "SCREW-M3", "PANEL-24"]


def add_set(console: Console) -> int:
    """A set of two lamps; its id."""
    shop = console.shop
    made = shop.write(lambda session, act: create_product(session, act, sku="SET-2", name="Two lamps"))
    lamps = [ComponentInput(sku="LAMP-01", quantity="2")]
    shop.write(lambda session, act: save_bom(session, act, product_id=made.id, components=lamps))
    return made.id


def test_a_cycle_is_refused_at_its_field_with_its_path(console: Console, editor: Page, page_errors: list[str]) -> None:
    add_set(console)
    editor.get_by_role("button", name="Add a line").click()
    line = parts(editor).last
    expect(line.get_by_label("Component SKU")).to_be_focused()
    line.get_by_label("Component SKU").fill("SET-2")
    line.get_by_label("Quantity").fill("1")
    settle(editor)
    path = "This would make LAMP-01 out of itself: LAMP-01 → SET-2 → LAMP-01."
    expect(line.get_by_text(path)).to_be_visible()
    save(editor)
    expect(editor.get_by_role("alert")).to_contain_text(path)
    expect(parts(editor).last.get_by_label("Component SKU")).to_have_value("SET-2")
    expect(parts(editor).last.get_by_text(path)).to_be_visible()
    expect(parts(editor).last.get_by_label("Component SKU")).to_have_attribute("aria-invalid", "true")
    assert refusals(page_errors) == [422]


def test_a_sub_assembly_unfolds_and_stays_open_while_one_types(console: Console, editor: Page) -> None:
    made = add_set(console)
    console.open(f"/products/{made}/bom")
    line = parts(editor).first
    line.get_by_text("What 2 × LAMP-01 is made of").click()
    expect(line.locator(".tree")).to_contain_text("PANEL-24")
    expect(line.locator(".tree-sum")).to_contain_text("119.331126")
    line.get_by_label("Places on the board").fill("L1")
    editor.get_by_role("button", name="Add a cost line").click()
    editor.get_by_label("Label").fill("Box")
    editor.get_by_label("Fixed amount").fill("3")
    settle(editor)
    expect(editor.locator('[data-total="rolled-up"]')).to_contain_text("122.331126")
    expect(line.locator(".tree-sum")).to_be_visible()
    line.get_by_label("Quantity").fill("4")
    settle(editor)
    expect(line.locator(".tree-sum")).to_contain_text("238.662252")


def test_somebody_elses_save_is_not_overwritten_unseen(console: Console, editor: Page, page_errors: list[str]) -> None:
    parts(editor).nth(0).get_by_label("Quantity").fill("3")
    theirs = [ComponentInput(sku="PANEL-24", quantity="1"), ComponentInput(sku="FRAME-AL", quantity="2")]
    console.shop.write(lambda session, act: save_bom(session, act, product_id=5, components=theirs))
    save(editor)
    expect(editor.get_by_role("alert")).to_contain_text("owner@lumen.example made version 2 active after you began")
    told = editor.get_by_role("region", name="What you typed is still here")
    expect(told).to_contain_text("FRAME-AL: quantity 1 → 2")
    expect(told).to_contain_text("PANEL-24: quantity 1 → 3")
    expect(parts(editor).nth(0).get_by_label("Quantity")).to_have_value("3")
    assert refusals(page_errors) == [409]
    editor.get_by_role("button", name="Save over version 2").click()
    expect(editor.get_by_role("status")).to_contain_text("BOM version 3 is active now.")

    editor.get_by_role("link", name="All versions").click()
    editor.get_by_label("From version").select_option("1")
    editor.get_by_label("To version").select_option("3")
    editor.get_by_role("button", name="Compare").click()
    expect(editor.locator("main")).to_contain_text("1 line differs")
    expect(editor.locator("tr.change-changed")).to_contain_text("PANEL-24")
    expect(editor.locator('[data-effect="direct"]')).to_have_text("+71.352942")
    editor.get_by_role("link", name="Copy version 1 into the editor").click()
    expect(editor.locator("main")).to_contain_text("This is version 1, copied into the form.")
    expect(parts(editor).nth(0).get_by_label("Quantity")).to_have_value("1")


def test_a_whole_page_is_ticked_and_the_bar_says_how_many(console: Console) -> None:
    page = console.page
    console.sign_in("builder")
    console.open("/products?kind=raw_material")
    rows = page.locator("tbody input[name=ids]")
    count = rows.count()
    bar = page.get_by_role("form", name="What to do with the ticked products")
    whole = page.get_by_role("checkbox", name="Tick the whole page")
    expect(bar).to_be_hidden()
    rows.first.check()
    expect(bar).to_contain_text("1 ticked")
    expect(whole).to_be_checked(indeterminate=True)
    whole.click()
    expect(bar).to_contain_text(f"{count} ticked")
    expect(page.locator("tbody input[name=ids]:checked")).to_have_count(count)
    rows.last.uncheck()
    expect(bar).to_contain_text(f"{count - 1} ticked")
    bar.get_by_role("button", name="Tick the whole page").click()
    expect(whole).to_be_checked()
    bar.get_by_role("button", name="Untick").click()
    expect(page.locator("tbody input[name=ids]:checked")).to_have_count(0)
    expect(bar).to_be_hidden()
    whole.check()
    page.get_by_role("searchbox", name="Search Products").fill("screw")
    expect(rows).to_have_count(1)
    rows.first.check()
    expect(bar).to_contain_text("1 ticked")


def test_many_products_are_ticked_and_changed(console: Console, page_errors: list[str]) -> None:
    page = console.page
    console.sign_in("builder")
    console.open("/products?kind=raw_material")
    page.get_by_role("checkbox", name="Screw").check()
    page.get_by_role("checkbox", name="Wire").check()
    page.get_by_role("button", name="Set reorder point").first.click()
    page.get_by_role("textbox", name="Reorder point").fill("42")
    page.get_by_role("dialog").get_by_role("button", name="Set reorder point").click()
    expect(page.get_by_role("status")).to_contain_text("The reorder point of 2 products is set.")
    page.wait_for_url("**/products?kind=raw_material")
    expect(page.locator("tbody tr").nth(0)).to_contain_text("42")
    page.get_by_role("checkbox", name="Wire").check()
    page.get_by_role("button", name="Deactivate").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Deactivate").click()
    expect(page.locator("main")).to_contain_text("WIRE-075 (in the BOM of LAMP-01)")
    assert refusals(page_errors) == [409]
