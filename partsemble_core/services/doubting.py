"""Doubting: after an older copy of the database was put back, what may be in the books since is looked up first.

Exports that were posted after the copy was made wait again in it, and nothing in the rows tells. So each that isn't
at rest goes into doubt: a worker looks for its token before anything is sent. Run it before any worker works.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass

import sqlalchemy as sa

from partsemble_core.domain.exports import Doubt, ExportState
from partsemble_core.plugin_api.entries import entry_from_bytes
from partsemble_core.plugin_api.types import JournalResult
from partsemble_core.services.addressing import context_of, token_for
from partsemble_core.services.comparing import patiently
from partsemble_core.services.house import House
from partsemble_core.services.retrying import end_claims
from partsemble_core.store.connections import get_connection
from partsemble_core.store.database import database_now
from partsemble_core.store.exports import Export, get_export
from partsemble_core.store.session import CompanySession, LockRank

BEFORE_AN_ID = (ExportState.PENDING, ExportState.CREATING, ExportState.UNKNOWN, ExportState.REVIEW)
RESTORED = "The database was restored from a backup: it is looked up in the books before anything is sent."


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """How many exports are looked up before they are sent, and how many held ones were found in the books."""

    doubted: int
    found: int


def doubt_after_restore(house: House, company_id: int, *, wait: Callable[[float], None] = time.sleep) -> Restored:
    """Puts all exports that may have gone out since into doubt, in one transaction; then looks for the held ones.

    A held export that is not in the books stays held; one that is goes on to be adopted. Safe to repeat. Raises what
    the look-up raises; then the rest is still held: run it again before anything held is posted.
    """
    held = house.write(company_id, _doubt_all)
    found = [export_id for export_id in held if _is_there(house, company_id, export_id, wait)]
    for export_id in found:
        house.write(company_id, _doubter(export_id))
    with house.reading(company_id) as session:
        doubted = session.scalar(sa.select(sa.func.count()).where(Export.state == ExportState.UNKNOWN)) or 0
    return Restored(doubted=doubted, found=len(found))


def _doubt_all(session: CompanySession) -> list[int]:
    """The ids of those that are held."""
    session.locking(LockRank.EXPORT)
    statement = sa.select(Export).where(Export.state.in_(BEFORE_AN_ID)).order_by(Export.id).with_for_update()
    for export in session.scalars(statement):
        _doubt(session, export)
    return list(session.scalars(sa.select(Export.id).where(Export.state == ExportState.HELD).order_by(Export.id)))


def _doubter(export_id: int) -> Callable[[CompanySession], None]:
    def doubt(session: CompanySession) -> None:
        session.locking(LockRank.EXPORT)
        export = session.scalars(sa.select(Export).where(Export.id == export_id).with_for_update()).one()
        if export.state == ExportState.HELD:
            _doubt(session, export)

    return doubt


def _doubt(session: CompanySession, export: Export) -> None:
    end_claims(export)
    export.state = ExportState.UNKNOWN
    export.doubt = Doubt.CREATING if export.external_id is None else Doubt.POSTING
    export.not_before = database_now(session)
    export.problem = RESTORED
    session.queued_exports.append(export.id)


def _is_there(house: House, company_id: int, export_id: int, wait: Callable[[float], None]) -> bool:
    with house.reading(company_id) as session:
        export = get_export(session, export_id)
        connection = get_connection(session, export.connection_id)
    entry = entry_from_bytes(export.body)

    def ask() -> Sequence[JournalResult]:
        ctx = context_of(house, connection, token=token_for(house, connection))
        with closing(ctx.http):
            return house.host.find_journal(connection.backend, ctx, entry=entry, external_id=None)

    return bool(patiently(ask, wait))
