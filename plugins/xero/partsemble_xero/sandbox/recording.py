"""The list of requests that came in, for tests and the curious: never a token, code or secret."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from .wire import from_ms

KEPT_MAX = 10_000
RECORDED = ("/identity/", "/connect/", "/connections", "/Connections", "/api.xro/")
_SHOWN_EVERYWHERE = frozenset({"client_id", "redirect_uri", "response_type", "scope", "authEventId"})
_SHOWN_IN_API = frozenset({"where", "order", "page", "pageSize", "summarizeErrors", "unitdp", "includeArchived"})

SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT, method TEXT NOT NULL, path TEXT NOT NULL, query TEXT NOT NULL,
    tenant_id TEXT, idempotency_key TEXT, status INTEGER, fault TEXT, at_ms INTEGER NOT NULL,
    machine_ms INTEGER NOT NULL, answered_ms INTEGER
) STRICT;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A request as it arrives, before it is answered."""

    method: str
    path: str
    query: str
    tenant_id: str | None
    idempotency_key: str | None


def is_recorded(path: str) -> bool:
    """Whether a path belongs to the Xero that is spoken here, not to the pages or switches."""
    return path.startswith(RECORDED)


def record_arrival(connection: sqlite3.Connection, arrival: Arrival, *, fault: str | None, now_ms: int) -> int:
    """Write a request down before it is answered; the oldest beyond 10,000 go. Gives its id."""
    request_id = connection.execute(
        "INSERT INTO requests (method, path, query, tenant_id, idempotency_key, fault, at_ms, machine_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            arrival.method,
            arrival.path,
            _without_secrets(arrival.query),
            arrival.tenant_id,
            arrival.idempotency_key,
            fault,
            now_ms,
            time.time_ns() // 1_000_000,
        ),
    ).lastrowid
    connection.execute("DELETE FROM requests WHERE id <= ?", ((request_id or 0) - KEPT_MAX,))
    return request_id or 0


def record_status(connection: sqlite3.Connection, *, request_id: int, status: int) -> None:
    """Add the status of the answer that the sandbox made, also where a fault kept it back."""
    now_ms = time.time_ns() // 1_000_000
    connection.execute("UPDATE requests SET status = ?, answered_ms = ? WHERE id = ?", (status, now_ms, request_id))


def list_requests(connection: sqlite3.Connection, *, after_id: int = 0) -> list[dict[str, object]]:
    """The requests kept, oldest first."""
    rows = connection.execute("SELECT * FROM requests WHERE id > ? ORDER BY id", (after_id,))
    return [
        {
            "id": row["id"],
            "method": row["method"],
            "path": row["path"],
            "query": row["query"],
            "tenant_id": row["tenant_id"],
            "idempotency_key": row["idempotency_key"],
            "status": row["status"],
            "fault": row["fault"],
            "at": from_ms(row["at_ms"]).isoformat(),
            "machine_at": from_ms(row["machine_ms"]).isoformat(),
            "answered_at": row["answered_ms"] and from_ms(row["answered_ms"]).isoformat(),
        }
        for row in rows
    ]


def forget_requests(connection: sqlite3.Connection) -> None:
    """Empty the list; ids go on counting."""
    connection.execute("DELETE FROM requests")


def _without_secrets(query: str) -> str:
    """The query with every value hidden that is not known to be harmless."""
    shown = _SHOWN_EVERYWHERE | _SHOWN_IN_API
    pairs = parse_qsl(query, keep_blank_values=True)
    return urlencode([(name, value if name in shown else "***") for name, value in pairs], safe="*")
