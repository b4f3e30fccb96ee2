"""A scanner that types: it opens things, counts a shelf, and enters what arrived."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from partsemble_core.services.counting import start_count
from partsemble_core.services.scanning import lot_address
from tests.journeys.conftest import Console
from tests.web.shop import stock_up


def scan(page: Page, code: str) -> None:
    """What a scanner does: it types into whatever has the focus, and ends with Enter."""
    page.keyboard.insert_text(code)
    page.keyboard.press("Enter")


def test_a_key_leads_to_the_field_and_a_label_opens_its_lot(console: Console, page_errors: list[str]) -> None:
    stock_up(console.shop)
    page = console.page
    page.set_viewport_size({"width": 768, "height": 1024})
    console.sign_in("builder")
    page.keyboard.press("s")
    page.wait_for_url("**/scan")
    field = page.get_by_label("Scan or type")
    expect(field).to_be_focused()
    box = field.bounding_box()
    assert box is not None
    assert box["height"] >= 48, "big enough for a finger"
    scan(page, lot_address(console.address, number="ACM-20260422", sku="SCREW-M3"))
    page.wait_for_url("**/lots/5")
    page.keyboard.press("s")
    page.wait_for_url("**/scan")
    scan(page, "ACM-20260422")
    expect(page.get_by_role("heading", name="Which one is it?")).to_be_visible()
    page.get_by_role("link", name="ACM-20260422 WIRE-075").click()
    page.wait_for_url("**/lots/6")
    page.keyboard.press("s")
    page.wait_for_url("**/scan")
    scan(page, "4006381333931")
    expect(page.get_by_role("alert")).to_contain_text("“4006381333931” was read. Nothing here goes by that.")
    expect(page.get_by_label("Scan or type")).to_be_focused()
    assert page_errors == []


def test_a_shelf_is_counted_by_scanning(console: Console, page_errors: list[str]) -> None:
    stock_up(console.shop)
    console.shop.write(lambda session, act: start_count(session, act))
    page = console.page
    page.set_viewport_size({"width": 390, "height": 844})
    console.sign_in("builder")
    console.open("/counts/1")
    said = page.locator("[data-scan-said]")
    page.keyboard.press("s")
    scan(page, "ACM-20260402")
    panel = page.get_by_label("Counted of PANEL-24, lot ACM-20260402")
    expect(panel).to_be_focused()
    page.keyboard.type("17")
    scan(page, "")
    expect(page.get_by_label("Scan a lot")).to_be_focused()
    scan(page, "ACM-20260402")
    expect(panel).to_have_value("18")
    screws = lot_address(console.address, number="ACM-20260422", sku="SCREW-M3")
    scan(page, screws)
    counted = page.get_by_label("Counted of SCREW-M3, lot ACM-20260422")
    expect(counted).to_be_focused()
    scan(page, screws)  # typed into the row itself
    expect(counted).to_have_value("1")
    scan(page, screws)
    expect(counted).to_have_value("2")
    scan(page, "ACM-20260422")
    expect(said).to_contain_text("3 lots on this count go by “ACM-20260422”")
    scan(page, "ELSEWHERE")
    expect(said).to_contain_text("“ELSEWHERE” is not on this count.")
    page.get_by_role("button", name="Save what was counted").click()
    expect(page.get_by_role("status").first).to_contain_text("PSB-CNT-0001 is saved.")
    expect(page.get_by_label("Counted of PANEL-24, lot ACM-20260402")).to_have_value("18")
    assert page_errors == []


def test_what_arrived_is_scanned_into_lines(console: Console, page_errors: list[str]) -> None:
    stock_up(console.shop)
    page = console.page
    page.set_viewport_size({"width": 768, "height": 1024})
    console.sign_in("builder")
    console.open("/receipts/new")
    page.get_by_label("Supplier").select_option("ACM")
    page.keyboard.press("Escape")
    page.get_by_label("Scan what arrived").click()
    scan(page, "panel-24")
    quantities = page.get_by_label("Quantity", exact=True)
    expect(quantities.first).to_be_focused()
    page.keyboard.type("12")
    scan(page, "")
    expect(page.get_by_label("Scan what arrived")).to_be_focused()
    scan(page, lot_address(console.address, number="ACM-20260422", sku="SCREW-M3"))
    expect(quantities.nth(1)).to_be_focused()
    page.keyboard.type("500")
    scan(page, "")
    scan(page, "PANEL-24")
    expect(page.locator("[data-scan-said]")).to_contain_text("PANEL-24 has a line already")
    expect(quantities.first).to_be_focused()
    page.get_by_label("Unit cost", exact=True).first.fill("31")
    page.get_by_label("Unit cost", exact=True).nth(1).fill("0.03")
    page.get_by_role("button", name="Save draft").click()
    page.wait_for_url("**/receipts/5")
    expect(page.locator("tbody tr").first).to_contain_text("PANEL-24")
    expect(page.locator("tbody tr").nth(1)).to_contain_text("500")
    expect(page.locator("tfoot")).to_contain_text("387.00")
    assert page_errors == []
