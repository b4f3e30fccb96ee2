"""Who does something, and when: handed to every service that writes."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from partsemble_core.errors import Invalid, say

_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """``by`` is what people read in a history: an e-mail address, with ``(token NAME)`` where a token acted.

    ``at`` is aware UTC, ``today`` is the company's calendar day at that time, and ``console`` the address that links
    lead back to.
    """

    by: str
    at: dt.datetime
    today: dt.date
    console: str = ""


def person_of(by: str) -> str:
    """Who that is, whatever the door: somebody's API token is that person, too."""
    return by.partition(" (token ")[0]


def parse_day(value: object, *, field: str, today: dt.date) -> dt.date:
    """A calendar day from a date or ``YYYY-MM-DD``; empty means today. Raises Invalid, also for a day to come."""
    if value is None or value == "":
        return today
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        day = value
    else:
        day = parse_iso_day(value, field=field)
    if day > today:
        raise Invalid(field, say("{day} lies in the future. Give the day on which it happened.", day=day))
    return day


def parse_iso_day(value: object, *, field: str) -> dt.date:
    """A day of 1900 to 2999 written ``YYYY-MM-DD``. Raises Invalid."""
    text = value if isinstance(value, str) else ""
    try:
        day = dt.date.fromisoformat(text) if _ISO.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None or not 1900 <= day.year <= 2999:
        raise Invalid(
            field, say("{value!r} isn't a calendar day of 1900 to 2999. Write it as 2026-04-30.", value=str(value)[:40])
        )
    return day
