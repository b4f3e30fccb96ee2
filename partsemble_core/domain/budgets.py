"""How many calls the books may still be asked: below their limits, and with something left for look-ups. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass

SYNCS_STOP_AT = 100
"""Calls left of a day at which syncs stop; less where a tenth of the day is less."""


class Urgency(enum.StrEnum):
    """What a call is for. When a day runs out, writes stop first: reading is how doubt is settled."""

    WRITE = "write"
    LOOK_UP = "look_up"
    SYNC = "sync"


class Limit(enum.StrEnum):
    AT_ONCE = "at once"
    MINUTE = "minute"
    APP_MINUTE = "minute of all organisations"
    DAY = "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The limits of one organisation, and of all together. None: not limited."""

    at_once: int | None = None
    per_minute: int | None = None
    per_day: int | None = None
    app_per_minute: int | None = None

    @property
    def is_limited(self) -> bool:
        return any(each is not None for each in (self.at_once, self.per_minute, self.per_day, self.app_per_minute))


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Calls under way, of the last minute and of the day. ``day_told``: what they said is left of the day."""

    at_once: int = 0
    in_minute: int = 0
    app_in_minute: int = 0
    in_day: int = 0
    day_told: int | None = None
    is_told_lately: bool = True


def aim_at_once(limit: int) -> int:
    """One below, for a call that we have given up may still be answered."""
    return max(1, limit - 1)


def aim_per_minute(limit: int) -> int:
    """55 of 60: whoever else uses the same app finds some left."""
    return max(1, limit * 11 // 12)


def exhausted(budget: Budget, usage: Usage, urgency: Urgency) -> Limit | None:
    """The limit that stands in the way of one more call; None where none does."""
    if is_day_over(budget, usage, urgency):
        return Limit.DAY
    if budget.app_per_minute is not None and usage.app_in_minute >= aim_per_minute(budget.app_per_minute):
        return Limit.APP_MINUTE
    if budget.per_minute is not None and usage.in_minute >= aim_per_minute(budget.per_minute):
        return Limit.MINUTE
    if budget.at_once is not None and usage.at_once >= aim_at_once(budget.at_once):
        return Limit.AT_ONCE
    return None


def is_day_over(budget: Budget, usage: Usage, urgency: Urgency) -> bool:
    """Whether the day has none left for this kind of call: by our own count, or by theirs.

    What they said long ago is doubted while something is left: one call finds out whether their day has begun anew.
    """
    if budget.per_day is None:
        return False
    floor = kept_back(budget.per_day, urgency)
    if budget.per_day - usage.in_day <= floor:
        return True
    if usage.day_told is None or usage.day_told > floor:
        return False
    return usage.is_told_lately or usage.day_told <= 0


def kept_back(per_day: int, urgency: Urgency) -> int:
    """How many calls of the day this kind leaves to the others."""
    reserve = per_day // 10
    return {Urgency.WRITE: reserve, Urgency.SYNC: min(SYNCS_STOP_AT, reserve), Urgency.LOOK_UP: 0}[urgency]


def told_anew(known: int | None, heard: int) -> tuple[int, bool]:
    """What is left of their day by what was heard, and whether it began anew.

    Answers overtake each other, so a little more than was known is an older answer, and only much more a new day.
    """
    if known is None or heard <= known:
        return heard, False
    return (heard, True) if heard > known + 10 else (known, False)
