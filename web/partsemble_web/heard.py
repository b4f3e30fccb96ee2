"""The list of changes that the books told of by themselves, and what was read for each."""

from __future__ import annotations

from partsemble_core.plugin_api.webhooks import Subject
from partsemble_core.store.hearing import HeardState
from partsemble_web.lists import ListPage
from partsemble_web.speaking import mark

HEARD = ListPage(
    name="heard_events",
    template="integrations/heard.html",
    shown=("heard_at", "category", "change", "resource_id", "subject", "state"),
    minor=frozenset({"change", "resource_id", "subject"}),
    choices={"subject": (mark("About"), tuple(Subject)), "state": (mark("State"), tuple(HeardState))},
)
