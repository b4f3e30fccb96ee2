"""Connections between a user's tenants and the app: made by consent, ended from either side."""

from __future__ import annotations

import sqlite3
import uuid

from .tenants import list_tenants
from .wire import iso_seven_digits

SCHEMA = """
CREATE TABLE IF NOT EXISTS connections (
    connection_id TEXT PRIMARY KEY, user_id TEXT NOT NULL, tenant_id TEXT NOT NULL REFERENCES tenants,
    auth_event_id TEXT NOT NULL, is_connected INTEGER NOT NULL, created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL, UNIQUE (user_id, tenant_id)
) STRICT;
"""


def connect(connection: sqlite3.Connection, *, user_id: str, tenant_id: str, auth_event_id: str, now_ms: int) -> None:
    """Connect one organisation, and with it the user's practice.

    The practice comes along, and first, so that a client which takes ``connections[0]`` or forgets to
    look at ``tenantType`` is found out here.
    """
    practices = [tenant.tenant_id for tenant in list_tenants(connection, tenant_type="PRACTICE")]
    for each in (*practices, tenant_id):
        connection.execute(
            "INSERT INTO connections VALUES (?, ?, ?, ?, 1, ?, ?) ON CONFLICT (user_id, tenant_id) DO UPDATE"
            " SET auth_event_id = excluded.auth_event_id, is_connected = 1, updated_ms = excluded.updated_ms",
            (str(uuid.uuid4()), user_id, each, auth_event_id, now_ms, now_ms),
        )


def list_connections(
    connection: sqlite3.Connection, *, user_id: str, auth_event_id: str | None
) -> list[dict[str, object]]:
    """The user's live connections as ``GET /connections`` shows them; practices first."""
    rows = connection.execute(
        "SELECT c.*, t.name, t.tenant_type FROM connections c JOIN tenants t USING (tenant_id)"
        " WHERE user_id = ? AND is_connected AND (? IS NULL OR auth_event_id = ?)"
        " ORDER BY t.tenant_type DESC, c.created_ms, t.name",
        (user_id, auth_event_id, auth_event_id),
    )
    return [
        {
            "id": row["connection_id"],
            "authEventId": row["auth_event_id"],
            "tenantId": row["tenant_id"],
            "tenantType": row["tenant_type"],
            "tenantName": row["name"],
            "createdDateUtc": iso_seven_digits(row["created_ms"]),
            "updatedDateUtc": iso_seven_digits(row["updated_ms"]),
        }
        for row in rows
    ]


def is_connected(connection: sqlite3.Connection, *, user_id: str, tenant_id: str) -> bool:
    """Whether the user's connection to this tenant is alive."""
    row = connection.execute(
        "SELECT 1 FROM connections WHERE user_id = ? AND tenant_id = ? AND is_connected",
        (user_id, tenant_id.lower()),
    ).fetchone()
    return row is not None


def disconnect(connection: sqlite3.Connection, *, user_id: str, connection_id: str) -> bool:
    """End one connection by its own id; False if there is no such live one."""
    ended = connection.execute(
        "UPDATE connections SET is_connected = 0 WHERE user_id = ? AND connection_id = ? AND is_connected",
        (user_id, connection_id.lower()),
    )
    return ended.rowcount == 1


def disconnect_tenant(connection: sqlite3.Connection, *, tenant_id: str) -> bool:
    """End the connection to a tenant, as a person would in Xero; False if it was not connected."""
    ended = connection.execute(
        "UPDATE connections SET is_connected = 0 WHERE tenant_id = ? AND is_connected", (tenant_id,)
    )
    return ended.rowcount > 0


def disconnect_all(connection: sqlite3.Connection, *, user_id: str | None = None) -> None:
    """End every connection, of everybody or of one user."""
    connection.execute("UPDATE connections SET is_connected = 0 WHERE ? IS NULL OR user_id = ?", (user_id, user_id))


def is_full(connection: sqlite3.Connection, *, most: int, tenant_id: str) -> bool:
    """Whether the app may not be connected to one organisation more; one that is connected already counts once."""
    rows = connection.execute(
        "SELECT DISTINCT tenant_id FROM connections JOIN tenants USING (tenant_id)"
        " WHERE is_connected AND tenant_type = 'ORGANISATION'"
    )
    connected = {row["tenant_id"] for row in rows}
    return bool(most) and tenant_id not in connected and len(connected) >= most
