"""Invitations, roles, sign-ins and passwords as the console shows them."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers.databases import copy_of
from tests.servers.mailbox import a_mailbox
from tests.web.people import Visitor, text_of
from tests.web.shop import PASSWORD, Shop, open_shop

Visit = Callable[[Shop, str], Visitor]
NEW = "another horse battery"
HOME = "/products"


def code_in(text: str) -> str:
    """The code behind the # of the link."""
    found = re.search(r"(?:join|reset-password)#([\w-]{43})", html.unescape(text))
    assert found is not None, text
    return found[1]


def test_somebody_is_invited_by_a_link_and_comes_in(shop: Shop, visit: Visit) -> None:
    admin = visit(shop, "admin")
    page = admin.post("/settings/users", {"email": "nora@lumen.example", "role": "builder"}, page="/account")
    assert page.status_code == 200
    code = code_in(page.text)
    listed = admin.get("/settings/users/invitations").text
    assert "nora@lumen.example" in listed
    assert code not in listed
    nora = Visitor(shop)
    form = {"code": code, "name": "Nora", "password": NEW, "password_again": "other"}
    assert nora.post("/join/check", {"code": form["code"]}, page="/join").status_code == 204
    refused = nora.post("/join", form, page="/join")
    assert refused.status_code == 422
    assert NEW not in refused.text
    joined = nora.post("/join", {**form, "password_again": NEW}, page="/join")
    assert joined.location == "/sign-in"
    assert "Welcome, Nora" in text_of(nora.get("/sign-in"))
    nora.post("/sign-in", {"email": "nora@lumen.example", "password": NEW}, page="/sign-in")
    assert "Builder" in text_of(nora.get("/account"))
    assert nora.get("/settings/users").status_code == 403
    over = Visitor(shop).post("/join/check", {"code": form["code"]}, page="/join")
    assert (over.status_code, over.text.startswith("This invitation doesn't hold any more.")) == (409, True)
    again = Visitor(shop).post("/join", {**form, "password_again": NEW}, page="/join")
    assert again.status_code == 409
    assert "Ask whoever invited you for a new one." in text_of(again)


def test_a_letter_is_mailed_where_there_is_a_mail_server(migrated_sqlite: Path, tmp_path: Path, visit: Visit) -> None:
    with a_mailbox() as box:
        database = copy_of(migrated_sqlite, tmp_path / "mailed.sqlite3")
        shop = open_shop(database, tmp_path, smtp_url=box.url)
        owner = visit(shop, "owner")
        sent = owner.post("/settings/users", {"email": "nora@lumen.example", "role": "viewer"}, page="/account")
        assert (sent.status_code, sent.location) == (303, "/settings/users/invitations")
        letter = box.last()
        assert (letter["To"], letter["From"]) == ("nora@lumen.example", "partsemble@localhost")
        code = code_in(str(letter.get_payload()))
        form = {"code": code, "name": "Nora", "password": NEW, "password_again": NEW}
        assert Visitor(shop).post("/join", form, page="/join").status_code == 303
        box.is_full = True
        shown = owner.post("/settings/users", {"email": "bob@lumen.example", "role": "viewer"}, page="/account")
        assert code_in(shown.text), "what can't be mailed is shown instead"
        shop.house.engine.dispose()


def test_a_forgotten_password_is_replaced_by_mail(migrated_sqlite: Path, tmp_path: Path, visit: Visit) -> None:
    with a_mailbox() as box:
        shop = open_shop(copy_of(migrated_sqlite, tmp_path / "mailed.sqlite3"), tmp_path, smtp_url=box.url)
        signed_in, stranger = visit(shop, "viewer"), Visitor(shop)
        answers = [
            stranger.post("/forgot-password", {"email": email}, page="/forgot-password")
            for email in ("nobody@lumen.example", "viewer@lumen.example")
        ]
        assert {(answer.status_code, answer.location) for answer in answers} == {(303, "/sign-in")}
        letter = box.last()
        assert [found["To"] for found in box.letters] == ["viewer@lumen.example"]
        form = {"code": code_in(str(letter.get_payload())), "password": NEW, "password_again": NEW}
        assert stranger.post("/reset-password", form, page="/reset-password").status_code == 303
        assert signed_in.get(HOME).status_code == 303, "the old sign-in is over"
        entered = stranger.post("/sign-in", {"email": "viewer@lumen.example", "password": NEW}, page="/sign-in")
        assert entered.location == "/"
        assert Visitor(shop).post("/reset-password", form, page="/reset-password").status_code == 409
        shop.house.engine.dispose()


