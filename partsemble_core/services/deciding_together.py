"""Deciding together: one decision about many postings, such as those that a person ticked in a list.

Trying again and holding back are all or none. Leaving out may have to ask the books about each, so each stands for
itself: what was left out stays so, whatever becomes of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.domain.products import clean_text
from partsemble_core.errors import Invalid, NotFound, PartsembleError, WrongState, say
from partsemble_core.services.acting import Act
from partsemble_core.services.deciding import REASON, skip_export
from partsemble_core.services.exporting import is_untouched
from partsemble_core.services.house import House
from partsemble_core.services.retrying import retry_export
from partsemble_core.store.exports import Export
from partsemble_core.store.session import CompanySession, LockRank

MOST = 1_000
MOST_LEFT_OUT = 100
"""Of which each may take a call."""
NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """What became of one export: ``problem`` says why it wasn't left out, and is empty where it was."""

    export_id: int
    reference: str
    problem: str


def retry_together(session: CompanySession, export_ids: Collection[int]) -> list[Export]:
    """Lets workers go on with failed exports, all or none. Raises NotFound, Invalid, and WrongState naming others."""
    exports = _chosen(session, export_ids)
    others = _named(exports, lambda export: export.state != ExportState.REVIEW)
    if others:
        raise WrongState(
            say("Only failed exports can be tried again; nothing was done. Leave out {others}.", others=others)
        )
    return [retry_export(session, export.id) for export in exports]


def put_back(session: CompanySession, export_ids: Collection[int]) -> list[Export]:
    """Holds exports back that no worker has touched yet, until a person posts them; all or none.

    Raises NotFound, Invalid, and WrongState naming those that are on their way or done.
    """
    exports = _chosen(session, export_ids)
    others = _named(exports, lambda export: export.state != ExportState.PENDING or not is_untouched(export))
    if others:
        raise WrongState(
            say(
                "Only what waits for its first try can be held back; nothing was done. Leave out {others}.",
                others=others,
            )
        )
    for export in exports:
        export.state, export.problem = ExportState.HELD, ""
    return exports


def skip_together(
    house: House, act: Act, company_id: int, export_ids: Collection[int], *, reason: object
) -> list[LeftOut]:
    """Leaves each of these out of the books for good, as far as it may be. Raises Invalid, NotFound."""
    why = clean_text(reason, field="reason", length=REASON)
    wanted = _wanted(export_ids, most=MOST_LEFT_OUT)
    with house.reading(company_id) as session:
        references = {export.id: export.reference for export in _rows(session, wanted, for_update=False)}
    return [
        LeftOut(
            export_id=export_id,
            reference=references[export_id],
            problem=_left_out(house, act, company_id, export_id, why),
        )
        for export_id in wanted
    ]


def chosen_exports(session: CompanySession, export_ids: Collection[int]) -> list[Export]:
    """These exports, to look at before something is decided about them. Raises NotFound, Invalid."""
    return _rows(session, _wanted(export_ids, most=MOST), for_update=False)


def _left_out(house: House, act: Act, company_id: int, export_id: int, why: str) -> str:
    try:
        skip_export(house, act, company_id, export_id, reason=why)
    except PartsembleError as error:
        return error.message
    return ""


def _chosen(session: CompanySession, export_ids: Collection[int]) -> list[Export]:
    session.locking(LockRank.EXPORT)
    return _rows(session, _wanted(export_ids, most=MOST), for_update=True)


def _wanted(export_ids: Collection[int], *, most: int) -> list[int]:
    wanted = sorted(set(export_ids))
    if not 1 <= len(wanted) <= most:
        raise Invalid("ids", say("Choose 1 to {most} exports.", most=most))
    return wanted


def _rows(session: CompanySession, wanted: Sequence[int], *, for_update: bool) -> list[Export]:
    statement = sa.select(Export).where(Export.id.in_(wanted)).order_by(Export.id)
    if for_update:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    found = list(session.scalars(statement))
    missing = set(wanted) - {export.id for export in found}
    if missing:
        raise NotFound("export", min(missing))
    return found


def _named(exports: Sequence[Export], is_meant: Callable[[Export], bool]) -> str:
    """Those meant, a few of them by name."""
    meant = [f"{export.reference} ({export.state})" for export in exports if is_meant(export)]
    return ", ".join(meant[:NAMED]) + (" …" if len(meant) > NAMED else "")
