from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.web.people import Visitor, text_of
from tests.web.shop import Shop, connect

Visit = Callable[[Shop, str], Visitor]
PATH = "/settings/company"


def test_the_owner_renames_the_company_and_sets_its_clock(shop: Shop, visit: Visit) -> None:
    owner = visit(shop, "owner")
    answer = owner.post(PATH, {"name": " Kiwi Lamps ", "timezone": "Pacific/Auckland"}, page=PATH)
    assert answer.status_code == 303
    page = owner.get(PATH)
    assert 'value="Kiwi Lamps"' in page.text
    assert '<option value="Pacific/Auckland" selected>' in page.text
    told = text_of(owner.get("/settings/audit-log?search=Kiwi"))
    assert "timezone: UTC → Pacific/Auckland" in told


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "", "timezone": "UTC"}, "missing"),
        ({"name": "x" * 500, "timezone": "UTC"}, "at most"),
        ({"name": "Fine", "timezone": "Mars/Olympus"}, "There is no such time zone"),
        ({"name": "Fine", "timezone": "../etc/passwd"}, "There is no such time zone"),
    ],
)
def test_what_is_typed_wrong_changes_nothing(shop: Shop, visit: Visit, fields: dict[str, str], words: str) -> None:
    owner = visit(shop, "owner")
    answer = owner.post(PATH, fields, page=PATH)
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert 'value="Lumen Works"' in owner.get(PATH).text


@pytest.mark.parametrize("role", ["admin", "accountant", "builder", "viewer"])
def test_the_others_read_it(shop: Shop, visit: Visit, role: str) -> None:
    visitor = visit(shop, role)
    page = text_of(visitor.get(PATH))
    assert "the owner can change it" in page
    assert "US Dollar (USD)" in page
    assert visitor.post(PATH, {"name": "Mine", "timezone": "UTC"}, page=PATH).status_code == 403


def test_who_owns_the_quantities_is_said_with_the_reason(shop: Shop, visit: Visit) -> None:
    owner = visit(shop, "owner")
    assert "No books are connected." in text_of(owner.get(PATH))
    connect(shop)
    page = text_of(owner.get(PATH))
    assert "Partsemble; the books get journals" in page
    assert "quantities stay in Partsemble" in page


@pytest.mark.parametrize(
    ("role", "shown", "hidden"),
    [
        ("owner", ("Users", "API tokens", "Webhooks", "Accounting", "Audit log"), ()),
        ("accountant", ("Permissions", "Audit log"), ("Users", "API tokens", "Webhooks", "Accounting")),
        ("viewer", ("Company", "How work is done", "Permissions"), ("Users", "API tokens", "Audit log")),
    ],
)
def test_each_role_sees_the_rooms_that_it_may_enter(
    shop: Shop, visit: Visit, role: str, shown: tuple[str, ...], hidden: tuple[str, ...]
) -> None:
    page = visit(shop, role).get("/settings").text
    rooms = page.split('class="rooms"')[1].split("</nav>")[0]
    assert [title for title in shown if f">{title}</a>" not in rooms] == []
    assert [title for title in hidden if f">{title}</a>" in rooms] == []
    assert rooms.count('aria-current="page"') == 1
    assert 'class="rooms"' not in visit(shop, role).get("/lots").text
