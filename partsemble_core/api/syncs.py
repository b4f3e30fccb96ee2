"""Syncs: what is read from the books, by hand, by schedule, and when a program outside says so."""

from __future__ import annotations

from typing import Any

from partsemble_core.api import sync_schemas as schemas
from partsemble_core.api.areas import Area
from partsemble_core.api.door import Json, reading, the_house, the_person, writing
from partsemble_core.api.lists import list_route
from partsemble_core.services.admitting import MAY_EXPORT
from partsemble_core.services.hooking import Begun, run_hook
from partsemble_core.services.scheduling import clear_schedule, schedules_of, set_schedule
from partsemble_core.services.syncing import get_run, start_sync
from partsemble_core.store.session import CompanySession
from partsemble_core.store.syncs import SyncCause, SyncRun, SyncSchedule

area = Area("syncs", "Accounts, items, contacts and sales read from the books, and when.")
list_route(area, "syncs", path="/syncs")
list_route(area, "items", path="/items")
list_route(area, "contacts", path="/contacts")


@area.route(
    "POST",
    "/connections/<id:connection_id>/syncs",
    takes=schemas.SyncIn,
    gives=schemas.SyncOut,
    roles=MAY_EXPORT,
    status=202,
)
def start(body: dict[str, Any], connection_id: int) -> SyncRun:
    """Begins to read one kind of record. With a job queue a worker does it, else it is done in the answer."""
    person = the_person()
    return start_sync(the_house(), person.company_id, connection_id, body["kind"], cause=SyncCause.PERSON, by=person.by)


@area.route("GET", "/syncs/<id:run_id>", gives=schemas.SyncOut)
def show_sync(run_id: int) -> SyncRun:
    """How far one run is, or how it ended."""
    with reading() as session:
        return get_run(session, run_id)


@area.route("GET", "/connections/<id:connection_id>/schedules", gives=schemas.SchedulesOut)
def list_schedules(connection_id: int) -> Json:
    """Which syncs of a connection run by themselves, and when each is due next."""
    with reading() as session:
        return {"rows": schedules_of(session, connection_id)}


@area.route(
    "PUT",
    "/connections/<id:connection_id>/schedules/<kind>",
    takes=schemas.ScheduleIn,
    gives=schemas.ScheduleOut,
    roles=MAY_EXPORT,
)
def put_schedule(body: dict[str, Any], connection_id: int, kind: str) -> SyncSchedule:
    """Lets a sync run every so often, for the first time when that has passed."""
    return writing(
        lambda session, act: set_schedule(session, connection_id=connection_id, kind=kind, every=body["every"])
    )


@area.route(
    "DELETE",
    "/connections/<id:connection_id>/schedules/<kind>",
    gives=schemas.SchedulesOut,
    roles=MAY_EXPORT,
)
def remove_schedule(connection_id: int, kind: str) -> Json:
    """Lets a sync run by itself no more, and answers the schedules that are left."""

    def remove(session: CompanySession, act: object) -> Json:
        clear_schedule(session, connection_id=connection_id, kind=kind)
        return {"rows": schedules_of(session, connection_id)}

    return writing(remove)


@area.route("POST", "/hooks/run/<name>", gives=schemas.HookOut, roles=MAY_EXPORT, status=202)
def run(name: str) -> Begun:
    """For an outside scheduler: export-run, sync-accounts, -items, -contacts or -sales. No body is read."""
    person, house = the_person(), the_house()
    return run_hook(house, house.act(person.company_id, by=person.by), person.company_id, name)
