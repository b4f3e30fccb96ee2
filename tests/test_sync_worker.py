"""The queue of syncs with a real RQ on a real Valkey: jobs are bells, and exports come first."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa

from partsemble_core import config, wiring
from partsemble_core.services.answering import answer, answer_waiting
from partsemble_core.services.hearing import hear
from partsemble_core.services.scheduling import ring_syncs, set_schedule
from partsemble_core.services.syncing import start_sync
from partsemble_core.store.hearing import HeardEvent
from partsemble_core.store.syncs import SyncCause, SyncRun
from tests.faults.killing import PATHS
from tests.faults.stage import an_engine
from tests.servers.waiting import wait_until
from tests.services.shelf import Shelf, a_shelf
from tests.services.telling_books import GENUINE, TellingShelf, a_message, an_event

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
WORKER = """
import sys, time
from partsemble_core.worker import run_worker, worker_house
from tests.services.shelf import ShelfBackend
backend = ShelfBackend()
if sys.argv[1] == "hang":
    backend.before_page = lambda cursor: time.sleep(300)
worker_house().host.add(backend, "qbo_stub")
run_worker(burst=sys.argv[1] == "burst")
"""
TELLING_WORKER = """
from partsemble_core.worker import run_worker, worker_house
from tests.services.telling_books import TellingShelf
worker_house().host.add(TellingShelf(), "qbo_stub")
run_worker(burst=True)
"""


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    with an_engine(database_url) as opened:
        yield opened


@pytest.fixture
def shelf(engine: sa.Engine, tmp_path: Path, empty_valkey_url: str) -> Shelf:
    """Its bell is the real one."""
    made = a_shelf(engine, tmp_path)
    settings = dataclasses.replace(made.house.settings, redis_url=empty_valkey_url)
    house = dataclasses.replace(made.house, settings=settings, ring_sync=functools.partial(wiring.ring_sync, settings))
    return dataclasses.replace(made, house=house)


def worker(shelf: Shelf, how: str) -> subprocess.Popen[bytes]:
    environment = {**config.environment_of(shelf.house.settings), "PYTHONPATH": os.pathsep.join(map(str, PATHS))}
    return subprocess.Popen([sys.executable, "-c", WORKER, how], env=environment, start_new_session=True)


def work(shelf: Shelf) -> None:
    """A worker from start to end of the queue."""
    assert worker(shelf, "burst").wait(60) == 0


def begin(shelf: Shelf, kind: str = "items") -> SyncRun:
    return start_sync(shelf.house, shelf.company_id, shelf.connection_id, kind, cause=SyncCause.PERSON, by="ann")


def states(shelf: Shelf) -> list[str]:
    return [run.state for run in shelf.runs()]


def test_a_job_holds_two_ids_and_is_done_by_a_worker(shelf: Shelf) -> None:
    run = begin(shelf)
    assert run.state == "running"
    with redis.Redis.from_url(shelf.house.settings.redis_url) as client:
        [job] = wiring.open_sync_queue(client).jobs
        assert (job.func_name, job.args, job.kwargs) == (wiring.SYNC_JOB, [shelf.company_id, run.id], {})
        assert wiring.open_queue(client).jobs == []
    work(shelf)
    assert [(run.state, run.records) for run in shelf.runs()] == [("done", 5)]


def test_a_lost_or_doubled_job_is_done_once(shelf: Shelf) -> None:
    run = begin(shelf)
    with redis.Redis.from_url(shelf.house.settings.redis_url) as client:
        client.flushall()
        assert ring_syncs(shelf.house) == 1, "the sweep rings again"
        queue = wiring.open_sync_queue(client)
        queue.enqueue(wiring.SYNC_JOB, shelf.company_id, run.id)
        assert len(queue.job_ids) == 2
    work(shelf)
    assert [(run.state, run.added) for run in shelf.runs()] == [("done", 5)]
    assert ring_syncs(shelf.house) == 0


def test_what_is_due_by_schedule_reaches_a_worker(shelf: Shelf) -> None:
    for kind in ("items", "accounts"):
        shelf.shop.write(
            lambda session, k=kind: set_schedule(session, connection_id=shelf.connection_id, kind=k, every="1h")  # type: ignore[misc]
        )
    shelf.make_due()
    assert ring_syncs(shelf.house) == 2
    work(shelf)
    assert states(shelf) == ["done", "done"]


def test_a_worker_killed_in_the_middle_is_in_nobodys_way(shelf: Shelf) -> None:
    begin(shelf)
    process = worker(shelf, "hang")
    try:
        wait_until(lambda: shelf.runs()[0].lease_owner is not None, "it was taken up", seconds=60)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert ring_syncs(shelf.house) == 0, "it may still be alive, for all we know"
    assert states(shelf) == ["running"]
    shelf.pass_lease()
    ring_syncs(shelf.house)
    assert states(shelf) == ["failed"]
    assert shelf.runs()[0].message.startswith("Its worker died")
    begin(shelf)
    work(shelf)
    assert states(shelf) == ["failed", "done"]


def test_without_a_queue_server_it_is_done_at_once_and_the_log_says_so(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    settings = dataclasses.replace(shelf.house.settings, redis_url="redis://127.0.0.1:1/0")
    house = dataclasses.replace(shelf.house, ring_sync=functools.partial(wiring.ring_sync, settings))
    assert begin(dataclasses.replace(shelf, house=house)).state == "done"
    assert any("can't be reached" in record.getMessage() for record in caplog.records)


def test_what_the_books_tell_of_reaches_a_worker(engine: sa.Engine, tmp_path: Path, empty_valkey_url: str) -> None:
    """The message rings for the answer, and the answer for its sync; each job holds two ids."""
    made = a_shelf(engine, tmp_path, TellingShelf())
    settings = dataclasses.replace(made.house.settings, redis_url=empty_valkey_url)
    house = dataclasses.replace(
        made.house,
        settings=settings,
        ring_sync=functools.partial(wiring.ring_sync, settings),
        ring_heard=functools.partial(wiring.ring_heard, settings),
    )
    telling = dataclasses.replace(made, house=house)
    for number in range(3):
        hear(house, "qbo_stub", headers=GENUINE, body=a_message(an_event(resource_id=f"c-{number}")))
    with redis.Redis.from_url(empty_valkey_url) as client:
        [job] = wiring.open_sync_queue(client).jobs
        assert (job.func_name, job.args) == (wiring.HEARD_JOB, [made.company_id, made.connection_id])
    environment = {**config.environment_of(settings), "PYTHONPATH": os.pathsep.join(map(str, PATHS))}
    subprocess.run([sys.executable, "-c", TELLING_WORKER], env=environment, timeout=60, check=True)
    assert [(run.kind, run.state) for run in telling.runs()] == [("contacts", "done")]
    assert answer(house, made.company_id, made.connection_id) == []
    with house.reading(made.company_id) as session:
        assert set(session.scalars(sa.select(HeardEvent.state))) == {"answered"}


def test_a_queue_that_lost_everything_is_found_by_the_sweep(engine: sa.Engine, tmp_path: Path) -> None:
    made = a_shelf(engine, tmp_path, TellingShelf())
    settings = dataclasses.replace(made.house.settings, redis_url="redis://127.0.0.1:1/0")
    house = dataclasses.replace(made.house, ring_heard=functools.partial(wiring.ring_heard, settings))
    hear(house, "qbo_stub", headers=GENUINE, body=a_message(an_event()))
    assert made.runs() == []
    assert answer_waiting(made.house) == 1
    assert [run.state for run in made.runs()] == ["running"], "it waits to be taken up"
