"""From an empty database to a posted journal, by clicks alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from partsemble_core.domain.exports import ExportState
from partsemble_core.services.draining import drain
from partsemble_core.services.house import House
from partsemble_core.services.incorporating import link_of, make_code
from partsemble_core.store.database import reading_anywhere
from partsemble_core.store.exports import Export
from partsemble_xero.sandbox.testing import RunningSandbox
from tests.journeys.conftest import leave
from tests.journeys.picking import pick_account
from tests.journeys.serving import served_house
from tests.journeys.test_everybody import findings
from tests.servers.databases import copy_of

PASSWORD = "correct horse battery"
CHOSEN = {"Receiving debit": "621", "Receiving credit": "623", "Build debit": "622", "Build credit": "621"}


@dataclass(frozen=True, slots=True)
class Installation:
    """One that nobody has founded a company in."""

    house: House
    address: str
    page: Page


@pytest.fixture
def installation(migrated_sqlite: Path, tmp_path: Path, page: Page, sandbox: RunningSandbox) -> Iterator[Installation]:
    database = copy_of(migrated_sqlite, tmp_path / "empty.sqlite3")
    with served_house(database, tmp_path, plugin_settings=sandbox.plugin_settings) as (house, address):
        yield Installation(house, address, page)
        leave(page)


def fill_in(page: Page, name: str = "Kiwi Lamps") -> None:
    """The form of the first company, but for the code."""
    page.get_by_label("Name of the company").fill(name)
    page.get_by_label("Currency").select_option("NZD")
    page.get_by_label("Time zone").select_option("Pacific/Auckland")
    page.get_by_label("Your name").fill("Kiri")
    page.get_by_label("Your e-mail address").fill("kiri@lamps.example")
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password once more").fill(PASSWORD)


def found(installation: Installation) -> None:
    page = installation.page
    page.goto(link_of(installation.house, make_code(installation.house)))
    fill_in(page)
    page.get_by_role("button", name="Found the company").click()
    expect(page.get_by_role("heading", name="Connect your books")).to_be_visible()


def connect_books(page: Page) -> None:
    with page.expect_popup() as popup:
        page.locator(".tile", has_text="Xero").get_by_role("button", name="Connect").click()
    window = popup.value
    window.get_by_role("button", name="Allow access").click()
    with window.expect_event("close"):
        window.get_by_role("button", name="Connect").click()
    expect(page.get_by_text("is connected.")).to_be_visible()


def choose_accounts(page: Page) -> None:
    for label, code in CHOSEN.items():
        pick_account(page, label, code)
    page.get_by_role("button", name="Save accounts").click()
    expect(page.get_by_text("This step is done.")).to_be_visible()


def go_on(page: Page) -> None:
    page.get_by_role("link", name="Next:").click()


def test_from_nothing_to_a_posted_journal(installation: Installation, sandbox: RunningSandbox) -> None:
    page = installation.page
    page.goto(installation.address)
    expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
    assert findings(page) == []
    found(installation)
    connect_books(page)
    assert findings(page) == []
    go_on(page)
    choose_accounts(page)
    assert findings(page) == []
    go_on(page)
    assert findings(page) == []
    page.get_by_role("button", name="Load the example").click()

    expect(page.get_by_role("heading", name="Receive your first parts")).to_be_visible()
    page.get_by_role("link", name="Enter a receipt").click()
    page.get_by_label("Supplier").select_option("EXA")
    for index, (sku, quantity) in enumerate(
        (("LAMP-BASE", "10"), ("LAMP-ARM", "20"), ("LAMP-LED", "10"), ("LAMP-CORD", "10"))
    ):
        if index:
            page.get_by_role("button", name="Add a line").click()
        page.get_by_label("Product SKU").last.fill(sku)
        page.get_by_label("Quantity", exact=True).last.fill(quantity)
        page.get_by_label("Unit cost").last.fill("3.50")
    page.get_by_role("button", name="Save draft").click()
    page.get_by_role("button", name="Confirm").first.click()
    page.locator("dialog[open]").get_by_role("button", name="Confirm").click()

    expect(page.get_by_role("region", name="First steps")).to_contain_text("Next: Build something.")
    page.get_by_role("link", name="Go on with the first steps").click()
    page.get_by_role("link", name="Build LAMP-01").click()
    page.get_by_role("button", name="Execute").first.click()
    page.locator("dialog[open]").get_by_role("button", name="Execute build").click()
    expect(page.get_by_role("heading", name="PSB-000001")).to_be_visible()
    expect(page.get_by_role("region", name="First steps")).to_contain_text("All first steps are done.")
    page.get_by_role("link", name="See what was done").click()
    expect(page.get_by_text("6 of 6 done")).to_be_visible()
    page.get_by_role("link", name="Go to Home").click()
    expect(page.get_by_role("heading", name="Kiwi Lamps")).to_be_visible()
    assert page.get_by_text("First steps").count() == 0

    drain(installation.house, 1)
    with reading_anywhere(installation.house.engine) as session:
        assert list(session.scalars(sa.select(Export.state))) == [ExportState.POSTED, ExportState.POSTED]
    page.goto(f"{installation.address}/builds/1")
    expect(page.locator(".state", has_text="Synced").first).to_be_visible()
