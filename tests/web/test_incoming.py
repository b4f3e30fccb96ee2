"""Where books call: verified over the bytes, answered without a body and without a cookie, whatever is sent."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from partsemble_core.services import hearing
from partsemble_core.store.database import reading_anywhere
from partsemble_core.store.hearing import HeardMessage
from tests.servers.databases import copy_of
from tests.web.people import Visitor, text_of
from tests.web.shop import Shop, connect, open_shop

Visit = Callable[[Shop, str], Visitor]
KEY = "CANARY-webhook-key"
DOOR = "/webhooks/xero"
BODY = b'{"events":[],"firstEventSequence": 0,"lastEventSequence": 0, "entropy": "FSXKJHWLCOVMIKRLEMVS"}'


@pytest.fixture
def shop(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Shop]:
    """A shop with a webhook key."""
    opened = open_shop(
        copy_of(migrated_sqlite, tmp_path / "shop.sqlite3"),
        tmp_path,
        base_url="https://parts.example",
        plugin_settings={"xero_webhook_key": KEY},
    )
    yield opened
    opened.house.engine.dispose()


def signed(body: bytes, key: str = KEY) -> str:
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


def call(
    shop: Shop, body: bytes = BODY, *, signature: str | None = None, client: FlaskClient | None = None
) -> TestResponse:
    client = client or shop.app.test_client()
    return client.post(
        DOOR,
        data=body,
        headers={"x-xero-signature": signed(body) if signature is None else signature},
        content_type="application/json",
    )


def assert_bare(answer: TestResponse, status: int) -> None:
    assert answer.status_code == status
    assert answer.data == b""
    assert "Set-Cookie" not in answer.headers


def kept(shop: Shop) -> int:
    with reading_anywhere(shop.house.engine) as session:
        return session.scalar(sa.select(sa.func.count(HeardMessage.id))) or 0


def test_a_genuine_message_is_kept_and_a_forged_one_is_not(shop: Shop) -> None:
    assert_bare(call(shop), 200)
    for signature in ("", "x", signed(BODY, "another key"), signed(BODY)[:-1], signed(BODY + b" "), "é" * 44):
        assert_bare(call(shop, signature=signature), 401)
    assert_bare(shop.app.test_client().post(DOOR, data=BODY), 401)
    assert kept(shop) == 1
    assert_bare(call(shop), 200)
    assert kept(shop) == 1, "the same bytes again"


def test_the_signature_is_of_the_bytes_and_not_of_what_they_mean(shop: Shop) -> None:
    tidied = json.dumps(json.loads(BODY)).encode()
    assert tidied != BODY
    assert_bare(call(shop, tidied, signature=signed(BODY)), 401)


@pytest.mark.parametrize("body", [b"", b"not json", b"[1]", b'{"events": 7}', b"\xff\x00\xfe", b'{"events":[null,{}]}'])
def test_a_genuine_message_that_can_not_be_read_is_kept_and_accepted(shop: Shop, body: bytes) -> None:
    assert_bare(call(shop, body), 200)
    assert kept(shop) == 1


def test_a_body_above_a_megabyte_is_refused_before_it_is_read(shop: Shop) -> None:
    for size, status in ((1024 * 1024, 200), (1024 * 1024 + 1, 413)):
        body = b" " * size
        assert_bare(call(shop, body), status)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", DOOR, 405),
        ("PUT", DOOR, 405),
        ("DELETE", DOOR, 405),
        ("POST", "/webhooks/nobody", 404),
        ("POST", "/webhooks/csv_import", 404),
        ("POST", "/webhooks/", 404),
        ("POST", "/webhooks/xero/more", 404),
        ("GET", "/webhooks/", 404),
    ],
)
def test_other_ways_in_are_refused_without_a_word(shop: Shop, method: str, path: str, status: int) -> None:
    assert_bare(shop.app.test_client().open(path, method=method, data=BODY), status)
    assert kept(shop) == 0


def test_a_session_that_is_sent_along_is_neither_read_nor_renewed(shop: Shop, visit: Visit) -> None:
    """Signed in for twelve hours, its cookie would be set anew with every answer."""
    cookie = visit(shop, "owner").client.get_cookie("__Host-partsemble")
    assert cookie is not None
    for signature, status in ((signed(BODY), 200), ("wrong", 401)):
        answer = shop.app.test_client(use_cookies=False).post(
            DOOR, data=BODY, headers={"x-xero-signature": signature, "Cookie": f"{cookie.key}={cookie.value}"}
        )
        assert_bare(answer, status)


def test_what_breaks_on_our_side_asks_for_the_message_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise RuntimeError(KEY)

    monkeypatch.setattr(hearing, "_keep", breaks)
    assert_bare(call(shop), 500)


def test_a_queue_that_is_away_changes_nothing(migrated_sqlite: Path, tmp_path: Path) -> None:
    opened = open_shop(
        copy_of(migrated_sqlite, tmp_path / "other.sqlite3"),
        tmp_path,
        plugin_settings={"xero_webhook_key": KEY},
        redis_url="redis://127.0.0.1:1/0",
    )
    assert_bare(call(opened), 200)
    opened.house.engine.dispose()


def test_without_a_key_every_message_is_refused(migrated_sqlite: Path, tmp_path: Path) -> None:
    opened = open_shop(copy_of(migrated_sqlite, tmp_path / "other.sqlite3"), tmp_path)
    assert_bare(call(opened), 401)
    assert_bare(call(opened, signature=signed(BODY, "")), 401)
    assert kept(opened) == 0
    opened.house.engine.dispose()


def test_the_key_is_in_no_log(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    for signature in (signed(BODY), "wrong"):
        call(shop, signature=signature)
        call(shop, b"not json", signature=signature)
    assert KEY not in caplog.text
    assert signed(BODY) not in caplog.text


def test_books_without_webhooks_have_no_such_section(shop: Shop, visit: Visit) -> None:
    connect(shop)
    assert "Last call from" not in text_of(visit(shop, "owner").get("/integrations"))
