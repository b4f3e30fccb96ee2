"""Hearing: a message of the books is verified, kept byte for byte, and taken apart for the companies it is about.

Nothing is read from the books here: a message only says where to look, so that a repetition, another order or a
replay is harmless. Answering it is the work of `answering`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from partsemble_core.errors import say
from partsemble_core.plugin_api.errors import Unsupported
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.plugin_api.types import BackendInfo
from partsemble_core.plugin_api.webhooks import Subject, Webhook, WebhookEvent
from partsemble_core.services.configuring import settings_of
from partsemble_core.services.house import House
from partsemble_core.services.keeping import AT_ONCE, plain
from partsemble_core.store.connections import Connection, ConnectionState
from partsemble_core.store.database import database_now, write_anywhere
from partsemble_core.store.hearing import HeardEvent, HeardMessage, HeardState
from partsemble_core.store.syncs import SyncKind, SyncSchedule

log = logging.getLogger(__name__)
KEY = "webhook_key"
"""The setting that holds the secret of a backend's webhooks."""
TEXT = 200
POLL_MINUTES = 60
GAP = "gap"
"""Category of what we tell ourselves: messages are missing, so everything is read."""
NEEDED = {Subject.CONTACTS: "contacts_push", Subject.SALES: "sales"}
"""Which capability says that a subject can be read at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What became of a message. ``connections`` are (company, connection) where something is to be read now."""

    is_repeated: bool = False
    strangers: int = 0
    connections: tuple[tuple[int, int], ...] = ()


def hear(house: House, backend: str, *, headers: Mapping[str, str], body: bytes) -> Heard:
    """Keeps a genuine message and wakes a worker after the commit; if that fails, the sweep finds what waits.

    Raises UnknownBackend, Unsupported, NotGenuine, PluginError; nothing is kept then.
    """
    info = house.host.info(backend)
    if not info.capabilities.webhooks:
        raise Unsupported(say("{title} tells nothing by itself; read from it by schedule.", title=info.title))
    webhook = house.host.read_webhook(backend, settings=webhook_settings(house, backend), headers=headers, body=body)
    if webhook.problem:
        log.warning("a genuine message of %s could not be read (%s)", backend, plain(webhook.problem)[:TEXT])
    heard = write_anywhere(house.engine, lambda session: _keep(session, info, webhook, body))
    if heard.strangers:
        log.info("%s events of %s were about books that nobody has connected", heard.strangers, backend)
    for company_id, connection_id in heard.connections:
        house.ring_heard(company_id, connection_id)
    return heard


def webhook_settings(house: House, backend: str) -> dict[str, str | Secret]:
    """What the plugin is given to verify a message: its own settings, and of the secrets the webhook key alone."""
    declared = {field.name: field for field in house.host.info(backend).settings}
    given = settings_of(house, backend)
    settings: dict[str, str | Secret] = {name: field.default for name, field in declared.items() if not field.secret}
    settings |= {k: v.reveal() for k, v in given.items() if k in declared and not declared[k].secret}
    return settings | ({KEY: given[KEY]} if KEY in given else {})


def readable_kinds(info: BackendInfo) -> list[SyncKind]:
    """What can be read when the books tell of it, in the order of the kinds."""
    found = [(kind, NEEDED.get(_subject(kind))) for kind in SyncKind]
    return [kind for kind, needed in found if needed and getattr(info.capabilities, needed)]


def _subject(kind: SyncKind) -> Subject:
    return Subject(kind.value) if kind.value in set(Subject) else Subject.OTHER


def _keep(session: Session, info: BackendInfo, webhook: Webhook, body: bytes) -> Heard:
    now = database_now(session)
    live = _live_connections(session, info.name)
    by_organisation: dict[str, list[Connection]] = {}
    for connection in live:
        by_organisation.setdefault(connection.organisation_id, []).append(connection)
    strangers = sum(1 for event in webhook.events if event.organisation_id not in by_organisation)
    missed = _missed(session, info.name, webhook)
    if not _keep_message(session, info.name, webhook, body, strangers=strangers, now=now):
        return Heard(is_repeated=True)
    _begin_polling(session, [each for each in live if each.heard_since is None], readable_kinds(info), now)
    rows = [
        _event_row(info, connection, event, now)
        for event in webhook.events
        for connection in by_organisation.get(event.organisation_id, ())
    ]
    if missed:
        log.warning("messages of %s are missing (%s); everything they may tell of is read", info.name, missed)
        rows += [_gap_row(each, kind, missed, now) for each in live for kind in readable_kinds(info)]
    for first in range(0, len(rows), AT_ONCE):
        _insert(session, HeardEvent, rows[first : first + AT_ONCE])
    waiting = {(row["company_id"], row["connection_id"]) for row in rows if row["state"] == HeardState.WAITING}
    return Heard(strangers=strangers, connections=tuple(sorted(waiting)))


