"""Periodic work: the sweep, by which the job queue is a doorbell and not a memory; syncs; live sign-ins; month ends."""

from __future__ import annotations

import datetime as dt
import functools
import logging
import threading
from collections.abc import MutableMapping
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from partsemble_core.services.answering import answer_waiting
from partsemble_core.services.claiming import due_companies
from partsemble_core.services.delivering import delivering
from partsemble_core.services.house import House
from partsemble_core.services.janitor import keeping_tidy
from partsemble_core.services.refreshing import refresh_due
from partsemble_core.services.scheduling import ring_syncs
from partsemble_core.services.valuing import refresh_month_ends
from partsemble_core.store.companies import Company
from partsemble_core.store.database import reading_anywhere

log = logging.getLogger(__name__)


def run_schedule(house: House, stopping: threading.Event) -> None:
    """Rings for due exports and syncs, also those that the books asked for, and keeps sign-ins alive every few
    seconds, until ``stopping`` is set.

    Events are sent meanwhile. On each of a company's days, and when it starts, it brings the company's month ends up
    to date. A database that is away is waited for.
    """
    refreshed: dict[int, dt.date] = {}
    with delivering(house), keeping_tidy(house):
        while not stopping.is_set():
            try:
                sweep(house)
                answer_waiting(house)
                ring_syncs(house)
                refresh_due(house)
                refresh_values(house, refreshed)
            except SQLAlchemyError as error:
                log.warning("the sweep could not use the database (%s); it tries again", type(error).__name__)
            stopping.wait(house.settings.sweep_seconds)


def sweep(house: House) -> int:
    """Rings the bell for every company with an export that is due. Returns how many."""
    due = due_companies(house)
    for company_id, export_id in due:
        house.ring(company_id, export_id)
    return len(due)


def refresh_values(house: House, refreshed: MutableMapping[int, dt.date]) -> int:
    """Writes the month ends of each company that had it not done on its own calendar day. Returns of how many.

    ``refreshed`` remembers the day by company and is brought up to date. Figures never depend on it, only their speed.
    """
    with reading_anywhere(house.engine) as session:
        zones = session.execute(sa.select(Company.id, Company.timezone).order_by(Company.id)).all()
    done = 0
    for company_id, zone in zones:
        today = house.clock().astimezone(ZoneInfo(zone)).date()
        if refreshed.get(company_id) != today:
            house.write(company_id, functools.partial(refresh_month_ends, today=today))
            refreshed[company_id] = today
            done += 1
    return done
