"""When a backlog of postings will be through, by the calls that it takes and the limits of the books. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from partsemble_core.domain.budgets import Budget, Urgency, Usage, aim_per_minute, kept_back

CALL_SECONDS = 1
"""What one call takes, about: calls of one backlog go one after the other."""
MINUTE = 60
DAY = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits, by what each needs: to be created, only to be posted, to be looked up."""

    to_create: int = 0
    to_post: int = 0
    to_look_up: int = 0

    @property
    def total(self) -> int:
        return self.to_create + self.to_post + self.to_look_up


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """``calls`` that the backlog takes, at most ``per_minute`` of them (None: not limited), and how long that takes."""

    calls: int
    per_minute: int | None
    takes: dt.timedelta


def calls_for(backlog: Backlog, *, batch_size: int, posts_drafts: bool) -> int:
    """Created and posted are two calls where books take drafts first, else one; ``batch_size`` go in each."""
    created = _batches(backlog.to_create, batch_size)
    posted = _batches(backlog.to_create + backlog.to_post, batch_size) if posts_drafts else backlog.to_post
    looked_up = _batches(backlog.to_look_up, batch_size)
    return created + posted + looked_up


def forecast(calls: int, budget: Budget, usage: Usage, *, day_ends_in: dt.timedelta) -> Forecast:
    """From now on, if nothing else calls and everything is answered."""
    limit = None if budget.per_minute is None else aim_per_minute(budget.per_minute)
    today, days = _shared_out(calls, budget, usage)
    if not days:
        takes = dt.timedelta(seconds=_seconds(calls, limit, used=usage.in_minute))
    else:
        on_the_last = (calls - today) - _writes_a_day(budget) * (days - 1)
        takes = day_ends_in + dt.timedelta(seconds=DAY * (days - 1) + _seconds(on_the_last, limit, used=0))
    return Forecast(calls=calls, per_minute=limit, takes=takes)


def _batches(count: int, size: int) -> int:
    return -(-count // max(size, 1))


def _shared_out(calls: int, budget: Budget, usage: Usage) -> tuple[int, int]:
    """How many of the calls today has room for, and on how many days after it the rest goes."""
    if budget.per_day is None:
        return calls, 0
    left = budget.per_day - usage.in_day
    if usage.day_told is not None:
        left = min(left, usage.day_told)
    today = min(calls, max(0, left - kept_back(budget.per_day, Urgency.WRITE)))
    return today, -(-(calls - today) // _writes_a_day(budget))


def _writes_a_day(budget: Budget) -> int:
    per_day = budget.per_day or 1
    return max(1, per_day - kept_back(per_day, Urgency.WRITE))


def _seconds(calls: int, limit: int | None, *, used: int) -> int:
    if limit is None or calls <= limit - used:
        return calls * CALL_SECONDS
    minutes = -(-(calls - max(0, limit - used)) // limit)
    return max(calls * CALL_SECONDS, minutes * MINUTE)
