"""Answering: what the books told of is read anew, many changes by one sync.

An event waits until a sync that began after it is done. One that failed is tried again; in the end it is left to the
hourly poll, which asks whether or not anything was told.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from partsemble_core.errors import Refused
from partsemble_core.services.hearing import KEY, webhook_settings
from partsemble_core.services.house import House
from partsemble_core.services.syncing import begin, latest_runs
from partsemble_core.store.connections import Connection, ConnectionState, get_connection
from partsemble_core.store.database import database_now, reading_anywhere, write_anywhere
from partsemble_core.store.hearing import HeardEvent, HeardMessage, HeardState
from partsemble_core.store.session import CompanySession
from partsemble_core.store.syncs import SyncCause, SyncKind, SyncRun, SyncState

log = logging.getLogger(__name__)
QUIET = dt.timedelta(minutes=2)
"""Between two syncs of a kind that events begin: a burst costs the books two readings, not one for each event."""
REST = dt.timedelta(minutes=5)
"""After a sync that failed."""
TRIES = 5
AT_ONCE = 2_000
KEPT = dt.timedelta(days=31)
"""As long as books replay what they could not deliver."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """How it stands with the books telling of changes by themselves."""

    address: str
    has_key: bool
    is_reachable: bool
    """Whether the address can be one that books call: over https."""
    last_message_at: dt.datetime | None
    """The last genuine message of these books, about whomever."""
    heard_since: dt.datetime | None
    last_event_at: dt.datetime | None
    """The last change that was told of the connected organisation."""
    waiting: int


def answer(house: House, company_id: int, connection_id: int) -> list[int]:
    """Begins the syncs that events of a connection ask for, and rings for them. Returns the runs.

    Safe to call any number of times, at any time, from anywhere.
    """
    begun = house.write(company_id, lambda session: _answer(house, session, connection_id))
    for run_id in begun:
        house.ring_sync(company_id, run_id)
    return begun


def answer_waiting(house: House) -> int:
    """The sweep: answers for every connection with events that wait. Returns how many syncs it began."""
    with reading_anywhere(house.engine) as session:
        now = database_now(session)
        waiting = session.execute(
            sa.select(HeardEvent.company_id, HeardEvent.connection_id)
            .distinct()
            .join(
                Connection,
                sa.and_(Connection.id == HeardEvent.connection_id, Connection.company_id == HeardEvent.company_id),
            )
            .where(
                HeardEvent.state == HeardState.WAITING,
                Connection.state.in_((ConnectionState.SETUP, ConnectionState.ACTIVE)),
                sa.or_(Connection.paused_until.is_(None), Connection.paused_until <= now),
                Connection.backend.in_(list(house.host.infos)),
            )
        ).all()
    return sum(len(answer(house, company_id, connection_id)) for company_id, connection_id in waiting)


def forget_old(house: House) -> int:
    """Deletes what was heard more than 31 days ago. Returns how many messages."""

    def work(session: sa.orm.Session) -> int:
        before = database_now(session) - KEPT
        session.execute(sa.delete(HeardEvent).where(HeardEvent.heard_at < before))
        gone = session.execute(
            sa.delete(HeardMessage).where(HeardMessage.received_at < before).returning(HeardMessage.id)
        )
        return len(gone.all())

    return write_anywhere(house.engine, work)


def listening_of(house: House, session: CompanySession, connection: Connection) -> Listening | None:
    """None where the books tell nothing by themselves, or their plugin isn't loaded."""
    info = house.host.infos.get(connection.backend)
    if info is None or not info.capabilities.webhooks:
        return None
    mine = HeardEvent.connection_id == connection.id
    waiting = sa.select(sa.func.count(HeardEvent.id)).where(mine, HeardEvent.state == HeardState.WAITING)
    of_backend = sa.select(sa.func.max(HeardMessage.received_at)).where(HeardMessage.backend == connection.backend)
    return Listening(
        address=f"{house.settings.base_url}/webhooks/{connection.backend}",
        has_key=KEY in webhook_settings(house, connection.backend),
        is_reachable=house.settings.base_url.startswith("https://"),
        last_message_at=session.scalar(of_backend),
        heard_since=connection.heard_since,
        last_event_at=session.scalar(sa.select(sa.func.max(HeardEvent.heard_at)).where(mine)),
        waiting=session.scalar(waiting) or 0,
    )


def _answer(house: House, session: CompanySession, connection_id: int) -> list[int]:
    now = database_now(session)
    events = session.scalars(
        sa.select(HeardEvent)
        .where(HeardEvent.connection_id == connection_id, HeardEvent.state == HeardState.WAITING)
        .order_by(HeardEvent.id)
        .limit(AT_ONCE)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    _settle(session, events)
    open_ones = [event for event in events if event.state == HeardState.WAITING and event.run_id is None]
    last = latest_runs(session, connection_id)
    begun = []
    for kind in SyncKind:
        asking = [event for event in open_ones if event.subject == kind.value]
        run = _begin(house, session, connection_id, kind) if asking and _may_begin(last.get(kind), now) else None
        if run is not None:
            begun.append(run.id)
            for event in asking:
                event.run_id = run.id
    session.flush()
    return begun


def _settle(session: CompanySession, events: Sequence[HeardEvent]) -> None:
    """Ends those whose sync is done; those whose sync failed wait for another one, a few times."""
    wanted = {event.run_id for event in events if event.run_id is not None}
    runs = {run.id: run.state for run in session.scalars(sa.select(SyncRun).where(SyncRun.id.in_(wanted)))}
    for event in events:
        state = runs.get(event.run_id or 0)
        if state == SyncState.DONE:
            event.state = HeardState.ANSWERED
        elif state == SyncState.FAILED:
            event.tries, event.run_id = event.tries + 1, None
            event.state = HeardState.LEFT if event.tries >= TRIES else HeardState.WAITING


def _may_begin(last: SyncRun | None, now: dt.datetime) -> bool:
    if last is None:
        return True
    if last.state == SyncState.FAILED:
        return last.ended_at is None or last.ended_at + REST <= now
    return last.state == SyncState.DONE and last.started_at + QUIET <= now


def _begin(house: House, session: CompanySession, connection_id: int, kind: SyncKind) -> SyncRun | None:
    title = house.host.infos[get_connection(session, connection_id).backend].title
    try:
        return begin(house, session, connection_id, kind, cause=SyncCause.HOOK, by=f"a webhook of {title}")
    except Refused as error:
        log.info("a sync of %s that was told of has to wait (%s)", kind, error.code)
        return None
