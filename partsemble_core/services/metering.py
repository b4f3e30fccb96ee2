"""Metering: calls to the books stay below their limits, for all processes together, before a limit is hit.

Every call of a backend that has limits passes a gate: a permit is taken in one short transaction of its own, and given
back with what the answer says is left. A call counts from its permit until a minute after its end, so no minute of
theirs, whenever it begins, holds more than we aim at. A permit is a lease: a killed process gives it back that way.
"""

from __future__ import annotations

import datetime as dt
import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from partsemble_core.domain.budgets import (
    Budget,
    Limit,
    Urgency,
    Usage,
    aim_per_minute,
    exhausted,
    is_day_over,
    told_anew,
)
from partsemble_core.errors import say, word
from partsemble_core.plugin_api.errors import BackendError, OutcomeUnknown, RetryLater
from partsemble_core.plugin_api.http import HttpAnswer
from partsemble_core.plugin_api.limits import LimitHeaders
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.services.configuring import settings_in
from partsemble_core.services.crashing import crashpoint
from partsemble_core.services.house import House
from partsemble_core.store.connections import Connection
from partsemble_core.store.database import database_now, write_anywhere
from partsemble_core.store.rates import RateBucket, RateCall, find_buckets

log = logging.getLogger(__name__)
MINUTE = dt.timedelta(seconds=60)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
PERMIT = dt.timedelta(seconds=60)
"""Longer than any call may take."""
LONGEST_WAIT = 2.0
"""Seconds that a worker waits for a permit; what takes longer is put off."""
AT_ONCE_SECONDS = 2
DAILY_SETTING = "daily_calls"


class LimitNear(RetryLater):
    """One more call now could pass a limit of the books, so it wasn't made: nobody's trouble, and no try."""

    code = "limit-near"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """What is counted together: an organisation's calls, and those of the whole backend."""

    backend: str
    title: str
    organisation: str
    budget: Budget
    headers: LimitHeaders


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Why no permit is given, and for how many seconds."""

    limit: Limit | None
    seconds: float


def meter_of(house: House, backend: str, organisation_id: str | None, settings: Mapping[str, Secret]) -> Meter | None:
    """None where the backend has no limits. ``settings`` are those in force, of which one may say what a day has."""
    info = house.host.info(backend)
    able = info.capabilities
    budget = Budget(
        at_once=able.calls_at_once if organisation_id else None,
        per_minute=able.calls_per_minute if organisation_id else None,
        per_day=_per_day(backend, able.calls_per_day, settings) if organisation_id else None,
        app_per_minute=able.app_calls_per_minute,
    )
    if not budget.is_limited:
        return None
    return Meter(
        backend=backend,
        title=info.title,
        organisation=f"{backend}/{organisation_id or ''}",
        budget=budget,
        headers=able.limit_headers,
    )


def _per_day(backend: str, declared: int | None, settings: Mapping[str, Secret]) -> int | None:
    given = settings.get(DAILY_SETTING)
    text = given.reveal().strip() if given is not None else ""
    if not text:
        return declared
    if text.isascii() and text.isdigit() and int(text[:9]) >= 10:
        return int(text[:9])
    log.warning("%s of %s must be a whole number of at least 10; %s is used", DAILY_SETTING, backend, declared)
    return declared


def may_be_sent(house: House, session: Session, connection: Connection, now: dt.datetime, *, is_read: bool) -> bool:
    """Whether a call for an export has a chance now: looked at before a try is written for nothing."""
    settings = settings_in(session, house, connection.backend)
    meter = meter_of(house, connection.backend, connection.organisation_id, settings)
    if meter is None:
        return True
    buckets = find_buckets(session, meter.organisation, meter.backend)
    if any(bucket.held_until is not None and bucket.held_until > now for bucket in buckets.values()):
        return False
    bucket = buckets.get(meter.organisation)
    urgency = Urgency.LOOK_UP if is_read else Urgency.WRITE
    return bucket is None or not is_day_over(meter.budget, _day_of(bucket, now), urgency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """How much of the limits of a connection's organisation is used. ``held_until``: nothing may be called before."""

    budget: Budget
    usage: Usage
    day_ends_at: dt.datetime | None
    held_until: dt.datetime | None
    last_call_at: dt.datetime | None


def usage_of(house: House, session: Session, connection: Connection, now: dt.datetime) -> Metered | None:
    """As it stands ``now``, only to look at; None where the backend has no limits, or isn't loaded."""
    if connection.backend not in house.host.infos:
        return None
    settings = settings_in(session, house, connection.backend)
    meter = meter_of(house, connection.backend, connection.organisation_id, settings)
    if meter is None:
        return None
    buckets = find_buckets(session, meter.organisation, meter.backend)
    held = [bucket.held_until for bucket in buckets.values() if bucket.held_until and bucket.held_until > now]
    bucket = buckets.get(meter.organisation) or RateBucket(whose=meter.organisation, in_day=0)
    latest = sa.select(sa.func.max(RateCall.counts_until)).where(RateCall.organisation == meter.organisation)
    counts_until = session.scalar(latest)
    return Metered(
        budget=meter.budget,
        usage=_usage(session, meter, bucket, now),
        day_ends_at=bucket.day_ends_at,
        held_until=max(held, default=None),
        last_call_at=min(counts_until - MINUTE, now) if counts_until else None,
    )


