"""Xero's call limits: always counted and shown, enforced only when switched on.

Windows are fixed and begin at another moment for every organisation, so that a client has to wait for
``Retry-After`` and cannot count on the full minute or midnight.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from .problems import Problem, refused_access

CONCURRENT_MAX = 5
APP = "app"
_SECOND_MS = 1000

SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    whose TEXT NOT NULL, name TEXT NOT NULL, window_ms INTEGER NOT NULL, calls INTEGER NOT NULL,
    PRIMARY KEY (whose, name)
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class _Limit:
    name: Literal["day", "minute", "appminute"]
    most: int
    length_ms: int
    header: str


_PER_TENANT = (
    _Limit("day", 5_000, 86_400 * _SECOND_MS, "X-DayLimit-Remaining"),
    _Limit("minute", 60, 60 * _SECOND_MS, "X-MinLimit-Remaining"),
)
_PER_APP = _Limit("appminute", 10_000, 60 * _SECOND_MS, "X-AppMinLimit-Remaining")


def remaining(connection: sqlite3.Connection, *, tenant_id: str, now_ms: int) -> Mapping[str, str]:
    """The three headers that every answer of the Accounting API carries."""
    return {
        limit.header: str(max(0, limit.most - _used(connection, limit, whose=whose, now_ms=now_ms)))
        for limit, whose in _limits_of(tenant_id)
    }


def count_call(
    connection: sqlite3.Connection, *, tenant_id: str, in_flight: int, is_enforced: bool, now_ms: int
) -> None:
    """Count a call; raises the 429 that stops it, which is not counted, when limits are enforced."""
    if is_enforced and in_flight > CONCURRENT_MAX:
        raise _too_many("concurrent", None)
    for limit, whose in _limits_of(tenant_id):
        used = _used(connection, limit, whose=whose, now_ms=now_ms)
        if is_enforced and used >= limit.most:
            end_ms = _window_ms(limit, whose=whose, now_ms=now_ms) + limit.length_ms
            raise _too_many(limit.name, -((now_ms - end_ms) // _SECOND_MS))
    for limit, whose in _limits_of(tenant_id):
        _add(connection, limit, whose=whose, now_ms=now_ms)


def _limits_of(tenant_id: str) -> tuple[tuple[_Limit, str], ...]:
    return (*((limit, tenant_id) for limit in _PER_TENANT), (_PER_APP, APP))


def _used(connection: sqlite3.Connection, limit: _Limit, *, whose: str, now_ms: int) -> int:
    row = connection.execute(
        "SELECT calls FROM calls WHERE whose = ? AND name = ? AND window_ms = ?",
        (whose, limit.name, _window_ms(limit, whose=whose, now_ms=now_ms)),
    ).fetchone()
    return 0 if row is None else int(row["calls"])


def _add(connection: sqlite3.Connection, limit: _Limit, *, whose: str, now_ms: int) -> None:
    connection.execute(
        "INSERT INTO calls VALUES (?, ?, ?, 1) ON CONFLICT (whose, name) DO UPDATE SET"
        " calls = CASE WHEN window_ms = excluded.window_ms THEN calls + 1 ELSE 1 END,"
        " window_ms = excluded.window_ms",
        (whose, limit.name, _window_ms(limit, whose=whose, now_ms=now_ms)),
    )


def _window_ms(limit: _Limit, *, whose: str, now_ms: int) -> int:
    """When the window that holds ``now_ms`` began."""
    shift = 0 if whose == APP else int(whose[:8], 16) % limit.length_ms
    return (now_ms - shift) // limit.length_ms * limit.length_ms + shift


def _too_many(name: str, retry_after: int | None) -> Problem:
    headers = {"X-Rate-Limit-Problem": name}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return refused_access(429, title="TooManyRequests", detail=f"The {name} limit is reached", headers=headers)
