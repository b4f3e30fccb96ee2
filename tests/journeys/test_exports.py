"""Exports in a real browser: ticked ones are decided about, the queue is followed, the books are asked visibly."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route, expect

from partsemble_core.services.opting import set_options
from partsemble_web import reconciling
from tests.journeys.conftest import Console
from tests.web.shop import connect, post, stock_up


def test_ticked_exports_are_posted_and_the_queue_is_followed(console: Console) -> None:
    connect(console.shop)
    console.shop.write(lambda session, act: set_options(session, {"export_receipts": "manual"}))
    stock_up(console.shop)
    page = console.page
    console.sign_in("accountant")
    console.open("/exports")
    for reference in ("PSB-RCV-0001", "PSB-RCV-0003"):
        page.get_by_role("checkbox", name=reference).check()
    page.get_by_role("button", name="Post").click()
    expect(page.get_by_role("heading", name="2 exports")).to_be_visible()
    expect(page.locator("tfoot")).to_contain_text("4,290.00")
    page.get_by_role("button", name="Post", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("2 exports go out.")
    expect(page.get_by_role("heading", name="2 exports wait to go out")).to_be_visible()
    page.evaluate("document.body.dataset.same = 'yes'")
    post(console.shop, [1])
    expect(page.get_by_role("heading", name="1 export waits to go out")).to_be_visible(timeout=15_000)
    post(console.shop, [3])
    expect(page.get_by_role("heading", name="Nothing waits to go out")).to_be_visible(timeout=15_000)
    assert page.evaluate("document.body.dataset.same") == "yes", "no reload"
    page.get_by_role("link", name="Show them").click()
    expect(page.locator(".state", has_text="Synced")).to_have_count(2)


def test_the_page_of_an_export_follows_it_and_its_payload_is_copied(console: Console) -> None:
    connect(console.shop)
    stock_up(console.shop)
    page = console.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    console.sign_in("viewer")
    console.open("/exports/1")
    expect(page.get_by_role("heading", name="Dry run")).to_be_visible()
    page.get_by_text("Raw, byte for byte").click()
    page.locator("[data-copies=payload-raw]").click()
    expect(page.locator("[data-copies=payload-raw]")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#payload-raw").text_content()
    post(console.shop, [1])
    expect(page.get_by_role("heading", name="Journal")).to_be_visible(timeout=15_000)
    expect(page.locator(".page-actions .state")).to_have_text("Synced")


def test_many_postings_are_compared_while_the_page_says_so(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes by itself is the whole page: its buttons work, and it is kept in step."""
    connect(console.shop)
    stock_up(console.shop)
    page = console.page
    console.sign_in("accountant")
    monkeypatch.setattr(reconciling, "MANY", 1)
    asked: list[Route] = []
    page.route("**/reconcile?*now=1*", lambda route: asked.append(route))
    console.open("/reconcile")
    expect(page.get_by_text("are compared with stock")).to_be_visible()
    asked.pop().continue_()
    expect(page.get_by_role("heading", name="By account of stock")).to_be_visible()
    expect(page.get_by_text("are compared with stock")).to_have_count(0)
    expect(page.locator("main")).to_have_count(1)
    page.get_by_role("button", name="True up rounding").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Ask ").click()
    expect(page.get_by_text("is being asked …")).to_be_hidden()
    expect(page.get_by_role("columnheader", name="Books", exact=False).first).to_be_visible()


def test_while_the_books_are_asked_the_page_says_so(console: Console) -> None:
    connect(console.shop)
    page = console.page
    console.sign_in("accountant")
    console.open("/reconcile")
    stop = "form => form.addEventListener('submit', event => event.preventDefault(), {once: true})"
    page.locator("form[data-waits]").evaluate(stop)
    page.get_by_role("button", name="Ask ").click()
    expect(page.get_by_text("is being asked …")).to_be_visible()
    console.open("/reconcile")
    expect(page.get_by_text("is being asked …")).to_be_hidden()
    page.get_by_role("button", name="Ask ").click()
    expect(page.get_by_text("Stock and books agree.")).to_be_visible()
    expect(page.get_by_text("is being asked …")).to_be_hidden()
    page.get_by_role("link", name="Runs so far").click()
    expect(page.locator("#rows tbody tr")).to_have_count(1)
