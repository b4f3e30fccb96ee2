"""Discarding: drafts of an export that are deleted in the books, each call written ahead as every other one is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from partsemble_core.domain.exports import StepKind
from partsemble_core.errors import PartsembleError
from partsemble_core.plugin_api.errors import OutcomeUnknown
from partsemble_core.plugin_host import PluginError
from partsemble_core.services.crashing import crashpoint
from partsemble_core.services.house import House
from partsemble_core.store.database import database_now
from partsemble_core.store.exports import Export, ExportAttempt
from partsemble_core.store.session import CompanySession

DISCARD = "discard"
GONE = "The books were asked, and hold it no more."


def discard(house: House, export: Export, external_id: str, delete: Callable[[], object]) -> None:
    """Deletes one draft with ``delete``: its attempt is committed before, and what came of it after. Raises its error.

    What dies between stays without an outcome. Whoever decides next asks the books again.
    """
    attempt_id = house.write(export.company_id, lambda session: _write_ahead(session, export, external_id))
    try:
        delete()
    except PartsembleError as error:
        outcome = "unknown" if isinstance(error, OutcomeUnknown | PluginError) else "refused"
        message = str(error)[:1000]
        house.write(export.company_id, lambda session: _end(session, attempt_id, outcome=outcome, message=message))
        raise
    crashpoint("discarding.after_call")
    house.write(export.company_id, lambda session: _end(session, attempt_id, outcome="ok", message=""))


def note_gone(session: CompanySession, export: Export, external_ids: Collection[str]) -> None:
    """Writes down that the books, when asked, held nothing of the export under these ids any more."""
    now = database_now(session)
    session.add_all(
        ExportAttempt(
            export_id=export.id,
            epoch=export.lease_epoch,
            step=DISCARD,
            key="",
            sent_at=now,
            outcome="ok",
            message=GONE,
            external_id=external_id,
            ended_at=now,
        )
        for external_id in sorted(external_ids)
    )


def made_ids(attempts: Iterable[ExportAttempt]) -> set[str]:
    """What calls for an export made in the books, as far as nothing says that it went again."""
    ended = [each for each in attempts if each.outcome == "ok" and each.external_id is not None]
    made = {each.external_id for each in ended if each.step in (StepKind.CREATE, StepKind.POST)}
    gone = {each.external_id for each in ended if each.step == DISCARD}
    return {external_id for external_id in made - gone if external_id is not None}


def _write_ahead(session: CompanySession, export: Export, external_id: str) -> int:
    attempt = ExportAttempt(
        export_id=export.id,
        epoch=export.lease_epoch,
        step=DISCARD,
        key="",
        sent_at=database_now(session),
        message="",
        external_id=external_id,
    )
    session.add(attempt)
    session.flush()
    return attempt.id


def _end(session: CompanySession, attempt_id: int, *, outcome: str, message: str) -> None:
    attempt = session.get_one(ExportAttempt, attempt_id)
    attempt.outcome, attempt.message, attempt.ended_at = outcome, message, database_now(session)
