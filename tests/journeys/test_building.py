from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.journeys.conftest import Console
from tests.web.shop import stock_up


def add_line(page: Page, *, sku: str, quantity: str, unit_cost: str) -> None:
    row = page.locator('[data-rows="line-row"] tr[data-row]').last
    row.get_by_label("Product SKU").fill(sku)
    row.get_by_label("Quantity").fill(quantity)
    row.get_by_label("Unit cost", exact=True).fill(unit_cost)


def test_parts_are_received_and_become_a_lamp(console: Console) -> None:
    page = console.page
    console.sign_in("builder")
    page.get_by_role("link", name="Receive", exact=True).click()
    page.get_by_label("Supplier").select_option("ACM")
    for i, (sku, quantity, cost) in enumerate(
        (("PANEL-24", "20", "34.50"), ("FRAME-AL", "20", "11"), ("SCREW-M3", "200", "0.05"))
    ):
        if i:
            page.get_by_role("button", name="Add a line").click()
        add_line(page, sku=sku, quantity=quantity, unit_cost=cost)
    page.get_by_role("button", name="Save draft").click()
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("dialog")).to_contain_text("3 lots open with goods worth 920.00 USD")
    page.get_by_role("button", name="Confirm receipt").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("PSB-RCV-0001")

    page.get_by_role("link", name="Builds", exact=True).click()
    page.get_by_role("link", name="Preview a build").click()
    page.get_by_label("Product").select_option(label="LAMP-01 · Workshop lamp")
    page.get_by_label("Quantity").fill("21")
    expect(page.get_by_role("alert")).to_contain_text("PANEL-24: 21 needed, 20 available, 1 missing")
    page.get_by_label("Quantity").fill("10")
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.locator("#preview")).to_contain_text("10 × LAMP-01")
    page.get_by_role("button", name="Execute build").click()
    expect(page.get_by_role("dialog")).to_contain_text("one lot worth 584.08 USD comes in")
    page.get_by_role("dialog").get_by_role("button", name="Execute build").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("PSB-000001")
    expect(page.get_by_role("status")).to_contain_text("PSB-000001 is done.")
    expect(page.locator("main")).to_contain_text("345.00")


def test_a_second_click_makes_no_second_receipt(console: Console) -> None:
    page = console.page
    console.sign_in("builder")
    console.open("/receipts/new")
    page.get_by_label("Supplier").select_option("ACM")
    add_line(page, sku="PANEL-24", quantity="1", unit_cost="1")
    page.get_by_role("button", name="Save draft").dblclick()
    page.wait_for_url("**/receipts/1")
    console.open("/receipts")
    expect(page.locator(".table-foot")).to_contain_text("1–1 of 1")


def test_a_list_is_searched_while_typing_and_remembers_it_in_the_address(console: Console) -> None:
    stock_up(console.shop)
    page = console.page
    console.sign_in("viewer")
    console.open("/lots")
    expect(page.locator(".table-foot")).to_contain_text("1–6 of 6")
    page.keyboard.press("/")
    page.keyboard.type("panel")
    expect(page.locator(".table-foot")).to_contain_text("1–3 of 3")
    page.get_by_role("link", name="Quantity left").click()
    page.wait_for_url("**/lots?search=panel&sort=quantity_left")
    expect(page.locator("tbody tr").first).to_contain_text("ACM-20260402")
    page.get_by_role("link", name="Quantity left").click()
    expect(page.locator("tbody tr").first).to_contain_text("NTL-20260421")
    page.reload()
    expect(page.locator("tbody tr").first).to_contain_text("NTL-20260421")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename == "lots.csv"
    assert len(download.value.path().read_text(encoding="utf-8-sig").splitlines()) == 4


def test_dark_stays_dark(console: Console) -> None:
    page = console.page
    console.sign_in("viewer")
    page.get_by_role("button", name="Switch between light and dark").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    console.open("/products")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
