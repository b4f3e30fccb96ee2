from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import Page

from partsemble_core.services.cataloguing import create_product
from partsemble_core.services.opting import set_options
from partsemble_core.services.planning import plan_build
from partsemble_core.services.receiving import LineInput, receive
from partsemble_core.services.syncing import run_sync
from partsemble_core.store.syncs import SyncCause, SyncKind
from tests.journeys.conftest import Console
from tests.web.shop import connect, listen, make_lamps, post, staff, stock_up

AXE = (Path(__file__).parent / "axe/axe.min.js").read_text(encoding="utf-8")
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
PAGES = (
    "/",
    "/products",
    "/products/5",
    "/products/5/bom",
    "/products/new",
    "/lots",
    "/lots/2",
    "/stock-ledger",
    "/suppliers",
    "/receipts",
    "/receipts/4",
    "/receipts/new",
    "/builds",
    "/builds/1",
    "/builds/new?product=5&quantity=12",
    "/builds/new?product=5&quantity=200",
    "/exports",
    "/exports/5",
    "/integrations",
    "/integrations/syncs",
    "/integrations/items",
    "/integrations/contacts",
    "/integrations/sales-documents",
    "/integrations/sales-documents/1",
    "/lots/2/trace",
    "/lots/7/trace",
    "/valuation",
    "/reconcile",
    "/planned-builds",
    "/planned-builds/new",
    "/builds/2",
    "/builds/3",
    "/settings",
    "/search?search=a",
    "/settings/webhooks",
    "/settings/audit-log",
    "/settings/users",
    "/settings/users/2",
    "/settings/users/new",
    "/settings/users/invitations",
    "/settings/users/invitations/1/revoke",
    "/settings/sign-ins",
    "/settings/permissions",
    "/account",
    "/account/second-factor",
    "/sign-in/code",
    "/join",
    "/forgot-password",
    "/reset-password",
    "/settings/webhooks/1",
    "/settings/webhooks/deliveries",
    "/settings/webhooks/deliveries/1",
)


def fill(console: Console) -> None:
    connection_id = connect(console.shop)
    for kind in SyncKind:
        run_sync(
            console.shop.house,
            console.shop.company_id,
            connection_id,
            kind,
            cause=SyncCause.PERSON,
            by="owner@lumen.example",
        )
    stock_up(console.shop)
    make_lamps(console.shop, "60")
    post(console.shop, [1, 2, 3])
    listen(console.shop)
    staff(console.shop)
    lamp = console.shop.ids["LAMP-01"]
    console.shop.write(lambda session, act: plan_build(session, act, product_id=lamp, quantity="90", assignee="Ada"))
    console.shop.write(lambda session, act: set_options(session, {"qa_review": True}))
    make_lamps(console.shop, "4")


def add_the_longest_words(console: Console) -> None:
    """A product whose names have no place to break at, and amounts of fifteen digits."""
    console.shop.write(
        lambda session, act: create_product(session, act, sku="W" * 64, name="M" * 200, reorder_point="999999999")
    )
    line = LineInput(sku="W" * 64, quantity="999999.999999", total_cost="899999999.999999", lot_number="L" * 64)
    console.shop.write(lambda session, act: receive(session, act, supplier="ACM", lines=[line]))


def findings(page: Page) -> list[str]:
    """What axe finds wrong, a line each: rule, element, and why."""
    page.evaluate(AXE)
    found = page.evaluate("rules => axe.run(document, rules)", RULES)["violations"]
    return [
        f"{rule['id']}: {json.dumps(node['target'])} {node['failureSummary'].splitlines()[-1].strip()}"
        for rule in found
        for node in rule["nodes"]
    ]


def test_every_page_is_good_for_everybody_in_light_and_dark(console: Console) -> None:
    fill(console)
    console.open("/sign-in")
    bad = {"/sign-in": findings(console.page)}
    console.sign_in("owner")
    for theme in ("light", "dark"):
        console.page.evaluate("theme => localStorage.setItem('theme', theme)", theme)
        for path in PAGES:
            console.open(path)
            bad[f"{path} {theme}"] = findings(console.page)
    assert {path: found for path, found in bad.items() if found} == {}


def test_every_page_fits_a_phone(console: Console) -> None:
    fill(console)
    add_the_longest_words(console)
    console.page.set_viewport_size({"width": 390, "height": 844})
    console.sign_in("owner")
    for path in (*PAGES, "/products/6", "/lots/8", "/receipts/5", "/receipts/5/edit", "/exports/6"):
        console.open(path)
        too_wide = console.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert too_wide <= 0, path
    console.page.get_by_role("button", name="Menu").click()
    console.page.get_by_role("link", name="Lots").click()
    console.page.wait_for_url("**/lots")


def test_the_keyboard_alone_is_enough_to_sign_in_and_go_on(console: Console) -> None:
    page = console.page
    console.open("/sign-in")
    page.keyboard.type("viewer@lumen.example")
    page.keyboard.press("Tab")
    page.keyboard.type("correct horse battery")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{console.address}/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
