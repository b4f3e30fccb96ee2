"""Sounding: how a connection to the books is: when it was last used and renewed, and how much of its limits is left."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from partsemble_core.domain.budgets import aim_per_minute
from partsemble_core.domain.exports import is_breaker_shut
from partsemble_core.services.house import House
from partsemble_core.services.metering import usage_of
from partsemble_core.services.refreshing import ALARM, UNUSED
from partsemble_core.services.token_keeping import newest_set
from partsemble_core.store.connections import Connection, ConnectionState, Grant, GrantState
from partsemble_core.store.database import database_now
from partsemble_core.store.exports import Export, ExportAttempt
from partsemble_core.store.session import CompanySession
from partsemble_core.store.syncs import SyncRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What is None isn't known, or isn't limited. Books without a sign-in have no tokens to be renewed.

    ``renewed_at`` is the sign-in itself until it was first renewed; ``renews_by`` is when it is renewed even if nobody
    needs it, and at ``alarm_at`` people are told that it couldn't be for too long. ``minute_limit`` and ``day_limit``
    are what Partsemble allows itself, below the limits of the books.
    """

    is_well: bool
    last_call_at: dt.datetime | None
    last_posted_at: dt.datetime | None
    last_synced_at: dt.datetime | None
    signed_in_at: dt.datetime | None
    renewed_at: dt.datetime | None
    access_ends_at: dt.datetime | None
    renews_by: dt.datetime | None
    alarm_at: dt.datetime | None
    minute_used: int | None
    minute_limit: int | None
    day_used: int | None
    day_limit: int | None
    day_ends_at: dt.datetime | None
    waits_until: dt.datetime | None
    troubles: int


def health_of(house: House, session: CompanySession, connection: Connection) -> Health:
    """Read only: the books aren't asked."""
    now = database_now(session)
    grant = session.get(Grant, connection.grant_id) if connection.grant_id is not None else None
    newest = newest_set(session, grant.id) if grant is not None else None
    metered = usage_of(house, session, connection, now)
    budget = metered.budget if metered else None
    attempted, synced = _last_attempt(session, connection), _last_sync(session, connection)
    waits = [until for until in (connection.paused_until, metered.held_until if metered else None) if until]
    waits_until = max((until for until in waits if until > now), default=None)
    is_signed_in = grant is None or grant.state in (GrantState.ACTIVE, GrantState.IN_DOUBT)
    return Health(
        is_well=is_signed_in
        and connection.state in (ConnectionState.ACTIVE, ConnectionState.SETUP)
        and is_breaker_shut(connection.troubles)
        and not connection.problem,
        last_call_at=_latest(attempted, synced, metered.last_call_at if metered else None),
        last_posted_at=session.scalar(
            sa.select(sa.func.max(Export.posted_at)).where(Export.connection_id == connection.id)
        ),
        last_synced_at=synced,
        signed_in_at=grant.created_at if grant else None,
        renewed_at=newest.received_at if newest else None,
        access_ends_at=newest.access_expires_at if newest else None,
        renews_by=newest.received_at + UNUSED if newest else None,
        alarm_at=newest.received_at + ALARM if newest else None,
        minute_used=metered.usage.in_minute if metered and budget and budget.per_minute is not None else None,
        minute_limit=aim_per_minute(budget.per_minute) if budget and budget.per_minute is not None else None,
        day_used=metered.usage.in_day if metered and budget and budget.per_day is not None else None,
        day_limit=budget.per_day if budget else None,
        day_ends_at=metered.day_ends_at if metered else None,
        waits_until=waits_until,
        troubles=connection.troubles,
    )


def _last_attempt(session: CompanySession, connection: Connection) -> dt.datetime | None:
    """The last call for an export."""
    return session.scalar(
        sa.select(sa.func.max(ExportAttempt.sent_at))
        .join(
            Export,
            sa.and_(Export.id == ExportAttempt.export_id, Export.company_id == ExportAttempt.company_id),
        )
        .where(Export.connection_id == connection.id)
    )


def _last_sync(session: CompanySession, connection: Connection) -> dt.datetime | None:
    ended = sa.func.coalesce(SyncRun.ended_at, SyncRun.started_at)
    return session.scalar(sa.select(sa.func.max(ended)).where(SyncRun.connection_id == connection.id))


def _latest(*times: dt.datetime | None) -> dt.datetime | None:
    return max((time for time in times if time is not None), default=None)
