from __future__ import annotations

from playwright.sync_api import Dialog

from tests.journeys.conftest import Console


def test_what_was_typed_is_not_lost_by_a_slip(console: Console) -> None:
    """The browser asks before it leaves a form that was typed into; not after it was sent, nor by the form's Cancel."""
    asked: list[str] = []
    answers = {"stay": True}

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss() if answers["stay"] else dialog.accept()

    console.sign_in("owner")
    page = console.page
    page.on("dialog", answer)
    console.open("/receipts/new")
    page.get_by_label("Notes").press_sequentially("by hand")
    page.locator("#menu").get_by_role("link", name="Lots").click()
    page.wait_for_timeout(300)
    assert (asked, page.url.endswith("/receipts/new")) == (["beforeunload"], True)
    assert page.get_by_label("Notes").input_value() == "by hand"
    answers["stay"] = False
    page.locator("#menu").get_by_role("link", name="Lots").click()
    page.wait_for_url("**/lots")
    assert asked == ["beforeunload"] * 2
    console.open("/products")
    page.locator("#search").press_sequentially("x")
    console.open("/suppliers/new")
    page.get_by_label("Name").press_sequentially("Ann")
    page.get_by_role("link", name="Cancel").click()
    page.wait_for_url("**/suppliers")
    console.open("/suppliers/new")
    page.get_by_label("Name").press_sequentially("Zoe Ltd")
    page.get_by_label("Code").press_sequentially("ZOE")
    page.get_by_role("button", name="Add supplier").click()
    page.wait_for_url("**/suppliers")
    assert asked == ["beforeunload"] * 2


def test_a_search_that_cannot_be_is_refused_where_it_is_typed(console: Console) -> None:
    console.sign_in("owner")
    page = console.page
    console.open("/receipts/new")
    page.get_by_label("Notes").fill("by hand")
    page.keyboard.press("Control+k")
    palette = page.locator("#palette")
    palette.locator("input").fill(" ".join("abcdefghijklmnopq"))
    palette.get_by_text("A search has at most 16 words").wait_for()
    assert page.url.endswith("/receipts/new")
    assert page.get_by_label("Notes").input_value() == "by hand"
    console.open("/products?page=999")
    assert page.locator("table.table-list tbody tr").count() > 0
    page.locator("#search").fill("a\u200eb")
    page.get_by_text("This can’t be searched for").wait_for()
    assert page.locator("#search").input_value() == "a\u200eb"