def test_without_a_mail_server_the_page_says_whom_to_ask(full_shop: Shop) -> None:
    assert "sends no mail" in text_of(Visitor(full_shop).get("/forgot-password"))


def test_a_copy_of_the_cookie_is_worth_nothing_after_signing_out(shop: Shop, visit: Visit) -> None:
    victim, thief = visit(shop, "owner"), Visitor(shop)
    cookie = victim.client.get_cookie("partsemble")
    assert cookie is not None
    thief.client.set_cookie("partsemble", cookie.value)
    assert thief.get(HOME).status_code == 200
    victim.post("/sign-out", page="/account")
    thief.client.set_cookie("partsemble", cookie.value)
    assert thief.get(HOME).status_code == 303


def test_a_browser_is_signed_out_from_another(shop: Shop, visit: Visit) -> None:
    here, there, third = (visit(shop, "viewer") for _ in range(3))
    assert "this browser" in text_of(here.get("/account"))
    oldest = re.findall(r"/account/sign-ins/(\d+)/end", here.get("/account").text)
    assert len(oldest) == 2
    here.post(f"/account/sign-ins/{oldest[-1]}/end", page="/account")
    assert sorted(v.get(HOME).status_code for v in (here, there, third)) == [200, 200, 303]
    here.post("/account/sign-ins/end-others", page="/account")
    assert [v.get(HOME).status_code for v in (here, there, third)] == [200, 303, 303]


def test_an_admin_signs_somebody_out_and_shuts_the_door(shop: Shop, visit: Visit) -> None:
    admin, builder = visit(shop, "admin"), visit(shop, "builder")
    member = re.search(r'href="(/settings/users/\d+)"[^>]*>Builder', admin.get("/settings/users").text)
    assert member is not None
    page = admin.get(member[1])
    ending = re.search(r"/settings/sign-ins/\d+/end", page.text)
    assert ending is not None
    assert "127.0.0.1" in text_of(page)
    admin.post(ending[0], page="/account")
    assert builder.get(HOME).status_code == 303
    admin.post(f"{member[1]}/deactivate", page="/account")
    token = builder.token("/sign-in")
    form = {"email": "builder@lumen.example", "password": PASSWORD, "csrf_token": token}
    assert builder.client.post("/sign-in", data=form).status_code == 403


def test_the_owner_hands_the_company_over_with_the_password(shop: Shop, visit: Visit) -> None:
    owner, admin = visit(shop, "owner"), visit(shop, "admin")
    path = "/settings/users/2/own"
    assert admin.post(path, {"password": PASSWORD}, page="/account").status_code == 403
    refused = owner.post(path, {"password": "wrong"}, page="/account")
    assert refused.status_code == 422
    assert "your password. Type it again." in refused.text
    assert owner.post(path, {"password": PASSWORD}, page="/account").status_code == 303
    assert "Owner" in text_of(admin.get("/account"))
    assert "Admin" in text_of(owner.get("/account"))


@pytest.mark.parametrize("role", ["accountant", "builder", "viewer"])
def test_only_who_manages_people_sees_them(full_shop: Shop, visit: Visit, role: str) -> None:
    visitor = visit(full_shop, role)
    for path in ("/settings/users", "/settings/users/2", "/settings/sign-ins", "/settings/users.csv"):
        assert visitor.get(path).status_code == 403
    assert visitor.get("/settings/permissions").status_code == 200


def test_the_matrix_shows_what_roles_may_do(full_shop: Shop, visit: Visit) -> None:
    text = text_of(visit(full_shop, "viewer").get("/settings/permissions"))
    assert "Work with stock" in text
    assert "take off somebody’s second factor. yes – no – no – no – no" in text


def test_a_password_is_changed_by_whoever_knows_it(shop: Shop, visit: Visit) -> None:
    here, there = visit(shop, "viewer"), visit(shop, "viewer")
    form = {"old_password": "wrong", "password": NEW, "password_again": NEW}
    assert here.post("/account/password", form, page="/account").status_code == 422
    differing = {"old_password": PASSWORD, "password": NEW, "password_again": NEW + "x"}
    assert here.post("/account/password", differing, page="/account").status_code == 422
    assert here.post("/account/password", {**form, "old_password": PASSWORD}, page="/account").status_code == 303
    assert (here.get(HOME).status_code, there.get(HOME).status_code) == (200, 303)
