"""In a company with more products than a form holds, whatever is typed is found; lists follow the field."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from tests.journeys.conftest import Console
from tests.journeys.test_everybody import findings
from tests.web.many import add_many
from tests.web.shop import stock_up
from tests.web.test_offering import add_kits

MANY = 2_100


def listed(offer: Locator) -> list[str]:
    return [str(value) for value in offer.locator("option").evaluate_all("all => all.map((one) => one.value)")]


def test_a_sku_that_the_page_does_not_hold_is_offered_while_it_is_typed(console: Console) -> None:
    console.shop.write(lambda session, act: add_many(session, act.at, MANY))
    page = console.page
    console.sign_in("builder")
    console.open("/receipts/new")
    offer, field = page.locator("#skus"), page.get_by_label("Product SKU").first
    held = listed(offer)
    assert len(held) == 500
    assert "SCREW-2050" not in held
    field.press_sequentially("length 2050")
    expect(offer.locator("option")).to_have_count(1)
    assert listed(offer) == ["SCREW-2050"]
    field.fill("screw-20")
    expect(offer.locator("option")).to_have_count(50)
    assert listed(offer)[0] == "SCREW-2000"
    page.get_by_role("button", name="Add a line").click()
    other = page.get_by_label("Product SKU").nth(1)
    other.focus()
    expect(offer.locator("option")).to_have_count(500)
    assert listed(offer) == held, "an empty field is offered what the page held"
    field.focus()
    expect(offer.locator("option")).to_have_count(50)
    other.fill("no such thing")
    expect(offer.locator("option")).to_have_count(0)
    other.fill("")
    expect(offer.locator("option")).to_have_count(500)


def test_a_field_left_during_the_pause_is_not_asked_about_for_the_next(console: Console) -> None:
    console.shop.write(lambda session, act: add_many(session, act.at, MANY))
    page, asked = console.page, list[str]()
    console.sign_in("builder")
    console.open("/receipts/new")
    page.on("request", lambda request: asked.append(request.url) if "/products/offered" in request.url else None)
    offer, field = page.locator("#skus"), page.get_by_label("Product SKU").first
    page.get_by_role("button", name="Add a line").click()
    page.clock.install()
    page.clock.pause_at(page.evaluate("Date.now()") + 1000)
    held = listed(offer)
    field.fill("length 2050")
    page.get_by_label("Product SKU").nth(1).focus()
    page.clock.run_for(1000)
    assert (asked, listed(offer)) == ([], held), "what fits the field before isn't offered to this one"
    field.focus()
    expect(offer.locator("option")).to_have_count(1)
    assert listed(offer) == ["SCREW-2050"]


def test_a_product_that_is_not_in_the_choice_is_found_by_keyboard_and_previewed(console: Console) -> None:
    stock_up(console.shop)
    console.shop.write(lambda session, act: add_kits(session, act, MANY))
    page = console.page
    console.sign_in("builder")
    console.open("/builds/new")
    find, choice = page.get_by_label("Find a product"), page.locator("#f-product")
    expect(page.get_by_text("These are the first 500 of 2,102.")).to_be_visible()
    assert findings(page) == []
    find.press_sequentially("last kit")
    expect(choice.locator("option")).to_have_count(2)
    expect(page.locator("#h-product")).to_have_text("Found: 1. Choose from the list.")
    find.press("Enter")
    expect(choice).to_be_focused()
    page.get_by_label("Quantity").fill("2")
    expect(page.locator("#preview")).to_contain_text("PANEL-24")
    expect(page).to_have_url(re.compile(r"product=\d+&quantity=2"))
    find.fill("screw-2")
    many = "These are the first 50 that fit. Type more, or choose from the list."
    expect(page.locator("#h-product")).to_have_text(many)
    expect(choice.locator("option:checked")).to_have_text("ZZ-LAST · Last kit")
    find.fill("nothing like it")
    expect(page.locator("#h-product")).to_have_text("No product that can be built has that SKU or name.")
    find.fill("")
    expect(page.get_by_text("These are the first 500 of 2,102.")).to_be_visible()
    expect(choice.locator("option:checked")).to_have_text("ZZ-LAST · Last kit")
    page.reload()
    expect(choice.locator("option:checked")).to_have_text("ZZ-LAST · Last kit")


def test_without_scripts_the_first_are_there_to_choose(console: Console) -> None:
    console.shop.write(lambda session, act: add_kits(session, act, MANY))
    console.sign_in("builder")
    plain = console.page.context.browser
    assert plain is not None
    context = plain.new_context(java_script_enabled=False, storage_state=console.page.context.storage_state())
    page = context.new_page()
    page.goto(f"{console.address}/builds/new")
    expect(page.get_by_label("Find a product")).to_be_hidden()
    expect(page.get_by_text("These are the first 500 of 2,102.")).to_be_visible()
    page.locator("#f-product").select_option(label="LAMP-01 · Workshop lamp")
    context.close()
