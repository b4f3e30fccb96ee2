"""Periodic work: the sweep, which lets the job queue be a doorbell and not a memory, and sign-ins kept alive."""

from __future__ import annotations

import logging
import threading

from sqlalchemy.exc import SQLAlchemyError

from partsemble_core.services.claiming import due_exports
from partsemble_core.services.house import House
from partsemble_core.services.refreshing import refresh_due

log = logging.getLogger(__name__)


def run_schedule(house: House, stopping: threading.Event) -> None:
    """Rings for due exports and keeps sign-ins alive every few seconds, until ``stopping`` is set.

    A database that is away is waited for.
    """
    while not stopping.is_set():
        try:
            sweep(house)
            refresh_due(house)
        except SQLAlchemyError as error:
            log.warning("the sweep could not use the database (%s); it tries again", type(error).__name__)
        stopping.wait(house.settings.sweep_seconds)


def sweep(house: House) -> int:
    """Rings the bell for every export that is due. Returns how many."""
    due = due_exports(house)
    for company_id, export_id in due:
        house.ring(company_id, export_id)
    return len(due)
