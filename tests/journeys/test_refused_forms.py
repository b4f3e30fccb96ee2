"""What was ticked, typed and chosen is still there when it is refused, with the reason beside it."""

from __future__ import annotations

import re

import sqlalchemy as sa
from playwright.sync_api import expect

from partsemble_core.services.acting import Act
from partsemble_core.store.connections import RemoteAccount
from partsemble_core.store.session import CompanySession
from tests.journeys.conftest import Console
from tests.web.shop import connect, stock_up


def test_ticked_products_stay_ticked(console: Console, page_errors: list[str]) -> None:
    stock_up(console.shop)
    page = console.page
    console.sign_in("owner")
    console.open("/products")
    panel, frame = (page.get_by_role("checkbox", name=name) for name in ("Light panel 24 W", "Aluminium frame"))
    panel.check()
    frame.check()
    page.get_by_role("button", name="Set reorder point").click()
    dialog = page.get_by_role("dialog", name="Set the reorder point of the ticked products")
    dialog.get_by_label("Reorder point").fill("-4")
    dialog.get_by_role("button", name="Set reorder point").click()
    expect(dialog.get_by_role("alert")).to_contain_text("must not be negative")
    expect(dialog.get_by_label("Reorder point")).to_have_value("-4")
    expect(dialog.get_by_label("Reorder point")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_role("button", name="Cancel").click()
    expect(panel).to_be_checked()
    expect(frame).to_be_checked()
    page.get_by_role("button", name="Deactivate").click()
    page.get_by_role("dialog", name="Deactivate the ticked products?").get_by_role("button", name="Deactivate").click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(panel).to_be_checked()
    expect(frame).to_be_checked()
    assert ["status of 4" in error for error in page_errors] == [True, True], page_errors
    page_errors.clear()


def test_accounts_that_are_refused_stay_chosen(console: Console, page_errors: list[str]) -> None:
    connect(console.shop)
    page = console.page
    console.sign_in("owner")
    console.open("/integrations")
    waste = page.get_by_role("combobox", name="Waste")
    waste.fill("5200")
    page.keyboard.press("Enter")
    chosen = waste.input_value()

    def archive(session: CompanySession, act: Act) -> None:
        of_waste = sa.update(RemoteAccount).where(RemoteAccount.code == "5200")
        session.execute(of_waste.values(is_usable=False, why_not="It is archived over there."))

    console.shop.write(archive)
    page.get_by_role("button", name="Save accounts").click()
    expect(page.get_by_role("alert")).to_contain_text("It is archived over there.")
    expect(waste).to_have_value(chosen)
    expect(waste).to_have_attribute("aria-invalid", "true")
    expect(waste).to_have_accessible_description(re.compile("Account 5200 Applied Labour can't be used"))
    assert ["status of 422" in error for error in page_errors] == [True], page_errors
    page_errors.clear()