class CallGate:
    """The gate of one context. ``is_urgent``: its reads settle doubt, and may use what writes leave of a day."""

    def __init__(self, house: House, meter: Meter, *, is_urgent: bool) -> None:
        self._house = house
        self._meter = meter
        self._is_urgent = is_urgent
        self._has_written = False

    def enter(self, *, is_read: bool) -> int | None:
        """Takes a permit, waiting a moment for one. Raises LimitNear, or OutcomeUnknown after a write of this context:
        then nobody could say that nothing was written."""
        urgency = (Urgency.LOOK_UP if self._is_urgent else Urgency.SYNC) if is_read else Urgency.WRITE
        give_up = time.monotonic() + LONGEST_WAIT
        while True:
            try:
                permit = write_anywhere(self._house.engine, lambda session: _take(session, self._meter, urgency))
            except SQLAlchemyError as error:
                message = say(
                    "The calls to {title} couldn't be counted ({type}).",
                    title=self._meter.title,
                    type=type(error).__name__,
                )
                raise self._refusal(RetryLater(message, after=5)) from None
            if isinstance(permit, int):
                self._has_written = self._has_written or not is_read
                crashpoint("metering.after_permit")
                return permit
            if time.monotonic() + permit.seconds > give_up:
                raise self._refusal(_put_off(self._meter, permit))
            time.sleep(min(max(permit.seconds, 0.05), 0.25))

    def leave(self, permit: int | None, answer: HttpAnswer | None) -> None:
        """Gives the permit back, and learns from the answer. What can't be noted is freed by the lease."""
        if permit is None:
            return
        now = self._house.clock()
        try:
            write_anywhere(self._house.engine, lambda session: _give_back(session, self._meter, permit, answer, now))
        except SQLAlchemyError as error:
            log.warning("a call to %s couldn't be counted (%s)", self._meter.backend, type(error).__name__)

    def _refusal(self, error: RetryLater) -> BackendError:
        return (
            OutcomeUnknown(say("{error} Something was sent before.", error=word(error.message)))
            if self._has_written
            else error
        )


def _put_off(meter: Meter, wait: Wait) -> LimitNear:
    seconds = max(1, math.ceil(wait.seconds))
    if wait.limit:
        message = say(
            "{title}'s limit of calls ({limit}) would be passed; going on in {seconds} seconds.",
            title=meter.title,
            limit=wait.limit,
            seconds=seconds,
        )
    else:
        message = say(
            "{title}'s request to wait would be passed; going on in {seconds} seconds.",
            title=meter.title,
            seconds=seconds,
        )
    # A day's last calls are kept for look-ups, so those go on while writes wait.
    is_all = wait.limit not in (Limit.AT_ONCE, Limit.DAY)
    return LimitNear(message, after=seconds, whole_organisation=is_all)


def _take(session: Session, meter: Meter, urgency: Urgency) -> int | Wait:
    """The id of a permit, or why there is none. Rows are locked in the same order by all."""
    own = _locked(session, meter.organisation)
    shared = _locked(session, meter.backend) if meter.budget.app_per_minute is not None else None
    now = database_now(session)
    held = [row.held_until for row in (own, shared) if row is not None and row.held_until and row.held_until > now]
    if held:
        return Wait(limit=None, seconds=(max(held) - now).total_seconds())
    session.execute(
        sa.delete(RateCall).where(RateCall.organisation == meter.organisation, RateCall.counts_until <= now)
    )
    _begin_day(own, now)
    limit = exhausted(meter.budget, _usage(session, meter, own, now), urgency)
    if limit is not None:
        return Wait(limit=limit, seconds=_seconds_until_free(session, meter, own, limit, now))
    own.in_day += 1
    if own.day_told is not None:
        own.day_told -= 1
    call = RateCall(
        organisation=meter.organisation,
        backend=meter.backend,
        under_way_until=now + PERMIT,
        counts_until=now + PERMIT + MINUTE,
    )
    session.add(call)
    session.flush()
    return call.id


def _locked(session: Session, whose: str) -> RateBucket:
    build = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(build(RateBucket).values(whose=whose, in_day=0).on_conflict_do_nothing(index_elements=["whose"]))
    return session.scalars(sa.select(RateBucket).where(RateBucket.whose == whose).with_for_update()).one()


def _begin_day(bucket: RateBucket, now: dt.datetime) -> None:
    if bucket.day_ends_at is None or bucket.day_ends_at <= now:
        bucket.in_day, bucket.day_told, bucket.day_ends_at = 0, None, now + DAY


