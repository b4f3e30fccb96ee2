"""Settling: what the answer to a step, or its error, means for the export; one transaction after each call."""

from __future__ import annotations

import datetime as dt
import logging
import random
from dataclasses import dataclass

import sqlalchemy as sa

from partsemble_core.domain.exports import (
    Doubt,
    ExportState,
    StepKind,
    Verdict,
    break_after,
)
from partsemble_core.errors import PartsembleError
from partsemble_core.plugin_api.errors import (
    NotPermitted,
    OutcomeUnknown,
    PeriodClosed,
    RetryLater,
    SignedOut,
    Unsupported,
)
from partsemble_core.plugin_host import PluginError
from partsemble_core.services.claiming import Step, into_doubt
from partsemble_core.services.crashing import crashpoint
from partsemble_core.services.house import House
from partsemble_core.services.metering import LimitNear
from partsemble_core.services.telling import tell_export
from partsemble_core.store.connections import Connection, ConnectionState, get_connection
from partsemble_core.store.database import database_now
from partsemble_core.store.exports import Export, ExportAttempt
from partsemble_core.store.session import CompanySession, LockRank

log = logging.getLogger(__name__)
RETRY_SECONDS = 60
STEP_BEFORE = {
    StepKind.CREATE: (ExportState.PENDING, Doubt.NONE),
    StepKind.POST: (ExportState.CREATED, Doubt.NONE),
}


class SentTooLate(RetryLater):
    """The claim was running out, so the call was never made: nobody's trouble but ours."""


class SentAlone(RetryLater):
    """It was refused among others and goes alone next, so that what the books say is about it and nothing else."""


NOT_THEIR_TROUBLE = (SentTooLate, SentAlone, LimitNear)
NO_CLEAR_ANSWER = "No clear answer came. The books are checked before anything is sent again."
"""What people are told of an export in doubt; what the plugin said of it is kept with the attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of a step. ``orphans`` are drafts of ours that surely lost."""

    state: ExportState
    orphans: tuple[str, ...] = ()


def settle(house: House, session: CompanySession, step: Step, verdict: Verdict) -> Settled:
    """Fixes the id by compare-and-set: whoever comes second has made an orphan, and only the stored id is posted."""
    export, now = _mine(session, step), database_now(session)
    stored = session.scalar(sa.select(Export.external_id).where(Export.id == step.export_id))
    strays = _strays(step, verdict, stored)
    if export is not None and _is_anothers(session, export, verdict.external_id):
        message = "The answer named the journal of another document."
        _end_attempt(session, step, now, outcome="unknown", external_id=verdict.external_id, message=message)
        export.problem = message
        into_doubt(house, session, export, now)
        _count_trouble(session, export, now)
        return Settled(state=ExportState(export.state))
    _end_attempt(session, step, now, outcome="ok", external_id=verdict.external_id, message=verdict.problem)
    if export is None:
        return Settled(state=ExportState.UNKNOWN, orphans=strays)  # a zombie's answer: noted, never acted on
    if strays:
        _clear_troubles(session, export)
        export.state, export.doubt = ExportState.CREATED, Doubt.NONE
        return Settled(state=ExportState.CREATED, orphans=strays)
    _clear_troubles(session, export)
    export.external_id = export.external_id or verdict.external_id
    export.state, export.doubt, export.problem = verdict.state, Doubt.NONE, verdict.problem
    if verdict.state == ExportState.POSTED:
        export.posted_at = now
    tell_export(session, export, at=now, console=house.settings.base_url)
    crashpoint("posting.before_settle_commit")
    return Settled(state=verdict.state, orphans=verdict.orphans)


def _strays(step: Step, verdict: Verdict, stored: str | None) -> tuple[str, ...]:
    """The draft that this step made, if another one was fixed meanwhile. While none is, it may still be adopted."""
    is_draft = step.kind == StepKind.CREATE and verdict.state == ExportState.CREATED
    is_lost = is_draft and stored is not None and verdict.external_id != stored
    return (verdict.external_id,) if is_lost and verdict.external_id else ()


def _is_anothers(session: CompanySession, export: Export, external_id: str | None) -> bool:
    return external_id is not None and bool(
        session.scalar(
            sa.select(sa.func.count()).where(
                Export.connection_id == export.connection_id,
                Export.external_id == external_id,
                Export.id != export.id,
            )
        )
    )


