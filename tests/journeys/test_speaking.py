"""A browser that asks for German: texts, numbers and days of its pages, and numbers typed into them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import Console
from tests.journeys.serving import served_shop
from tests.servers.databases import copy_of
from tests.web.shop import PASSWORD, stock_up


@pytest.fixture
def german(migrated_sqlite: Path, tmp_path: Path, browser: Browser) -> Iterator[Console]:
    """Nobody has signed in yet; four receipts have come in."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, timezone_id="UTC", locale="de-DE")
    with served_shop(copy_of(migrated_sqlite, tmp_path / "shop.sqlite3"), tmp_path) as (shop, address):
        stock_up(shop)
        yield Console(context.new_page(), shop, address)
    context.close()


def sign_in(console: Console) -> Page:
    page = console.page
    console.open("/sign-in")
    page.get_by_label("E-Mail").fill("owner@lumen.example")
    page.get_by_label("Passwort").fill(PASSWORD)
    page.get_by_role("button", name="Anmelden").click()
    page.wait_for_url(f"{console.address}/")
    return page


def test_pages_speak_german_and_take_german_numbers(german: Console) -> None:
    page = sign_in(german)
    assert page.locator("html").get_attribute("lang") == "de-DE"
    menu = page.get_by_role("navigation", name="Hauptmenü")
    expect(menu.get_by_role("link", name="Lagerbuch")).to_be_visible()
    german.open("/products/new")
    page.locator("[name=sku]").fill("KOMMA")
    page.locator("[name=name]").fill("Komma")
    page.locator("[name=reorder_point]").fill("12.5")
    page.locator("form[data-once] button[type=submit].btn-primary").click()
    expect(page.locator("#failure")).to_contain_text("Schreiben Sie sie wie 12,50.")
    assert page.locator("[name=reorder_point]").input_value() == "12.5"
    page.locator("[name=reorder_point]").fill("1.234,5")
    page.locator("form[data-once] button[type=submit].btn-primary").click()
    page.wait_for_url(f"{german.address}/products/*")
    german.open("/products?search=KOMMA")
    expect(page.get_by_role("columnheader", name="Meldebestand")).to_be_visible()
    expect(page.locator("td[data-label=Meldebestand]")).to_contain_text("1.234,5")


def test_a_person_turns_to_another_language_and_it_stays(german: Console) -> None:
    page = sign_in(german)
    german.open("/account")
    page.get_by_label("Sprache, Zahlen und Daten").select_option("de-CH")
    page.locator("form[action='/account/locale'] button").click()
    expect(page.get_by_role("status")).to_contain_text("Sprache und Formate sind geändert.")
    assert page.locator("html").get_attribute("lang") == "de-CH"
    german.open("/receipts")
    expect(page.locator("#rows")).to_contain_text("02.04.2026")
    expect(page.locator("#rows")).to_contain_text("1’775.00")
    german.open("/account")
    page.get_by_label("Sprache, Zahlen und Daten").select_option("en-US")
    page.locator("form[action='/account/locale'] button").click()
    expect(page.get_by_role("status")).to_contain_text("Language and formats are changed.")
    german.open("/receipts")
    expect(page.locator("#rows")).to_contain_text("Apr 2, 2026")
    expect(page.locator("#rows")).to_contain_text("1,775.00")


def test_a_previewed_quantity_means_the_same_to_whoever_opens_its_address(german: Console) -> None:
    page = sign_in(german)
    german.open(f"/builds/new?product={german.shop.ids['LAMP-01']}")
    page.locator("#f-quantity").press_sequentially("1,5")
    expect(page.locator("#preview input[name=quantity]")).to_have_value("1,5")
    page.wait_for_url("**quantity=1%2C5**")
    address = page.url.removeprefix(german.address)
    german.open("/account")
    page.get_by_label("Sprache, Zahlen und Daten").select_option("en-GB")
    page.locator("form[action='/account/locale'] button").click()
    expect(page.get_by_role("status")).to_contain_text("Language and formats are changed.")
    german.open(address)
    assert page.locator("#f-quantity").input_value() == "1.5"
    assert page.locator("#preview input[name=quantity]").input_value() == "1.5"
