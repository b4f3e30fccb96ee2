"""Schedules: what is due is begun once, whoever looks, and what was missed is not made up for."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest
import sqlalchemy as sa

from partsemble_core.errors import Invalid, NotFound, WrongState
from partsemble_core.schedule import run_schedule
from partsemble_core.services.house import House
from partsemble_core.services.scheduling import (
    begin_due,
    clear_schedule,
    parse_every,
    ring_syncs,
    schedules_of,
    set_schedule,
)
from partsemble_core.services.syncing import work_on
from partsemble_core.store.session import CompanySession
from partsemble_core.store.syncs import SyncSchedule
from partsemble_core.wiring import utc_now
from tests.faults.stage import an_engine
from tests.servers.waiting import wait_until
from tests.services.shelf import Shelf, a_shelf

T = TypeVar("T")
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    with an_engine(database_url) as opened:
        yield opened


@pytest.fixture
def shelf(engine: sa.Engine, tmp_path: Path) -> Shelf:
    return a_shelf(engine, tmp_path)


def put(shelf: Shelf, kind: str = "items", every: object = 60) -> SyncSchedule:
    return shelf.shop.write(
        lambda session: set_schedule(session, connection_id=shelf.connection_id, kind=kind, every=every)
    )


@pytest.mark.parametrize(
    ("text", "minutes"), [("5", 5), (90, 90), ("90m", 90), (" 6h ", 360), ("1d", 1440), ("7d", 10_080)]
)
def test_a_time_is_written_in_minutes_hours_or_days(text: object, minutes: int) -> None:
    assert parse_every(text) == minutes


@pytest.mark.parametrize("text", ["4", "10081", "8d", "0", "-5", "1.5h", "hourly", "", None, True, "٥٠", 4])
def test_any_other_time_is_refused(shelf: Shelf, text: object) -> None:
    with pytest.raises(Invalid, match="every 5 minutes to every 7 days") as refused:
        put(shelf, every=text)
    assert refused.value.field == "every"
    assert shelf.schedules() == []


def test_a_schedule_is_set_replaced_and_cleared(shelf: Shelf) -> None:
    put(shelf, every="6h")
    put(shelf, "accounts", "1d")
    put(shelf, every=30)
    kept = [(s.kind, s.every_minutes) for s in shelf.schedules()]
    assert kept == [("accounts", 1440), ("items", 30)]
    assert abs(shelf.schedules()[1].next_at - utc_now() - 30 * MINUTE) < MINUTE
    shelf.shop.write(lambda session: clear_schedule(session, connection_id=shelf.connection_id, kind="items"))
    with shelf.shop.reading() as session:
        assert [s.kind for s in schedules_of(session, shelf.connection_id)] == ["accounts"]
    with pytest.raises(NotFound):
        shelf.shop.write(lambda session: clear_schedule(session, connection_id=shelf.connection_id, kind="items"))
    with pytest.raises(Invalid):
        put(shelf, "bills")
    with pytest.raises(NotFound):
        shelf.shop.write(lambda session: set_schedule(session, connection_id=99, kind="items", every=60))


def test_what_is_due_is_begun_and_its_time_moved_on(shelf: Shelf) -> None:
    put(shelf)
    assert begin_due(shelf.house) == [], "the first time comes when the hour has passed"
    shelf.make_due(ago=2 * MINUTE)
    [(company_id, run_id)] = begin_due(shelf.house)
    assert begin_due(shelf.house) == []
    assert abs(shelf.schedules()[0].next_at - utc_now() - 58 * MINUTE) < MINUTE, "it keeps its rhythm"
    run = work_on(shelf.house, company_id, run_id)
    assert (run.state, run.cause, run.started_by, run.records) == ("done", "schedule", "the schedule", 5)


def test_missed_times_are_not_made_up_for(shelf: Shelf) -> None:
    put(shelf)
    shelf.make_due(ago=dt.timedelta(days=3, minutes=10))
    assert len(begin_due(shelf.house)) == 1
    assert begin_due(shelf.house) == []
    assert abs(shelf.schedules()[0].next_at - utc_now() - 50 * MINUTE) < MINUTE


def test_two_schedulers_begin_it_once(shelf: Shelf) -> None:
    for kind in ("items", "accounts", "contacts"):
        put(shelf, kind)
    for _ in range(5):
        shelf.make_due()
        barrier = threading.Barrier(2)

        def look(number: int, barrier: threading.Barrier = barrier) -> list[tuple[int, int]]:
            barrier.wait(30)
            return begin_due(shelf.house)

        with ThreadPoolExecutor(2) as pool:
            begun = [run for each in pool.map(look, range(2)) for run in each]
        assert len(begun) == len(set(begun)) == 3
        for company_id, run_id in begun:
            work_on(shelf.house, company_id, run_id)
    assert len(shelf.runs()) == 15


def test_a_scheduler_that_comes_late_begins_nothing(shelf: Shelf) -> None:
    """Between its look and its deed another one does everything."""
    put(shelf)
    shelf.make_due()

    class LateHouse(House):
        def write(self, company_id: int, work: Callable[[CompanySession], T]) -> T:
            for begun in begin_due(shelf.house):
                work_on(shelf.house, *begun)
            return House.write(self, company_id, work)

    late = LateHouse(**{field.name: getattr(shelf.house, field.name) for field in dataclasses.fields(House)})
    assert begin_due(late) == []
    assert [run.state for run in shelf.runs()] == ["done"]


def test_one_that_still_runs_is_left_out_until_its_next_time(shelf: Shelf) -> None:
    put(shelf)
    shelf.make_due()
    assert len(begin_due(shelf.house)) == 1
    shelf.make_due()
    assert begin_due(shelf.house) == []
    assert shelf.schedules()[0].next_at > utc_now()
    assert len(shelf.runs()) == 1


@pytest.mark.parametrize("change", ["state = 'disconnected'", "state = 'reconnect_needed'", "paused_until = :later"])
def test_a_connection_that_waits_is_left_alone(shelf: Shelf, change: str) -> None:
    put(shelf)
    shelf.make_due()
    later = {"later": utc_now() + dt.timedelta(hours=1)} if ":" in change else {}
    statement = sa.text(f"UPDATE connections SET {change}").bindparams(**later)
    shelf.update(statement)  # type: ignore[arg-type]
    assert ring_syncs(shelf.house) == 0
    assert shelf.runs() == []
    assert shelf.schedules()[0].next_at < utc_now(), "it is begun when the connection is well again"


def test_a_disconnected_one_gets_no_schedule(shelf: Shelf) -> None:
    shelf.update(sa.text("UPDATE connections SET state = 'disconnected'"))  # type: ignore[arg-type]
    with pytest.raises(WrongState):
        put(shelf)


def test_the_schedule_process_rings_for_what_is_due(shelf: Shelf) -> None:
    put(shelf)
    shelf.make_due()
    rung: list[tuple[int, int]] = []
    settings = dataclasses.replace(shelf.house.settings, sweep_seconds=1)
    house = dataclasses.replace(
        shelf.house, settings=settings, ring_sync=lambda company_id, run_id: rung.append((company_id, run_id)) is None
    )
    stopping = threading.Event()
    thread = threading.Thread(target=run_schedule, args=(house, stopping))
    thread.start()
    try:
        wait_until(lambda: rung != [], "the bell rings")
    finally:
        stopping.set()
        thread.join(10)
    assert set(rung) == {(shelf.company_id, shelf.runs()[0].id)}
