"""Scheduling: which syncs run by themselves, and when each is due next."""

from __future__ import annotations

import datetime as dt
import logging
import re
from collections.abc import Sequence

import sqlalchemy as sa

from partsemble_core.errors import Invalid, NotFound, Refused, WrongState, say
from partsemble_core.services.house import House
from partsemble_core.services.syncing import begin, bury_dead, parse_sync_kind, waiting_runs
from partsemble_core.store.connections import Connection, ConnectionState, get_connection
from partsemble_core.store.database import database_now, reading_anywhere
from partsemble_core.store.session import CompanySession
from partsemble_core.store.syncs import SyncCause, SyncRun, SyncSchedule

log = logging.getLogger(__name__)
LEAST, MOST = 5, 7 * 24 * 60
"""Minutes: from five to a week."""
EVERY = re.compile(r"([0-9]{1,6})([mhd]?)", re.ASCII)
UNITS = {"": 1, "m": 1, "h": 60, "d": 24 * 60}
BY = "the schedule"


def parse_every(value: object, *, field: str = "every") -> int:
    """Minutes from 90, ``90``, ``90m``, ``6h`` or ``1d``. Raises Invalid."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    read = EVERY.fullmatch(text.strip()) if isinstance(text, str) else None
    minutes = int(read[1]) * UNITS[read[2]] if read else 0
    if not LEAST <= minutes <= MOST:
        raise Invalid(field, "A sync can run every 5 minutes to every 7 days. Write it like 90m, 6h or 1d.")
    return minutes


def set_schedule(session: CompanySession, *, connection_id: int, kind: str, every: object) -> SyncSchedule:
    """Lets a sync run every so often, for the first time when that has passed. Again replaces it.

    Raises Invalid, NotFound, WrongState for a connection that was ended.
    """
    connection = get_connection(session, connection_id)
    wanted, minutes = parse_sync_kind(kind), parse_every(every)
    if connection.state == ConnectionState.DISCONNECTED:
        raise WrongState(
            say(
                "{organisation_name} is disconnected. Connect it again, then set a schedule.",
                organisation_name=connection.organisation_name,
            )
        )
    next_at = database_now(session) + dt.timedelta(minutes=minutes)
    row = {"connection_id": connection_id, "kind": wanted, "every_minutes": minutes, "next_at": next_at}
    session.insert_missing(SyncSchedule, row, key=("company_id", "connection_id", "kind"))
    schedule = session.scalars(_of(connection_id, wanted).with_for_update()).one()
    schedule.every_minutes, schedule.next_at = minutes, next_at
    session.flush()
    return schedule


def clear_schedule(session: CompanySession, *, connection_id: int, kind: str) -> None:
    """The sync runs no more by itself. Raises Invalid, NotFound."""
    get_connection(session, connection_id)
    wanted = parse_sync_kind(kind)
    schedule = session.scalar(_of(connection_id, wanted).with_for_update())
    if schedule is None:
        raise NotFound("schedule for", wanted)
    session.delete(schedule)
    session.flush()


def schedules_of(session: CompanySession, connection_id: int) -> Sequence[SyncSchedule]:
    """By kind. Raises NotFound."""
    get_connection(session, connection_id)
    return session.scalars(
        sa.select(SyncSchedule).where(SyncSchedule.connection_id == connection_id).order_by(SyncSchedule.kind)
    ).all()


def ring_syncs(house: House) -> int:
    """Ends dead runs, begins those that are due, and rings for all that no worker has taken up. Returns how many."""
    bury_dead(house)
    begin_due(house)
    waiting = waiting_runs(house)
    for company_id, run_id in waiting:
        house.ring_sync(company_id, run_id)
    return len(waiting)


def begin_due(house: House) -> list[tuple[int, int]]:
    """Begins a run for each schedule that is due: (company, run). Two schedulers at once begin it once."""
    with reading_anywhere(house.engine) as session:
        now = database_now(session)
        due = session.execute(
            sa.select(SyncSchedule.company_id, SyncSchedule.id)
            .join(
                Connection,
                sa.and_(Connection.id == SyncSchedule.connection_id, Connection.company_id == SyncSchedule.company_id),
            )
            .where(
                SyncSchedule.next_at <= now,
                Connection.state.in_((ConnectionState.SETUP, ConnectionState.ACTIVE)),
                sa.or_(Connection.paused_until.is_(None), Connection.paused_until <= now),
                Connection.backend.in_(list(house.host.infos)),
            )
            .order_by(SyncSchedule.next_at, SyncSchedule.id)
        ).all()
    begun = []
    for company_id, schedule_id in due:
        run = house.write(company_id, lambda session, row_id=schedule_id: _begin_if_due(house, session, row_id))  # type: ignore[misc]
        if run is not None:
            begun.append((company_id, run.id))
    return begun


def _begin_if_due(house: House, session: CompanySession, schedule_id: int) -> SyncRun | None:
    """Moves the time on and begins the run in one transaction. Times that were missed are not made up for."""
    now = database_now(session)
    schedule = session.scalar(
        sa.select(SyncSchedule).where(SyncSchedule.id == schedule_id, SyncSchedule.next_at <= now).with_for_update()
    )
    if schedule is None:
        return None
    every = dt.timedelta(minutes=schedule.every_minutes)
    schedule.next_at += every * ((now - schedule.next_at) // every + 1)
    session.flush()
    try:
        return begin(house, session, schedule.connection_id, schedule.kind, cause=SyncCause.SCHEDULE, by=BY)
    except Refused as error:
        log.info("the scheduled sync of %s was left out (%s)", schedule.kind, error.code)
        return None


def _of(connection_id: int, kind: str) -> sa.Select[SyncSchedule]:
    return sa.select(SyncSchedule).where(SyncSchedule.connection_id == connection_id, SyncSchedule.kind == kind)
