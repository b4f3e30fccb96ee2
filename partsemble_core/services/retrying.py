"""Retrying: an export that waits for a person is tried again, once its cause was put right."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from partsemble_core.domain.exports import Doubt, ExportState, StepKind
from partsemble_core.errors import NotFound, WrongState, say, word
from partsemble_core.store.database import database_now
from partsemble_core.store.exports import Export, ExportAttempt
from partsemble_core.store.session import CompanySession, LockRank


def retry_export(session: CompanySession, export_id: int) -> Export:
    """Lets a worker go on with a failed export. Only what was clearly refused is sent again; all else is looked up.

    Raises NotFound, and WrongState for an export that isn't waiting for a person.
    """
    export = export_for_update(session, export_id)
    if export.state != ExportState.REVIEW:
        raise WrongState(
            say(
                "Export {reference} is {state}. Only a failed one can be tried again.",
                reference=export.reference,
                state=word(export.state),
            )
        )
    if is_surely_unwritten(export, attempts_of(session, export.id)):
        export.state, export.doubt = ExportState.PENDING, Doubt.NONE
    else:
        export.state = ExportState.UNKNOWN
        export.doubt = Doubt.CREATING if export.external_id is None else Doubt.POSTING
    end_claims(export)
    export.not_before = database_now(session)
    export.problem = ""
    session.queued_exports.append(export.id)
    return export


def export_for_update(session: CompanySession, export_id: int) -> Export:
    """Raises NotFound."""
    session.locking(LockRank.EXPORT)
    export = session.scalar(
        sa.select(Export).where(Export.id == export_id).with_for_update().execution_options(populate_existing=True)
    )
    if export is None:
        raise NotFound("export", export_id)
    return export


def end_claims(export: Export) -> None:
    """The late answer of an older attempt must not undo what a person decides."""
    export.lease_epoch += 1
    export.lease_owner = export.lease_until = None


def attempts_of(session: CompanySession, export_id: int) -> list[ExportAttempt]:
    """Oldest first."""
    return list(
        session.scalars(sa.select(ExportAttempt).where(ExportAttempt.export_id == export_id).order_by(ExportAttempt.id))
    )


def is_surely_unwritten(export: Export, attempts: Iterable[ExportAttempt]) -> bool:
    """Nothing of it can be in the books: no id is known, and all there was are creations, refused or never sent."""
    return export.external_id is None and all(
        attempt.step == StepKind.CREATE and attempt.outcome in ("refused", "not_sent") for attempt in attempts
    )
