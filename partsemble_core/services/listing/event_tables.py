"""The list of what was told to the user's own programs, and whether it arrived."""

from __future__ import annotations

from urllib.parse import urlsplit

from partsemble_core.services.listing.asking import Column, Row
from partsemble_core.services.listing.paging import Statement, Table, by_id, choice, same_company
from partsemble_core.store.events import DeliveryState, EventDelivery, EventEndpoint, EventKind


def _deliveries(statement: Statement) -> Statement:
    return statement.select_from(EventDelivery).join(
        EventEndpoint, same_company(EventDelivery, EventDelivery.endpoint_id, EventEndpoint)
    )


def _with_host(row: Row) -> Row:
    """The rest of an address may be a secret of its receiver's: lists show whom, not where exactly."""
    return {**row, "host": urlsplit(str(row["host"])).netloc}


EVENT_DELIVERIES = Table(
    name="event_deliveries",
    title="Event deliveries",
    columns=(
        Column("created_at", "Happened", "time"),
        Column("kind", "Event"),
        Column("host", "Host", sortable=False),
        Column("state", "State", "state"),
        Column("attempts", "Tries", "number"),
        Column("last_status", "Answer", "number"),
        Column("problem", "Problem"),
        Column("ended_at", "Ended", "time"),
        Column("event_id", "Event id"),
    ),
    row_id=EventDelivery.id,
    reads={
        "created_at": EventDelivery.created_at,
        "kind": EventDelivery.kind,
        "host": EventEndpoint.url,
        "state": EventDelivery.state,
        "attempts": EventDelivery.attempts,
        "last_status": EventDelivery.last_status,
        "problem": EventDelivery.problem,
        "ended_at": EventDelivery.ended_at,
        "event_id": EventDelivery.event_id,
        "endpoint_id": EventDelivery.endpoint_id,
    },
    join=_deliveries,
    searched=("kind", "problem", "event_id"),
    order="created_at",
    descending=True,
    filters={
        "webhook": by_id(EventDelivery.endpoint_id, key="webhook"),
        "kind": choice(EventDelivery.kind, EventKind, key="kind"),
        "state": choice(EventDelivery.state, DeliveryState, key="state"),
    },
    finish=_with_host,
)
