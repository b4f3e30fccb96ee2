"""Xero's way of writing dates, moments and numbers."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal

_DATE = re.compile(r"/Date\((-?\d{1,16})([+-]\d{4})?\)/", re.ASCII)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def calendar_date(text: str) -> dt.date | None:
    """A calendar day such as ``/Date(1539993600000+0000)/``; None for anything else.

    The offset is added, and the result is never converted to local time: ignoring a ``+1300`` gives the day before.
    """
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    offset = match[2] or "+0000"
    minutes = int(offset[1:3]) * 60 + int(offset[3:5])
    shift = dt.timedelta(minutes=-minutes if offset[0] == "-" else minutes)
    try:
        return (_EPOCH + dt.timedelta(milliseconds=int(match[1])) + shift).date()
    except OverflowError:
        return None


def instant_of(text: str) -> dt.datetime | None:
    """A moment such as ``/Date(1439434356790)/``, UTC whatever offset is printed; None for anything else."""
    match = _DATE.fullmatch(text)
    try:
        return _EPOCH + dt.timedelta(milliseconds=int(match[1])) if match else None
    except OverflowError:
        return None


def decimal_of(row: Mapping[str, object], name: str) -> Decimal | None:
    """A number of a record, exactly as written; None where there is none."""
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return Decimal(value)
