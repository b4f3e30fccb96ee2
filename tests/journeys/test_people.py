"""Somebody is invited, comes in, takes a second factor, signs in with a code, and is signed out from afar."""

from __future__ import annotations

import pyotp
from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import Console
from tests.web.shop import NOW

EMAIL = "nora@lumen.example"
PASSWORD = "another horse battery"


def test_from_invitation_to_second_factor_to_being_signed_out(
    console: Console, browser: Browser, page_errors: list[str]
) -> None:
    console.sign_in("owner")
    link = invite(console)
    nora = browser.new_page()
    complaints: list[str] = []
    nora.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    join(nora, link)
    expect(nora).to_have_url(f"{console.address}/sign-in")
    expect(nora.get_by_role("status")).to_contain_text("Welcome, Nora")
    come_back(browser, link)
    enter(nora)
    app, code = set_up(nora)
    nora.get_by_role("button", name="Sign out").click()
    enter(nora)
    expect(nora).to_have_url(f"{console.address}/sign-in/code")
    nora.get_by_label("Code").fill("000000")
    nora.get_by_role("button", name="Sign in").click()
    expect(nora.get_by_role("alert")).to_contain_text("That code is wrong")
    nora.get_by_label("Code").fill(code)
    nora.get_by_role("button", name="Sign in").click()
    expect(nora.get_by_role("heading", level=1)).to_be_visible()
    assert app.secret not in nora.content()
    sign_out_from_afar(console)
    nora.goto(f"{console.address}/products")
    expect(nora).to_have_url(f"{console.address}/sign-in?next=/products")
    console.open("/settings/audit-log?search=nora")
    expect(console.page.get_by_role("table")).to_contain_text("second factor since")
    assert page_errors == []
    assert ["status of 403" in complaint for complaint in complaints] == [True], complaints
    nora.close()


def invite(console: Console) -> str:
    """Through the pages; the link that is shown."""
    page = console.page
    console.open("/settings")
    page.get_by_role("link", name="Users").click()
    page.get_by_role("link", name="Invite", exact=True).click()
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Role").select_option("builder")
    page.get_by_role("button", name="Make a link").click()
    return page.locator("#link").inner_text()


def join(page: Page, link: str) -> None:
    """The link fills its code in, and takes it out of the address."""
    page.goto(link)
    expect(page.get_by_label("Invitation code")).to_have_value(link.split("#")[1])
    expect(page).to_have_url(link.split("#")[0])
    page.get_by_label("Your name").fill("Nora")
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password once more").fill(PASSWORD)
    page.get_by_role("button", name="Join").click()


def come_back(browser: Browser, link: str) -> None:
    """The same link says at once that it was used."""
    page = browser.new_page()
    page.goto(link)
    expect(page.get_by_role("alert")).to_contain_text("This invitation doesn't hold any more.")
    expect(page.get_by_label("Your name")).to_have_count(0)
    page.close()


def enter(page: Page) -> None:
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def set_up(page: Page) -> tuple[pyotp.TOTP, str]:
    """Reads the key under the QR code as an app would; the first recovery code."""
    page.get_by_role("link", name=EMAIL).click()
    page.get_by_role("link", name="Turn on").click()
    page.get_by_role("button", name="Set it up").click()
    picture = page.get_by_role("img", name="QR code")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 100
    app = pyotp.TOTP(page.locator("#key").inner_text().replace(" ", ""))
    page.get_by_role("textbox", name="Code").fill(app.at(NOW))
    page.get_by_role("button", name="Turn it on").click()
    codes = page.locator("#codes code").all_inner_texts()
    assert len(codes) == 10
    return app, codes[0]


def sign_out_from_afar(console: Console) -> None:
    page = console.page
    console.open("/settings/users")
    page.get_by_role("link", name="Nora").click()
    page.get_by_role("button", name="Sign out everywhere").click()
    page.get_by_role("dialog").get_by_role("button", name="Sign out everywhere").click()
    expect(page.get_by_role("status")).to_contain_text("1 sign-in ended.")