def _usage(session: Session, meter: Meter, bucket: RateBucket, now: dt.datetime) -> Usage:
    ours = RateCall.organisation == meter.organisation
    day = _day_of(bucket, now)
    return Usage(
        at_once=_count(session, ours, RateCall.under_way_until > now),
        in_minute=_count(session, ours, RateCall.counts_until > now),
        app_in_minute=_count(session, RateCall.backend == meter.backend, RateCall.counts_until > now),
        in_day=day.in_day,
        day_told=day.day_told,
        is_told_lately=day.is_told_lately,
    )


def _day_of(bucket: RateBucket, now: dt.datetime) -> Usage:
    if bucket.day_ends_at is None or bucket.day_ends_at <= now:
        return Usage()
    is_told_lately = bucket.day_told_at is not None and bucket.day_told_at > now - HOUR
    return Usage(in_day=bucket.in_day, day_told=bucket.day_told, is_told_lately=is_told_lately)


def _count(session: Session, *conditions: sa.ColumnElement[bool]) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(RateCall).where(*conditions)) or 0


def _seconds_until_free(session: Session, meter: Meter, bucket: RateBucket, limit: Limit, now: dt.datetime) -> float:
    if limit == Limit.DAY:
        ends = bucket.day_ends_at or now
        return min((ends - now).total_seconds(), HOUR.total_seconds())
    if limit == Limit.AT_ONCE:
        return 0.2
    if limit == Limit.APP_MINUTE:
        mine, most = RateCall.backend == meter.backend, meter.budget.app_per_minute
    else:
        mine, most = RateCall.organisation == meter.organisation, meter.budget.per_minute
    times = sa.select(RateCall.counts_until).where(mine, RateCall.counts_until > now).order_by(RateCall.counts_until)
    over = _count(session, mine, RateCall.counts_until > now) - aim_per_minute(most or 1)
    freed = session.scalar(times.offset(max(0, over)).limit(1)) or now
    return max(0.0, (freed - now).total_seconds())


def _give_back(session: Session, meter: Meter, permit: int, answer: HttpAnswer | None, clock: dt.datetime) -> None:
    own = _locked(session, meter.organisation)
    now = database_now(session)
    session.execute(
        sa.update(RateCall).where(RateCall.id == permit).values(under_way_until=now, counts_until=now + MINUTE)
    )
    if answer is None:
        return
    others = _count(session, RateCall.organisation == meter.organisation, RateCall.under_way_until > now)
    _hear(meter, own, answer, now, others=others)
    if _left(answer, meter.headers.app_minute_left, limit=meter.budget.app_per_minute):
        _hold(_locked(session, meter.backend), now + MINUTE)
    if answer.status == 429:
        problem = answer.headers.get(meter.headers.problem, "").strip().casefold() if meter.headers.problem else ""
        seconds = seconds_of(problem, answer.retry_after(now=clock))
        is_shared = problem.startswith("app")
        _hold(_locked(session, meter.backend) if is_shared else own, now + dt.timedelta(seconds=seconds))
        if problem.startswith("da"):  # "day", "daily", "DayLimit": its spelling varies
            own.day_told, own.day_told_at, own.day_ends_at = 0, now, now + dt.timedelta(seconds=seconds)


def seconds_of(problem: str, told: int | None) -> int:
    """How long a 429 is waited for: what it says, else by its kind; an unknown kind counts as the minute's."""
    fallback = 2 if problem.startswith("concurrent") else 3600 if problem.startswith("da") else 60
    return max(1, told if told is not None else fallback)


def _hear(meter: Meter, bucket: RateBucket, answer: HttpAnswer, now: dt.datetime, *, others: int) -> None:
    """What the answer says is left. Calls still under way may not be in its count."""
    day = _number(answer, meter.headers.day_left)
    if day is not None:
        bucket.day_told, is_new = told_anew(bucket.day_told, day - others)
        bucket.day_told_at = now
        if is_new:
            bucket.in_day, bucket.day_ends_at = others + 1, now + DAY
    if _left(answer, meter.headers.minute_left, limit=meter.budget.per_minute):
        _hold(bucket, now + MINUTE)


def _left(answer: HttpAnswer, header: str, *, limit: int | None) -> bool:
    """Whether less is left of a minute than we ever leave: somebody else calls by the same app."""
    left = _number(answer, header)
    return left is not None and limit is not None and left < limit - aim_per_minute(limit)


def _number(answer: HttpAnswer, header: str) -> int | None:
    text = answer.headers.get(header, "").strip() if header else ""
    return int(text[:9]) if text.isascii() and text.isdigit() else None


def _hold(bucket: RateBucket, until: dt.datetime) -> None:
    """A hold is never shortened."""
    bucket.held_until = max(until, bucket.held_until or until)
