"""Labels to print, and the field that their codes are scanned into."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

from partsemble_core.services.receiving import LineInput, receive
from partsemble_core.services.tagging import draw_bars, draw_qr
from tests.web.people import Visitor, text_of
from tests.web.shop import Shop

Visit = Callable[[Shop, str], Visitor]


def test_the_labels_of_a_receipt_are_one_a_lot_in_as_many_copies_as_asked_for(full_shop: Shop, visit: Visit) -> None:
    answer = visit(full_shop, "viewer").get("/labels?receipt=4&copies=12&skip=2")
    page = answer.text
    assert page.count('<article class="label"') == 24
    assert page.count('<div class="label label-used">') == 2
    assert page.count('class="sheet sheet-a4"') == 2
    assert "24 labels, 2 sheets" in text_of(answer)
    assert re.findall(r'"label-sku">([^<]+)', page)[::12] == ["FRAME-AL", "SCREW-M3"], "the wire is used up"
    address = "http://localhost/scan?code=ACM-20260422&sku=SCREW-M3"
    assert address in unescape(page)
    assert page.count(draw_qr(address).path) == 12
    bars = draw_bars("ACM-20260422")
    assert bars is not None
    assert page.count(bars.path) == 24
    assert "style=" not in page, "the policy of the pages would drop it"


def test_what_a_build_made_and_what_was_ticked_have_labels_too(full_shop: Shop, visit: Visit) -> None:
    viewer = visit(full_shop, "viewer")
    made = viewer.get("/labels?build=1&layout=roll-100").text
    assert re.findall(r'"label-sku">([^<]+)', made) == ["LAMP-01"]
    assert "made " in made
    ticked = viewer.get("/labels?ids=2&ids=3&layout=letter").text
    assert re.findall(r'"label-number[^"]*">([^<]+)', ticked) == ["ACM-20260410", "NTL-20260421"]
    assert "labels/letter.css" in ticked
    assert "No lot to label" in viewer.get("/labels").text


def test_codes_that_no_phone_can_open_are_warned_of(full_shop: Shop, visit: Visit) -> None:
    warned = "A phone can’t open the QR codes"
    page = visit(full_shop, "viewer").get("/labels?ids=2")
    assert warned in text_of(page)
    assert "PARTSEMBLE_BASE_URL" in text_of(page)
    assert 'href="/help/work#labels"' in page.text
    settings = full_shop.house.settings
    for base_url, is_warned in (("http://127.0.0.1:8000", True), ("http://[::1]:8", True), ("http://10.0.0.7", False)):
        object.__setattr__(settings, "base_url", base_url)
        try:
            assert (warned in text_of(visit(full_shop, "viewer").get("/labels?ids=2"))) is is_warned, base_url
        finally:
            object.__setattr__(settings, "base_url", "http://localhost")


def test_a_label_that_can_not_be_is_refused_by_name(full_shop: Shop, visit: Visit) -> None:
    viewer = visit(full_shop, "viewer")
    for query, status, said in (
        ("ids=2&copies=0", 422, "from 1 to 100"),
        ("ids=2&copies=x", 422, "from 1 to 100"),
        ("ids=2&layout=a5", 422, "There is no layout a5"),
        ("ids=abc", 422, "This is no id"),
        ("receipt=9²", 422, "This is no id"),
        ("ids=999", 404, "no lot 999"),
        ("receipt=999", 404, "receipt"),
        ("build=999", 404, "build"),
        ("&".join(f"ids={number}" for number in range(201)), 422, "At most 200 lots"),
        ("receipt=4&ids=2&copies=100", 200, "200 labels"),
    ):
        answer = viewer.get(f"/labels?{query}")
        assert (answer.status_code, said in text_of(answer)) == (status, True), (query, text_of(answer))


def test_a_number_that_bars_can_not_hold_has_a_qr_code_only_and_is_named(shop: Shop, visit: Visit) -> None:
    lines = [
        LineInput(sku="PANEL-24", quantity="5", unit_cost="1", lot_number="ÄÖ-1"),
        LineInput(sku="FRAME-AL", quantity="5", unit_cost="1", lot_number="L" * 64),
    ]
    shop.write(lambda session, act: receive(session, act, supplier="ACM", lines=lines))
    answer = visit(shop, "viewer").get("/labels?receipt=1&layout=letter")
    assert 'class="label-bars"' not in answer.text
    assert answer.text.count('class="label-qr"') == 2
    assert f"Lots ÄÖ-1, {'L' * 64} have a QR code only" in text_of(answer)
    wide = visit(shop, "viewer").get("/labels?ids=2&layout=roll-100").text
    assert 'class="label-bars"' not in wide, "759 modules on 94 mm are too thin"


def test_a_scan_opens_one_thing_offers_several_and_says_what_it_read(full_shop: Shop, visit: Visit) -> None:
    viewer = visit(full_shop, "viewer")
    for code, wanted in (
        ("panel-24", "/products/1"),
        ("ACM-20260410", "/lots/2"),
        ("PSB-RCV-0002", "/receipts/2"),
        ("http://localhost/scan?code=ACM-20260422%26sku=WIRE-075", "/lots/6"),
        ("ACM-20260422&sku=WIRE-075", "/lots/6"),
    ):
        answer = viewer.get(f"/scan?code={code}")
        assert answer.location == wanted, code
    several = text_of(viewer.get("/scan?code=ACM-20260422"))
    assert "3 things go by “ACM-20260422”" in several
    none = text_of(viewer.get("/scan?code=ACM-2026041"))
    assert "“ACM-2026041” was read. Nothing here goes by that." in none
    assert "Perhaps one of these ACM-20260410 PANEL-24 Lot" in none
    assert viewer.get("/scan?code=A%00").status_code == 422


def test_a_label_opens_its_lot_after_the_sign_in(full_shop: Shop) -> None:
    stranger = Visitor(full_shop)
    asked = stranger.get("/scan?code=ACM-20260422&sku=WIRE-075")
    assert asked.location == "/sign-in?next=/scan?code%3DACM-20260422%26sku%3DWIRE-075"
    form = stranger.get(asked.location).text
    kept = re.search(r'name="next" value="([^"]+)"', form)
    assert kept is not None
    assert unescape(kept[1]) == "/scan?code=ACM-20260422&sku=WIRE-075"
