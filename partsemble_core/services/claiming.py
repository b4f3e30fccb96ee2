"""Claiming: which exports are due, whose turn it is, and the attempt that is written before anything is sent."""

from __future__ import annotations

import datetime as dt
import logging
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from partsemble_core.domain.exports import (
    BREAKER_AT,
    WORKABLE,
    Doubt,
    ExportState,
    StepKind,
    is_breaker_shut,
    needs_a_person,
    next_step,
    rest_after,
)
from partsemble_core.plugin_api.types import (
    Posting,
)
from partsemble_core.services.crashing import crashpoint
from partsemble_core.services.house import House
from partsemble_core.services.metering import may_be_sent
from partsemble_core.services.telling import tell_export
from partsemble_core.store.connections import Connection, ConnectionState, get_connection
from partsemble_core.store.database import database_now, reading_anywhere
from partsemble_core.store.exports import Export, ExportAttempt, get_export
from partsemble_core.store.session import CompanySession, LockRank

log = logging.getLogger(__name__)
PAUSED = (ConnectionState.RECONNECT_NEEDED, ConnectionState.DISCONNECTED)
TRIED_ENOUGH = (
    "After {unknowns} tries it is still not known whether the books have it, so nothing more is sent by itself. "
    "Look for [{token}] in the books and see that the connection works, then try again: it is looked up before "
    "anything is sent. The last answer: {last}"
)
_IS_LOOKED_UP = Export.state == ExportState.UNKNOWN
"""Sends nothing, so it needs to wait for nothing."""
WORKER_DIED = "The worker that looked it up was gone before it heard an answer."
STEP_STATE = {StepKind.CREATE: ExportState.CREATING, StepKind.POST: ExportState.POSTING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One committed attempt, and all that its call needs. After ``send_before`` (monotonic) it isn't sent any more."""

    export_id: int
    attempt_id: int
    epoch: int
    kind: StepKind
    key: str
    body: bytes
    body_sha256: str
    external_id: str | None
    connection: Connection
    send_before: float
    has_strays: bool
    """Drafts of earlier attempts may lie in the books: they are looked for before this one is posted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One export that may be worked on now; ``size`` of its frozen bytes."""

    export_id: int
    connection_id: int
    backend: str
    state: ExportState
    size: int


def due_exports(house: House, *, limit: int = 200) -> list[tuple[int, int]]:
    """(company, export) of what may be worked on now.

    Connections take turns: the most urgent export of each, then the next of each, so that nobody's backlog starves
    others. Of a connection whose breaker is half open only the first is given.
    """
    with reading_anywhere(house.engine) as session:
        due = _due(house, database_now(session)).subquery()
        rows = session.execute(
            sa.select(due.c.company_id, due.c.id)
            .where(sa.or_(due.c.troubles < BREAKER_AT, due.c.turn == 1))
            .order_by(due.c.turn, due.c.priority, due.c.not_before, due.c.id)
            .limit(limit)
        )
        return [(company_id, export_id) for company_id, export_id in rows]


def due_companies(house: House) -> list[tuple[int, int]]:
    """(company, its most urgent export) of all that have something due, the longest waiting first."""
    with reading_anywhere(house.engine) as session:
        due = _due(house, database_now(session)).subquery()
        rows = session.execute(
            sa.select(due.c.company_id, due.c.id).where(due.c.turn == 1).order_by(due.c.not_before, due.c.id)
        )
        return list({company_id: (company_id, export_id) for company_id, export_id in rows}.values())


def due_of(house: House, company_id: int, *, states: Sequence[ExportState] = WORKABLE, limit: int = 200) -> list[Due]:
    """What may be worked on now of one company, the most urgent first."""
    with house.reading(company_id) as session:
        due = _due(house, database_now(session)).where(Export.state.in_(states)).subquery()
        rows = session.execute(
            sa.select(due).where(sa.or_(due.c.troubles < BREAKER_AT, due.c.turn == 1)).order_by(due.c.turn).limit(limit)
        )
        return [
            Due(
                export_id=row.id,
                connection_id=row.connection_id,
                backend=row.backend,
                state=ExportState(row.state),
                size=row.size,
            )
            for row in rows
        ]


def _due(house: House, now: dt.datetime) -> sa.Select[Any]:
    """What may be worked on, with its ``turn`` among those of its connection. What can't be worked on isn't among
    it: it would fill the list and starve what can."""
    first = aliased(Export)
    mine = sa.over(
        sa.func.row_number(),
        partition_by=(Export.company_id, Export.connection_id),
        order_by=(Export.priority, Export.not_before, Export.id),
    )
    return (
        sa.select(
            Export.company_id,
            Export.id,
            Export.connection_id,
            Export.backend,
            Export.state,
            Export.priority,
            Export.not_before,
            Connection.troubles,
            sa.func.length(Export.body).label("size"),
            mine.label("turn"),
        )
        .join(
            Connection,
            sa.and_(Connection.id == Export.connection_id, Connection.company_id == Export.company_id),
        )
        .outerjoin(first, sa.and_(first.id == Export.after_export_id, first.company_id == Export.company_id))
        .where(
            Export.state.in_(WORKABLE),
            Export.not_before <= now,
            sa.or_(Export.lease_until.is_(None), Export.lease_until < now),
            sa.or_(Export.after_export_id.is_(None), first.state == ExportState.POSTED, _IS_LOOKED_UP),
            Export.backend.in_(list(house.host.infos)),
            Connection.state.not_in(PAUSED),
            sa.or_(Connection.paused_until.is_(None), Connection.paused_until <= now),
        )
    )


def prepare(
    house: House, session: CompanySession, *, export_id: int, owner: str, epoch: int, batch_key: str = ""
) -> Step | None:
    """Claims the export (``epoch`` 0) or renews that claim, decides the step, writes its attempt: one transaction.

    ``batch_key`` and the step go over the wire for all of one call: what is created and what is posted are two calls.
    """
    session.locking(LockRank.EXPORT)
    export = session.scalar(
        sa.select(Export).where(Export.id == export_id).with_for_update().execution_options(populate_existing=True)
    )
    now = database_now(session)
    if export is None or not _may_claim(session, export, now, epoch):
        return None
    connection = get_connection(session, export.connection_id)
    if connection.state in PAUSED or (connection.paused_until and connection.paused_until > now):
        return None
    if export.backend not in house.host.infos:
        log.warning("export %s waits: the plugin %s isn't loaded", export.id, export.backend)
        return None
    if not is_breaker_shut(connection.troubles) and _is_somebody_trying(session, export, now):
        return None
    known_key = _repeatable_key(house, session, export, now)
    if _doubt_what_was_left(house, session, export, now, may_repeat=known_key is not None, fresh=epoch == 0):
        return None
    kind = next_step(ExportState(export.state), Doubt(export.doubt), may_repeat=known_key is not None)
    if kind == StepKind.CREATE and not _is_its_turn(session, export):
        return None
    if kind is None or not may_be_sent(house, session, connection, now, is_read=kind == StepKind.LOOK_UP):
        return None
    if kind == StepKind.LOOK_UP and _killed_too_many(house, session, export, now):
        return None
    key = known_key if known_key and kind == StepKind.CREATE else batch_key and f"{batch_key}-{kind}"
    return _write_ahead(house, session, export, connection, kind, key=key, owner=owner, now=now)


def _write_ahead(
    house: House,
    session: CompanySession,
    export: Export,
    connection: Connection,
    kind: StepKind,
    *,
    key: str,
    owner: str,
    now: dt.datetime,
) -> Step:
    """The claim and the attempt, on their way into the database before anything is sent. No ``key``: a new one."""
    key = key or secrets.token_hex(16)
    export.lease_owner = owner
    export.lease_epoch += 1
    export.lease_until = now + dt.timedelta(seconds=house.settings.lease_seconds)
    export.attempts += 1
    export.state = STEP_STATE.get(kind, ExportState(export.state))
    attempt = ExportAttempt(export_id=export.id, epoch=export.lease_epoch, step=kind, key=key, sent_at=now, message="")
    session.add(attempt)
    session.flush()
    crashpoint("posting.before_attempt_commit")
    return Step(
        export_id=export.id,
        attempt_id=attempt.id,
        epoch=export.lease_epoch,
        kind=kind,
        key=key,
        body=export.body,
        body_sha256=export.body_sha256,
        external_id=export.external_id,
        connection=connection,
        send_before=time.monotonic() + house.settings.lease_seconds / 2,
        has_strays=kind == StepKind.POST and _may_have_strays(session, export.id),
    )


def _repeatable_key(house: House, session: CompanySession, export: Export, now: dt.datetime) -> str | None:
    """The key of the last creation, where sending it again gets the same answer and not a second journal.

    It is used again even after a call that surely wrote nothing: an older worker may still be on its way with it. Only
    when nothing under it can have arrived and it was clearly refused is it given up, for a backend may remember that
    answer too.
    """
    capabilities = house.host.info(export.backend).capabilities
    if capabilities.posting not in (Posting.LOCAL, Posting.NATIVE_KEY):
        return None
    creations = session.scalars(
        sa.select(ExportAttempt)
        .where(ExportAttempt.export_id == export.id, ExportAttempt.step == StepKind.CREATE)
        .order_by(ExportAttempt.id.desc())
    ).all()
    if not creations:
        return None
    last, window = creations[0], capabilities.key_window
    outcomes = {attempt.outcome for attempt in creations if attempt.key == last.key}
    if "refused" in outcomes and outcomes <= {"refused", "not_sent"}:
        return None
    first_sent_at = min(attempt.sent_at for attempt in creations if attempt.key == last.key)
    is_known = capabilities.posting == Posting.LOCAL or window is None or now - first_sent_at < window * 4 / 5
    return last.key if is_known else None


def _may_have_strays(session: CompanySession, export_id: int) -> bool:
    outcomes = session.scalars(
        sa.select(ExportAttempt.outcome).where(
            ExportAttempt.export_id == export_id, ExportAttempt.step == StepKind.CREATE
        )
    )
    return [outcome for outcome in outcomes if outcome not in ("not_sent", "refused")] != ["ok"]


def _may_claim(session: CompanySession, export: Export, now: dt.datetime, epoch: int) -> bool:
    if export.state not in WORKABLE or export.not_before > now:
        return False
    if epoch:
        return export.lease_epoch == epoch  # ours, unless the lease ran out and another took it
    if export.lease_until is not None and export.lease_until >= now:
        return False
    return export.state == ExportState.UNKNOWN or _is_its_turn(session, export)


def _is_its_turn(session: CompanySession, export: Export) -> bool:
    """A reversal is sent after its original. After a restore it may be in doubt before that: then it is looked up."""
    if export.after_export_id is None:
        return True
    return get_export(session, export.after_export_id).state == ExportState.POSTED


def _is_somebody_trying(session: CompanySession, export: Export, now: dt.datetime) -> bool:
    """Whether another export of a connection with trouble is under way: one at a time finds out if it answers again."""
    session.execute(sa.select(Connection.id).where(Connection.id == export.connection_id).with_for_update())
    others = sa.select(sa.func.count()).where(
        Export.connection_id == export.connection_id, Export.id != export.id, Export.lease_until >= now
    )
    return bool(session.scalar(others))


def _doubt_what_was_left(
    house: House, session: CompanySession, export: Export, now: dt.datetime, *, may_repeat: bool, fresh: bool
) -> bool:
    """A row found creating or posting has lost its worker: it rests for the quarantine before it is looked up."""
    if not fresh or may_repeat or export.state not in (ExportState.CREATING, ExportState.POSTING):
        return False
    into_doubt(house, session, export, now)
    return export.state == ExportState.REVIEW or export.not_before > now


def into_doubt(house: House, session: CompanySession, export: Export, now: dt.datetime) -> None:
    """Rests the export until no request of ours can still be travelling, and longer each time; then asks a person.

    An attempt without an outcome counts as unknown: its worker died.
    """
    unknowns = (
        session.scalar(
            sa.select(sa.func.count()).where(
                ExportAttempt.export_id == export.id,
                ExportAttempt.step.in_((StepKind.CREATE, StepKind.POST)),
                sa.or_(ExportAttempt.outcome == "unknown", ExportAttempt.outcome.is_(None)),
            )
        )
        or 0
    )
    export.doubt = Doubt.CREATING if export.state == ExportState.CREATING else Doubt.POSTING
    export.state = ExportState.UNKNOWN
    export.not_before = now + rest_after(unknowns, quarantine_seconds=house.settings.quarantine_seconds)
    if needs_a_person(unknowns):
        export.state, export.doubt = ExportState.REVIEW, Doubt.NONE
        export.problem = TRIED_ENOUGH.format(unknowns=unknowns, token=export.token, last=export.problem)[:1000]
        tell_export(session, export, at=now, console=house.settings.base_url)


def _killed_too_many(house: House, session: CompanySession, export: Export, now: dt.datetime) -> bool:
    """Whether so many workers have died at its look-ups that a person is asked. Ends the attempt of the last one."""
    last = session.scalar(
        sa.select(ExportAttempt).where(ExportAttempt.export_id == export.id).order_by(ExportAttempt.id.desc()).limit(1)
    )
    if last is None or last.step != StepKind.LOOK_UP or last.outcome is not None:
        return False
    last.outcome, last.message = "unknown", WORKER_DIED
    session.flush()
    deaths = session.scalar(
        sa.select(sa.func.count()).where(
            ExportAttempt.export_id == export.id,
            ExportAttempt.step == StepKind.LOOK_UP,
            ExportAttempt.outcome == "unknown",
        )
    )
    if not needs_a_person(deaths or 0):
        return False
    export.state, export.doubt = ExportState.REVIEW, Doubt.NONE
    export.problem = TRIED_ENOUGH.format(unknowns=deaths, token=export.token, last=WORKER_DIED)
    tell_export(session, export, at=now, console=house.settings.base_url)
    return True


def release(session: CompanySession, *, export_id: int, epoch: int) -> None:
    session.locking(LockRank.EXPORT)
    session.execute(
        sa.update(Export)
        .where(Export.id == export_id, Export.lease_epoch == epoch)
        .values(lease_until=None, lease_owner=None)
    )
