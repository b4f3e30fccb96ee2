"""Numbers mean what they meant on the page that they were typed into, whatever language the person turned to since."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from partsemble_core.services.preferring import LOCALES
from tests.web.people import Visitor
from tests.web.shop import Shop

Visit = Callable[..., Visitor]
FIELDS = {"sku": "THICK", "name": "Thick", "kind": "component", "unit": "each"}
TAG = re.compile(r"<input\b[^>]*>")


def speak(visitor: Visitor, locale: str) -> Visitor:
    visitor.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = locale
    return visitor


def fields_of(page: str) -> dict[str, str]:
    """What a browser would send of the fields that have a value."""
    tags = [dict(re.findall(r'\b(name|value)="([^"]*)"', tag)) for tag in TAG.findall(page)]
    return {tag["name"]: tag.get("value", "") for tag in tags if "name" in tag}


def made(owner: Visitor, answer_to: str, **more: str) -> str:
    """The reorder point as the store has it, read on an English page."""
    answer = owner.post("/products", {**FIELDS, **more}, page="/products/new")
    assert answer.status_code == 303, answer.text
    page = speak(owner, "en-GB").get(answer.headers["Location"] + "/edit").text
    assert fields_of(page)["reorder_point"] == answer_to
    return answer.headers["Location"]


def test_a_form_opened_in_english_is_read_in_english_after_a_change_to_german(shop: Shop, visit: Visit) -> None:
    owner = speak(visit(shop, "owner"), "en-GB")
    product = made(owner, "1.234", reorder_point="1.234")
    opened = fields_of(speak(owner, "en-GB").get(f"{product}/edit").text)
    assert opened["written_in"] == "en-GB"
    answer = speak(owner, "de").post(f"{product}/edit", {**FIELDS, **opened}, page="/products/new")
    assert answer.status_code == 303, answer.text
    assert fields_of(owner.get(f"{product}/edit").text)["reorder_point"] == "1,234"
    assert fields_of(speak(owner, "en").get(f"{product}/edit").text)["reorder_point"] == "1.234"


def test_a_form_that_says_nothing_is_read_in_the_person_s_own_way(shop: Shop, visit: Visit) -> None:
    made(speak(visit(shop, "owner"), "de"), "1234", reorder_point="1.234")


@pytest.mark.parametrize("written_in", ["tlh", "", "de", ["de-DE", "en-GB"]])
def test_a_way_of_writing_that_isn_t_offered_is_refused(shop: Shop, visit: Visit, written_in: str | list[str]) -> None:
    owner = visit(shop, "owner")
    answer = owner.post("/products", {**FIELDS, "reorder_point": "1.5", "written_in": written_in}, page="/products/new")
    assert answer.status_code == 422
    assert "It isn’t clear in which way these numbers are written" in answer.text
    assert "THICK" not in owner.get("/products").text
    assert owner.get("/builds/new?quantity=1&written_in=tlh").status_code == 422


@pytest.mark.parametrize("locale", LOCALES)
def test_a_number_in_an_address_is_plain_whoever_opens_it(full_shop: Shop, visit: Visit, locale: str) -> None:
    owner = speak(visit(full_shop, "owner"), locale)
    path = f"/builds/new?product={full_shop.ids['LAMP-01']}&quantity="
    shown = fields_of(owner.get(f"{path}1.500").text)["quantity"]
    assert shown.replace(",", ".") == "1.500", "the preview’s form holds it, in the way of the page"
    for wrong in ("1,5", "1.500,0", "1,500.0", "1 500", "1e3"):
        assert 'id="failure"' in owner.get(path + wrong).text


def test_an_address_says_in_which_way_its_number_was_typed(full_shop: Shop, visit: Visit) -> None:
    owner = speak(visit(full_shop, "owner"), "de")
    path = f"/builds/new?product={full_shop.ids['LAMP-01']}&quantity="
    assert 'name="written_in" value="de-DE"' in owner.get("/builds/new").text.partition('id="preview"')[0]
    page = owner.get(f"{path}1,5&written_in=de-DE").text
    assert page.count('name="quantity" value="1,5"') == 1
    assert 'name="expected" value="' in page, "a hidden figure stays as the service gave it"
    page = speak(owner, "en").get(f"{path}1,5&written_in=de-DE").text
    assert page.count('name="quantity" value="1.5"') == 1
    assert "isn&#39;t a plain decimal number" in owner.get(f"{path}1.5&written_in=de-DE").text
