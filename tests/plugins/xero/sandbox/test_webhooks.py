"""The sandbox calls an app as Xero does: a handshake, numbered and signed events, and what goes wrong by order."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from partsemble_xero.sandbox.testing import RunningSandbox, SandboxRefused, start_sandbox
from tests.plugins.xero.sandbox.client import KITS
from tests.servers.receiver import Came, Receiver, a_receiver, say
from tests.servers.waiting import wait_until

CONTACT = "717f2bfc-c6d4-41fd-b238-3f2f0c0cf777"


def is_signed(sandbox: RunningSandbox, came: Came) -> bool:
    mac = hmac.new(sandbox.webhook_key.encode(), came.body, hashlib.sha256).digest()
    return came.headers["x-xero-signature"] == base64.b64encode(mac).decode()


@pytest.fixture
def app(sandbox: RunningSandbox) -> Iterator[Receiver]:
    """An app that checks signatures, and answers as Xero wants it."""
    with a_receiver() as receiver:
        receiver.answer = lambda handler, came: say(handler, 200 if is_signed(sandbox, came) else 401)
        yield receiver


def set_up(sandbox: RunningSandbox, app: Receiver, *categories: str) -> None:
    assert sandbox.set_up_webhook(app.url, *categories) == "ENABLED"
    app.came.clear()


def tell(sandbox: RunningSandbox, resource_id: str = CONTACT, **more: str) -> None:
    sandbox.announce(KITS, category=more.pop("category", "CONTACT"), resource_id=resource_id, **more)


def settled(sandbox: RunningSandbox, count: int, kind: str = "event") -> list[dict[str, Any]]:
    """The calls of a kind, when there are as many."""

    def calls() -> list[dict[str, Any]]:
        return [call for call in sandbox.webhooks()["calls"] if call["kind"] == kind]

    wait_until(lambda: len(calls()) >= count, f"{count} calls of the kind {kind}")
    return calls()


def test_the_handshake_holds_calls_that_are_signed_wrongly(sandbox: RunningSandbox, app: Receiver) -> None:
    assert sandbox.set_up_webhook(app.url) == "ENABLED"
    assert [is_signed(sandbox, came) for came in app.came] == [True, False, True, False]
    for came in app.came:
        assert came.json.keys() == {"events", "firstEventSequence", "lastEventSequence", "entropy"}
        assert (came.json["events"], came.json["firstEventSequence"]) == ([], 0)
    assert len({came.body for came in app.came}) == 4
    good, bad = (came.headers["x-xero-signature"] for came in app.came[:2])
    assert len(good) == len(bad) == 44


@pytest.mark.parametrize(
    "answer",
    [
        lambda handler, came: say(handler, 200),
        lambda handler, came: say(handler, 401),
        lambda handler, came: say(handler, 200, b"ok"),
        lambda handler, came: say(handler, 302, Location="/"),
        lambda handler, came: handler.wfile.write(b"nonsense\r\n\r\n"),
    ],
    ids=["takes all", "refuses all", "talks", "leads on", "is no server"],
)
def test_an_app_that_does_not_tell_them_apart_gets_no_events(
    sandbox: RunningSandbox, app: Receiver, answer: Callable[[BaseHTTPRequestHandler, Came], None]
) -> None:
    app.answer = answer
    assert sandbox.set_up_webhook(app.url) == "INTENT FAILED"
    tell(sandbox)
    assert sandbox.webhooks()["waiting"] == 0


def test_a_cookie_in_an_answer_is_a_failure(sandbox: RunningSandbox, app: Receiver) -> None:
    app.answer = lambda handler, came: say(
        handler, 200 if is_signed(sandbox, came) else 401, **{"Set-Cookie": "session=1"}
    )
    assert sandbox.set_up_webhook(app.url) == "INTENT FAILED"


def test_an_event_names_its_resource(sandbox: RunningSandbox, app: Receiver) -> None:
    set_up(sandbox, app)
    tell(sandbox, change="CREATE")
    settled(sandbox, 1)
    (came,) = app.came
    assert is_signed(sandbox, came)
    (event,) = came.json["events"]
    assert event.pop("eventDateUtc").count(":") == 2
    assert event == {
        "resourceUrl": f"{sandbox.address}/api.xro/2.0/Contacts/{CONTACT}",
        "resourceId": CONTACT,
        "tenantId": sandbox.tenant_id(KITS),
        "tenantType": "ORGANISATION",
        "eventCategory": "CONTACT",
        "eventType": "CREATE",
    }
    assert json.dumps(came.json).encode() != came.body, "written again it has other bytes"


def test_events_are_numbered_through(sandbox: RunningSandbox, app: Receiver) -> None:
    set_up(sandbox, app)
    for number in range(5):
        tell(sandbox, f"contact-{number}")
    wait_until(lambda: sandbox.webhooks()["waiting"] == 0, "all are sent")
    seen = [
        (came.json["firstEventSequence"], came.json["lastEventSequence"], len(came.json["events"])) for came in app.came
    ]
    assert seen[0][0] == 1
    assert seen[-1][1] == 5
    assert all(last - first + 1 == count for first, last, count in seen)
    assert [event["resourceId"] for came in app.came for event in came.json["events"]] == [
        f"contact-{number}" for number in range(5)
    ]


def test_only_chosen_categories_are_told_of(sandbox: RunningSandbox, app: Receiver) -> None:
    set_up(sandbox, app, "INVOICE")
    tell(sandbox)
    tell(sandbox, category="INVOICE")
    settled(sandbox, 1)
    assert [came.json["events"][0]["eventCategory"] for came in app.came] == ["INVOICE"]


def test_a_failure_is_tried_again_at_once_and_then_after_a_quarter_of_an_hour(
    sandbox: RunningSandbox, app: Receiver
) -> None:
    set_up(sandbox, app)
    app.answer = lambda handler, came: say(handler, 500)
    tell(sandbox)
    settled(sandbox, 1, "retry")
    assert len(app.came) == 2
    assert sandbox.webhooks()["waiting"] == 1
    app.answer = lambda handler, came: say(handler, 200)
    sandbox.advance(14 * 60)
    assert len(app.came) == 2
    sandbox.advance(60)
    wait_until(lambda: sandbox.webhooks()["waiting"] == 0, "it is sent again")
    assert [came.json["firstEventSequence"] for came in app.came] == [1, 1, 1]


def test_after_a_day_of_failures_the_webhook_is_switched_off(sandbox: RunningSandbox, app: Receiver) -> None:
    set_up(sandbox, app)
    app.answer = lambda handler, came: say(handler, 500)
    tell(sandbox)
    settled(sandbox, 1, "retry")
    sandbox.advance(24 * 3600)
    wait_until(lambda: sandbox.webhooks()["status"] == "DISABLED", "it is switched off")
    app.answer = lambda handler, came: say(handler, 200 if is_signed(sandbox, came) else 401)
    assert sandbox.set_up_webhook(app.url) == "ENABLED"


@pytest.mark.parametrize(
    ("oddity", "sequences", "signed"),
    [
        ("duplicate", [1, 1], [True, True]),
        ("reorder", [2, 1], [True, True]),
        ("forged", [1, 1, 2], [False, True, True]),
        ("lost", [2], [True]),
    ],
)
def test_a_message_goes_out_oddly_by_order(
    sandbox: RunningSandbox, app: Receiver, oddity: str, sequences: list[int], signed: list[bool]
) -> None:
    set_up(sandbox, app)
    sandbox.admin("POST", "webhooks/oddity", {"kind": oddity})
    tell(sandbox)
    if oddity in ("reorder", "lost", "forged"):
        if oddity != "reorder":
            wait_until(lambda: sandbox.webhooks()["waiting"] == 0, "the odd one is over")
        tell(sandbox, "another")
    wait_until(lambda: len(app.came) >= len(sequences), "all came")
    wait_until(lambda: sandbox.webhooks()["waiting"] == 0, "nothing waits")
    assert [came.json["firstEventSequence"] for came in app.came] == sequences
    assert [is_signed(sandbox, came) for came in app.came] == signed
    if oddity in ("duplicate", "forged"):
        assert app.came[0].body == app.came[1].body


def test_an_old_message_is_sent_again_by_order(sandbox: RunningSandbox, app: Receiver) -> None:
    set_up(sandbox, app)
    tell(sandbox)
    settled(sandbox, 1)
    sandbox.admin("POST", "webhooks/oddity", {"kind": "replay"})
    settled(sandbox, 1, "replay")
    assert app.came[0].body == app.came[1].body


@pytest.mark.parametrize(
    ("path", "fields", "field"),
    [
        ("webhooks", {"url": "ftp://x"}, "url"),
        ("webhooks", {"url": 7}, "url"),
        ("webhooks", {}, "url"),
        ("webhooks", {"url": "http://localhost:1", "categories": ["ITEM"]}, "categories"),
        ("webhooks", {"url": "http://localhost:1", "categories": []}, "categories"),
        ("webhooks/announce", {"tenant_id": "x", "category": "CONTACT", "resource_id": "y"}, "tenant_id"),
        ("webhooks/announce", {"category": ""}, "category"),
        ("webhooks/announce", {"category": "CONTACT"}, "resource_id"),
        ("webhooks/announce", {"category": "CONTACT", "resource_id": "y", "change": "DELETE"}, "change"),
        ("webhooks/oddity", {"kind": "explode"}, "kind"),
    ],
)
def test_a_switch_that_can_not_be_set_says_so(
    sandbox: RunningSandbox, path: str, fields: dict[str, object], field: str
) -> None:
    with pytest.raises(SandboxRefused) as refused:
        sandbox.admin("POST", path, fields)
    assert json.loads(refused.value.text)["error"]["field"] == field


def test_what_waits_survives_a_restart(tmp_path: Path) -> None:
    with a_receiver() as app, start_sandbox(tmp_path / "xero.sqlite") as first:
        app.answer = lambda handler, came: say(handler, 200 if is_signed(first, came) else 401)
        set_up(first, app)
        app.answer = lambda handler, came: say(handler, 503)
        tell(first)
        settled(first, 1, "retry")
        first.stop()
        app.answer = lambda handler, came: say(handler, 200)
        with start_sandbox(tmp_path / "xero.sqlite") as second:
            second.advance(3600)
            wait_until(lambda: second.webhooks()["waiting"] == 0, "it is sent after all")
