from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page

from partsemble_core.services.cataloguing import create_product
from partsemble_core.services.opting import set_options
from partsemble_core.services.planning import plan_build
from partsemble_core.services.receiving import LineInput, receive
from partsemble_core.services.syncing import run_sync
from partsemble_core.store.syncs import SyncCause, SyncKind
from tests.journeys.conftest import Console
from tests.web.shop import connect, listen, make_lamps, post, round_off, staff, stock_up

AXE = (Path(__file__).parent / "axe/axe.min.js").read_text(encoding="utf-8")
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
TURN_DARK = """async () => {
  document.documentElement.dataset.bsTheme = 'dark';
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  for (const fading of document.getAnimations()) if (fading instanceof CSSTransition) fading.finish();
}"""
PARTS = 2
PAGES = (
    "/",
    "/products",
    "/products/5",
    "/products/5/bom",
    "/products/5/bom/versions",
    "/products/5/bom/difference",
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
    "/lots/2/recall",
    "/labels?ids=2",
    "/scan?code=ACM-20260422",
    "/scan?code=ACM-2026",
    "/lots/hold/new?ids=2&ids=3",
    "/lots/release/new",
    "/receipts/confirm/new?ids=4",
    "/suppliers/1",
    "/counts",
    "/adjustments",
    "/opening-stock/new",
    "/valuation",
    "/valuation/products",
    "/reconcile",
    "/reconcile/runs",
    "/true-ups",
    "/true-ups/1",
    "/exports/decide?decision=skip&ids=4",
    "/planned-builds",
    "/planned-builds/new",
    "/builds/2",
    "/builds/3",
    "/builds/2/sheet",
    "/planned-builds/2/edit",
    "/planned-builds/2/execute",
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
    "/settings/company",
    "/settings/exports",
    "/settings/accounting",
    "/settings/api-tokens",
    "/settings/api-tokens/new",
    "/help/work",
    "/first-steps",
    "/first-steps/build",
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
    round_off(console.shop)
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
    return violations(page)


def violations(page: Page) -> list[str]:
    """The same, on a page that has axe already."""
    found = page.evaluate("rules => axe.run(document, rules)", RULES)["violations"]
    return [
        f"{rule['id']}: {json.dumps(node['target'])} {node['failureSummary'].splitlines()[-1].strip()}"
        for rule in found
        for node in rule["nodes"]
    ]


def findings_in_both(page: Page) -> dict[str, list[str]]:
    """The same by theme: the page was loaded in the light one and is then switched, as its own button does it."""
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "light"
    light = findings(page)
    page.evaluate(TURN_DARK)
    return {"light": light, "dark": violations(page)}


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_is_good_for_everybody_in_light_and_dark(console: Console, part: int) -> None:
    fill(console)
    console.open("/sign-in")
    bad = {"/sign-in": findings_in_both(console.page)}
    console.sign_in("owner")
    for path in PAGES[part::PARTS]:
        console.open(path)
        bad[path] = findings_in_both(console.page)
    assert {path: found for path, found in bad.items() if any(found.values())} == {}


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
