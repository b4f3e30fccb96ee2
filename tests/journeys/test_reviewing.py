from __future__ import annotations

from playwright.sync_api import expect

from partsemble_core.services.opting import set_options
from tests.journeys.conftest import Console
from tests.web.shop import connect, make_lamps, stock_up


def test_a_build_is_rejected_in_part_and_the_trace_accounts_for_every_panel(
    console: Console, page_errors: list[str]
) -> None:
    connect(console.shop)
    stock_up(console.shop)
    console.shop.write(lambda session, act: set_options(session, {"qa_review": True}))
    make_lamps(console.shop, "60")
    page = console.page
    console.sign_in("builder")
    console.open("/builds/1")
    page.get_by_role("button", name="Reject").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").select_option("quality_defect")
    panels = dialog.get_by_label("PANEL-24")
    expect(panels).to_be_hidden()
    dialog.get_by_label("Some come back").check()
    expect(panels).to_be_visible()
    panels.fill("61")
    dialog.get_by_role("button", name="Reject build").click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    expect(panels).to_have_value("61")
    assert ["status of 422" in complaint for complaint in page_errors] == [True]
    page_errors.clear()
    panels.fill("10")
    dialog.get_by_role("button", name="Reject build").click()
    expect(page.locator("main")).to_contain_text("Rejected: quality defect")
    expect(page.locator("main")).to_contain_text("A part of the components went back; the rest is waste.")
    expect(page.get_by_role("link", name="PSB-000001-W")).to_be_visible()
    expect(page.locator("main")).to_contain_text("10 came back")
    page.get_by_role("link", name="ACM-20260410").click()
    page.get_by_role("link", name="Trace").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Trace of ACM-20260410")
    balance = page.get_by_role("region", name="Mass balance")
    expect(balance).to_contain_text("adds up")
    expect(balance.get_by_role("row", name="Went into builds")).to_contain_text("30")
    expect(balance.get_by_role("row", name="Still in the lot")).to_contain_text("20")
    expect(page.get_by_role("region", name="Where else it went")).to_contain_text("Wasted")
    page.emulate_media(media="print")
    expect(page.get_by_text("trace · printed")).to_be_visible()
    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
    page.emulate_media(media="screen")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert "waste" in download.value.path().read_text(encoding="utf-8-sig")
