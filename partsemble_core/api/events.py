"""Events that go out: the addresses that are told of them, and the log of deliveries. Owner and admin."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from partsemble_core.api import event_schemas as schemas
from partsemble_core.api.areas import Area
from partsemble_core.api.door import Json, reading, the_house, writing
from partsemble_core.api.lists import page_of
from partsemble_core.api.schemas import page_schema, query_schema
from partsemble_core.api.tags import check_match, tag
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.services.acting import Act
from partsemble_core.services.admitting import MAY_SET_UP
from partsemble_core.services.delivering import get_delivery, redeliver
from partsemble_core.services.listing import get_table, parse_list_query
from partsemble_core.services.noticing import subject_of
from partsemble_core.services.subscribing import (
    add_endpoint,
    change_endpoint,
    endpoints,
    get_endpoint,
    remove_endpoint,
    rotate_secret,
    send_test,
)
from partsemble_core.store.events import EventDelivery, EventEndpoint
from partsemble_core.store.session import CompanySession

area = Area("events", "Events that are sent to addresses of yours, signed, at least once.")
DELIVERIES = get_table("event_deliveries")


@area.route("GET", "/webhooks", gives=schemas.WebhooksOut, roles=MAY_SET_UP)
def list_webhooks() -> Json:
    """All addresses that are told of events."""
    with reading() as session:
        return {"rows": [_body(endpoint) for endpoint in endpoints(session)]}


@area.route("POST", "/webhooks", takes=schemas.WebhookIn, gives=schemas.WebhookWithSecret, roles=MAY_SET_UP, status=201)
def create_webhook(body: dict[str, Any]) -> Json:
    """A new address. Its secret is answered this once."""
    house = the_house()
    return _with_secret(
        *writing(lambda session, act: add_endpoint(house, session, act, url=body["url"], kinds=body.get("kinds")))
    )


@area.route("GET", "/webhooks/<id:webhook_id>", gives=schemas.WebhookOut, roles=MAY_SET_UP)
def show_webhook(webhook_id: int) -> Json:
    """One address."""
    with reading() as session:
        tag(session, subject_of(EventEndpoint, webhook_id))
        return _body(get_endpoint(session, webhook_id))


@area.route("PUT", "/webhooks/<id:webhook_id>", takes=schemas.WebhookEdit, gives=schemas.WebhookOut, roles=MAY_SET_UP)
def update_webhook(body: dict[str, Any], webhook_id: int) -> Json:
    """Changes what is given. An address that is switched off is told of nothing."""
    house = the_house()

    def save(session: CompanySession, _: Act) -> EventEndpoint:
        check_match(session, subject_of(EventEndpoint, webhook_id))
        return change_endpoint(house, session, webhook_id, **body)

    return _body(writing(save))


@area.route("DELETE", "/webhooks/<id:webhook_id>", gives=schemas.WebhookGone, roles=MAY_SET_UP)
def delete_webhook(webhook_id: int) -> Json:
    """Takes the address away, with the log of what was sent to it."""
    return {"url": writing(lambda session, act: remove_endpoint(session, webhook_id))}


@area.route("POST", "/webhooks/<id:webhook_id>/rotate", gives=schemas.WebhookWithSecret, roles=MAY_SET_UP)
def rotate_webhook_secret(webhook_id: int) -> Json:
    """A new secret, answered this once. It signs whatever is sent from now on."""
    house = the_house()
    return _with_secret(*writing(lambda session, act: rotate_secret(house, session, webhook_id)))


@area.route("POST", "/webhooks/<id:webhook_id>/test", gives=schemas.DeliveryOut, roles=MAY_SET_UP, status=201)
def test_webhook(webhook_id: int) -> Json:
    """Queues a ``test`` event for the address."""
    return writing(lambda session, act: _delivery_body(send_test(session, act, webhook_id)))


@area.route("GET", "/event-deliveries", asks=query_schema(DELIVERIES), gives=page_schema(DELIVERIES), roles=MAY_SET_UP)
def list_event_deliveries(arguments: Mapping[str, str]) -> Json:
    """What was told to which address and whether it arrived, a page at a time."""
    return page_of("event_deliveries", parse_list_query(arguments))


@area.route("GET", "/event-deliveries/<id:delivery_id>", gives=schemas.DeliveryOut, roles=MAY_SET_UP)
def show_event_delivery(delivery_id: int) -> Json:
    """One delivery with exactly what is sent."""
    with reading() as session:
        return _delivery_body(get_delivery(session, delivery_id))


@area.route("POST", "/event-deliveries/<id:delivery_id>/redeliver", gives=schemas.DeliveryOut, roles=MAY_SET_UP)
def redeliver_event(delivery_id: int) -> Json:
    """Sends the same bytes again under the same event id."""
    return writing(lambda session, act: _delivery_body(redeliver(session, delivery_id)))


def _body(endpoint: EventEndpoint) -> Json:
    same = ("id", "url", "is_active", "created_at", "created_by")
    return {**{key: getattr(endpoint, key) for key in same}, "kinds": endpoint.kinds.split()}


def _with_secret(endpoint: EventEndpoint, secret: Secret) -> Json:
    return {**_body(endpoint), "secret": secret.reveal()}


def _delivery_body(delivery: EventDelivery) -> Json:
    same = schemas.DeliveryOut._declared_fields.keys() - {"payload", "webhook_id"}
    return {
        **{key: getattr(delivery, key) for key in same},
        "webhook_id": delivery.endpoint_id,
        "payload": json.loads(delivery.body),
    }
