from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from partsemble_core.services.admitting import set_password
from partsemble_core.store.database import write_anywhere
from partsemble_web.headers import HEADERS
from tests.servers.databases import copy_of
from tests.web.people import Visitor, text_of
from tests.web.shop import PASSWORD, Shop, open_shop
from tests.web.test_pages import IDS, counts, path_of, rules

Visit = Callable[[Shop, str], Visitor]


def test_every_answer_carries_the_security_headers(full_shop: Shop, visit: Visit) -> None:
    owner, stranger = visit(full_shop, "owner"), Visitor(full_shop)
    paths = [path_of(full_shop, rule, IDS) for rule in rules(full_shop, "GET")]
    paths += ["/nowhere", "/static/console.css", "/static/nothing.css", "/api/v1/nowhere", "/api/v1/openapi.json"]
    for path in paths:
        for visitor in (owner, stranger):
            answer = visitor.get(path)
            for name, value in HEADERS.items():
                assert answer.headers[name] == value, (path, name)
            assert answer.headers["Cache-Control"], path
    refused = stranger.client.post("/products")
    assert "default-src 'none'" in refused.headers["Content-Security-Policy"]


def test_no_form_is_taken_without_its_token(full_shop: Shop, visit: Visit) -> None:
    owner = visit(full_shop, "owner")
    before = counts(full_shop)
    for rule in rules(full_shop, "POST"):
        answer = owner.client.post(path_of(full_shop, rule, IDS), data={"sku": "X"})
        assert answer.status_code == 400, rule
        assert "form-expired" in answer.text
    assert counts(full_shop) == before
    assert owner.get("/").status_code == 200, "signing out takes a token too"


def test_a_viewer_changes_nothing(full_shop: Shop, visit: Visit) -> None:
    viewer = visit(full_shop, "viewer")
    before = counts(full_shop)
    for rule in rules(full_shop, "POST"):
        if not rule.endpoint.startswith(("signing_in.", "joining.", "account.", "factors.", "founding.")):
            answer = viewer.post(path_of(full_shop, rule, IDS), {"sku": "X"}, page="/")
            assert answer.status_code == 403, (rule, answer.text)
            assert "It takes one of" in text_of(answer)
    assert counts(full_shop) == before


@pytest.mark.parametrize(
    ("role", "path", "wanted"),
    [
        ("builder", "/integrations/connections/1/accounts", 403),
        ("builder", "/exports/1/retry", 403),
        ("accountant", "/exports/1/retry", 409),
        ("accountant", "/products", 403),
        ("accountant", "/integrations/qbo_stub/connect", 403),
    ],
)
def test_each_role_has_its_doors(full_shop: Shop, visit: Visit, role: str, path: str, wanted: int) -> None:
    assert visit(full_shop, role).post(path, page="/").status_code == wanted


def test_a_wrong_password_is_refused_in_the_same_words_as_a_wrong_address(shop: Shop) -> None:
    for email, password in (("owner@lumen.example", "wrong"), ("nobody@lumen.example", PASSWORD), ("", "")):
        visitor = Visitor(shop)
        answer = visitor.post("/sign-in", {"email": email, "password": password}, page="/sign-in")
        assert answer.status_code == 403
        assert "E-mail address or password is wrong." in text_of(answer)
        assert visitor.get("/").status_code == 303


def test_guessing_is_stopped_after_ten_tries(shop: Shop) -> None:
    visitor = Visitor(shop)
    token = visitor.token("/sign-in")
    form = {"email": "admin@lumen.example", "password": "wrong", "csrf_token": token}
    answers = [visitor.client.post("/sign-in", data=form) for _ in range(12)]
    assert [answer.status_code for answer in answers] == [403] * 10 + [429] * 2
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 15 * 60
    assert "a quarter of an hour" in text_of(answers[-1])


def test_a_session_begins_anew_at_sign_in(shop: Shop, visit: Visit) -> None:
    visitor = Visitor(shop)
    with visitor.client.session_transaction() as session:
        session["planted"] = "by somebody else"
    visitor.post("/sign-in", {"email": "owner@lumen.example", "password": PASSWORD}, page="/sign-in")
    with visitor.client.session_transaction() as session:
        assert "planted" not in session
        assert len(session["key"]) >= 32


