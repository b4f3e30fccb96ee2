"""Takes the pictures of ``docs/screenshots``: ``python -m tests.journeys.take_screenshots``."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from partsemble_core.plugin_api.types import Contact
from partsemble_core.services.acting import Act
from partsemble_core.services.adjusting import adjust_lot
from partsemble_core.services.cataloguing import ComponentInput, CostInput, save_bom
from partsemble_core.services.holding import hold
from partsemble_core.services.keeping import contact_fields, keep
from partsemble_core.services.opting import set_options
from partsemble_core.services.planning import plan_build
from partsemble_core.services.relating import link_supplier
from partsemble_core.store.database import migrate
from partsemble_core.store.products import get_product_by_sku
from partsemble_core.store.session import CompanySession
from partsemble_core.store.syncs import RemoteContact
from tests.journeys.demo_pictures import PATHS as OF_DEMO
from tests.journeys.demo_pictures import serve_demo
from tests.journeys.serving import served_shop
from tests.servers.browser import FLAGS, browser_path
from tests.web.shop import PASSWORD, Shop, connect, correct, listen, make_lamps, post, read_sales, staff, stock_up

FOLDER = Path(__file__).resolve().parents[2] / "docs/screenshots"
WIDTHS = {"wide": (1280, 900), "phone": (390, 844)}
THEMES = {"light": "", "dark": "-dark"}
"""Themes, and how the names of their pictures end."""


def main(only: str = "") -> None:
    """Every page at both widths, light and dark."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        url = f"sqlite:///{folder}/shop.sqlite3"
        migrate(url)
        started = playwright.chromium.launch(executable_path=browser_path(playwright), args=FLAGS)
        with served_shop(url, Path(folder)) as (shop, address):
            take_empty(started, address, only=only)
            paths = fill(shop)
            for size, (width, height) in WIDTHS.items():
                page = signed_in(started, address, width=width, height=height)
                take_both(page, address, paths, size, only=only)
        if any(only in name for name in OF_DEMO):
            take_demo(started, Path(folder) / "demo", only=only)
        started.close()


def take_both(page: Page, address: str, paths: Mapping[str, str], size: str, *, only: str) -> None:
    """Each page, light and dark."""
    for theme, ending in THEMES.items():
        page.evaluate("theme => localStorage.setItem('theme', theme)", theme)
        for name, path in paths.items():
            take(page, f"{address}{path}", f"{name}-{size}{ending}", only=only)


def take_demo(browser: Browser, folder: Path, *, only: str) -> None:
    """The company of ``partsemble demo``."""

    def visit(address: str, email: str, password: str) -> None:
        for size, (width, height) in WIDTHS.items():
            page = signed_in(browser, address, width=width, height=height, email=email, password=password)
            take_both(page, address, OF_DEMO, size, only=only)

    serve_demo(folder, visit)


def take_empty(browser: Browser, address: str, *, only: str) -> None:
    """What somebody sees who has just begun."""
    for size, (width, height) in WIDTHS.items():
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light", locale="en-GB")
        take(page, f"{address}/sign-in", f"sign-in-{size}", only=only)
        page = signed_in(browser, address, width=width, height=height)
        take(page, f"{address}/", f"first-steps-{size}", only=only)
        take(page, f"{address}/lots", f"lots-empty-{size}", only=only)
        take(page, f"{address}/integrations", f"integrations-empty-{size}", only=only)
        take(page, f"{address}/first-steps/books", f"first-steps-books-{size}", only=only)
        take(page, f"{address}/first-steps/products", f"first-steps-products-{size}", only=only)


SUPPLIERS = {
    "supplier": "/suppliers/1",
    "supplier-ask": "/suppliers/2?contact=contact-5",
    "supplier-edit": "/suppliers/1/edit",
    "supplier-import": "/suppliers/import/new?ids=2&ids=3&ids=5",
    "contacts": "/integrations/contacts",
    "contacts-choice": "/suppliers/2/contacts",
}
BOOKS = {
    "reconcile-runs": "/reconcile/runs",
    "exports-decide": "/exports/decide?decision=skip&ids=4&ids=6&ids=1",
}
FROM_BOOKS = {
    "syncs": "/integrations/syncs",
    "sales-documents": "/integrations/sales-documents",
    "sales-document": "/integrations/sales-documents/1",
    "heard": "/integrations/heard",
}
PEOPLE = {
    "users": "/settings/users",
    "user": "/settings/users/2",
    "invite": "/settings/users/new",
    "invitations": "/settings/users/invitations",
    "sign-ins": "/settings/sign-ins",
    "permissions": "/settings/permissions",
    "account": "/account",
    "second-factor": "/account/second-factor",
    "join": "/join",
    "audit-log": "/settings/audit-log",
}
ROOMS = {
    "settings": "/settings",
    "webhooks": "/settings/webhooks",
    "deliveries": "/settings/webhooks/deliveries",
    "settings-company": "/settings/company",
    "settings-exports": "/settings/exports",
    "settings-accounting": "/settings/accounting",
    "api-tokens": "/settings/api-tokens",
    "api-token": "/settings/api-tokens/1",
    "api-token-form": "/settings/api-tokens/new",
    "help": "/help",
    "help-work": "/help/work",
    "first-steps-accounts": "/first-steps/accounts",
    "first-steps-receipt": "/first-steps/receipt",
    "first-steps-summary": "/first-steps",
}

GOODS = {
    "recall": "/lots/2/recall",
    "labels": "/labels?receipt=4",
    "scan": "/scan?code=ACM-20260422",
    "valuation-products": "/valuation/products",
}


