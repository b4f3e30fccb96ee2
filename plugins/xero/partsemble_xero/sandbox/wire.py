"""What goes over the wire: JSON with exact numbers, and Xero's two kinds of dates.

Numbers are ``Decimal`` or ``int`` on both sides; a binary float is refused, so that no amount can
change by a bit on its way through.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_MS = 86_400_000
NIL_GUID = "00000000-0000-0000-0000-000000000000"
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MS_DATE = re.compile(r"/Date\((-?\d{1,15})([+-]\d{4})?\)/")
_PLAIN_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class WireError(ValueError):
    """Text that cannot be read as what it should be; the message says which text."""


def encode(value: object) -> str:
    """Write ``value`` as JSON; a ``Decimal`` becomes a JSON number with all its decimals.

    Raises ``TypeError`` for a float or any other type that has no exact JSON form.
    """
    if value is None or isinstance(value, bool | int):
        return json.dumps(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(str(k))}:{encode(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ",".join(encode(item) for item in value) + "]"
    raise TypeError(f"{type(value).__name__} has no exact JSON form")


def decode(raw: bytes) -> object:
    """Read JSON; numbers with a point become ``Decimal``. Raises :class:`WireError`."""
    try:
        result: object = json.loads(raw, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise WireError(str(error)) from error
    return result


def _refuse_constant(name: str) -> object:
    raise WireError(f"{name} is not a JSON number")


def money(cents: int) -> Decimal:
    """``cents`` (hundredths) as a ``Decimal`` with two decimals."""
    return Decimal(cents).scaleb(-2)


def is_guid(text: str) -> bool:
    """Whether ``text`` has the form of a GUID."""
    return _GUID.fullmatch(text) is not None


def calendar_date(day: date) -> str:
    """A day without a time, the way Xero sends it: midnight UTC with a printed offset."""
    return f"/Date({(day - EPOCH.date()).days * DAY_MS}+0000)/"


def instant(ms: int) -> str:
    """A moment (milliseconds since 1970, UTC) in the form of ``UpdatedDateUTC``."""
    return f"/Date({ms}+0000)/"


def bare_instant(ms: int) -> str:
    """A moment in the form of ``DateTimeUTC``, which carries no offset."""
    return f"/Date({ms})/"


def iso_seven_digits(ms: int) -> str:
    """A moment in the form of ``/connections``: seven decimals, no zone, UTC is meant."""
    return from_ms(ms).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}0000"


def from_ms(ms: int) -> datetime:
    """Milliseconds since 1970 as an aware UTC time. Raises ``OverflowError`` outside years 1-9999."""
    return EPOCH + timedelta(milliseconds=ms)


def to_ms(moment: datetime) -> int:
    """An aware time as whole milliseconds since 1970."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def read_day(text: str) -> date:
    """Read ``YYYY-MM-DD``, ``/Date(ms+hhmm)/`` or an ISO date-time as a calendar day.

    A ``/Date()/`` keeps the day of its printed offset; an ISO date-time with an offset is moved to
    UTC first, so it can land on the day before, as with Xero. Raises :class:`WireError`.
    """
    try:
        found = _MS_DATE.fullmatch(text)
        if found:
            return (from_ms(int(found[1])) + _offset(found[2] or "+0000")).date()
        if _PLAIN_DATE.fullmatch(text):
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
        return (moment.astimezone(UTC) if moment.tzinfo else moment).date()
    except (ValueError, OverflowError) as error:
        raise WireError(f"'{text}' is not a date") from error


def read_moment(text: str) -> int:
    """Read an ISO time, UTC where it names no zone, as milliseconds. Raises :class:`WireError`."""
    try:
        moment = datetime.fromisoformat(text)
        return to_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise WireError(f"'{text}' is not an ISO time such as 2026-11-23T08:00:00") from error


def _offset(text: str) -> timedelta:
    minutes = int(text[1:3]) * 60 + int(text[3:5])
    return timedelta(minutes=-minutes if text[0] == "-" else minutes)
