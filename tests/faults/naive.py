"""The shapes of protocol that most integrations have: post, save the id, and try again when something went wrong.

They are here to be seen failing where the real one doesn't: under kills, and behind a late packet.
"""

from __future__ import annotations

import secrets

import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.plugin_api.entries import entry_from_bytes
from partsemble_core.plugin_api.types import JournalStep, PostStep
from partsemble_core.services.addressing import context_of
from partsemble_core.services.crashing import crashpoint
from partsemble_core.services.house import House
from partsemble_core.store.connections import get_connection
from partsemble_core.store.exports import Export, get_export


def post_naively(house: House, company_id: int, export_id: int) -> None:
    """Posts unless an id was saved before."""
    with house.reading(company_id) as session:
        export = get_export(session, export_id)
        connection = get_connection(session, export.connection_id)
    if export.external_id is not None:
        return
    crashpoint("naive.before_call")
    result = house.host.post_journal(
        export.backend,
        context_of(house, connection),
        entry=entry_from_bytes(export.body),
        step=JournalStep(kind=PostStep.CREATE, key=secrets.token_hex(16)),
    )
    crashpoint("naive.after_call")
    saved = {"external_id": result.external_id, "state": ExportState.POSTED, "posted_at": house.clock()}
    house.write(
        company_id, lambda session: session.execute(sa.update(Export).where(Export.id == export_id).values(saved))
    )
    crashpoint("naive.after_save")


def post_after_look_up(house: House, company_id: int, export_id: int) -> None:
    """The careful one: posts only where a look-up finds nothing."""
    with house.reading(company_id) as session:
        export = get_export(session, export_id)
        connection = get_connection(session, export.connection_id)
    ctx, entry = context_of(house, connection), entry_from_bytes(export.body)
    if not house.host.find_journal(export.backend, ctx, entry=entry):
        step = JournalStep(kind=PostStep.CREATE, key=secrets.token_hex(16))
        house.host.post_journal(export.backend, ctx, entry=entry, step=step)
