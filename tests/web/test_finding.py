"""The search page and the hits of the palette."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.web.people import Visitor, text_of
from tests.web.shop import Shop

XERO = "/integrations/xero/settings/edit"
Visit = Callable[[Shop, str], Visitor]


@pytest.mark.parametrize(
    ("text", "leads_to"),
    [("lamp-01", "/products/5"), ("PSB-RCV-0001", "/receipts/1"), ("PSB-000001", "/builds/1")],
)
def test_a_scanned_number_leads_straight_to_its_page(full_shop: Shop, visit: Visit, text: str, leads_to: str) -> None:
    answer = visit(full_shop, "viewer").get("/search?search=" + text)
    assert answer.status_code == 302
    assert answer.location == leads_to


def test_part_of_a_name_shows_what_was_found_and_nothing_says_what_to_try(full_shop: Shop, visit: Visit) -> None:
    viewer = visit(full_shop, "viewer")
    page = viewer.get("/search?search=PANEL")
    assert page.status_code == 200
    assert 'href="/products/1"' in page.text
    assert "PANEL-24" in text_of(page)
    hits = viewer.get("/search/hits?search=PANEL")
    assert "<html" not in hits.text
    assert 'href="/products/1"' in hits.text
    assert "Nothing holds “<b>”" in text_of(viewer.get("/search/hits?search=%3Cb%3E"))
    assert "Nothing holds" not in text_of(viewer.get("/search"))


@pytest.mark.parametrize(
    ("text", "leads_to"),
    [
        ("audit", "/settings/audit-log"),
        ("users", "/settings/users"),
        ("reconcile", "/reconcile"),
        ("Xero scopes", XERO),
    ],
)
def test_a_page_is_found_by_its_name(full_shop: Shop, visit: Visit, text: str, leads_to: str) -> None:
    owner = visit(full_shop, "owner")
    assert owner.get(f"/search?search={text}").location == leads_to
    hits = owner.get(f"/search/hits?search={text}")
    assert "Nothing holds" not in text_of(hits)
    assert (f'href="{leads_to}"' in hits.text) is (text != "reconcile"), "the palette finds the menu's by itself"


def test_several_pages_are_shown_and_none_that_the_person_may_not_open(full_shop: Shop, visit: Visit) -> None:
    shown = text_of(visit(full_shop, "owner").get("/search?search=webhook"))
    assert "Webhooks Page" in shown
    assert "What was heard Page" in shown
    assert "Nothing holds “audit”" in text_of(visit(full_shop, "builder").get("/search?search=audit"))


def test_a_text_that_is_too_long_is_refused_by_its_field(full_shop: Shop, visit: Visit) -> None:
    answer = visit(full_shop, "viewer").get("/search?search=" + "x" * 201)
    assert answer.status_code == 422
    assert "Search may have at most 200 characters" in text_of(answer)
