"""The list of changes that the books told of by themselves."""

from __future__ import annotations

from partsemble_core.plugin_api.webhooks import Subject
from partsemble_core.services.listing.asking import Column
from partsemble_core.services.listing.paging import Statement, Table, by_id, choice, same_company
from partsemble_core.store.connections import Connection
from partsemble_core.store.hearing import HeardEvent, HeardState


def _heard(statement: Statement) -> Statement:
    return statement.select_from(HeardEvent).join(
        Connection, same_company(HeardEvent, HeardEvent.connection_id, Connection)
    )


HEARD_EVENTS = Table(
    name="heard_events",
    title="Heard from the books",
    columns=(
        Column("heard_at", "Heard", "time"),
        Column("category", "Category"),
        Column("change", "Change"),
        Column("resource_id", "Their id"),
        Column("subject", "About", "state"),
        Column("state", "State", "state"),
        Column("happened_at", "Happened (their time)"),
        Column("run_id", "Sync", "number"),
        Column("organisation", "Organisation"),
    ),
    row_id=HeardEvent.id,
    reads={
        "heard_at": HeardEvent.heard_at,
        "category": HeardEvent.category,
        "change": HeardEvent.change,
        "resource_id": HeardEvent.resource_id,
        "subject": HeardEvent.subject,
        "state": HeardEvent.state,
        "happened_at": HeardEvent.happened_at,
        "run_id": HeardEvent.run_id,
        "organisation": Connection.organisation_name,
        "connection_id": HeardEvent.connection_id,
    },
    join=_heard,
    searched=("category", "resource_id", "change"),
    order="heard_at",
    descending=True,
    filters={
        "subject": choice(HeardEvent.subject, Subject, key="subject"),
        "state": choice(HeardEvent.state, HeardState, key="state"),
        "connection": by_id(HeardEvent.connection_id, key="connection"),
    },
)
