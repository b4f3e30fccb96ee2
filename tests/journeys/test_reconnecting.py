"""Access ends on the other side: it is noticed at the next call, exports wait, a reconnection lets them go on, once."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from partsemble_core.services.draining import drain
from partsemble_core.services.receiving import LineInput, receive
from partsemble_xero.sandbox.testing import RunningSandbox
from tests.journeys.conftest import Console
from tests.journeys.picking import pick_account
from tests.journeys.test_connecting import begin

BOOKS = "Second Books Ltd"
ACCOUNTS = (
    ("Receiving debit", "621"),
    ("Receiving credit", "623"),
    ("Build debit", "622"),
    ("Build credit", "621"),
)


def allow(window: Page) -> None:
    window.get_by_label(BOOKS).check()
    window.get_by_role("button", name="Allow access").click()
    window.get_by_label(BOOKS).check()
    with window.expect_event("close"):
        window.get_by_role("button", name="Connect").click()


def buy(console: Console, cost: str) -> None:
    """A receipt, whose export waits for the worker."""
    line = LineInput(sku="PANEL-24", quantity="1", total_cost=cost)
    console.shop.write(lambda session, act: receive(session, act, supplier="ACM", lines=[line]))


def work(console: Console) -> None:
    """What the worker does when its bell is rung."""
    drain(console.shop.house, console.shop.company_id, seconds=5)


def in_books(sandbox: RunningSandbox) -> list[tuple[str, str]]:
    """Each journal over there: its status, and what it debits."""
    return [
        (journal["status"], next(line["amount"] for line in journal["lines"] if not line["amount"].startswith("-")))
        for journal in sandbox.books(BOOKS)["journals"]
    ]


def test_after_a_revocation_exports_wait_and_go_on_exactly_once(connectable: Console, sandbox: RunningSandbox) -> None:
    page = connectable.page
    allow(begin(connectable))
    expect(page.get_by_role("heading", name=BOOKS, exact=True)).to_be_visible()
    for label, code in ACCOUNTS:
        pick_account(page, label, code)
    page.get_by_role("button", name="Save accounts").click()
    expect(page.get_by_text("New documents are exported from now on.")).to_be_visible()
    buy(connectable, "12.50")
    work(connectable)
    assert in_books(sandbox) == [("POSTED", "12.50")]

    sandbox.revoke_grant()
    buy(connectable, "7.25")
    connectable.open("/exports")
    expect(page.get_by_text("1 export waits to go out")).to_be_visible()
    work(connectable)
    assert in_books(sandbox) == [("POSTED", "12.50")]

    connectable.open("/")
    expect(page.get_by_text("Exports wait until you sign in again.")).to_be_visible()
    connectable.open("/exports")
    expect(page.get_by_text("has to be reconnected first")).to_be_visible()
    work(connectable)
    assert in_books(sandbox) == [("POSTED", "12.50")], "nothing is sent meanwhile"

    connectable.open("/integrations")
    expect(page.get_by_text("Exports wait, nothing is lost.")).to_be_visible()
    expect(page.locator("#health .state", has_text="Needs attention")).to_be_visible()
    with page.expect_popup() as popup:
        page.get_by_role("button", name="Reconnect").click()
    allow(popup.value)
    expect(page.locator("#health .state", has_text="Healthy")).to_be_visible()
    expect(page.get_by_text("Exports wait, nothing is lost.")).to_be_hidden()
    expect(page.get_by_role("combobox", name="Receiving debit")).to_have_value("621 Stock on Hand - Components")

    for _ in range(2):
        work(connectable)
    assert in_books(sandbox) == [("POSTED", "12.50"), ("POSTED", "7.25")], "exactly once"
    connectable.open("/exports")
    expect(page.locator(".state", has_text="Synced")).to_have_count(2)
    expect(page.locator("#queue")).to_have_count(0)
