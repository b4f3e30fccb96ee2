"""Retrying: an export that waits for a person is tried again, once its cause was put right."""

from __future__ import annotations

import sqlalchemy as sa

from partsemble_core.domain.exports import Doubt, ExportState, StepKind
from partsemble_core.errors import NotFound, WrongState
from partsemble_core.store.database import database_now
from partsemble_core.store.exports import Export, ExportAttempt
from partsemble_core.store.session import CompanySession, LockRank


def retry_export(session: CompanySession, export_id: int) -> Export:
    """Lets a worker go on with a failed export. Only what was clearly refused is sent again; all else is looked up.

    Raises NotFound, and WrongState for an export that isn't waiting for a person.
    """
    session.locking(LockRank.EXPORT)
    export = session.scalar(
        sa.select(Export).where(Export.id == export_id).with_for_update().execution_options(populate_existing=True)
    )
    if export is None:
        raise NotFound("export", export_id)
    if export.state != ExportState.REVIEW:
        raise WrongState(f"Export {export.reference} is {export.state}. Only a failed one can be tried again.")
    if _was_clearly_refused(session, export):
        export.state, export.doubt = ExportState.PENDING, Doubt.NONE
    else:
        export.state = ExportState.UNKNOWN
        export.doubt = Doubt.CREATING if export.external_id is None else Doubt.POSTING
    export.lease_epoch += 1  # the late answer of an older attempt must not undo this
    export.lease_owner = export.lease_until = None
    export.not_before = database_now(session)
    export.problem = ""
    session.queued_exports.append(export.id)
    return export


def _was_clearly_refused(session: CompanySession, export: Export) -> bool:
    """Nothing of it can be in the books: no id is known, and all there was are creations, refused or never sent."""
    attempts = session.execute(
        sa.select(ExportAttempt.step, ExportAttempt.outcome).where(ExportAttempt.export_id == export.id)
    )
    return export.external_id is None and all(
        step == StepKind.CREATE and outcome in ("refused", "not_sent") for step, outcome in attempts
    )
