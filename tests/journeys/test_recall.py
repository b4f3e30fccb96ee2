"""A recall, as somebody does it: from a supplier's lot to all that holds some of it, and back."""

from __future__ import annotations

from playwright.sync_api import expect

from partsemble_core.services.building import build_now
from tests.journeys.conftest import Console
from tests.web.shop import make_lamps, stock_up


def test_a_supplier_s_lot_is_followed_to_all_that_holds_it_held_and_printed(
    console: Console, page_errors: list[str]
) -> None:
    stock_up(console.shop)
    make_lamps(console.shop, "60")
    console.shop.write(
        lambda session, act: build_now(session, act, product_id=console.shop.ids["LAMP-01"], quantity="5")
    )
    page = console.page
    console.sign_in("builder")
    console.open("/scan")
    page.get_by_label("Scan or type").fill("ACM-20260410")
    page.keyboard.press("Enter")
    page.wait_for_url("**/lots/2")
    page.get_by_role("link", name="Trace").click()
    graph = page.get_by_role("group", name="Drawing", exact=True)
    expect(graph.locator(".graph-middle .graph-title")).to_have_text("ACM-20260410")
    made = [node.text_content() for node in graph.locator(".graph-there .graph-title").all()]
    assert made == ["PSB-000001", "PSB-000002"]
    assert graph.locator("path.graph-line").count() == 2
    page.get_by_text("As a list").click()
    expect(page.locator(".nested")).to_contain_text("PSB-000002 LAMP-01")

    graph.get_by_role("link", name="PSB-000001").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Trace of PSB-000001")
    back = page.get_by_role("group", name="Drawing", exact=True)
    numbers = sorted(text.text_content() or "" for text in back.locator("a:not(.graph-middle) .graph-title").all())
    assert numbers == ["ACM-20260402", "ACM-20260410", "ACM-20260422", "ACM-20260422", "ACM-20260422"]
    back.get_by_role("link", name="ACM-20260410").click()

    page.get_by_role("link", name="Hold all 3 lots").click()
    page.get_by_label("Reason").fill("Recall by the supplier")
    page.get_by_role("button", name="Put on hold").click()
    expect(page.get_by_role("status")).to_contain_text("3 lots are on hold")
    look_at_the_sheet(console)
    assert page_errors == []


def look_at_the_sheet(console: Console) -> None:
    """The recall sheet as paper: every lot to find with what is left of it, and the documents."""
    page = console.page
    console.open("/lots/2/recall")
    page.emulate_media(media="print")
    expect(page.get_by_text("Lumen Works · recall sheet")).to_be_visible()
    for hidden in ("Main", "Print"):
        expect(page.get_by_role("navigation" if hidden == "Main" else "button", name=hidden)).to_be_hidden()
    rows = page.locator(".table-recall tbody tr")
    assert [row.locator("td").nth(0).locator("a").text_content() for row in rows.all()] == [
        "ACM-20260410",
        "PSB-000001",
        "PSB-000002",
    ]
    assert [" ".join((row.locator("td").nth(3).text_content() or "").split()) for row in rows.all()] == [
        "5 each",
        "60 each",
        "5 each",
    ]
    expect(page.locator("main")).to_contain_text("PSB-RCV-0002")
    assert page.pdf().startswith(b"%PDF")
