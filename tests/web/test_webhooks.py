"""Webhooks in the console: a secret is shown once, and only those who set up see any of it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from partsemble_core.services.delivering import serve_endpoint
from partsemble_core.store.events import EventDelivery, EventEndpoint
from tests.web.people import Visitor, text_of
from tests.web.shop import Shop, listen

Visit = Callable[[Shop, str], Visitor]
PAGE = "/settings/webhooks"
URL = "https://example.com/hooks"
CLOSED = (PAGE, f"{PAGE}/1", f"{PAGE}/deliveries", f"{PAGE}/deliveries.csv", f"{PAGE}/deliveries/1")
POSTS = (PAGE, f"{PAGE}/1", f"{PAGE}/1/rotate", f"{PAGE}/1/test", f"{PAGE}/1/remove", f"{PAGE}/deliveries/1/redeliver")


def rows(shop: Shop) -> tuple[int, int]:
    with shop.house.reading(shop.company_id) as session:
        endpoints = session.scalar(sa.select(sa.func.count(EventEndpoint.id))) or 0
        return endpoints, session.scalar(sa.select(sa.func.count(EventDelivery.id))) or 0


def test_a_secret_is_shown_once(shop: Shop, visit: Visit) -> None:
    visitor = visit(shop, "admin")
    answer = visitor.post(PAGE, {"url": URL, "kinds": ["stock.low", "export.failed"]}, page=PAGE)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    (secret,) = re.findall(r"whsec_[A-Za-z0-9+/=]{44}", answer.text)
    for path in CLOSED[:3]:
        page = visitor.get(path)
        assert page.status_code == 200
        assert "whsec_" not in page.text
        assert secret[6:] not in page.text
    assert "export.failed, stock.low" in text_of(visitor.get(PAGE))
    rotated = visitor.post(f"{PAGE}/1/rotate")
    (newer,) = re.findall(r"whsec_[A-Za-z0-9+/=]{44}", rotated.text)
    assert newer != secret
    assert newer not in str(visitor.client.get_cookie("session"))


def test_what_is_wrong_comes_back_as_it_was_typed(shop: Shop, visit: Visit) -> None:
    visitor = visit(shop, "owner")
    for url, kinds, code in (
        ("http://127.0.0.1/x", ["stock.low"], "private-address"),
        ("nowhere", ["stock.low"], "invalid"),
        (URL, [], "invalid"),
    ):
        answer = visitor.post(PAGE, {"url": url, "kinds": kinds}, page=PAGE)
        assert answer.status_code == 422, url
        assert code in answer.text
        assert f'value="{url}"' in answer.text
    assert rows(shop) == (0, 0)


def test_an_address_is_changed_tested_and_removed(shop: Shop, visit: Visit) -> None:
    listen(shop)
    visitor = visit(shop, "owner")
    fields = {"url": URL, "kinds": ["export.posted"]}
    assert visitor.post(f"{PAGE}/1", {**fields, "kinds": []}).status_code == 422
    assert visitor.post(f"{PAGE}/1", {**fields, "is_active": "yes"}).status_code == 303
    sent = visitor.post(f"{PAGE}/1/test")
    assert sent.location == f"{PAGE}/deliveries/2"
    page = visitor.get(sent.location).text
    assert "&#34;kind&#34;: &#34;test&#34;" in page
    assert visitor.post(f"{PAGE}/deliveries/2/redeliver").status_code == 303
    assert visitor.post(f"{PAGE}/1", fields).status_code == 303, "without the box it is switched off"
    assert serve_endpoint(shop.house, shop.company_id, 1) == 0
    assert visitor.post(f"{PAGE}/deliveries/2/redeliver").status_code == 409
    assert visitor.post(f"{PAGE}/1/remove").status_code == 303
    assert rows(shop) == (0, 0)


@pytest.mark.parametrize("role", ["accountant", "builder", "viewer"])
def test_others_see_and_do_nothing_of_it(shop: Shop, visit: Visit, role: str) -> None:
    listen(shop)
    visitor = visit(shop, role)
    for path in CLOSED:
        answer = visitor.get(path)
        assert answer.status_code == 403, path
        assert "hooks.example" not in answer.text
    for path in POSTS:
        assert visitor.post(path, {"url": URL, "kinds": "stock.low"}).status_code == 403, path
    assert "Webhooks" not in visitor.get("/settings").text
    assert rows(shop) == (1, 1)


def test_a_form_without_its_token_changes_nothing(shop: Shop, visit: Visit) -> None:
    listen(shop)
    visitor = visit(shop, "owner")
    for path in POSTS:
        assert visitor.client.post(path, data={"url": URL, "kinds": "stock.low"}).status_code == 400, path
    assert rows(shop) == (1, 1)
