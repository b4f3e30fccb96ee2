from __future__ import annotations

from playwright.sync_api import expect

from tests.journeys.conftest import Console
from tests.web.shop import make_lamps, stock_up


def test_the_palette_finds_a_lot_and_a_page_by_keys_alone(console: Console, page_errors: list[str]) -> None:
    stock_up(console.shop)
    make_lamps(console.shop, "60")
    page = console.page
    console.sign_in("builder")
    page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Search everything")
    expect(palette.get_by_role("link", name="Stock ledger")).to_be_visible()
    page.keyboard.type("acm-2026041")
    expect(palette.get_by_role("link", name="ACM-20260410")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("ACM-20260410")
    page.keyboard.press("Control+k")
    page.keyboard.type("valuation")
    expect(palette.get_by_role("link", name="Valuation")).to_be_visible()
    expect(palette.get_by_role("link", name="Stock ledger")).to_be_hidden()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/valuation")
    page.keyboard.press("Control+k")
    page.keyboard.type("reconcile")
    expect(palette.get_by_role("link", name="Reconcile")).to_be_visible()
    expect(palette).not_to_contain_text("Nothing holds")
    page.keyboard.press("Control+a")
    page.keyboard.type("PSB-000001")
    page.keyboard.press("Enter")
    page.wait_for_url("**/builds/1")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    assert page_errors == []
