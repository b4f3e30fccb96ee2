"""Syncing: accounts, items, contacts and sales read from the books, one run of a kind at a time for each connection.

A run is a row that exists before anything is read. Whoever works on it takes it once, and renews its lease with every
page; a run whose lease ran out has died, and is ended by whoever looks next. No transaction is open during a call.
"""

from __future__ import annotations

import datetime as dt
import logging
import secrets
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from partsemble_core.errors import Conflict, Invalid, NotFound, PartsembleError, Refused, WrongState, say, word
from partsemble_core.plugin_api.errors import NotPermitted, RetryLater, SignedOut
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.plugin_api.types import Page
from partsemble_core.services.addressing import context_of, token_for
from partsemble_core.services.house import House
from partsemble_core.services.keeping import (
    Kept,
    keep,
    mark_gone,
    plain,
)
from partsemble_core.services.keeping_sales import cursor_of, ids_of, keep_sales_page
from partsemble_core.services.labelling import read_tracking
from partsemble_core.services.merging import follow_merges, merges_of
from partsemble_core.services.scoping import check_allowed
from partsemble_core.services.sources import FEATURES, PAGE, SOURCES
from partsemble_core.store.connections import (
    Connection,
    ConnectionState,
    find_live,
    get_connection,
)
from partsemble_core.store.database import database_now, reading_anywhere
from partsemble_core.store.session import CompanySession
from partsemble_core.store.syncs import SyncCause, SyncKind, SyncRun, SyncState

log = logging.getLogger(__name__)
LEASE = dt.timedelta(minutes=5)
"""Longer than any page takes, and than a worker should be waited for."""
PAGES = 1_000
NOT_TAKEN_UP = "No worker took it up within five minutes. Start `partsemble worker`, then sync again."
DIED = "Its worker died: nothing was heard of it for five minutes. What it had read is kept; sync again."
BROKE = "It broke because of a fault of ours, which the log tells more about. What it had read is kept."


class SyncRunning(Conflict):
    """The same is being read from the same books at this moment."""

    code = "sync-running"

    def __init__(self, kind: str, since: dt.datetime | None, by: str = "") -> None:
        if since:
            message = say(
                "The {kind} are being read already since {since:%Y-%m-%d %H:%M} UTC, started by {person}. Wait until "
                "that is done.",
                kind=word(kind),
                since=since,
                person=by,
            )
        else:
            message = say(
                "The {kind} are being read already by somebody else. Wait until that is done.", kind=word(kind)
            )
        super().__init__(message)


class NotConnected(Refused):
    """The company has no books connected."""

    code = "not-connected"

    def __init__(self) -> None:
        super().__init__("No books are connected. Connect them in the console, or with `partsemble connect BACKEND`.")


class TooMuchToRead(Refused):
    """The books go on and on: a plugin that never comes to an end, or more than was ever thought of."""

    code = "too-much-to-read"


@dataclass(slots=True, kw_only=True)
class Reading:
    """A run in the hands of this process: ``owner`` is how it knows that it still has it."""

    run_id: int
    owner: str
    kind: SyncKind
    connection: Connection
    cursor: str | None = None
    """Where to begin: for sales, where the run before came to."""
    seen: set[str] = field(default_factory=set)


def start_sync(house: House, company_id: int, connection_id: int, kind: str, *, cause: SyncCause, by: str) -> SyncRun:
    """Begins a run for a worker where there is a queue, and else does it at once. Look at the state of what is given.

    Raises Invalid, NotFound, WrongState, UnknownBackend, SyncRunning; whatever comes later ends the run as failed.
    """
    run = _begun(house, company_id, connection_id, kind, cause=cause, by=by)
    return run if house.ring_sync(company_id, run.id) else work_on(house, company_id, run.id)


def run_sync(house: House, company_id: int, connection_id: int, kind: str, *, cause: SyncCause, by: str) -> SyncRun:
    """The same in this process, from beginning to end."""
    run = _begun(house, company_id, connection_id, kind, cause=cause, by=by)
    return work_on(house, company_id, run.id)


