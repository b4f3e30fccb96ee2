"""Recording: the append-only store that a backend without a service of its own is given."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa

from partsemble_core.errors import say, word
from partsemble_core.plugin_api.errors import KeyReused
from partsemble_core.plugin_api.types import Json, Record
from partsemble_core.store import database
from partsemble_core.store.connections import BackendRecord, Connection
from partsemble_core.store.session import CompanySession


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionRecords:
    """A RecordStore over our database. Each call is a transaction of its own: a plugin is never inside of one."""

    engine: sa.Engine
    company_id: int
    connection_id: int
    now: Callable[[], dt.datetime]

    def append(self, kind: str, key: str, body: Mapping[str, Json]) -> Record:
        """Stores once per (kind, key); the same body again gives the first record. Raises KeyReused for another."""
        return database.write(self.engine, self.company_id, lambda session: self._append(session, kind, key, body))

    def find(self, kind: str, key: str) -> Record | None:
        with database.reading(self.engine, self.company_id) as session:
            found = session.scalar(self._mine(kind).where(BackendRecord.key == key))
            return None if found is None else _record(found)

    def records(self, kind: str, *, after: int = 0, limit: int = 100) -> Sequence[Record]:
        with database.reading(self.engine, self.company_id) as session:
            statement = self._mine(kind).where(BackendRecord.sequence > after)
            found = session.scalars(statement.order_by(BackendRecord.sequence).limit(limit))
            return [_record(row) for row in found]

    def _append(self, session: CompanySession, kind: str, key: str, body: Mapping[str, Json]) -> Record:
        session.execute(sa.select(Connection.id).where(Connection.id == self.connection_id).with_for_update())
        found = session.scalar(self._mine(kind).where(BackendRecord.key == key))
        if found is not None:
            if found.body != body:
                raise KeyReused(
                    say("The key {key} was used for another {kind}. Report this as a fault.", key=key, kind=word(kind))
                )
            return _record(found)
        last = session.scalar(
            sa.select(sa.func.max(BackendRecord.sequence)).where(
                BackendRecord.connection_id == self.connection_id, BackendRecord.kind == kind
            )
        )
        row = BackendRecord(
            connection_id=self.connection_id,
            kind=word(kind),
            key=key,
            sequence=(last or 0) + 1,
            body=cast(dict[str, Any], dict(body)),
            recorded_at=self.now(),
        )
        session.add(row)
        session.flush()
        return _record(row)

    def _mine(self, kind: str) -> sa.Select[BackendRecord]:
        return sa.select(BackendRecord).where(
            BackendRecord.connection_id == self.connection_id, BackendRecord.kind == kind
        )


def _record(row: BackendRecord) -> Record:
    return Record(kind=row.kind, key=row.key, sequence=row.sequence, body=row.body, recorded_at=row.recorded_at)
