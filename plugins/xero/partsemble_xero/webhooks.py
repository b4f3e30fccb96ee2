"""Xero's webhooks: verified over the bytes that came, and read without trust in their form.

An event names a resource and nothing of its content. Whether it comes twice, late or out of order doesn't matter: it
only makes the core read that resource's list anew.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

from partsemble_core.plugin_api import NotGenuine, Secret, Subject, Webhook, WebhookEvent
from partsemble_xero.client import text_of

SIGNATURE = "x-xero-signature"
SUBJECTS = {
    "CONTACT": Subject.CONTACTS,
    "INVOICE": Subject.SALES,
    "CREDITNOTE": Subject.SALES,
}
"""Xero adds categories every year; what isn't here, also SUBSCRIPTION, asks for nothing."""


def read_webhook(settings: Mapping[str, str | Secret], headers: Mapping[str, str], body: bytes) -> Webhook:
    """What a message says. Raises NotGenuine where it isn't signed with the key, or no key is set."""
    if not _is_genuine(_keys(settings), headers, body):
        raise NotGenuine("The message isn't signed with the webhook key.")
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return Webhook(problem="It is not JSON.")
    rows = content.get("events") if isinstance(content, dict) else None
    if not isinstance(rows, list):
        return Webhook(problem="It has no list of events.")
    events = tuple(_event(row) for row in rows if isinstance(row, dict))
    first, last = _sequence(content, "firstEventSequence"), _sequence(content, "lastEventSequence")
    if first is None or last is None or not events:
        first = last = None
    return Webhook(
        events=events,
        first_sequence=first,
        last_sequence=last,
        problem="" if len(events) == len(rows) else "Some of its events are not objects.",
    )


def _is_genuine(keys: list[bytes], headers: Mapping[str, str], body: bytes) -> bool:
    """The key is used as the text that it is shown as, not as what its base64 stands for. All keys are tried."""
    given = next((value for name, value in headers.items() if name.lower() == SIGNATURE), "")
    sent = given.encode("utf-8", "replace")
    fits = [hmac.compare_digest(base64.b64encode(hmac.new(key, body, hashlib.sha256).digest()), sent) for key in keys]
    return any(fits)


def _keys(settings: Mapping[str, str | Secret]) -> list[bytes]:
    value = settings.get("webhook_key", "")
    text = value.reveal() if isinstance(value, Secret) else value
    return [part.strip().encode() for part in text.split(",") if part.strip()]


def _event(row: Mapping[str, object]) -> WebhookEvent:
    """Documented examples spell types in more than one way, so case doesn't count."""
    category = text_of(row, "eventCategory").upper()
    return WebhookEvent(
        organisation_id=text_of(row, "tenantId"),
        subject=SUBJECTS.get(category, Subject.OTHER),
        category=category,
        resource_id=text_of(row, "resourceId").lower(),
        change=text_of(row, "eventType").upper(),
        happened_at=text_of(row, "eventDateUtc"),
    )


def _sequence(content: Mapping[str, object], name: str) -> int | None:
    value = content.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63 else None