def begin(
    house: House, session: CompanySession, connection_id: int, kind: str, *, cause: SyncCause, by: str
) -> SyncRun:
    """The row of a run that waits to be taken up, where it may run. Raises what `start_sync` does, and goes on well."""
    connection, wanted, now = get_connection(session, connection_id), parse_sync_kind(kind), database_now(session)
    house.host.info(connection.backend)
    _refuse_unfit(connection, now)
    for dead in session.scalars(_running(connection_id, wanted).where(SyncRun.lease_until < now).with_for_update()):
        _bury(dead, now)
    session.flush()
    run = SyncRun(
        connection_id=connection_id,
        kind=wanted,
        cause=cause,
        state=SyncState.RUNNING,
        started_by=by,
        started_at=now,
        lease_until=now + LEASE,
    )
    try:
        with session.begin_nested():
            session.add(run)
    except IntegrityError:
        other = session.scalar(_running(connection_id, wanted))
        raise SyncRunning(wanted, other.started_at if other else None, other.started_by if other else "") from None
    return run


def work_on(house: House, company_id: int, run_id: int) -> SyncRun:
    """Takes a run up and reads to its end. One that somebody has taken, or that has ended, is left as it is.

    Safe to call any number of times, at any time, from anywhere.
    """
    owner = secrets.token_hex(8)
    reading = house.write(company_id, lambda session: _take(session, run_id, owner))
    if reading is not None:
        try:
            _read_all(house, company_id, reading)
        except PartsembleError as error:
            refusal = error
            house.write(company_id, lambda session: _fail(session, reading, str(refusal), refusal))
        except Exception:
            house.write(company_id, lambda session: _fail(session, reading, BROKE))
            raise
    with house.reading(company_id) as session:
        return get_run(session, run_id)


def get_run(session: CompanySession, run_id: int) -> SyncRun:
    """Raises NotFound."""
    run = session.scalar(sa.select(SyncRun).where(SyncRun.id == run_id))
    if run is None:
        raise NotFound("sync", run_id)
    return run


def latest_runs(session: CompanySession, connection_id: int) -> dict[SyncKind, SyncRun]:
    """The last run of each kind."""
    last = sa.select(sa.func.max(SyncRun.id)).where(SyncRun.connection_id == connection_id).group_by(SyncRun.kind)
    return {SyncKind(run.kind): run for run in session.scalars(sa.select(SyncRun).where(SyncRun.id.in_(last)))}


def get_live_connection(session: CompanySession) -> Connection:
    """Raises NotConnected."""
    connection = find_live(session)
    if connection is None:
        raise NotConnected
    return connection


def waiting_runs(house: House) -> list[tuple[int, int]]:
    """(company, run) of what no worker has taken up yet: its job may be lost."""
    with reading_anywhere(house.engine) as session:
        rows = session.execute(
            sa.select(SyncRun.company_id, SyncRun.id).where(
                SyncRun.state == SyncState.RUNNING,
                SyncRun.lease_owner.is_(None),
                SyncRun.lease_until >= database_now(session),
            )
        )
        return [(company_id, run_id) for company_id, run_id in rows]


def bury_dead(house: House) -> int:
    """Ends all runs whose lease ran out. Returns how many."""
    with reading_anywhere(house.engine) as session:
        dead = session.execute(
            sa.select(SyncRun.company_id, SyncRun.id).where(
                SyncRun.state == SyncState.RUNNING, SyncRun.lease_until < database_now(session)
            )
        ).all()
    for company_id, run_id in dead:
        house.write(company_id, lambda session, dead_id=run_id: _bury_if_dead(session, dead_id))  # type: ignore[misc]
    return len(dead)


