"""What an endpoint of the Accounting API is made of.

A new endpoint is one module with an ``ENDPOINT`` and one line in ``endpoints.py``. Its handlers see a
checked :class:`Call` and return the payload of a 200, or raise a problem; token, tenant, scope,
limits, idempotency and the transaction are dealt with before they run.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .problems import Answer, json_answer, plain_refusal
from .tenants import Tenant
from .wire import WireError, bare_instant, read_moment

PROVIDER_NAME = "Partsemble Xero sandbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request that has passed every check. ``connection`` holds the write lock."""

    connection: sqlite3.Connection
    tenant: Tenant
    now_ms: int
    query: Mapping[str, str]
    headers: Mapping[str, str]
    path: Mapping[str, str]
    body: object = None

    def answer(self, payload: Mapping[str, object]) -> Answer:
        """A 200 with the envelope that every answer of the Accounting API has."""
        envelope = {
            "Id": str(uuid.uuid4()),
            "Status": "OK",
            "ProviderName": PROVIDER_NAME,
            "DateTimeUTC": bare_instant(self.now_ms),
        }
        return json_answer({**envelope, **payload})

    def modified_since_ms(self) -> int | None:
        """``If-Modified-Since`` as milliseconds; Xero reads an ISO time here. Raises a 412 problem."""
        text = self.headers.get("If-Modified-Since")
        if not text:
            return None
        try:
            return read_moment(text) // 1000 * 1000  # Xero compares whole seconds
        except WireError as error:
            raise plain_refusal(412, f"If-Modified-Since: {error}") from error


Handler = Callable[[Call], Answer]
Seed = Callable[[sqlite3.Connection, Tenant, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A method and path under ``/api.xro/2.0``, and the scopes of which the token needs one."""

    method: str
    path: str
    handler: Handler
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One endpoint: its routes, its tables, and what each organisation has of it at first."""

    name: str
    routes: tuple[Route, ...]
    schema: str = ""
    seed: Seed | None = None


SEEDED_SCHEMA = """
CREATE TABLE IF NOT EXISTS seeded (
    tenant_id TEXT NOT NULL, endpoint TEXT NOT NULL, PRIMARY KEY (tenant_id, endpoint)
) STRICT;
"""


def seed_tenant(
    connection: sqlite3.Connection, tenant: Tenant, *, endpoints: tuple[Endpoint, ...], now_ms: int
) -> None:
    """Give ``tenant`` the first rows of each endpoint, once; also those added since the file was made."""
    for endpoint in endpoints:
        fresh = connection.execute(
            "INSERT INTO seeded VALUES (?, ?) ON CONFLICT DO NOTHING", (tenant.tenant_id, endpoint.name)
        ).rowcount
        if fresh and endpoint.seed is not None:
            endpoint.seed(connection, tenant, now_ms)
