"""What services that deal with the outside are handed. They open their own short transactions, never around a call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TypeVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from partsemble_core.config import Settings
from partsemble_core.plugin_host import PluginHost
from partsemble_core.services.acting import Act
from partsemble_core.store import database
from partsemble_core.store.audits import WORKER, Actor
from partsemble_core.store.companies import get_company
from partsemble_core.store.session import CompanySession
from partsemble_core.vault import Vault

T = TypeVar("T")


def nobody_listens(company_id: int, row_id: int) -> bool:
    """The bell of a house without a job queue: whoever rings does the work at once."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Settings, database, plugins, keys, clock, and the bell that wakes a worker for (company, export)."""

    settings: Settings
    engine: sa.Engine
    host: PluginHost
    vault: Vault
    clock: Callable[[], dt.datetime]
    ring: Callable[[int, int], None]
    ring_sync: Callable[[int, int], bool] = nobody_listens
    """The same for (company, run of a sync). False: no queue took it."""
    ring_heard: Callable[[int, int], bool] = nobody_listens
    """The same for (company, connection) whose books told of changes."""
    actor: Actor = WORKER
    """Whose changes the audit log tells. Every door opens the house as whoever came in."""

    def opened_by(self, actor: Actor) -> House:
        """The same house, as this actor."""
        return replace(self, actor=actor)

    def write(self, company_id: int, work: Callable[[CompanySession], T]) -> T:
        """One transaction; after its commit the bell is rung for the exports that it queued."""
        queued: list[int] = []

        def counted(session: CompanySession) -> T:
            result = work(session)
            queued[:] = session.queued_exports
            return result

        result = database.write(self.engine, company_id, counted, actor=self.actor, clock=self.clock)
        for export_id in queued:
            self.ring(company_id, export_id)
        return result

    def reading(self, company_id: int) -> AbstractContextManager[CompanySession]:
        """A session for reading only."""
        return database.reading(self.engine, company_id)

    def act(self, company_id: int, *, by: str) -> Act:
        """Who does something in a company, now, on its own calendar day."""
        with self.reading(company_id) as session:
            zone = get_company(session).timezone
        now = self.clock()
        return Act(by=by, at=now, today=now.astimezone(ZoneInfo(zone)).date(), console=self.settings.base_url)
