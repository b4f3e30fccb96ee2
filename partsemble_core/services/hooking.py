"""Hooking: what a program outside may begin by one call, such as cron with curl, or another system's webhook."""

from __future__ import annotations

from dataclasses import dataclass

from partsemble_core.errors import NotFound
from partsemble_core.services.acting import Act
from partsemble_core.services.claiming import due_of
from partsemble_core.services.draining import drain
from partsemble_core.services.house import House
from partsemble_core.services.syncing import get_live_connection, start_sync
from partsemble_core.store.syncs import SyncCause, SyncKind, SyncRun

EXPORT_RUN = "export-run"
AT_MOST = 60.0
"""Seconds that the caller waits where there is no worker; the rest is for the next call."""
SYNC_HOOKS = {f"sync-{kind}": kind for kind in SyncKind}
HOOKS = (EXPORT_RUN, *SYNC_HOOKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What a hook began: the exports that were due, or the run of a sync."""

    hook: str
    exports: tuple[int, ...] = ()
    sync: SyncRun | None = None


def run_hook(house: House, act: Act, company_id: int, name: str) -> Begun:
    """Begins what the hook stands for: for a worker where there is a queue, else done at once.

    Raises NotFound, and what `start_sync` raises.
    """
    if name == EXPORT_RUN:
        return Begun(hook=name, exports=_run_exports(house, company_id))
    if name not in SYNC_HOOKS:
        raise NotFound("hook", name[:40])
    with house.reading(company_id) as session:
        connection_id = get_live_connection(session).id
    run = start_sync(house, company_id, connection_id, SYNC_HOOKS[name], cause=SyncCause.HOOK, by=act.by)
    return Begun(hook=name, sync=run)


def _run_exports(house: House, company_id: int) -> tuple[int, ...]:
    due = tuple(each.export_id for each in due_of(house, company_id))
    if due and house.settings.redis_url:
        house.ring(company_id, due[0])
    elif due:
        drain(house, company_id, seconds=AT_MOST)
    return due
