"""What books tell by themselves: a message that the plugin has verified, and the changes that it names."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from partsemble_core.plugin_api.errors import BackendError


class NotGenuine(BackendError):
    """The signature of a message isn't that of the key, or there is none: whoever sent it is not the books."""

    code = "webhook-not-genuine"


class Subject(enum.StrEnum):
    """What a change is about. The core reads it anew; ``OTHER`` asks for nothing."""

    ACCOUNTS = "accounts"
    ITEMS = "items"
    CONTACTS = "contacts"
    SALES = "sales"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEvent:
    """One change, as they tell it. It only says where to look: what is there now is read from the books.

    ``happened_at`` is their own text. With organisation, category, resource and change it tells a repetition.
    """

    organisation_id: str
    subject: Subject
    category: str
    resource_id: str
    change: str
    happened_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A genuine message. Without events it only asks whether somebody listens.

    ``first_sequence`` and ``last_sequence`` number the events of the app, where the books number them: a number that
    was left out is a message that never came. ``problem`` says why nothing could be read from a genuine message.
    """

    events: tuple[WebhookEvent, ...] = ()
    first_sequence: int | None = None
    last_sequence: int | None = None
    problem: str = ""
