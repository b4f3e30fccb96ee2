"""What a list page does with an address that asks for more than there is, or for what can't be."""

from __future__ import annotations

from tests.web.people import Visitor
from tests.web.shop import Shop


def test_a_page_beyond_the_end_is_the_last_one(full_shop: Shop) -> None:
    """Rows may have gone since, such as those that were just deactivated."""
    viewer = Visitor.signed_in(full_shop, "viewer")
    last = viewer.get("/products?page_size=2&page=3").text
    beyond = viewer.get("/products?page_size=2&page=999").text
    assert "WIRE-075" in last
    assert "WIRE-075" in beyond
    assert "Nothing found" not in beyond


def test_a_search_that_cannot_be_is_said_on_the_list(full_shop: Shop) -> None:
    answer = Visitor.signed_in(full_shop, "viewer").get("/products?search=" + "+".join("abcdefghijklmnopq"))
    assert answer.status_code == 200
    assert "A search has at most 16 words" in answer.text
    assert 'value="a b c d e f g h i j k l m n o p q"' in answer.text
