"""The janitor: after an export came to rest, the books are searched once for drafts of ours that lost.

A draft is in no ledger, so this is tidiness: whatever fails is tried again an hour later, and stops nothing. In the
same rounds the log of events is pruned, what the books told of is forgotten after a month, and the database looks at
how its tables have grown.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from partsemble_core.domain.exports import ExportState, StepKind
from partsemble_core.errors import PartsembleError
from partsemble_core.plugin_api.entries import entry_from_bytes
from partsemble_core.plugin_api.types import JournalStatus, Posting
from partsemble_core.services.addressing import context_of, token_for
from partsemble_core.services.answering import forget_old
from partsemble_core.services.discarding import made_ids, note_gone
from partsemble_core.services.house import House
from partsemble_core.services.pruning import prune_deliveries
from partsemble_core.services.retrying import attempts_of
from partsemble_core.services.tidying import tidy_drafts
from partsemble_core.services.token_keeping import purge_sign_ins
from partsemble_core.store.connections import Connection, ConnectionState, get_connection
from partsemble_core.store.database import database_now, reading_anywhere, sample_tables
from partsemble_core.store.exports import Export, ExportAttempt, get_export
from partsemble_core.store.session import CompanySession

log = logging.getLogger(__name__)
QUIET = dt.timedelta(minutes=10)
"""After the last attempt: a late request of ours has surely arrived by then, or it is lost."""
ROUND_SECONDS = 3600
STOP_SECONDS = 5
MOST = 100
"""Exports searched for in one round; each costs their books a few calls."""
GIVEN_UP = (ExportState.SKIPPED, ExportState.CANCELLED)
AT_REST = (ExportState.POSTED, *GIVEN_UP)
LIVE = (JournalStatus.DRAFT, JournalStatus.POSTED)


@contextmanager
def keeping_tidy(house: House) -> Iterator[None]:
    """A round now and every hour, in a thread of its own, as long as it is open: slow books hold up nothing else."""
    stopping = threading.Event()
    thread = threading.Thread(target=_run, args=(house, stopping), name="janitor", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(STOP_SECONDS)


def _run(house: House, stopping: threading.Event) -> None:
    while not stopping.is_set():
        try:
            forget_old(house)
            tidy_round(house)
            purge_sign_ins(house)
            prune_deliveries(house)
            sample_tables(house.engine)
        except SQLAlchemyError as error:
            log.warning("the janitor could not use the database (%s); it tries again", type(error).__name__)
        stopping.wait(ROUND_SECONDS)


def tidy_round(house: House) -> int:
    """Searches for what late requests may have left. Returns of how many exports all is tidy now.

    A connection that fails once is left alone for the rest of the round.
    """
    failed: set[tuple[int, int]] = set()
    done = 0
    for company_id, connection_id, export_id in _to_search(house):
        if (company_id, connection_id) in failed:
            continue
        try:
            is_tidy = _tidy(house, company_id, export_id)
        except PartsembleError as error:
            log.warning("export %s could not be tidied up after (%s); it is tried again", export_id, error.code)
            is_tidy = False
        if not is_tidy:
            failed.add((company_id, connection_id))
            continue
        house.write(company_id, lambda session, i=export_id: _note(session, i))  # type: ignore[misc]
        done += 1
    return done


def _to_search(house: House) -> list[tuple[int, int, int]]:
    """(company, connection, export) at rest for ten minutes, not searched for yet, that may have left a draft."""
    drafting = [name for name, info in house.host.infos.items() if info.capabilities.posting == Posting.DRAFT_THEN_POST]
    of_it = sa.and_(ExportAttempt.export_id == Export.id, ExportAttempt.company_id == Export.company_id)
    creations = sa.select(sa.func.count()).where(of_it, ExportAttempt.step == StepKind.CREATE)
    lost = creations.where(sa.or_(ExportAttempt.outcome.is_(None), ExportAttempt.outcome == "unknown"))
    made = creations.where(ExportAttempt.outcome == "ok")
    given_up = Export.state.in_(GIVEN_UP)
    with reading_anywhere(house.engine) as session:
        now = database_now(session)
        recent = sa.select(sa.func.count()).where(of_it, ExportAttempt.sent_at > now - QUIET)
        rows = session.execute(
            sa.select(Export.company_id, Export.connection_id, Export.id)
            .join(
                Connection,
                sa.and_(Connection.id == Export.connection_id, Connection.company_id == Export.company_id),
            )
            .where(
                Export.state.in_(AT_REST),
                Export.tidied_at.is_(None),
                Export.backend.in_(drafting),
                Connection.state == ConnectionState.ACTIVE,
                sa.or_(Connection.paused_until.is_(None), Connection.paused_until <= now),
                sa.or_(
                    lost.scalar_subquery() > 0,
                    made.scalar_subquery() > 1,
                    sa.and_(given_up, made.scalar_subquery() > 0),
                ),
                recent.scalar_subquery() == 0,
            )
            .order_by(Export.id)
            .limit(MOST)
        )
        return [(company_id, connection_id, export_id) for company_id, connection_id, export_id in rows]


def _tidy(house: House, company_id: int, export_id: int) -> bool:
    """Deletes every draft of the export but its own; one that was given up has none. Whether none is left there."""
    with house.reading(company_id) as session:
        export = get_export(session, export_id)
        connection = get_connection(session, export.connection_id)
        made = made_ids(attempts_of(session, export_id)) if export.state in GIVEN_UP else set()
    entry = entry_from_bytes(export.body)
    kept = None if export.state in GIVEN_UP else export.external_id
    ctx = context_of(house, connection, token=token_for(house, connection), is_urgent=False)
    with closing(ctx.http):
        if not tidy_drafts(house, connection, ctx, entry=entry, kept=kept):
            return False
        found = house.host.find_journal(connection.backend, ctx, entry=entry, external_id=None) if made else ()
    gone = made - {each.external_id for each in found if each.status in LIVE}
    house.write(company_id, lambda session: note_gone(session, export, gone))
    return True


def _note(session: CompanySession, export_id: int) -> None:
    now = database_now(session)
    session.execute(sa.update(Export).where(Export.id == export_id).values(tidied_at=now))