def parse_sync_kind(kind: str) -> SyncKind:
    """Raises Invalid."""
    try:
        return SyncKind(kind)
    except ValueError:
        raise Invalid(
            "kind",
            say("{kind!r} can't be synced. Use one of {kinds}.", kind=kind[:40], kinds=", ".join(SyncKind)),
        ) from None


def _begun(house: House, company_id: int, connection_id: int, kind: str, *, cause: SyncCause, by: str) -> SyncRun:
    return house.write(company_id, lambda session: begin(house, session, connection_id, kind, cause=cause, by=by))


def _refuse_unfit(connection: Connection, now: dt.datetime) -> None:
    name = connection.organisation_name
    if connection.state == ConnectionState.DISCONNECTED:
        raise WrongState(say("{name} is disconnected. Connect it again, then sync.", name=name))
    if connection.state == ConnectionState.RECONNECT_NEEDED:
        raise WrongState(say("The sign-in to {name} has ended. Reconnect it, then sync.", name=name))
    if connection.paused_until and connection.paused_until > now:
        raise WrongState(
            say(
                "{name} is left alone until {paused_until:%Y-%m-%d %H:%M} UTC. Sync after that.",
                name=name,
                paused_until=connection.paused_until,
            )
        )


def _running(connection_id: int, kind: SyncKind) -> sa.Select[SyncRun]:
    return sa.select(SyncRun).where(
        SyncRun.connection_id == connection_id, SyncRun.kind == kind, SyncRun.state == SyncState.RUNNING
    )


def _bury_if_dead(session: CompanySession, run_id: int) -> None:
    now = database_now(session)
    dead = sa.select(SyncRun).where(SyncRun.id == run_id, SyncRun.state == SyncState.RUNNING, SyncRun.lease_until < now)
    for run in session.scalars(dead.with_for_update()):
        _bury(run, now)


def _bury(run: SyncRun, now: dt.datetime) -> None:
    _end(run, SyncState.FAILED, now, DIED if run.lease_owner else NOT_TAKEN_UP)


def _end(run: SyncRun, state: SyncState, now: dt.datetime, message: str = "") -> None:
    run.state, run.ended_at, run.message = state, now, plain(message)[:1000]
    run.lease_owner, run.lease_until = None, None


def _take(session: CompanySession, run_id: int, owner: str) -> Reading | None:
    """Only one ever takes a run."""
    run = session.scalar(
        sa.select(SyncRun)
        .where(SyncRun.id == run_id, SyncRun.state == SyncState.RUNNING, SyncRun.lease_owner.is_(None))
        .with_for_update()
    )
    if run is None:
        return None
    run.lease_owner, run.lease_until = owner, database_now(session) + LEASE
    connection, kind = get_connection(session, run.connection_id), SyncKind(run.kind)
    cursor = cursor_of(session, connection.id) if kind == SyncKind.SALES else None
    return Reading(run_id=run.id, owner=owner, kind=kind, connection=connection, cursor=cursor)


def _still_mine(session: CompanySession, reading: Reading) -> SyncRun | None:
    """None for a process that was taken for dead: what it does no longer counts."""
    return session.scalar(
        sa.select(SyncRun)
        .where(SyncRun.id == reading.run_id, SyncRun.state == SyncState.RUNNING, SyncRun.lease_owner == reading.owner)
        .with_for_update()
    )


def _read_all(house: House, company_id: int, reading: Reading) -> None:
    cursor = reading.cursor
    if reading.kind == SyncKind.ACCOUNTS:
        read_tracking(house, reading.connection)
    for _ in range(PAGES):
        page = _ask(house, reading, cursor)
        is_ours = house.write(company_id, lambda session, page=page: _keep_page(session, reading, page))  # type: ignore[misc]
        if not (is_ours and page.has_more):
            return
        if reading.kind == SyncKind.SALES:
            reading.seen |= ids_of(page)
        cursor = page.next_cursor
    raise TooMuchToRead(
        say(
            "{pages} pages of {kind} were read, and there are more. Tell us; the rest is missing.",
            pages=PAGES,
            kind=word(reading.kind),
        )
    )