def settle_error(
    house: House, session: CompanySession, step: Step, error: PartsembleError, *, counts: bool = True
) -> ExportState:
    """What each class of error means for the export: the class says it, never its text.

    ``counts``: whether it may count as trouble; one call that carried many is one trouble.
    """
    export, now = _mine(session, step), database_now(session)
    unknown = isinstance(error, OutcomeUnknown | PluginError) and step.kind != StepKind.LOOK_UP
    waits = isinstance(error, RetryLater | SignedOut | NotPermitted) or (
        step.kind == StepKind.LOOK_UP and not isinstance(error, Unsupported)
    )
    outcome = "unknown" if unknown else "not_sent" if waits else "refused"
    _end_attempt(session, step, now, outcome=outcome, message=str(error)[:1000])
    if export is None:
        return ExportState.UNKNOWN
    export.problem = str(error)[:1000]
    if unknown:
        into_doubt(house, session, export, now)
    elif waits:
        _wait(session, export, step, now, error)
    else:
        export.state = ExportState.REVIEW
        export.doubt = Doubt.NONE
        if isinstance(error, PeriodClosed) and error.locked_through is not None:
            get_connection(session, export.connection_id).locked_through = error.locked_through
        _clear_troubles(session, export)
        tell_export(session, export, at=now, console=house.settings.base_url)
    if counts and (unknown or _is_no_answer(error)):
        _count_trouble(session, export, now)
    if export.state == ExportState.UNKNOWN and not isinstance(error, SignedOut | NotPermitted):
        export.problem = NO_CLEAR_ANSWER
    log.warning("export %s: %s %s (%s)", export.id, step.kind, outcome, error.code)
    crashpoint("posting.before_settle_commit")
    return ExportState(export.state)


def _wait(session: CompanySession, export: Export, step: Step, now: dt.datetime, error: PartsembleError) -> None:
    """Surely nothing was written: back to where the step began, to be tried again."""
    if step.kind in STEP_BEFORE:
        state, doubt = STEP_BEFORE[step.kind]
        export.state, export.doubt = state, doubt
    seconds = error.after if isinstance(error, RetryLater) else RETRY_SECONDS
    export.not_before = now + dt.timedelta(seconds=seconds)
    connection = get_connection(session, export.connection_id)
    if isinstance(error, RetryLater) and error.whole_organisation:
        connection.paused_until = max(export.not_before, connection.paused_until or export.not_before)
    if isinstance(error, SignedOut | NotPermitted) and connection.state == ConnectionState.ACTIVE:
        connection.state = ConnectionState.RECONNECT_NEEDED
        connection.problem = str(error)[:1000]


def _is_no_answer(error: PartsembleError) -> bool:
    """Whether the books could not be reached, or broke, where nothing is lost by it: a look-up, a call not made."""
    if isinstance(error, RetryLater):
        return not error.whole_organisation and not isinstance(error, NOT_THEIR_TROUBLE)
    return isinstance(error, OutcomeUnknown | PluginError)


def _count_trouble(session: CompanySession, export: Export, now: dt.datetime) -> None:
    """One more call without a clear answer; from the fifth in a row on the connection's breaker opens."""
    mine = sa.select(Connection).where(Connection.id == export.connection_id)
    connection = session.scalars(mine.with_for_update().execution_options(populate_existing=True)).one()
    connection.troubles += 1
    rest = break_after(connection.troubles, luck=random.randint(0, 100))  # noqa: S311 - spreads tries, keeps no secret
    if rest is None:
        return
    until = max(now + rest, connection.paused_until or now)
    connection.paused_until = until
    if connection.state == ConnectionState.ACTIVE:
        connection.problem = (
            f"{connection.troubles} calls in a row got no clear answer. Nothing is lost: exports wait until "
            f"{until:%Y-%m-%d %H:%M:%S} UTC, then one of them tries. The last answer: {export.problem}"
        )[:1000]


def _clear_troubles(session: CompanySession, export: Export) -> None:
    """A clear answer shuts the breaker. Without troubles the row isn't touched, so workers don't queue for it."""
    connection = get_connection(session, export.connection_id)
    if connection.troubles:
        connection.troubles = 0
        if connection.state == ConnectionState.ACTIVE:
            connection.problem = ""


def _mine(session: CompanySession, step: Step) -> Export | None:
    """The export, if this worker's claim still stands."""
    session.locking(LockRank.EXPORT)
    return session.scalar(
        sa.select(Export)
        .where(Export.id == step.export_id, Export.lease_epoch == step.epoch)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _end_attempt(
    session: CompanySession,
    step: Step,
    now: dt.datetime,
    *,
    outcome: str,
    message: str,
    external_id: str | None = None,
) -> None:
    attempt = session.get_one(ExportAttempt, step.attempt_id)
    attempt.outcome, attempt.message, attempt.external_id, attempt.ended_at = (
        outcome,
        message,
        external_id,
        now,
    )
