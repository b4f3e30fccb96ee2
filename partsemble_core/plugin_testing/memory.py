"""Stand-ins for what the core gives a plugin, all in memory."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Mapping, Sequence

from partsemble_core.errors import say
from partsemble_core.plugin_api import (
    BackendContext,
    Http,
    Json,
    KeyReused,
    Record,
    Secret,
)

START = dt.datetime(2026, 10, 5, 9, 0, tzinfo=dt.UTC)


class FixedClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: dt.datetime = START) -> None:
        self._now = now

    def __call__(self) -> dt.datetime:
        return self._now

    def move(self, by: dt.timedelta) -> None:
        """Moves the clock forward."""
        self._now += by


class MemoryRecordStore:
    """The record store of one connection: append-only, once per (kind, key). Thread-safe."""

    def __init__(self, now: Callable[[], dt.datetime] | None = None) -> None:
        self._now = now or FixedClock()
        self._records: list[Record] = []
        self._lock = threading.Lock()

    def append(self, kind: str, key: str, body: Mapping[str, Json]) -> Record:
        """Stores once per (kind, key). The same body again gives the first record; another: KeyReused."""
        with self._lock:
            known = self.find(kind, key)
            if known is not None:
                if dict(known.body) != dict(body):
                    raise KeyReused(say("The {kind} {key} is stored already, with other content.", kind=kind, key=key))
                return known
            sequence = 1 + sum(1 for record in self._records if record.kind == kind)
            record = Record(kind=kind, key=key, sequence=sequence, body=dict(body), recorded_at=self._now())
            self._records.append(record)
            return record

    def find(self, kind: str, key: str) -> Record | None:
        """The record of that kind and key, if there is one."""
        return next((each for each in self._records if (each.kind, each.key) == (kind, key)), None)

    def records(self, kind: str, *, after: int = 0, limit: int = 100) -> Sequence[Record]:
        """In order of ``sequence`` (1, 2, 3 …), those past ``after``, at most ``limit``."""
        past = [record for record in self._records if record.kind == kind and record.sequence > after]
        return tuple(past[:limit])


def make_context(
    *,
    settings: Mapping[str, str | Secret] | None = None,
    organisation_id: str | None = None,
    access_token: Secret | None = None,
    clock: Callable[[], dt.datetime] | None = None,
    storage: MemoryRecordStore | None = None,
    http: Http | None = None,
) -> BackendContext:
    """A context as the core would make it for a connected organisation."""
    now = clock or FixedClock()
    return BackendContext(
        connection_id="connection-1",
        settings=dict(settings or {}),
        http=http or Http(),
        now=now,
        storage=storage or MemoryRecordStore(now),
        organisation_id=organisation_id,
        access_token=access_token,
    )
