from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest

from partsemble_core.services.admitting import WITHIN, find_token_holder, narrowed
from partsemble_core.services.issuing import USED_EVERY, is_use_due
from partsemble_core.store.companies import Role
from partsemble_core.store.database import reading_anywhere
from tests.web.people import Visitor, text_of
from tests.web.shop import NOW, Shop

Visit = Callable[[Shop, str], Visitor]
PATH = "/settings/api-tokens"


def issue(visitor: Visitor, **fields: str) -> str:
    """What a new token reads."""
    answer = visitor.post(PATH, {"name": "Shop import", "role": "own", "days": "never", **fields})
    assert answer.status_code == 200, text_of(answer)
    found = re.search(r'<code id="token">(psb_live_[\w-]+)</code>', answer.text)
    assert found is not None
    return found[1]


def role_of(shop: Shop, token: str, *, now: dt.datetime = NOW) -> Role | None:
    with reading_anywhere(shop.house.engine) as session:
        person = find_token_holder(session, token, now=now)
    return person.role if person else None


def call(shop: Shop, token: str, method: str, path: str, **sent: object) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return shop.app.test_client().open(f"/api/v1{path}", method=method, headers=headers, **sent).status_code


def test_a_new_token_may_only_look_unless_more_is_chosen(shop: Shop, visit: Visit) -> None:
    page = visit(shop, "owner").get(f"{PATH}/new").text
    assert re.findall(r'<option value="(\w*)" selected>', page)[0] == "viewer"


def test_a_token_is_shown_once_and_works_in_ones_name(shop: Shop, visit: Visit) -> None:
    admin = visit(shop, "admin")
    token = issue(admin)
    assert role_of(shop, token) == Role.ADMIN
    assert call(shop, token, "GET", "/products") == 200
    for path in (PATH, f"{PATH}/1", f"{PATH}.csv"):
        page = admin.get(path)
        assert token not in page.text
        assert "Shop import" in page.text
    assert "admin@lumen.example" in text_of(admin.get(PATH))


def test_a_token_with_a_lesser_role_may_no_more_than_that(shop: Shop, visit: Visit) -> None:
    token = issue(visit(shop, "owner"), role="viewer")
    assert call(shop, token, "GET", "/products") == 200
    assert call(shop, token, "POST", "/products", json={"sku": "X", "name": "X"}) == 403


def test_nobody_issues_a_token_above_themselves(shop: Shop, visit: Visit) -> None:
    answer = visit(shop, "admin").post(PATH, {"name": "x", "role": "owner", "days": "never"})
    assert answer.status_code == 403
    assert "Choose a lesser role" in text_of(answer)
    narrow = issue(visit(shop, "owner"), role="admin")
    for body, status in (({"name": "y"}, 201), ({"name": "z", "role": "owner"}, 403)):
        assert call(shop, narrow, "POST", "/api-tokens", json=body) == status
    rows = shop.app.test_client().get("/api/v1/api-tokens", headers={"Authorization": f"Bearer {narrow}"}).json["rows"]
    sent = {"json": {"name": "w", "role": ""}}
    assert call(shop, narrow, "POST", "/api-tokens", **sent) == 422, "only what is left out means the caller's own"
    assert [(row["name"], row["role"]) for row in rows] == [("y", "admin"), ("Shop import", "admin")]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": ""}, "missing"),
        ({"days": "0"}, "whole number from 1"),
        ({"days": "1.5"}, "whole number from 1"),
        ({"days": "99999"}, "whole number from 1"),
        ({"days": "²"}, "whole number from 1"),
        ({"days": ""}, "Choose after how many days"),
        ({"role": "king"}, "There is no such role"),
        ({"role": ""}, "There is no such role"),
    ],
)
def test_what_is_typed_wrong_is_said_beside_the_form(
    shop: Shop, visit: Visit, fields: dict[str, str], words: str
) -> None:
    answer = visit(shop, "owner").post(PATH, {"name": "Import", "role": "own", "days": "30", **fields})
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert "Issue token" in text_of(answer)


def test_a_token_ends_by_itself_or_when_it_is_revoked(shop: Shop, visit: Visit) -> None:
    owner = visit(shop, "owner")
    short, long = issue(owner, days="1"), issue(owner)
    later = NOW + dt.timedelta(days=1)
    assert role_of(shop, short, now=later - dt.timedelta(seconds=1)) == Role.OWNER
    assert role_of(shop, short, now=later) is None
    assert role_of(shop, long, now=later) == Role.OWNER
    assert owner.post(f"{PATH}/2/revoke").status_code == 303
    assert role_of(shop, long) is None
    assert call(shop, long, "GET", "/products") == 401
    assert "Revoked" in text_of(owner.get(f"{PATH}/2"))
    assert "Revoke token" not in owner.get(f"{PATH}/2").text


def test_the_last_use_is_noted_now_and_then(shop: Shop, visit: Visit) -> None:
    owner = visit(shop, "owner")
    token = issue(owner)
    assert "Last used never" in text_of(owner.get(f"{PATH}/1"))
    assert call(shop, token, "GET", "/company") == 200
    assert "Last used never" not in text_of(owner.get(f"{PATH}/1"))
    with reading_anywhere(shop.house.engine) as session:
        assert not is_use_due(session, token, now=NOW + USED_EVERY - dt.timedelta(seconds=1))
        assert is_use_due(session, token, now=NOW + USED_EVERY)


def test_of_two_roles_a_token_may_what_both_may() -> None:
    for role in Role:
        assert narrowed(role, None) == role
        for limit in Role:
            assert narrowed(role, limit) in WITHIN[role] & WITHIN[limit]
    assert narrowed(Role.OWNER, Role.BUILDER) == Role.BUILDER
    assert narrowed(Role.ACCOUNTANT, Role.BUILDER) == Role.VIEWER
    assert narrowed(Role.VIEWER, Role.ADMIN) == Role.VIEWER


@pytest.mark.parametrize("role", ["accountant", "builder", "viewer"])
def test_others_see_no_tokens(shop: Shop, visit: Visit, role: str) -> None:
    visitor = visit(shop, role)
    for path in (PATH, f"{PATH}/new", f"{PATH}.csv"):
        assert visitor.get(path).status_code == 403
