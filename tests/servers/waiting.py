"""Waiting for something that another process does, never longer than a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable

DEADLINE_SECONDS = 15


def wait_until(is_true: Callable[[], bool], what: str, *, seconds: float = DEADLINE_SECONDS) -> None:
    """Poll ``is_true``; after ``seconds`` fail with ``what`` was waited for."""
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain: {what}")
        time.sleep(0.02)
