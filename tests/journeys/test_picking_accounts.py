"""Export accounts are picked by typing, by keyboard alone; what can't be used says why; a chart of 500 stays quick."""

from __future__ import annotations

from playwright.sync_api import expect

from partsemble_core.plugin_api.types import Account, AccountClass
from partsemble_core.services.acting import Act
from partsemble_core.services.keeping import account_fields, keep
from partsemble_core.store.connections import RemoteAccount
from partsemble_core.store.session import CompanySession
from tests.journeys.conftest import Console
from tests.web.shop import connect


def enlarge(console: Console, connection_id: int) -> None:
    """Five hundred accounts, as the books would have given them; one of them archived."""
    accounts = [
        Account(
            external_id=f"x{number}",
            code=str(7000 + number),
            name=f"Branch account {number}",
            classification=AccountClass.EXPENSE,
            usable=number != 250,
            why_not="It is archived over there." if number == 250 else "",
        )
        for number in range(500)
    ]

    def work(session: CompanySession, act: Act) -> None:
        found = {account.external_id: account_fields(account) for account in accounts}
        keep(session, RemoteAccount, connection_id, found, act.at)

    console.shop.write(work)


def test_an_account_is_picked_by_keyboard_from_a_large_chart(console: Console) -> None:
    enlarge(console, connect(console.shop))
    page = console.page
    console.sign_in("owner")
    console.open("/integrations")
    waste = page.get_by_role("combobox", name="Waste")
    expect(waste).to_have_value("5100 Inventory Shrinkage")
    waste.focus()
    page.keyboard.type("branch 250")
    gone = page.get_by_role("option", name="7250 Branch account 250")
    expect(gone).to_contain_text("It is archived over there.")
    expect(gone).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("Escape")
    expect(waste).to_have_value("5100 Inventory Shrinkage")
    waste.fill("nothing like it")
    expect(page.get_by_text("No account has that code or name.")).to_be_visible()
    waste.fill("branch 49")
    expect(page.locator(".picker-item.is-active")).to_have_text("7049 Branch account 49")
    page.keyboard.press("ArrowDown")
    assert page.locator(".picker-item.is-active").get_attribute("id") == waste.get_attribute("aria-activedescendant")
    page.keyboard.press("Enter")
    expect(waste).to_have_value("7149 Branch account 149")
    page.get_by_role("button", name="Save accounts").click()
    expect(page.get_by_role("status")).to_contain_text("Accounts saved.")
    expect(page.get_by_role("combobox", name="Waste")).to_have_value("7149 Branch account 149")
    rounding = page.get_by_role("combobox", name="Rounding")
    rounding.click()
    assert page.locator(".picker-list:visible .picker-item").count() == 200, "and it says that there are more"
    expect(page.get_by_text("There are more: type on.")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator(".picker-list:visible")).to_have_count(0)


def test_what_was_typed_and_not_chosen_stays_and_is_not_saved(console: Console) -> None:
    connect(console.shop)
    page = console.page
    console.sign_in("owner")
    console.open("/integrations")
    waste = page.get_by_role("combobox", name="Waste")
    for typed, why in (("no such one", "No account has that code or name."), ("51", "Choose one of the list")):
        waste.fill(typed)
        page.get_by_role("button", name="Save accounts").click()
        expect(waste).to_have_value(typed)
        expect(waste).to_have_attribute("aria-invalid", "true")
        assert why in str(waste.evaluate("field => field.validationMessage"))
        expect(page.get_by_text("Accounts saved.")).to_have_count(0)
    waste.fill("5200")
    waste.press("Enter")
    expect(waste).not_to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Save accounts").click()
    expect(page.get_by_role("status")).to_contain_text("Accounts saved.")


def test_what_cant_be_used_says_why_beside_the_field_and_when_it_is_saved(console: Console) -> None:
    enlarge(console, connect(console.shop))
    page = console.page
    console.sign_in("owner")
    console.open("/integrations")
    waste, save = page.get_by_role("combobox", name="Waste"), page.get_by_role("button", name="Save accounts")
    why = "Choose another account: 7250 Branch account 250 can’t be used. It is archived over there."
    beside = page.locator(".picker + .hint", has_text=why)

    def is_refused() -> None:
        expect(beside).to_be_visible()
        expect(waste).to_have_value("7250 Branch account 250")
        expect(waste).to_have_attribute("aria-expanded", "false")
        expect(waste).to_have_attribute("aria-invalid", "true")
        assert why == waste.evaluate("field => field.validationMessage")

    waste.fill("7250")
    waste.press("Enter")
    is_refused()
    waste.fill("branch")
    expect(beside).to_have_count(0)
    waste.fill("account 250")
    page.get_by_role("option", name="7250 Branch account 250").click(force=True)
    is_refused()
    save.click()
    is_refused()
    waste.fill("7250")
    save.click()
    expect(beside).to_be_visible()
    expect(page.get_by_text("Accounts saved.")).to_have_count(0)
    waste.fill("7251")
    waste.press("Enter")
    expect(beside).to_have_count(0)
    save.click()
    expect(page.get_by_role("status").filter(has_text="Accounts saved.")).to_be_visible()


def test_without_scripts_it_is_a_plain_select(console: Console) -> None:
    connect(console.shop)
    console.sign_in("owner")
    plain = console.page.context.browser
    assert plain is not None
    context = plain.new_context(java_script_enabled=False, storage_state=console.page.context.storage_state())
    page = context.new_page()
    page.goto(f"{console.address}/integrations")
    page.locator("#r-waste").select_option("5200")
    page.get_by_role("button", name="Save accounts").click()
    assert page.locator("#r-waste").input_value() == "5200"
    context.close()
