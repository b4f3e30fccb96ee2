"""Points at which a test may kill this process, to prove that nothing is lost or doubled there.

In production a point does nothing: nobody watches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_watchers: list[Callable[[str], None]] = []


def crashpoint(name: str) -> None:
    """Tells whoever watches that the point was reached."""
    for watch in _watchers:
        watch(name)


@contextmanager
def watch_crashpoints(watch: Callable[[str], None]) -> Iterator[None]:
    """Calls ``watch`` with the name of every point reached meanwhile; it may kill the process."""
    _watchers.append(watch)
    try:
        yield
    finally:
        _watchers.remove(watch)
