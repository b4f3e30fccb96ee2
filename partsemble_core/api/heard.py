"""What the books told of by themselves, and how it stands with their webhooks."""

from __future__ import annotations

from dataclasses import asdict

import marshmallow as ma

from partsemble_core.api.areas import Area
from partsemble_core.api.door import Json, reading, the_house
from partsemble_core.api.fields import Strict
from partsemble_core.api.lists import list_route
from partsemble_core.services.answering import listening_of
from partsemble_core.store.connections import get_connection

area = Area("heard", "Changes that the books told of by their webhooks.")
list_route(area, "heard_events", path="/heard-events")


SILENT: Json = {
    "is_offered": False,
    "address": None,
    "has_key": False,
    "is_reachable": False,
    "last_message_at": None,
    "heard_since": None,
    "last_event_at": None,
    "waiting": 0,
}


class ListeningOut(Strict):
    is_offered = ma.fields.Boolean(required=True, metadata={"description": "False: these books tell nothing."})
    address = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "Enter this where the books ask for it."}
    )
    has_key = ma.fields.Boolean(required=True)
    is_reachable = ma.fields.Boolean(required=True, metadata={"description": "Books call over https only."})
    last_message_at = ma.fields.DateTime(required=True, allow_none=True)
    heard_since = ma.fields.DateTime(required=True, allow_none=True)
    last_event_at = ma.fields.DateTime(required=True, allow_none=True)
    waiting = ma.fields.Integer(required=True)


@area.route("GET", "/connections/<id:connection_id>/listening", gives=ListeningOut)
def show_listening(connection_id: int) -> Json:
    """The address for webhooks, whether its key is set, and when something was heard."""
    with reading() as session:
        connection = get_connection(session, connection_id)
        found = listening_of(the_house(), session, connection)
    if found is None:
        return SILENT
    return {"is_offered": True, **asdict(found)}