def _ask(house: House, reading: Reading, cursor: str | None) -> Page[Any]:
    """One page. A token that is refused is renewed once."""
    check_allowed(house, reading.connection, FEATURES[reading.kind])
    token = token_for(house, reading.connection)
    try:
        return _call(house, reading, cursor, token)
    except SignedOut:
        return _call(house, reading, cursor, token_for(house, reading.connection, refused=token))


def _call(house: House, reading: Reading, cursor: str | None, token: Secret | None) -> Page[Any]:
    ctx = context_of(house, reading.connection, token=token, is_urgent=False)
    with closing(ctx.http):
        if reading.kind == SyncKind.SALES:
            return house.host.fetch_sales(reading.connection.backend, ctx, cursor=cursor, limit=PAGE)
        return SOURCES[reading.kind].ask(house, reading.connection.backend, ctx, cursor)


def _keep_page(session: CompanySession, reading: Reading, page: Page[Any]) -> bool:
    """Keeps a page and renews the lease; the last page ends the run. False: another has the run now."""
    run = _still_mine(session, reading)
    if run is None:
        return False
    now, connection_id = database_now(session), reading.connection.id
    if reading.kind == SyncKind.SALES:
        kept = keep_sales_page(session, connection_id, page, now)
        run.records += len(ids_of(page) - reading.seen)
    else:
        kept = _keep_records(session, reading, page, now)
        run.records += len(page.records)
    run.added += kept.added
    run.changed += kept.changed
    run.lease_until = now + LEASE
    if not page.has_more:
        if page.complete and reading.kind != SyncKind.SALES:
            run.gone = mark_gone(session, SOURCES[reading.kind].table, connection_id, reading.seen)
        _note_time(session, reading, now)
        _end(run, SyncState.DONE, now)
    return True


def _keep_records(session: CompanySession, reading: Reading, page: Page[Any], now: dt.datetime) -> Kept:
    """What is read whole each time. An archived contact is as good as gone; accounts have a verdict of their own."""
    source = SOURCES[reading.kind]
    used = [each for each in page.records if each.external_id and (reading.kind != SyncKind.CONTACTS or each.active)]
    found = {plain(each.external_id): source.fields(each) for each in used}
    reading.seen |= found.keys()
    kept = keep(session, source.table, reading.connection.id, found, now)
    if reading.kind == SyncKind.CONTACTS:
        follow_merges(session, reading.connection.id, merges_of(page.records))
    return kept


def _note_time(session: CompanySession, reading: Reading, now: dt.datetime) -> None:
    connection = get_connection(session, reading.connection.id)
    if reading.kind == SyncKind.ITEMS:
        connection.items_synced_at = now
    elif reading.kind == SyncKind.CONTACTS:
        connection.contacts_synced_at = now


def _fail(session: CompanySession, reading: Reading, message: str, error: PartsembleError | None = None) -> None:
    """Ends the run, and lets the connection wait where exports would fail in the same way.

    What may not be read of items, contacts or sales is in no journal's way.
    """
    run, now = _still_mine(session, reading), database_now(session)
    if run is None:
        return
    _end(run, SyncState.FAILED, now, message)
    connection = get_connection(session, reading.connection.id)
    if isinstance(error, RetryLater) and error.whole_organisation:
        until = now + dt.timedelta(seconds=error.after)
        connection.paused_until = max(until, connection.paused_until or until)
    stops_exports = isinstance(error, SignedOut) or (isinstance(error, NotPermitted) and run.kind == SyncKind.ACCOUNTS)
    if stops_exports and connection.state == ConnectionState.ACTIVE:
        connection.state = ConnectionState.RECONNECT_NEEDED
        connection.problem = plain(message)[:1000]
    log.warning("sync %s of %s failed (%s)", run.id, run.kind, error.code if error else "fault")
