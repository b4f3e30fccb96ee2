"""The sandbox's own time, which can be moved forward so that windows and tokens run out."""

from __future__ import annotations

import sqlite3
import time

from .options import ClockMode
from .state import find_setting, put_setting

MS_MAX = 253_402_300_799_999  # the last millisecond of year 9999


class ClockRefused(ValueError):
    """A move that the clock cannot make."""


class Clock:
    """Milliseconds since 1970, UTC.

    ``real`` runs with the machine's clock plus what it was advanced by; ``fixed`` stands still at the
    moment the file was first started with it, and moves only when told. Both are kept in the file.
    """

    def __init__(self, mode: ClockMode) -> None:
        self.mode = mode

    def now_ms(self, connection: sqlite3.Connection) -> int:
        """The sandbox's time."""
        if self.mode == "real":
            return self._machine_ms() + int(find_setting(connection, "clock_ahead_ms") or 0)
        return int(find_setting(connection, "clock_fixed_ms") or self._machine_ms())

    def start(self, connection: sqlite3.Connection) -> None:
        """Fix a fixed clock's first moment, unless the file already has one."""
        if self.mode == "fixed" and find_setting(connection, "clock_fixed_ms") is None:
            put_setting(connection, name="clock_fixed_ms", value=str(self._machine_ms()))

    def move_to(self, connection: sqlite3.Connection, ms: int) -> None:
        """Go to ``ms``. Raises :class:`ClockRefused` for a moment in the past or after year 9999."""
        if not self.now_ms(connection) <= ms <= MS_MAX:
            raise ClockRefused("the clock goes forward only, up to the year 9999")
        if self.mode == "real":
            put_setting(connection, name="clock_ahead_ms", value=str(ms - self._machine_ms()))
        else:
            put_setting(connection, name="clock_fixed_ms", value=str(ms))

    @staticmethod
    def _machine_ms() -> int:
        return time.time_ns() // 1_000_000
