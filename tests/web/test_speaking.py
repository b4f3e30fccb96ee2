"""In which language and formats a page is, and how numbers typed in them arrive."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import pytest

from partsemble_core.domain.amounts import Misread, parse_decimal
from partsemble_core.errors import Invalid, say
from partsemble_core.store.products import get_product
from partsemble_web.forms import Typed, read_number
from partsemble_web.speaking import locale, said
from tests.web.people import Visitor
from tests.web.shop import Shop

Visit = Callable[..., Visitor]


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [
        ("", "en-GB"),
        ("de", "de-DE"),
        ("de-AT", "de-AT"),
        ("de-LI,de;q=0.9", "de-DE"),
        ("en", "en-GB"),
        ("en-us", "en-US"),
        ("fr,de-CH;q=0.8,en;q=0.9", "en-GB"),
        ("fr", "en-GB"),
        ("de;q=0, en-NZ", "en-NZ"),
        ("*", "en-GB"),
        ("xx-" + "y" * 500, "en-GB"),
    ],
)
def test_a_stranger_is_spoken_to_as_the_browser_asks(full_shop: Shop, asked: str, spoken: str) -> None:
    answer = Visitor(full_shop).get("/sign-in", headers={"Accept-Language": asked} if asked else {})
    assert f'<html lang="{spoken}">' in answer.text
    assert "Accept-Language" in answer.headers["Vary"]


def test_texts_of_the_core_are_said_with_their_values_in_the_page_s_format(full_shop: Shop) -> None:
    amount, day = Decimal("1234.5"), dt.date(2026, 4, 3)
    text = say("{what}: {amount} on {day}, {whose}.", what=say("Lot"), amount=amount, day=day, whose="Open")
    with full_shop.app.test_request_context(headers={"Accept-Language": "en-US"}):
        assert said(text) == "Lot: 1,234.5 on Apr 3, 2026, Open."
    with full_shop.app.test_request_context(headers={"Accept-Language": "de-CH"}):
        assert said(text).split(": ")[1].startswith("1’234.5 on 03.04.2026")
    assert said("") == ""
    late = say("{day} at {time:%H:%M}", day=day, time=dt.time(16, 5, 9))
    assert str(late) == "2026-04-03 at 16:05"
    for language, told in (("en-US", "Apr 3, 2026 at 4:05\N{NO-BREAK SPACE}PM"), ("de", "03.04.2026 um 16:05")):
        with full_shop.app.test_request_context(headers={"Accept-Language": language}):
            assert said(late) == told


LOCKED = "Xero refused it: Locked. Open the period in Xero, then try the export again."


@pytest.mark.parametrize(
    ("stored", "german"),
    [
        ("Left out by ann@example.com: By hand: {all}", "Ausgelassen von ann@example.com: By hand: {all}"),
        ("Cancelled by Ann: Wrong", "Abgebrochen von Ann: Wrong"),
        ("Reversed by R-1 before anything was sent.", "Durch R-1 storniert, bevor etwas gesendet wurde."),
        ("Reversed by R-1 before anything was sent. Or so.", "Reversed by R-1 before anything was sent. Or so."),
        ("Xero refused it: Account 429 is archived.", "Xero hat abgelehnt: Account 429 is archived."),
        (
            LOCKED,
            "Xero hat abgelehnt: Locked. Öffnen Sie die Periode in Xero, und versuchen Sie den Export dann erneut.",
        ),
        ("It was left out by chance.", "It was left out by chance."),
    ],
)
def test_a_stored_sentence_is_said_in_the_reader_s_language(full_shop: Shop, stored: str, german: str) -> None:
    with full_shop.app.test_request_context(headers={"Accept-Language": "en"}):
        assert said(stored) == stored
    with full_shop.app.test_request_context(headers={"Accept-Language": "de"}):
        assert said(stored) == german


def test_a_number_is_read_in_the_person_s_way_or_kept_as_misread(full_shop: Shop) -> None:
    with full_shop.app.test_request_context(headers={"Accept-Language": "de"}):
        assert locale() == "de-DE"
        assert read_number("1.234,5", locale()) == "1234.5"
        assert Typed("1234.5").__html__() == "1234,5"
        assert read_number("  ", locale()) == ""
        wrong = read_number(" 12.5 ", locale())
        assert isinstance(wrong, Misread)
        with pytest.raises(Invalid, match="isn't a plain decimal number") as refused:
            parse_decimal(wrong.strip(), field="quantity")
        assert said(refused.value.message).endswith("12,50.")


def test_a_german_types_german_numbers_and_gets_them_back(shop: Shop, visit: Visit) -> None:
    owner = visit(shop, "owner")
    owner.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "de"
    fields = {"sku": "KOMMA", "name": "Comma", "kind": "component", "unit": "each", "reorder_point": "1.234,5"}
    answer = owner.post("/products", {**fields, "weight": "0,25"}, page="/products/new")
    assert answer.status_code == 303, answer.text
    product_id = int(answer.headers["Location"].rpartition("/")[2])
    with shop.house.reading(shop.company_id) as session:
        product = get_product(session, product_id)
        assert (product.reorder_point, product.weight) == (Decimal("1234.5"), Decimal("0.25"))
    form = owner.get(f"/products/{product_id}/edit").text
    assert 'value="1234,5"' in form
    assert 'value="0,25"' in form
    assert "1.234,5" in owner.get("/products?columns=reorder_point").text


def test_a_point_is_refused_where_a_comma_is_meant_and_comes_back_as_typed(shop: Shop, visit: Visit) -> None:
    owner = visit(shop, "owner")
    owner.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "de"
    fields = {"sku": "PUNKT", "name": "Point", "kind": "component", "unit": "each", "reorder_point": "12.5"}
    answer = owner.post("/products", fields, page="/products/new")
    assert answer.status_code == 422
    assert 'value="12.5"' in answer.text
    assert "12,50" in answer.text
    assert "PUNKT" not in owner.get("/products").text


def test_rows_of_a_table_are_read_too(shop: Shop, visit: Visit) -> None:
    owner = visit(shop, "owner")
    owner.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "de"
    lines = {"sku": ["PANEL-24", ""], "quantity": ["1,5", ""], "scrap_percent": ["2.5", ""], "optional": ["", ""]}
    fields = {"output_quantity": "1", **lines, "designators": ["", ""]}
    page = f"/products/{shop.ids['LAMP-01']}/bom"
    wrong = owner.post(page, fields, page=page)
    assert wrong.status_code == 422
    assert 'value="1,5"' in wrong.text
    assert 'value="2.5"' in wrong.text


def test_a_person_s_own_choice_goes_before_the_browser_s(shop: Shop, visit: Visit) -> None:
    builder = visit(shop, "builder")
    builder.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "de-DE"
    answer = builder.post("/account/locale", {"locale": "en-US"}, page="/account")
    assert answer.status_code == 303
    page = builder.get("/account").text
    assert '<html lang="en-US">' in page
    assert (
        '<option value="en-US" lang="en-US" selected>English (United States) · 1,234.50 · Sep 4, 2026</option>' in page
    )
    assert "Language and formats are changed." in page
    builder.post("/account/locale", {"locale": ""}, page="/account")
    assert '<html lang="de-DE">' in builder.get("/account").text


def test_a_language_that_isn_t_offered_is_refused(shop: Shop, visit: Visit) -> None:
    answer = visit(shop, "viewer").post("/account/locale", {"locale": "tlh"}, page="/account")
    assert answer.status_code == 422
    assert "That language isn’t offered" in answer.text or "That language isn&#39;t offered" in answer.text
