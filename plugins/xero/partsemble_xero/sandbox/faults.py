"""Faults on order: the next request that fits is dropped, refused, held back or answered wrongly."""

from __future__ import annotations

import random
import sqlite3
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, get_args

FaultKind = Literal[
    "close-before",
    "close-after",
    "status",
    "status-after",
    "hold",
    "twice",
    "stall",
    "cut",
    "empty",
    "html",
    "short",
    "reversed",
    "wrong-id",
    "unseen",
]
KINDS: tuple[str, ...] = get_args(FaultKind)

SCHEMA = """
CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT, pattern TEXT NOT NULL, kind TEXT NOT NULL,
    status INTEGER NOT NULL, hold_ms INTEGER NOT NULL, times_left INTEGER NOT NULL, percent INTEGER NOT NULL
) STRICT;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong with requests that fit ``pattern``, a text such as ``PUT /api.xro/2.0/*``.

    ``close-before``: closed without being applied. ``close-after``: applied, then closed without an
    answer. ``status``: not applied, answered with ``status``. ``status-after``: applied, then answered
    with ``status``. ``hold``: applied ``hold_ms`` later by the machine's clock, or when the faults are
    cleared. ``twice``: applied, and again without its idempotency key, as a copy that comes after the key's time.

    Applied, and the 200 is spoilt: ``stall`` sends its head and the rest ``hold_ms`` later, ``cut`` only half of its
    JSON, ``empty`` no body, ``html`` a web page, ``short`` a list of journals without its last, ``reversed``
    the last one first, ``wrong-id`` journals under ids that nobody has, ``unseen`` no journals at all, as a read that
    lags behind.

    ``percent`` is how many of a hundred requests that fit are hit, by chance.
    """

    fault_id: int = 0
    pattern: str
    kind: str
    status: int = 500
    hold_ms: int = 0
    times_left: int = 1
    percent: int = 100


def add_fault(connection: sqlite3.Connection, fault: Fault) -> None:
    """Order a fault; it stands behind those ordered before."""
    connection.execute(
        "INSERT INTO faults (pattern, kind, status, hold_ms, times_left, percent) VALUES (?, ?, ?, ?, ?, ?)",
        (fault.pattern, fault.kind, fault.status, fault.hold_ms, fault.times_left, fault.percent),
    )


def take_fault(connection: sqlite3.Connection, *, method: str, path: str) -> Fault | None:
    """The first fault that fits this request, counted down; None when there is none."""
    for row in connection.execute("SELECT * FROM faults WHERE times_left > 0 ORDER BY id").fetchall():
        if fnmatchcase(f"{method} {path}", row["pattern"]) and random.randrange(100) < row["percent"]:  # noqa: S311
            connection.execute("UPDATE faults SET times_left = times_left - 1 WHERE id = ?", (row["id"],))
            return _from_row(row)
    return None


def list_faults(connection: sqlite3.Connection) -> list[Fault]:
    """The faults still to come."""
    return [_from_row(row) for row in connection.execute("SELECT * FROM faults WHERE times_left > 0 ORDER BY id")]


def is_ordered(connection: sqlite3.Connection, fault: Fault) -> bool:
    """Whether a fault that was taken has not been cleared since."""
    return connection.execute("SELECT 1 FROM faults WHERE id = ?", (fault.fault_id,)).fetchone() is not None


def clear_faults(connection: sqlite3.Connection) -> None:
    """Heal everything and let held requests go."""
    connection.execute("DELETE FROM faults")


def _from_row(row: sqlite3.Row) -> Fault:
    return Fault(
        fault_id=row["id"],
        pattern=row["pattern"],
        kind=row["kind"],
        status=row["status"],
        hold_ms=row["hold_ms"],
        times_left=row["times_left"],
        percent=row["percent"],
    )
