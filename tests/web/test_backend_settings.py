"""Settings of an accounting system in the console: entered once, never shown again, replaced, removed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from partsemble_core.plugin_api.secret import Secret
from partsemble_core.services.configuring import settings_of
from partsemble_core.services.connecting import begin
from tests.servers.databases import copy_of
from tests.web.people import Visitor, text_of
from tests.web.shop import Shop, open_shop

Visit = Callable[[Shop, str], Visitor]
PAGE, SAVE, REMOVE = (f"/integrations/xero/settings{more}" for more in ("/edit", "", "/remove"))
EMPTY = {"xero_client_id": "", "xero_client_secret": ""}


@pytest.fixture
def bare_shop(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Shop]:
    """The environment says nothing of the app at Xero."""
    shop = open_shop(copy_of(migrated_sqlite, tmp_path / "shop.sqlite3"), tmp_path, plugin_settings=EMPTY)
    yield shop
    shop.house.engine.dispose()


def test_an_app_is_entered_replaced_and_removed(bare_shop: Shop, visit: Visit) -> None:
    owner = visit(bare_shop, "owner")
    assert "Enter the settings" in text_of(owner.get("/integrations"))
    page = owner.get(PAGE)
    assert "http://localhost/integrations/xero/callback" in page.text
    assert "https://identity.xero.com/connect/token" in page.text
    saved = owner.post(SAVE, {"client_id": "AN-APP", "client_secret": "A-SECRET-OF-IT"}, page=PAGE)
    assert (saved.status_code, saved.location) == (303, PAGE)
    page = owner.get(PAGE)
    assert "Saved. New sign-ins use it from now on." in text_of(page)
    assert 'Next: <a href="/integrations">Connect Xero</a>' in page.text
    owner.post(SAVE, {**shown_in(page), "daily_calls": "5000"}, page=PAGE)
    page = owner.get(PAGE)
    assert "New sign-ins" not in text_of(page)
    assert "Saved." in text_of(page)
    assert 'value="AN-APP"' in page.text
    assert "A-SECRET-OF-IT" not in page.text
    assert "entered here, kept sealed" in page.text
    assert "Enter the settings" not in text_of(owner.get("/integrations"))
    owner.post(SAVE, {"client_id": "ANOTHER", "client_secret": ""}, page=PAGE)
    held = settings_of(bare_shop.house, "xero")
    assert (held["client_id"], held["client_secret"]) == (Secret("ANOTHER"), Secret("A-SECRET-OF-IT"))
    owner.post(REMOVE, {"name": "client_secret"}, page=PAGE)
    assert set(settings_of(bare_shop.house, "xero")) == {"client_id"}


def shown_in(page: TestResponse) -> dict[str, str]:
    """The texts of the form, as it would send them untouched."""
    fields = re.findall(r'name="(client_id|scopes|daily_calls)" type="text"\s+value="([^"]*)"', page.text)
    assert len(fields) == 3
    return dict(fields)


def test_what_cant_be_is_refused_with_what_was_typed_but_for_the_secret(bare_shop: Shop, visit: Visit) -> None:
    owner = visit(bare_shop, "owner")
    answer = owner.post(SAVE, {"client_id": "with\ttab", "client_secret": "A-SECRET-OF-IT"}, page=PAGE)
    assert answer.status_code == 422
    assert "Copy it again" in text_of(answer)
    assert "A-SECRET-OF-IT" not in answer.text
    assert settings_of(bare_shop.house, "xero") == {}
    assert owner.post(REMOVE, {"name": "token_url"}, page=PAGE).status_code == 422
    assert owner.get("/integrations/nothing/settings/edit").status_code == 404


def test_a_number_of_calls_that_cant_be_is_refused_by_its_field(bare_shop: Shop, visit: Visit) -> None:
    owner = visit(bare_shop, "owner")
    answer = owner.post(SAVE, {"client_id": "AN-APP", "daily_calls": "1e99"}, page=PAGE)
    assert answer.status_code == 422
    assert "Calls a day is a whole number from 10 to 1,000,000" in text_of(answer)
    assert 'name="daily_calls" type="text"\n    value="1e99"' in answer.text
    assert settings_of(bare_shop.house, "xero") == {}


def test_only_who_sets_up_sees_or_enters_them(bare_shop: Shop, visit: Visit) -> None:
    for role in ("accountant", "builder", "viewer"):
        visitor = visit(bare_shop, role)
        assert visitor.get(PAGE).status_code == 403
        assert visitor.post(SAVE, {"client_id": "X"}).status_code == 403
        assert visitor.post(REMOVE, {"name": "client_id"}).status_code == 403
    assert settings_of(bare_shop.house, "xero") == {}


def test_the_environment_is_shown_and_cant_be_overridden(shop: Shop, visit: Visit) -> None:
    owner = visit(shop, "owner")
    page = owner.get(PAGE).text
    assert "PARTSEMBLE_PLUGIN_XERO_CLIENT_SECRET" in page
    assert "secret-of-an-app" not in page
    assert "id-of-an-app" in page
    owner.post(SAVE, {"client_id": "MINE"}, page=PAGE)
    assert settings_of(shop.house, "xero")["client_id"] == Secret("id-of-an-app")


def test_a_sign_in_that_does_not_come_back_is_explained(shop: Shop, visit: Visit) -> None:
    owner = visit(shop, "owner")
    assert "hasn’t come back" not in text_of(owner.get("/integrations"))
    act = shop.house.act(shop.company_id, by="owner@lumen.example")
    begin(shop.house, act, shop.company_id, backend="xero", session_key="s", redirect_uri="http://localhost/x")
    said = text_of(owner.get("/integrations"))
    assert "hasn’t come back" in said
    assert "register the redirect address shown in its settings" in said
    assert "Certification" in said


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("access_denied", "cancelled over there"),
        ("invalid_scope", "ask for no more"),
        ("unauthorized_client", "Check the client id"),
        ("server_error", "Try again in a few minutes"),
        ("something_new", "Start again"),
    ],
)
def test_every_refusal_says_what_to_do_next(shop: Shop, visit: Visit, error: str, words: str) -> None:
    owner = visit(shop, "owner")
    state = re.findall(r"state=([\w-]+)", owner.post("/integrations/xero/connect").text)[0]
    answer = owner.get(f"/integrations/xero/callback?error={error}&error_description=%3Cb%3Eno&state={state}")
    assert answer.status_code == 400
    assert words in text_of(answer)
    assert "<b>no" not in answer.text
    assert "<h1>Nothing was connected</h1>" in answer.text
    assert ">Start again from Integrations</a>" in answer.text
    assert "That didn’t arrive" not in answer.text
    assert "Load the page again" not in answer.text
