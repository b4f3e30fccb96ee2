"""Draining: the exports that a company's connection may send now, for one turn, in batches where there is a backlog."""

from __future__ import annotations

import time
from collections.abc import Sequence

from partsemble_core.domain.exports import ExportState
from partsemble_core.services.batching import can_batch, post_together
from partsemble_core.services.claiming import Due, due_of
from partsemble_core.services.crashing import crashpoint
from partsemble_core.services.house import House
from partsemble_core.services.posting import post_export

TURN_SECONDS = 10.0
"""After that others come first. What is under way is ended."""
SOME = 20
"""Exports tried one after the other until one moves."""
MOST_BYTES = 1_000_000
"""Of frozen postings in one batch: on the wire they are at most three times as long, and Xero takes 3.5 MB."""
STAGES = (
    (ExportState.PENDING,),
    (ExportState.CREATED,),
    (ExportState.UNKNOWN, ExportState.CREATING, ExportState.POSTING),
)
"""To be created, to be posted, to be looked up: what is as far goes together."""


def drain(house: House, company_id: int, *, seconds: float = TURN_SECONDS) -> int | None:
    """Works on what is due until nothing is, nothing moves, or the turn is over: then the id of one that is left."""
    end = time.monotonic() + seconds
    stages, has_worked = list(STAGES), False
    while stages:
        due = due_of(house, company_id, states=[state for stage in stages for state in stage])
        if not due:
            return None
        if has_worked and time.monotonic() >= end:
            return due[0].export_id
        stage = next(stage for stage in stages if due[0].state in stage)
        if not _work_on(house, company_id, [each for each in due if each.state in stage]):
            stages.remove(stage)  # it has to wait, or is somebody else's: the sweep rings again
        has_worked = True
        crashpoint("draining.after_turn")
    return None


def _work_on(house: House, company_id: int, due: Sequence[Due]) -> bool:
    """The next batch, or the next export where it stands alone. Whether anything could be done."""
    batch = _batch(house, due)
    if len(batch) > 1:
        return post_together(house, company_id, batch) > 0
    return any(post_export(house, company_id, each.export_id) is not None for each in due[:SOME])


def _batch(house: House, due: Sequence[Due]) -> list[int]:
    """What one call may carry of the first one's connection."""
    first = due[0]
    if not can_batch(house, first.backend):
        return []
    chosen: list[int] = []
    size = 0
    for each in due:
        size += each.size
        if each.connection_id != first.connection_id or (chosen and size > MOST_BYTES):
            break
        chosen.append(each.export_id)
    return chosen[: house.host.info(first.backend).capabilities.batch_size]