def _live_connections(session: Session, backend: str) -> Sequence[Connection]:
    """Of all companies: the books have one address for all that are connected to them."""
    return session.scalars(
        sa.select(Connection)
        .where(Connection.backend == backend, Connection.state != ConnectionState.DISCONNECTED)
        .order_by(Connection.id)
    ).all()


def _missed(session: Session, backend: str, webhook: Webhook) -> str:
    """The numbers between the message before and this one; empty where none are missing, or nothing is numbered.

    It is compared with what came last, not with the highest: numbers begin anew when a webhook is set up anew.
    """
    if not webhook.events or webhook.first_sequence is None:
        return ""
    last = session.scalar(
        sa.select(HeardMessage.last_sequence)
        .where(HeardMessage.backend == backend, HeardMessage.last_sequence.is_not(None), HeardMessage.events > 0)
        .order_by(HeardMessage.id.desc())
        .limit(1)
    )
    if last is None or webhook.first_sequence <= last + 1:
        return ""
    return f"{last + 1} to {webhook.first_sequence - 1}"


def _keep_message(
    session: Session, backend: str, webhook: Webhook, body: bytes, *, strangers: int, now: dt.datetime
) -> bool:
    """False for the very bytes of a message that was kept before."""
    row = {
        "backend": backend,
        "body": body,
        "body_sha256": hashlib.sha256(body).hexdigest(),
        "first_sequence": webhook.first_sequence,
        "last_sequence": webhook.last_sequence,
        "events": len(webhook.events),
        "strangers": strangers,
        "problem": plain(webhook.problem)[:TEXT],
        "received_at": now,
    }
    return _insert(session, HeardMessage, [row]) == 1


def _begin_polling(session: Session, fresh: Sequence[Connection], kinds: Sequence[SyncKind], now: dt.datetime) -> None:
    """The safety net: a webhook that was switched off is silent. A schedule that somebody set stays as it is."""
    next_at = now + dt.timedelta(minutes=POLL_MINUTES)
    for connection in fresh:
        connection.heard_since = now
        _insert(
            session,
            SyncSchedule,
            [
                {
                    "company_id": connection.company_id,
                    "connection_id": connection.id,
                    "kind": kind,
                    "every_minutes": POLL_MINUTES,
                    "next_at": next_at,
                }
                for kind in kinds
            ],
        )


def _event_row(info: BackendInfo, connection: Connection, event: WebhookEvent, now: dt.datetime) -> dict[str, Any]:
    is_read = event.subject.value in readable_kinds(info)
    return {
        "company_id": connection.company_id,
        "connection_id": connection.id,
        "subject": event.subject,
        "category": plain(event.category)[:TEXT],
        "resource_id": plain(event.resource_id)[:TEXT],
        "change": plain(event.change)[:TEXT],
        "happened_at": plain(event.happened_at)[:TEXT],
        "heard_at": now,
        "state": HeardState.WAITING if is_read else HeardState.IGNORED,
    }


def _gap_row(connection: Connection, kind: SyncKind, missed: str, now: dt.datetime) -> dict[str, Any]:
    return {
        "company_id": connection.company_id,
        "connection_id": connection.id,
        "subject": kind.value,
        "category": GAP,
        "resource_id": kind.value,
        "change": f"messages {missed} never came",
        "happened_at": now.isoformat(),
        "heard_at": now,
        "state": HeardState.WAITING,
    }


def _insert(session: Session, table: type[Any], rows: Sequence[Mapping[str, Any]]) -> int:
    """Inserts what isn't there yet; how many that were."""
    if not rows:
        return 0
    build = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    made = session.execute(build(table).values(list(rows)).on_conflict_do_nothing().returning(table.id))
    return len(made.all())
