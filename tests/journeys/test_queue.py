"""The order of planned builds, by mouse and by keyboard, alone and with somebody else at it."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from partsemble_core.services.planning import cancel_planned
from partsemble_core.services.queueing import move_planned
from tests.journeys.conftest import Console
from tests.web.shop import plan_lamps, stock_up

SOON = 12_000


def order(page: Page) -> list[str]:
    return page.locator("[data-queue] .cell-main a").all_text_contents()


def waits_for(page: Page, *references: str) -> None:
    expect(page.locator("[data-queue] .cell-main a")).to_have_text([f"PSB-00000{each}" for each in references])


def test_builds_are_dragged_into_their_order(console: Console) -> None:
    stock_up(console.shop)
    for quantity in ("1", "2", "3"):
        plan_lamps(console.shop, quantity)
    console.sign_in("builder")
    console.open("/planned-builds")
    page = console.page
    rows = page.locator("[data-queue] > tr")
    rows.nth(2).locator("[data-grip]").drag_to(rows.nth(0).locator("[data-grip]"))
    waits_for(page, "3", "1", "2")
    expect(page.locator("#queue-said")).to_have_text("PSB-000003 is number 1 of 3 now.")
    page.reload()
    waits_for(page, "3", "1", "2")


def test_the_keyboard_moves_a_build_and_keeps_its_place(console: Console) -> None:
    stock_up(console.shop)
    for quantity in ("1", "2", "3"):
        plan_lamps(console.shop, quantity)
    console.sign_in("builder")
    console.open("/planned-builds")
    page = console.page
    page.get_by_role("button", name="PSB-000003 up").focus()
    page.keyboard.press("Enter")
    waits_for(page, "1", "3", "2")
    expect(page.get_by_role("button", name="PSB-000003 up")).to_be_focused()
    expect(page.locator("#queue-said")).to_have_text("PSB-000003 is number 2 of 3 now.")
    page.keyboard.press("Enter")
    waits_for(page, "3", "1", "2")
    expect(page.locator("#queue-said")).to_have_text("PSB-000003 is number 1 of 3 now.")
    expect(page.get_by_role("button", name="PSB-000003 down")).to_be_focused()
    page.get_by_role("button", name="PSB-000002 to the top").press("Enter")
    waits_for(page, "2", "3", "1")


def test_what_another_moves_is_seen_and_what_is_gone_is_said(console: Console, page_errors: list[str]) -> None:
    stock_up(console.shop)
    first, _, third = (plan_lamps(console.shop, quantity) for quantity in ("1", "2", "3"))
    console.sign_in("builder")
    console.open("/planned-builds")
    page = console.page
    console.shop.write(lambda session, act: move_planned(session, act, third, to="top"))
    expect(page.locator("[data-queue] .cell-main a").first).to_have_text("PSB-000003", timeout=SOON)
    page.get_by_role("checkbox", name="PSB-000002").check()
    console.shop.write(lambda session, act: cancel_planned(session, act, first))
    page.get_by_role("button", name="PSB-000001 up").click()
    expect(page.get_by_role("alert")).to_contain_text("PSB-000001 isn't planned any more")
    waits_for(page, "3", "2")
    assert all("status of 409" in complaint for complaint in page_errors)
    page_errors.clear()


def test_ticked_plans_are_dated_and_cancelled_together(console: Console) -> None:
    stock_up(console.shop)
    for quantity in ("1", "2", "90"):
        plan_lamps(console.shop, quantity)
    console.sign_in("builder")
    console.open("/planned-builds")
    page = console.page
    expect(page.locator("[data-queue] > tr").nth(2)).to_contain_text("FRAME-AL: 10 of 90 missing")
    page.get_by_role("checkbox", name="PSB-000001").check()
    page.get_by_role("checkbox", name="PSB-000003").check()
    page.get_by_role("button", name="Set day or person").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Target day").fill("2026-12-24")
    dialog.get_by_role("button", name="Set", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("2 planned builds are changed.")
    expect(page.get_by_text("24 Dec 2026")).to_have_count(2)
    page.get_by_role("checkbox", name="PSB-000003").check()
    page.get_by_role("button", name="Cancel plans").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel plans").click()
    expect(page.get_by_role("status").first).to_contain_text("1 planned build is cancelled.")
    waits_for(page, "1", "2")