def test_a_part_of_a_page_is_not_replaced_by_the_sign_in(full_shop: Shop) -> None:
    answer = Visitor(full_shop).get("/lots?search=a", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/sign-in?next=/lots?search%3Da"


def test_the_code_of_a_callback_goes_into_no_other_address(full_shop: Shop) -> None:
    answer = Visitor(full_shop).get("/integrations/xero/callback?state=s&code=secret")
    assert answer.location == "/sign-in"


def test_who_was_switched_off_is_out_at_once(shop: Shop, visit: Visit) -> None:
    visitor = visit(shop, "builder")
    assert visitor.get("/").status_code == 200
    shop.write(
        lambda session, act: session.connection().exec_driver_sql(
            "UPDATE users SET is_active = 0 WHERE email = 'builder@lumen.example'"
        )
    )
    assert visitor.get("/").status_code == 303


def test_guessing_is_counted_in_redis_and_without_it_in_memory(
    migrated_sqlite: Path, tmp_path: Path, valkey_url: str
) -> None:
    for name, url in (("there", valkey_url), ("away", "redis://127.0.0.1:9/0")):
        shop = open_shop(copy_of(migrated_sqlite, tmp_path / f"{name}.sqlite3"), tmp_path, redis_url=url)
        visitor = Visitor(shop)
        form = {"email": f"{name}@x.example", "password": "wrong", "csrf_token": visitor.token("/sign-in")}
        answers = [visitor.client.post("/sign-in", data=form).status_code for _ in range(11)]
        assert answers == [403] * 10 + [429], name
        shop.house.engine.dispose()


def test_what_is_too_large_is_refused(shop: Shop, visit: Visit) -> None:
    builder = visit(shop, "builder")
    answer = builder.post("/products", {"notes": "x" * 13 * 1024 * 1024})
    assert answer.status_code == 413
    assert "larger than is taken" in text_of(answer)


def test_another_host_name_is_answered_only_where_it_is_trusted(migrated_sqlite: Path, tmp_path: Path) -> None:
    shop = open_shop(copy_of(migrated_sqlite, tmp_path / "shop.sqlite3"), tmp_path, trusted_hosts="stock.example")
    visitor = Visitor(shop)
    assert visitor.get("/sign-in", headers={"Host": "stock.example"}).status_code == 200
    refused = visitor.get("/sign-in", headers={"Host": "evil.example"})
    assert refused.status_code == 400
    assert "Content-Security-Policy" in refused.headers
    shop.house.engine.dispose()


def test_over_https_the_cookie_is_bound_to_the_host(migrated_sqlite: Path, tmp_path: Path) -> None:
    database = copy_of(migrated_sqlite, tmp_path / "shop.sqlite3")
    shop = open_shop(database, tmp_path, base_url="https://stock.example")
    answer = Visitor(shop).get("/sign-in", base_url="https://stock.example")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-partsemble=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    shop.house.engine.dispose()


@pytest.mark.parametrize(
    ("base_url", "name"),
    [
        ("http://localhost:8017", "partsemble_8017"),
        ("http://localhost", "partsemble"),
        ("https://stock.example:8443", "__Host-partsemble_8443"),
    ],
)
def test_installations_on_other_ports_of_a_host_have_cookies_of_their_own(
    migrated_sqlite: Path, tmp_path: Path, base_url: str, name: str
) -> None:
    shop = open_shop(copy_of(migrated_sqlite, tmp_path / "shop.sqlite3"), tmp_path, base_url=base_url)
    answer = Visitor(shop).get("/sign-in", base_url=base_url)
    assert answer.headers["Set-Cookie"].startswith(f"{name}=")
    shop.house.engine.dispose()


def test_signing_out_ends_the_session(full_shop: Shop, visit: Visit) -> None:
    visitor = visit(full_shop, "owner")
    assert visitor.post("/sign-out").status_code == 303
    assert visitor.get("/").location == "/sign-in?next=/"


@pytest.mark.parametrize(
    ("wanted", "led_to"),
    [
        ("/lots?search=a", "/lots?search=a"),
        ("//evil.example/x", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/\tevil", "/"),
        ("", "/"),
    ],
)
def test_sign_in_leads_on_within_the_console_only(shop: Shop, wanted: str, led_to: str) -> None:
    visitor = Visitor(shop)
    form = {"email": "owner@lumen.example", "password": PASSWORD, "next": wanted}
    assert visitor.post("/sign-in", form, page="/sign-in").location == led_to


def test_a_fault_of_ours_shows_an_id_and_nothing_else(
    shop: Shop, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("partsemble_web.home.oversee", fail)
    answer = visit(shop, "owner").get("/")
    assert answer.status_code == 500
    assert "error id" in text_of(answer)
    assert "secret detail" not in answer.text
    assert "Traceback" not in answer.text


def test_static_files_are_kept_for_a_year_under_their_hash(full_shop: Shop) -> None:
    visitor = Visitor(full_shop)
    page = visitor.get("/sign-in").text
    address = page.split('rel="stylesheet" href="')[2].split('"')[0]
    assert "max-age=31536000" in visitor.get(address).headers["Cache-Control"]
    assert "max-age=60" in visitor.get("/static/console.css?v=old").headers["Cache-Control"]
    assert visitor.get("/static/../app.py").status_code == 404


def test_a_new_password_ends_every_session_of_the_old_one(shop: Shop, visit: Visit) -> None:
    owner = visit(shop, "owner")
    assert owner.get("/products").status_code == 200
    new = "another horse battery"
    write_anywhere(shop.house.engine, lambda s: set_password(s, email="owner@lumen.example", password=new))
    assert owner.get("/products").status_code == 303


@pytest.mark.parametrize("address", ["/sign-in?next=//[evil", "/sign-in?next=http://["])
def test_an_address_that_cannot_be_read_is_no_fault_of_ours(full_shop: Shop, address: str) -> None:
    assert full_shop.app.test_client().get(address).status_code == 200


@pytest.mark.parametrize(
    ("wanted", "leads"), [("/lots", True), ("/sign-out", False), ("/nowhere", False), ("/lots//1", False)]
)
def test_a_sign_in_goes_on_to_pages_alone(full_shop: Shop, wanted: str, leads: bool) -> None:
    answer = full_shop.app.test_client().get(f"/sign-in?next={wanted}")
    assert (answer.status_code, f'value="{wanted}"' in answer.text) == (200, leads)


def test_a_host_name_that_cannot_be_one_is_refused(full_shop: Shop) -> None:
    answer = full_shop.app.test_client().get("/sign-in", headers={"Host": "a" * 70 + ".example"})
    assert answer.status_code == 400
