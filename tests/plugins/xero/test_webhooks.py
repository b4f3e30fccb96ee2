"""Xero's signature over the bytes that came, and whatever may stand in a message that carries it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from partsemble_core.plugin_api import NotGenuine, Secret, Subject, Webhook
from partsemble_core.plugin_host import PluginError, PluginHost

KEY = "wfmPRzSuhb1gXhjHYqR4tZGXvtJqIlRkxXKeTlFZmNNaxRNGeXEqBGpDzzRyJGBBpSnEiRnuFzZsRyzeGhjO0w=="
EVENT = {
    "resourceUrl": "https://api.xero.com/api.xro/2.0/Contacts/717f2bfc-c6d4-41fd-b238-3f2f0c0cf777",
    "resourceId": "717F2BFC-c6d4-41fd-b238-3f2f0c0cf777",
    "tenantId": "c2cc9b6e-9458-4c7d-93cc-f02b81b0594f",
    "tenantType": "ORGANISATION",
    "eventCategory": "CONTACT",
    "eventType": "Update",
    "eventDateUtc": "2026-11-02T01:02:03.456",
}


def signed(body: bytes, *, key: str = KEY) -> str:
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


def read(host: PluginHost, body: bytes, signature: str | None, *, key: str = KEY) -> Webhook:
    headers = {} if signature is None else {"X-Xero-Signature": signature}
    return host.read_webhook("xero", settings={"webhook_key": Secret(key)}, headers=headers, body=body)


def of(host: PluginHost, content: object) -> Webhook:
    """A genuine message with this content."""
    body = json.dumps(content).encode()
    return read(host, body, signed(body))


def test_the_key_is_used_as_its_text(host: PluginHost) -> None:
    """A fixed signature, worked out by another program: ``openssl dgst -sha256 -hmac KEY -binary | base64``."""
    body = b'{"events":[],"firstEventSequence": 0,"lastEventSequence": 0, "entropy": "S0m3r4Nd0mt3xt"}'
    key = "secret-of-a-webhook"
    assert read(host, body, "UdKU+jRug+qZldhgQBccFjzxTy7rpdwLvPEdgtXobhA=", key=key) == Webhook()


def test_any_other_signature_is_refused(host: PluginHost) -> None:
    body = json.dumps({"events": [EVENT]}).encode()
    good = signed(body)
    decoded = base64.b64encode(hmac.new(base64.b64decode(KEY), body, hashlib.sha256).digest()).decode()
    wrong = [
        None,
        "",
        " ",
        good[:-2],
        "A" + good[1:] if good[0] != "A" else "B" + good[1:],
        good.lower(),
        good + "=",
        decoded,
        "é" * 44,
        "\udc80" * 44,
        signed(body, key="another"),
        good * 100,
    ]
    for signature in wrong:
        with pytest.raises(NotGenuine):
            read(host, body, signature)
    for changed in (body + b" ", body.replace(b": ", b":"), body[:-1], b""):
        with pytest.raises(NotGenuine):
            read(host, changed, good)
    assert read(host, body, good).events, "the one that fits"


@pytest.mark.parametrize("key", ["", " ", ",", " , "])
def test_without_a_key_nothing_is_genuine(host: PluginHost, key: str) -> None:
    """Also not what was signed with an empty one."""
    for signature in (signed(b"{}", key=key), signed(b"{}", key=""), ""):
        with pytest.raises(NotGenuine):
            read(host, b"{}", signature, key=key)
    with pytest.raises(NotGenuine):
        host.read_webhook("xero", settings={}, headers={"x-xero-signature": signed(b"{}", key="")}, body=b"{}")


def test_two_keys_count_while_one_is_changed_for_the_other(host: PluginHost) -> None:
    body = b'{"events":[]}'
    for key in (KEY, "the-new-one"):
        assert read(host, body, signed(body, key=key), key=f"{KEY}, the-new-one") == Webhook()


def test_an_event_says_where_to_look(host: PluginHost) -> None:
    found = of(host, {"events": [EVENT], "firstEventSequence": 41, "lastEventSequence": 41, "entropy": "X"})
    assert (found.first_sequence, found.last_sequence, found.problem) == (41, 41, "")
    (event,) = found.events
    assert event.organisation_id == EVENT["tenantId"]
    assert event.resource_id == EVENT["resourceId"].lower()
    assert (event.subject, event.category, event.change) == (Subject.CONTACTS, "CONTACT", "UPDATE")
    assert event.happened_at == "2026-11-02T01:02:03.456"


@pytest.mark.parametrize(
    ("category", "subject"),
    [
        ("INVOICE", Subject.SALES),
        ("invoice", Subject.SALES),
        ("CREDITNOTE", Subject.SALES),
        ("SUBSCRIPTION", Subject.OTHER),
        ("PREPAYMENT", Subject.OTHER),
        ("SOMETHING NEW", Subject.OTHER),
        ("", Subject.OTHER),
        (None, Subject.OTHER),
        (7, Subject.OTHER),
    ],
)
def test_a_category_that_is_not_known_asks_for_nothing(host: PluginHost, category: object, subject: Subject) -> None:
    (event,) = of(host, {"events": [{**EVENT, "eventCategory": category, "new": [{}]}]}).events
    assert event.subject is subject


@pytest.mark.parametrize("body", [b"", b"not json", b"[" * 100_000, b"\xff\xfe", b"[]", b"7", b"{}", b'{"events":{}}'])
def test_a_genuine_message_that_is_not_as_it_should_is_told_of(host: PluginHost, body: bytes) -> None:
    found = read(host, body, signed(body))
    assert found.events == ()
    assert found.problem


def test_odd_events_and_numbers_break_nothing(host: PluginHost) -> None:
    odd: list[Any] = [None, 7, "text", [], {}, {"tenantId": None, "resourceId": 5}]
    found = of(host, {"events": [*odd, EVENT], "firstEventSequence": "41", "lastEventSequence": True})
    assert len(found.events) == 3
    assert found.problem
    assert (found.first_sequence, found.last_sequence) == (None, None)
    assert of(host, {"events": [], "firstEventSequence": 0, "lastEventSequence": 0}) == Webhook()
    huge = of(host, {"events": [EVENT], "firstEventSequence": 2**63, "lastEventSequence": -1})
    assert (huge.first_sequence, huge.last_sequence) == (None, None)


def test_a_plugin_that_breaks_on_a_message_shows_nothing_of_it(
    host: PluginHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> bool:
        raise ValueError(KEY)

    monkeypatch.setattr("partsemble_xero.webhooks._is_genuine", breaks)
    with pytest.raises(PluginError) as refused:
        read(host, b"{}", "x")
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__
    assert KEY not in str(refused.value)
