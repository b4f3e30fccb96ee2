"""Books on a shelf that tell of changes by themselves; a message of theirs is genuine if it says so."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Mapping
from typing import Any

from partsemble_core.plugin_api import (
    BackendInfo,
    Contact,
    NotGenuine,
    Secret,
    Subject,
    Webhook,
    WebhookEvent,
    hookimpl,
)
from tests.services.shelf import ShelfBackend

ORGANISATION = "9130-0001"
GENUINE = {"signature": "good"}
_numbers = itertools.count(1)


class TellingShelf(ShelfBackend):
    """Its contacts can be read, its sales can't."""

    def __init__(self) -> None:
        super().__init__()
        self.contacts = [Contact(local_id=None, external_id="c-1", name="Ann")]

    @hookimpl
    def describe_backend(self) -> BackendInfo:
        info = super().describe_backend()
        able = dataclasses.replace(info.capabilities, webhooks=True, contacts_push=True, sales=False)
        return dataclasses.replace(info, capabilities=able)

    @hookimpl
    def read_webhook(self, settings: Mapping[str, str | Secret], headers: Mapping[str, str], body: bytes) -> Webhook:
        if headers != GENUINE:
            raise NotGenuine("The message isn't signed.")
        content = json.loads(body)
        return Webhook(
            events=tuple(
                WebhookEvent(**{**event, "subject": Subject(event["subject"])}) for event in content["events"]
            ),
            first_sequence=content.get("first"),
            last_sequence=content.get("last"),
        )


def an_event(**changes: str) -> dict[str, str]:
    """A contact that was changed."""
    return {
        "organisation_id": ORGANISATION,
        "subject": "contacts",
        "category": "CONTACT",
        "resource_id": "c-1",
        "change": "UPDATE",
        "happened_at": "2026-11-02T01:02:03.456",
        **changes,
    }


def a_message(*events: Mapping[str, str], first: int | None = None) -> bytes:
    """Its bytes are like no other message's."""
    content: dict[str, Any] = {"events": list(events), "entropy": next(_numbers)}
    if first is not None:
        content |= {"first": first, "last": first + max(len(events), 1) - 1}
    return json.dumps(content).encode()