def fill(shop: Shop) -> dict[str, str]:
    """Gives the shop something to show; the addresses of its pages by name."""
    read_sales(shop, connect(shop))
    receipts = stock_up(shop)
    build = make_lamps(shop, "60")
    post(shop, [1, 2, 3, 5])
    plan(shop, "90", target_on="2026-05-15", assignee="Ada")
    plan(shop, "40")
    shop.write(lambda session, act: hold(session, act, 3, reason="Label missing"))
    shop.write(lambda session, act: adjust_lot(session, act, 2, quantity="-2", reason="breakage"))
    shop.write(lambda session, act: set_options(session, {"qa_review": True}))
    waiting = make_lamps(shop, "4")
    shop.write(lambda session, act: set_options(session, {"export_adjustments": "manual"}))
    correct(shop)
    listen(shop)
    staff(shop)
    know_contacts(shop)
    shop.write(change_lamp_bom)
    return pages(shop, receipt=receipts[-1], build=build, waiting=waiting)


def change_lamp_bom(session: CompanySession, act: Act) -> None:
    """A second version: more screws, no wire, a box."""
    parts = [
        ComponentInput(sku="PANEL-24", quantity="1"),
        ComponentInput(sku="FRAME-AL", quantity="1", designators=("F1", "F2")),
        ComponentInput(sku="SCREW-M3", quantity="10", scrap_percent="2"),
    ]
    costs = [
        CostInput(kind="labour", label="Assembly", rate="25", quantity="0.5"),
        CostInput(kind="other", label="Box", amount="1.20"),
    ]
    product = get_product_by_sku(session, "LAMP-01")
    save_bom(session, act, product_id=product.id, components=parts, cost_lines=costs)


def know_contacts(shop: Shop) -> None:
    """Contacts as if the books had given them; the first supplier is the first of them."""
    names = ("Acme Components", "Bolt & Nut Co", "Éclair Électronique", "Kiwi Instruments", "Northern Lights Ltd")

    def read(session: CompanySession, act: Act) -> None:
        mails = {name: f"sales{number}@example.com" for number, name in enumerate(names, 1)}
        made = [Contact(local_id=None, external_id=None, name=n, email=mails[n], is_supplier=True) for n in names]
        found = {f"contact-{number}": contact_fields(each) for number, each in enumerate(made, 1)}
        keep(session, RemoteContact, 1, found, act.at)
        link_supplier(session, act, 1, external_id="contact-1")

    shop.write(read)


def pages(shop: Shop, *, receipt: int, build: int, waiting: int) -> dict[str, str]:
    """The addresses of the pages by name."""
    lamp, panel = shop.ids["LAMP-01"], shop.ids["PANEL-24"]
    return {
        "home": "/",
        "products": "/products",
        "product": f"/products/{lamp}",
        "product-bought": f"/products/{panel}",
        "bom-form": f"/products/{lamp}/bom",
        "product-form": "/products/new",
        "lots": "/lots",
        "lot": "/lots/2",
        "ledger": "/stock-ledger",
        "suppliers": "/suppliers",
        **SUPPLIERS,
        "receipts": "/receipts",
        "receipt": f"/receipts/{receipt}",
        "receipt-form": "/receipts/new",
        "builds": "/builds",
        "build": f"/builds/{build}",
        "build-preview": f"/builds/new?product={lamp}&quantity=12",
        "build-short": f"/builds/new?product={lamp}&quantity=200",
        "exports": "/exports",
        "export": "/exports/5",
        "integrations": "/integrations",
        "lot-adjusted": "/lots/2",
        "lot-held": "/lots/3",
        "trace": "/lots/2/trace",
        "trace-back": "/lots/7/trace",
        **GOODS,
        "valuation": "/valuation",
        "reconcile": "/reconcile",
        **BOOKS,
        **FROM_BOOKS,
        "planned-builds": "/planned-builds",
        "plan-form": "/planned-builds/new",
        "build-planned": "/builds/2",
        "build-sheet": "/builds/2/sheet",
        "build-waiting": f"/builds/{waiting}",
        **PEOPLE,
        **ROOMS,
        "counts": "/counts",
        "count": "/counts/1",
        "adjustments": "/adjustments",
        "bom-versions": f"/products/{lamp}/bom/versions",
        "bom-difference": f"/products/{lamp}/bom/difference",
        "not-found": "/lots/999",
    }


def plan(shop: Shop, quantity: str, **given: str) -> None:
    lamp = shop.ids["LAMP-01"]
    shop.write(lambda session, act: plan_build(session, act, product_id=lamp, quantity=quantity, **given))


def signed_in(
    browser: Browser,
    address: str,
    *,
    width: int,
    height: int,
    email: str = "owner@lumen.example",
    password: str = PASSWORD,
) -> Page:
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light", locale="en-GB")
    page.goto(f"{address}/sign-in")
    page.fill("#email", email)
    page.fill("#password", password)
    page.click("button[type=submit]")
    page.wait_for_url(f"{address}/")
    return page


def take(page: Page, url: str, name: str, *, only: str) -> None:
    """One picture of the whole page; of the demo, what a window shows. A page wider than the window ends the run."""
    if only and only not in name:
        return
    page.goto(url, wait_until="networkidle")
    page.screenshot(path=FOLDER / f"{name}.png", full_page=name.split("-")[0] != "demo")  # its lists are long
    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if width > 0:
        raise SystemExit(f"{name} is {width} pixels too wide")


if __name__ == "__main__":
    main(*sys.argv[1:])
