"""Disowning: a journal that belongs to another document, of whatever company here, is never taken for this one's."""

from __future__ import annotations

import sqlalchemy as sa

from partsemble_core.domain.exports import StepKind
from partsemble_core.errors import Conflict, say, word
from partsemble_core.plugin_api.entries import entry_from_bytes
from partsemble_core.plugin_api.types import JournalEntry
from partsemble_core.services.ascertaining import Case, asking, sums_of
from partsemble_core.services.house import House
from partsemble_core.store.connections import Connection
from partsemble_core.store.database import reading_anywhere
from partsemble_core.store.exports import Export, ExportAttempt


def refuse_anothers(house: House, case: Case, external_id: str) -> None:
    """Raises Conflict where the journal is known as another document's, or carries the token of one.

    The latter is asked of the books: a posting whose answer was lost is there under an id that isn't known here yet.
    """
    with reading_anywhere(house.engine) as session:
        others = session.execute(_others(case).where(Export.external_id == external_id)).all()
        doubtful = session.execute(_others(case).where(Export.external_id.is_(None), _may_be_written())).all()
    for company_id, reference, _ in others:
        raise _of_another(case, external_id, company_id, reference)
    for company_id, reference, body in doubtful:
        entry = entry_from_bytes(bytes(body))
        if _could_be(entry, case.entry) and _holds(house, case, entry, external_id):
            raise _of_another(case, external_id, company_id, reference)


def _others(case: Case) -> sa.Select[int, str, bytes]:
    """(company, reference, body) of everything else that goes to the same books."""
    return (
        sa.select(Export.company_id, Export.reference, Export.body)
        .join(Connection, sa.and_(Connection.id == Export.connection_id, Connection.company_id == Export.company_id))
        .where(
            Connection.backend == case.connection.backend,
            Connection.organisation_id == case.connection.organisation_id,
            Export.id != case.export.id,
        )
        .order_by(Export.id)
    )


def _may_be_written() -> sa.ColumnElement[bool]:
    return sa.exists().where(
        ExportAttempt.export_id == Export.id,
        ExportAttempt.company_id == Export.company_id,
        ExportAttempt.step == StepKind.CREATE,
        sa.or_(ExportAttempt.outcome.is_(None), ExportAttempt.outcome.in_(("unknown", "ok"))),
    )


def _could_be(entry: JournalEntry, ours: JournalEntry) -> bool:
    """What has another date or other amounts can't be mistaken for ours."""
    return entry.date == ours.date and sums_of(entry.lines) == sums_of(ours.lines)


def _holds(house: House, case: Case, entry: JournalEntry, external_id: str) -> bool:
    found = asking(
        house,
        case.connection,
        lambda ctx: house.host.find_journal(case.export.backend, ctx, entry=entry, external_id=None),
    )
    return any(each.external_id == external_id for each in found)


def _of_another(case: Case, external_id: str, company_id: int, reference: str) -> Conflict:
    whose = reference if company_id == case.export.company_id else word("another company's document")
    ours = case.export
    look_for = ours.external_id or say("the journal whose narration ends in [{token}]", token=ours.token)
    return Conflict(
        say(
            "Journal {external_id} belongs to {whose}: leave it as it is. For this document, look for "
            "{look_for} in the books and give its id.",
            external_id=external_id,
            whose=whose,
            look_for=look_for,
        ),
        field="external_id",
    )
