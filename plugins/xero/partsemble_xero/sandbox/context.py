"""One running sandbox: its options, its file, its clock, and the requests now in flight."""

from __future__ import annotations

import threading
from collections import Counter

from . import books, connections, faults, idempotency, limits, recording, tenants, tokens, users, webhooks
from .clock import Clock
from .endpoint import SEEDED_SCHEMA, seed_tenant
from .endpoints import ENDPOINTS
from .options import SandboxOptions
from .state import StateFile, put_setting
from .webhook_sender import WebhookSender


class InFlight:
    """How many requests of each tenant are being answered at this moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def enter(self, tenant_id: str) -> None:
        with self._lock:
            self._counts[tenant_id] += 1

    def leave(self, tenant_id: str) -> None:
        with self._lock:
            self._counts[tenant_id] -= 1
            if not self._counts[tenant_id]:
                del self._counts[tenant_id]

    def count(self, tenant_id: str) -> int:
        with self._lock:
            return self._counts[tenant_id]


class Sandbox:
    """The sandbox over one data file. Raises :class:`OptionRefused` for a file it cannot use."""

    def __init__(self, options: SandboxOptions) -> None:
        modules = (users, tenants, connections, tokens, books, recording, faults, limits, idempotency, webhooks)
        schema = "".join(module.SCHEMA for module in modules) + SEEDED_SCHEMA
        schema += "".join(endpoint.schema for endpoint in ENDPOINTS)
        self.options = options
        self.clock = Clock(options.clock)
        self.in_flight = InFlight()
        self.state = StateFile(options.data_file, schema=schema, secret_prefix=options.secret_prefix)
        self._seed()
        self.sender = WebhookSender(self.state, self.clock)
        with self.state.reading() as connection:
            is_listened_to = webhooks.find_webhook(connection) is not None
        if is_listened_to:
            self.sender.ensure_running()

    def close(self) -> None:
        """Let the data file go."""
        self.sender.stop()
        self.state.close()

    def _seed(self) -> None:
        with self.state.writing() as connection:
            self.clock.start(connection)
            users.ensure_users(connection, self.options.users)
            put_setting(connection, name="secret_prefix", value=self.options.secret_prefix)
            now_ms = self.clock.now_ms(connection)
            tenants.ensure_tenants(connection, organisations=self.options.organisations, now_ms=now_ms)
            for tenant in tenants.list_tenants(connection, tenant_type="ORGANISATION"):
                seed_tenant(connection, tenant, endpoints=ENDPOINTS, now_ms=now_ms)
