from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from partsemble_xero.sandbox.testing import RunningSandbox, start_sandbox
from tests.journeys.conftest import Console
from tests.journeys.serving import served_shop
from tests.servers.databases import copy_of


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[RunningSandbox]:
    with start_sandbox(tmp_path / "sandbox.sqlite3") as running:
        yield running


@pytest.fixture
def connectable(migrated_sqlite: Path, tmp_path: Path, page: Page, sandbox: RunningSandbox) -> Iterator[Console]:
    """A console whose Xero is the sandbox, at an address of its own."""
    settings = {
        "xero_client_id": sandbox.client_id,
        "xero_client_secret": sandbox.client_secret,
        "xero_authorize_url": f"{sandbox.address}/identity/connect/authorize",
        "xero_token_url": f"{sandbox.address}/connect/token",
        "xero_revoke_url": f"{sandbox.address}/connect/revocation",
        "xero_api_url": sandbox.address,
    }
    database = copy_of(migrated_sqlite, tmp_path / "shop.sqlite3")
    with served_shop(database, tmp_path, plugin_settings=settings) as (shop, address):
        yield Console(page, shop, address)


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

    unusable = page.get_by_label("Waste").locator("option[disabled]")
    expect(unusable.first).to_contain_text("–")
    for label in ("Receiving debit", "Receiving credit", "Build debit", "Build credit"):
        choice = page.get_by_label(label)
        code = choice.locator("option:not([disabled])").nth(1).get_attribute("value")
        choice.select_option(code)
    page.get_by_role("button", name="Save accounts").click()
    expect(page.get_by_role("status")).to_contain_text("New documents are exported from now on.")
    expect(page.locator(".state", has_text="Connected")).to_be_visible()


def test_a_cancelled_sign_in_says_so_and_connects_nothing(connectable: Console, page_errors: list[str]) -> None:
    window = begin(connectable)
    window.get_by_role("button", name="Cancel").click()
    expect(window.get_by_text("The sign-in was not completed")).to_be_visible()
    window.get_by_role("button", name="Close this window").click()
    connectable.open("/integrations")
    expect(connectable.page.get_by_role("heading", name="Connect your books")).to_be_visible()
    assert all("400 (BAD REQUEST)" in error for error in page_errors), page_errors
    page_errors.clear()
