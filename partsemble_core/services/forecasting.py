"""Forecasting: what waits to go to the books, what holds it up, and when it is through."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from partsemble_core.domain.budgets import Budget, Usage
from partsemble_core.domain.exports import WORKABLE, ExportState, is_breaker_shut
from partsemble_core.domain.forecasts import Backlog, Forecast, calls_for, forecast
from partsemble_core.errors import say
from partsemble_core.plugin_api.types import Posting
from partsemble_core.services.batching import can_batch
from partsemble_core.services.house import House
from partsemble_core.services.metering import usage_of
from partsemble_core.store.connections import Connection, ConnectionState, find_live
from partsemble_core.store.database import database_now
from partsemble_core.store.exports import Export
from partsemble_core.store.session import CompanySession

RESTING = dt.timedelta(seconds=2)
"""Due later than that: it rests on purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """How the outbox stands. ``forecast`` is of what can go now; None where nothing can, or ``held_up`` says why not.

    ``resting`` of those that wait are looked up or tried again only at ``rests_until`` or later, and ``behind`` are
    reversals whose originals aren't posted yet.
    """

    waiting: int
    resting: int
    rests_until: dt.datetime | None
    behind: int
    held: int
    failed: int
    posted: int
    oldest_at: dt.datetime | None
    forecast: Forecast | None
    held_up: str
    has_books: bool


def foresee(house: House, session: CompanySession) -> Queue:
    """The queue of the company, in a constant number of statements."""
    now = database_now(session)
    counted = _counted(session)
    waiting = sum(counted.get(state, 0) for state in WORKABLE)
    oldest, resting, until = session.execute(
        sa.select(
            sa.func.min(Export.created_at),
            sa.func.count().filter(Export.not_before > now + RESTING),
            sa.func.min(sa.case((Export.not_before > now + RESTING, Export.not_before))),
        ).where(Export.state.in_(WORKABLE))
    ).one()
    connection = find_live(session)
    held_up = _held_up(house, connection, now) if waiting else ""
    movable = _movable(session, now)
    foreseen = None
    if movable and connection is not None and not held_up:
        foreseen = _foreseen(house, session, connection, movable, now)
    return Queue(
        waiting=waiting,
        resting=resting,
        rests_until=until,
        behind=max(0, waiting - resting - sum(movable.values())),
        held=counted.get(ExportState.HELD, 0),
        failed=counted.get(ExportState.REVIEW, 0),
        posted=counted.get(ExportState.POSTED, 0),
        oldest_at=oldest,
        forecast=foreseen,
        held_up=held_up,
        has_books=connection is not None,
    )


def _counted(session: CompanySession) -> Mapping[ExportState, int]:
    rows = session.execute(sa.select(Export.state, sa.func.count(Export.id)).group_by(Export.state))
    return {ExportState(state): count for state, count in rows}


def _movable(session: CompanySession, now: dt.datetime) -> Mapping[ExportState, int]:
    """Those that may be worked on now, by state: they don't rest, and what they reverse is posted."""
    first = aliased(Export)
    original = sa.and_(first.id == Export.after_export_id, first.company_id == Export.company_id)
    rows = session.execute(
        sa.select(Export.state, sa.func.count(Export.id))
        .outerjoin(first, original)
        .where(
            Export.state.in_(WORKABLE),
            Export.not_before <= now + RESTING,
            sa.or_(
                Export.after_export_id.is_(None),
                first.state == ExportState.POSTED,
                Export.state == ExportState.UNKNOWN,
            ),
        )
        .group_by(Export.state)
    )
    return {ExportState(state): count for state, count in rows}


def _held_up(house: House, connection: Connection | None, now: dt.datetime) -> str:
    """Why nothing moves now; empty where it does."""
    if connection is None:
        return "No books are connected. What waits goes out once the same books are connected again."
    if connection.state == ConnectionState.RECONNECT_NEEDED:
        return say(
            "{organisation} has to be reconnected first: the sign-in has ended. Nothing is lost.",
            organisation=connection.organisation_name,
        )
    if connection.backend not in house.host.infos:
        return say("The plugin {backend} isn't loaded, so nothing can be sent.", backend=connection.backend)
    if connection.paused_until is not None and connection.paused_until > now:
        return say(
            "{organisation} asked to wait, or doesn't answer. It is tried again by itself.",
            organisation=connection.organisation_name,
        )
    return ""


def _foreseen(
    house: House, session: CompanySession, connection: Connection, counted: Mapping[ExportState, int], now: dt.datetime
) -> Forecast:
    able = house.host.info(connection.backend).capabilities
    created, pending = counted.get(ExportState.CREATED, 0), counted.get(ExportState.PENDING, 0)
    others = sum(counted.get(state, 0) for state in WORKABLE) - created - pending
    batches = can_batch(house, connection.backend) and is_breaker_shut(connection.troubles)
    calls = calls_for(
        Backlog(to_create=pending, to_post=created, to_look_up=others),
        batch_size=able.batch_size if batches else 1,
        posts_drafts=able.posting == Posting.DRAFT_THEN_POST,
    )
    metered = usage_of(house, session, connection, now)
    budget, usage = (metered.budget, metered.usage) if metered else (Budget(), Usage())
    ends = metered.day_ends_at if metered and metered.day_ends_at else now + dt.timedelta(days=1)
    return forecast(calls, budget, usage, day_ends_in=max(ends - now, dt.timedelta()))
