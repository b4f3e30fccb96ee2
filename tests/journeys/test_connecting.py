from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from partsemble_xero.sandbox.testing import RunningSandbox
from tests.journeys.conftest import Console, at_xero
from tests.journeys.picking import pick_account


@pytest.fixture
def unknown(migrated_sqlite: Path, tmp_path: Path, page: Page, sandbox: RunningSandbox) -> Iterator[Console]:
    """A console whose Xero is the sandbox, but nobody has told it of the app yet."""
    settings = sandbox.plugin_settings | {"xero_client_id": "", "xero_client_secret": ""}
    yield from at_xero(migrated_sqlite, tmp_path, page, settings)


def begin(console: Console) -> Page:
    """The window of the sign-in, at the other side's page."""
    console.sign_in("owner")
    console.open("/integrations")
    tile = console.page.locator(".tile", has_text="Xero")
    with console.page.expect_popup() as popup:
        tile.get_by_role("button", name="Connect").click()
    window = popup.value
    expect(window.get_by_role("heading", name="Allow access to your books?")).to_be_visible()
    return window


def test_books_are_connected_in_a_window_that_closes_itself(connectable: Console) -> None:
    page, window = connectable.page, begin(connectable)
    window.get_by_label("Second Books Ltd").check()
    window.get_by_role("button", name="Allow access").click()
    window.get_by_label("Second Books Ltd").check()
    with window.expect_event("close"):
        window.get_by_role("button", name="Connect").click()
    expect(page.get_by_role("heading", name="Second Books Ltd", exact=True)).to_be_visible()
    expect(page.get_by_text("Accounts missing")).to_be_visible()

    page.get_by_role("combobox", name="Waste").click()
    unusable = page.locator('.picker-list:visible [role="option"][aria-disabled="true"]')
    expect(unusable.first.locator(".picker-reason")).not_to_be_empty()
    for label, code in (
        ("Receiving debit", "621"),
        ("Receiving credit", "623"),
        ("Build debit", "622"),
        ("Build credit", "621"),
    ):
        pick_account(page, label, code)
    page.get_by_role("button", name="Save accounts").click()
    expect(page.get_by_role("status")).to_contain_text("New documents are exported from now on.")
    expect(page.locator(".state", has_text="Connected")).to_be_visible()


def test_a_cancelled_sign_in_says_so_and_connects_nothing(connectable: Console, page_errors: list[str]) -> None:
    window = begin(connectable)
    window.get_by_role("button", name="Cancel").click()
    expect(window.get_by_text("The sign-in was not completed")).to_be_visible()
    close = window.get_by_role("button", name="Close this window")
    with window.expect_event("close"):  # a click that waits for its end would find its window gone
        close.evaluate("button => void setTimeout(() => button.click())")
    connectable.open("/integrations")
    expect(connectable.page.get_by_role("heading", name="Connect your books")).to_be_visible()
    assert all("400 (BAD REQUEST)" in error for error in page_errors), page_errors
    page_errors.clear()


def test_an_app_is_entered_in_the_console_and_signs_in(unknown: Console, sandbox: RunningSandbox) -> None:
    unknown.sign_in("owner")
    unknown.open("/integrations")
    page = unknown.page
    page.get_by_role("link", name="Enter the settings").click()
    expect(page.get_by_text(f"{unknown.address}/integrations/xero/callback")).to_be_visible()
    page.get_by_label("Client id").fill(sandbox.client_id)
    page.get_by_label("Client secret").fill(sandbox.client_secret)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved.")
    assert page.get_by_role("textbox", name="Client secret").input_value() == ""
    page.get_by_role("button", name="Remove client secret").click()
    page.get_by_role("button", name="Cancel").click()
    window = begin(unknown)
    window.get_by_role("button", name="Allow access").click()
    expect(window.get_by_role("heading", name="Connect this organisation?")).to_be_visible()
    expect(window.get_by_text("NZD")).to_be_visible()


def test_books_are_connected_where_no_window_may_be_opened(connectable: Console) -> None:
    """Scripts may not open windows; the form's own target opens a page of its own, which leads back by a link."""
    page = connectable.page
    page.context.add_init_script("window.open = () => null; window.close = () => {};")
    window = begin(connectable)
    window.get_by_label("Second Books Ltd").check()
    window.get_by_role("button", name="Allow access").click()
    window.get_by_role("button", name="Connect").click()
    window.get_by_role("link", name="Back to Partsemble").click()
    expect(window.get_by_role("heading", name="Second Books Ltd", exact=True)).to_be_visible()
    expect(page.get_by_text("Accounts missing")).to_be_visible()


def test_a_sign_in_that_ends_over_there_is_explained_here(
    unknown: Console, sandbox: RunningSandbox, page_errors: list[str]
) -> None:
    unknown.sign_in("owner")
    unknown.open("/integrations/xero/settings/edit")
    page = unknown.page
    page.get_by_label("Client id").fill("A-WRONG-ONE")
    page.get_by_label("Client secret").fill(sandbox.client_secret)
    page.get_by_role("button", name="Save").click()
    unknown.open("/integrations")
    with page.expect_popup() as popup:
        page.locator(".tile", has_text="Xero").get_by_role("button", name="Connect").click()
    expect(popup.value.get_by_text("Unknown client")).to_be_visible()
    unknown.open("/integrations")
    expect(page.get_by_text("check the client id")).to_be_visible()
    assert all("400 (BAD REQUEST)" in error for error in page_errors), page_errors
    page_errors.clear()
