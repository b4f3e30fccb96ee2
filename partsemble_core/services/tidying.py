"""Tidying: drafts of ours that lost. They never touch the ledger, so a failure here is noted and stops nothing."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from partsemble_core.plugin_api.errors import BackendError, Unsupported
from partsemble_core.plugin_api.types import BackendContext, JournalEntry, JournalStatus
from partsemble_core.plugin_host import PluginError
from partsemble_core.services.crashing import crashpoint
from partsemble_core.services.house import House
from partsemble_core.store.connections import Connection

log = logging.getLogger(__name__)


def tidy_drafts(
    house: House, connection: Connection, ctx: BackendContext, *, entry: JournalEntry, kept: str | None
) -> bool:
    """Deletes every draft of ``entry`` but the one with the id ``kept``: answers were lost, so there may be more.

    Whether the books were searched and no other draft is left there.
    """
    try:
        found = house.host.find_journal(connection.backend, ctx, entry=entry, external_id=None)
    except Unsupported:
        return True
    except (BackendError, PluginError) as error:
        log.warning("the drafts of %s could not be looked up (%s)", entry.reference, error.code)
        return False
    drafts = {each.external_id for each in found if each.status == JournalStatus.DRAFT}
    return discard_drafts(house, connection, ctx, entry=entry, orphans=sorted(drafts - {kept}))


def discard_drafts(
    house: House, connection: Connection, ctx: BackendContext, *, entry: JournalEntry, orphans: Sequence[str]
) -> bool:
    """Deletes the drafts of ``entry`` with these ids, and says if all went; what is posted the backend keeps."""
    all_gone = True
    for orphan in orphans:
        try:
            house.host.discard_draft(connection.backend, ctx, entry=entry, external_id=orphan)
        except (BackendError, PluginError) as error:
            log.warning("the draft %s of %s stays for now (%s)", orphan, entry.reference, error.code)
            all_gone = False
        crashpoint("tidying.after_discard")
    return all_gone
