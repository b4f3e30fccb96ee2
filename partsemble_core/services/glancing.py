"""Glancing: whether anything of a company has changed, in one cheap question, for pages that keep in step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.services.planning import ORDERED
from partsemble_core.store.audits import AuditEntry
from partsemble_core.store.companies import Counter
from partsemble_core.store.exports import Export, ExportAttempt
from partsemble_core.store.session import CompanySession
from partsemble_core.store.syncs import SyncRun, SyncState

BUSY = (ExportState.CREATING, ExportState.CREATED, ExportState.POSTING)
ON_THE_WAY = (ExportState.PENDING, ExportState.UNKNOWN, *BUSY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """``mark`` is another one after whatever people change, and while something runs. ``is_busy``: something runs."""

    mark: str
    is_busy: bool


def glance(session: CompanySession) -> Glance:
    """One statement: the last change of the log, the last call to the books, and what is under way."""
    mine = session.company_id
    running = (SyncRun.company_id == mine, SyncRun.state == SyncState.RUNNING)
    exports = sa.select(sa.func.count()).select_from(Export)
    asked: tuple[sa.Select[Any], ...] = (
        sa.select(sa.func.max(AuditEntry.id)).where(AuditEntry.company_id == mine),
        sa.select(sa.func.max(ExportAttempt.id)).where(ExportAttempt.company_id == mine),
        sa.select(sa.func.max(SyncRun.id)).where(SyncRun.company_id == mine),
        exports.where(Export.state.in_(ON_THE_WAY), Export.company_id == mine),
        exports.where(Export.state.in_(BUSY), Export.company_id == mine),
        sa.select(sa.func.count()).select_from(SyncRun).where(*running),
        sa.select(sa.func.sum(SyncRun.records)).where(*running),
        sa.select(Counter.last).where(Counter.name == ORDERED, Counter.company_id == mine),
    )
    row = session.execute(sa.select(*(each.scalar_subquery() for each in asked))).one()
    values = [int(value or 0) for value in row]
    return Glance(mark="-".join(str(value) for value in values), is_busy=bool(values[4] or values[5]))
