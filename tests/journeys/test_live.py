"""Two people at once: what one does, the other's page shows by itself, and nothing that is typed is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from partsemble_core.services.building import execute_planned
from partsemble_core.services.planning import cancel_planned, plan_build
from partsemble_core.services.supplying import update_supplier
from tests.journeys.conftest import Console
from tests.web.shop import plan_lamps, stock_up

SOON = 12_000
"""Milliseconds. Pages ask every five seconds; a slow machine takes its time."""


@pytest.fixture
def other(console: Console, browser: Browser) -> Iterator[Console]:
    """Somebody else, at the same console with a browser of their own."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, timezone_id="UTC", locale="en-GB")
    context.set_default_timeout(15_000)
    try:
        yield Console(context.new_page(), console.shop, console.address)
    finally:
        context.close()


def test_a_build_that_another_executes_turns_into_the_executed_one(console: Console, other: Console) -> None:
    stock_up(console.shop)
    plan = plan_lamps(console.shop, "2")
    console.sign_in("builder")
    other.sign_in("admin")
    console.open(f"/builds/{plan}")
    page = console.page
    link = page.get_by_role("link", name="LAMP-01").first
    link.focus()
    expect(page.get_by_role("link", name="Execute")).to_be_visible()
    other.open(f"/planned-builds/{plan}/execute")
    other.page.get_by_role("button", name="Execute build").click()
    other.page.get_by_role("dialog").get_by_role("button", name="Execute build").click()
    expect(other.page.get_by_role("status")).to_contain_text("is executed")
    expect(page.locator("main")).to_contain_text("Output lot", timeout=SOON)
    expect(page.get_by_role("link", name="Execute")).to_have_count(0)
    expect(link).to_be_focused()
    expect(page.locator("#news")).to_be_hidden()


def test_executing_what_another_has_executed_says_who_and_when(console: Console, page_errors: list[str]) -> None:
    stock_up(console.shop)
    plan = plan_lamps(console.shop, "2")
    console.sign_in("builder")
    console.open(f"/planned-builds/{plan}/execute")
    page = console.page
    page.get_by_role("button", name="Execute build").click()
    console.shop.write(lambda session, act: execute_planned(session, act, plan))
    page.get_by_role("dialog").get_by_role("button", name="Execute build").click()
    expect(page.get_by_role("alert")).to_contain_text("PSB-000001 was executed by owner@lumen.example on")
    expect(page.locator("main")).to_contain_text("Output lot")
    assert ["status of 409" in complaint for complaint in page_errors] == [True]
    page_errors.clear()


def test_a_preview_of_a_build_that_is_gone_leads_to_the_build(console: Console) -> None:
    stock_up(console.shop)
    plan = plan_lamps(console.shop, "2")
    console.sign_in("builder")
    console.open(f"/planned-builds/{plan}/execute")
    console.shop.write(lambda session, act: cancel_planned(session, act, plan))
    console.page.wait_for_url(f"{console.address}/builds/{plan}", timeout=SOON)
    expect(console.page.locator("main")).to_contain_text("was cancelled by")


def test_what_is_typed_stays_and_a_bar_offers_the_new_page(console: Console, page_errors: list[str]) -> None:
    console.sign_in("builder")
    console.open("/suppliers/1/edit")
    page = console.page
    page.get_by_label("Phone").fill("555 1234")
    console.shop.write(lambda session, act: update_supplier(session, act, 1, name="Acme Panels"))
    bar = page.locator("#news")
    expect(bar).to_be_visible(timeout=SOON)
    expect(page.get_by_label("Phone")).to_have_value("555 1234")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("ACM was changed by")
    expect(page.get_by_label("Phone")).to_have_value("555 1234")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("ACM is changed.")
    assert ["status of 409" in complaint for complaint in page_errors] == [True]
    page_errors.clear()


def test_a_list_grows_while_it_is_looked_at_without_jumping(console: Console) -> None:
    stock_up(console.shop)
    console.sign_in("viewer")
    console.open("/builds?search=lamp")
    lamp = console.shop.ids["LAMP-01"]
    console.shop.write(lambda session, act: plan_build(session, act, product_id=lamp, quantity="1"))
    console.open("/builds?search=lamp")
    page = console.page
    page.locator("#search").focus()
    console.shop.write(lambda session, act: plan_build(session, act, product_id=lamp, quantity="2"))
    expect(page.locator("tbody tr")).to_have_count(2, timeout=SOON)
    assert page.evaluate("document.activeElement.id") == "search"


def test_whoever_is_signed_out_is_asked_nothing_more(console: Console) -> None:
    console.sign_in("viewer")
    asked: list[str] = []
    console.page.on("request", lambda request: asked.append(request.url))
    console.open("/lots")
    console.page.context.clear_cookies()
    asked.clear()
    console.page.wait_for_event("response", lambda answer: "/live" in answer.url, timeout=SOON)
    console.page.wait_for_timeout(6_000)
    assert len([url for url in asked if url.startswith(f"{console.address}/live")]) == 1
