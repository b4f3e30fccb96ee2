"""The worker with a real RQ on a real Valkey: a job is only a bell, and may be lost, doubled, late or killed."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import signal
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa

from partsemble_core import config, schedule, wiring, worker
from partsemble_core.domain.exports import ExportState
from partsemble_core.plugin_testing.lying_books import Lie
from partsemble_core.schedule import run_schedule, sweep
from partsemble_core.services import draining
from partsemble_core.services.claiming import due_companies
from partsemble_core.services.house import House
from partsemble_core.store.exports import Export
from tests.faults.killing import PATHS
from tests.faults.stage import Stage, a_stage, an_engine, assert_posted_once, queue_receipt
from tests.faults.test_breaker import another_company
from tests.servers.waiting import wait_until

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
WORKER = """
import sys
from pathlib import Path
from partsemble_core.plugin_testing.lying import LyingBackend
from partsemble_core.plugin_testing.lying_books import LyingBooks
from partsemble_core.worker import run_worker, worker_house
worker_house().host.add(LyingBackend(LyingBooks(Path(sys.argv[1]))), "lying")
run_worker(burst=sys.argv[2] == "burst")
"""


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    with an_engine(database_url) as opened:
        yield opened


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path, empty_valkey_url: str) -> Stage:
    """A company whose bell is the real one; leases and rests last a second."""
    stage = a_stage(engine, tmp_path, lease_seconds=1)
    settings = dataclasses.replace(stage.house.settings, redis_url=empty_valkey_url, quarantine_seconds=1)
    house = dataclasses.replace(stage.house, settings=settings, ring=functools.partial(wiring.ring, settings))
    return dataclasses.replace(stage, house=house)


def worker_command(stage: Stage, folder: Path, how: str) -> dict[str, object]:
    environment = {**config.environment_of(stage.house.settings), "PYTHONPATH": os.pathsep.join(map(str, PATHS))}
    return {"args": [sys.executable, "-c", WORKER, str(folder / "books.sqlite3"), how], "env": environment}


def work(stage: Stage, folder: Path) -> None:
    """A worker process from start to end of the queue."""
    done = subprocess.run(**worker_command(stage, folder, "burst"), timeout=60, capture_output=True, text=True)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr


@contextlib.contextmanager
def a_worker(stage: Stage, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process with its work horse in a group of their own, killed in the end."""
    process: subprocess.Popen[bytes] = subprocess.Popen(
        **worker_command(stage, folder, "for ever"),
        start_new_session=True,  # type: ignore[call-overload]
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def valkey(stage: Stage) -> redis.Redis:
    return redis.Redis.from_url(stage.house.settings.redis_url)


def test_a_job_holds_an_id_as_json_and_is_done_by_a_worker(stage: Stage, tmp_path: Path) -> None:
    export_id = stage.queue()
    with valkey(stage) as client:
        queue = wiring.open_queue(client)
        [job] = queue.jobs
        assert (job.func_name, job.args, job.kwargs) == (wiring.JOB, [stage.company_id], {})
        body = zlib.decompress(client.hget(job.key, "data") or b"")
        assert json.loads(body) == [wiring.JOB, None, [stage.company_id], {}]
        work(stage, tmp_path)
        assert queue.jobs == []
        assert client.exists(job.key) == 0, "nothing is left behind"
    assert_posted_once(stage, export_id)


def test_an_export_whose_job_is_lost_is_found_by_the_sweep(stage: Stage, tmp_path: Path) -> None:
    export_id = stage.queue()
    with valkey(stage) as client:
        client.flushall()
    assert sweep(stage.house) == 1
    assert sweep(stage.house) == 1
    with valkey(stage) as client:
        assert len(wiring.open_queue(client).job_ids) == 1, "one waits already"
    work(stage, tmp_path)
    assert sweep(stage.house) == 0
    assert_posted_once(stage, export_id)


def test_a_doubled_job_posts_one_journal(stage: Stage, tmp_path: Path) -> None:
    export_id = stage.queue()
    with valkey(stage) as client:
        for _ in range(2):
            wiring.open_queue(client).enqueue(wiring.JOB, stage.company_id)
    work(stage, tmp_path)
    assert stage.attempts(export_id) == [("create", "ok"), ("post", "ok")]
    assert_posted_once(stage, export_id)


@pytest.mark.parametrize("step", ["create", "post"])
def test_a_worker_killed_in_the_middle_is_followed_by_another(stage: Stage, tmp_path: Path, step: str) -> None:
    export_id = stage.queue()
    stage.books.tell(Lie.SLOW_ANSWER, step=step, seconds=300)
    with a_worker(stage, tmp_path) as process:
        wait_until(lambda: len(stage.held(export_id, status=RESULT[step])) == 1, "the request arrived", seconds=60)
        os.killpg(process.pid, signal.SIGKILL)
    wait_until(lambda: sweep(stage.house) == 1, "its lease ran out")
    with a_worker(stage, tmp_path):
        wait_until(
            lambda: sweep(stage.house) >= 0 and stage.export(export_id).state == ExportState.POSTED,
            "another worker is rung for, looks it up and goes on",
            seconds=60,
        )
    assert (step, None) in stage.attempts(export_id), "the killed one never told"
    assert_posted_once(stage, export_id)


RESULT = {"create": "draft", "post": "posted"}


def test_an_export_whose_job_failed_is_rung_for_again(stage: Stage, tmp_path: Path) -> None:
    """RQ keeps a failed job for a day; the export must not wait that long."""
    export_id = stage.queue()
    stage.books.tell(Lie.SLOW_ANSWER, step="create", seconds=300)
    with valkey(stage) as client, a_worker(stage, tmp_path) as process:
        wait_until(lambda: stage.held(export_id) != [], "the request arrived", seconds=60)
        os.kill(work_horse_of(process.pid), signal.SIGKILL)
        failed = wiring.open_queue(client).failed_job_registry
        wait_until(lambda: len(failed.get_job_ids()) == 1, "RQ notices", seconds=60)
        wait_until(
            lambda: sweep(stage.house) >= 0 and stage.export(export_id).state == ExportState.POSTED,
            "the same worker is rung for again",
            seconds=60,
        )
    assert_posted_once(stage, export_id)


def test_a_company_waits_for_one_turn_and_a_turn_that_has_begun_for_another(stage: Stage, tmp_path: Path) -> None:
    """Bells that are rung while one turn waits are that turn's; one that has begun may have missed what came since."""
    for _ in range(3):
        stage.queue()
    with valkey(stage) as client:
        queue = wiring.open_queue(client)
        [waiting] = queue.job_ids
        queue.remove(waiting)  # a worker has taken it
        stage.queue()
        stage.queue()
        assert len(queue.job_ids) == 1
        assert queue.job_ids != [waiting]
        work(stage, tmp_path)
        assert queue.jobs == []


def test_a_long_backlog_stands_behind_others_after_its_turn(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn ends in time; what is left is at the queue's end, behind a company that was rung for meanwhile."""
    backlog = [stage.queue() for _ in range(3)]
    other = another_company(stage)
    monkeypatch.setattr(worker, "worker_house", lambda: stage.house)
    monkeypatch.setattr(worker, "drain", functools.partial(draining.drain, seconds=0))
    with valkey(stage) as client:
        queue = wiring.open_queue(client)
        queue.empty()
        stage.house.ring(stage.company_id, backlog[0])
        late = queue_receipt(stage.house, other)
        taken: list[tuple[int, str]] = []
        for _ in range(3):
            job_id = queue.pop_job_id()
            assert job_id is not None
            [company_id] = queue.fetch_job(job_id).args  # type: ignore[union-attr]
            taken.append((company_id, worker.drain_job(company_id)))
            monkeypatch.setattr(worker, "drain", draining.drain)
    mine = stage.company_id
    assert taken == [(mine, "its turn is over"), (other.company_id, "done"), (mine, "done")]
    assert stage.attempts(backlog[0])[0] == ("create", "ok"), "even the shortest turn gets something done"
    assert late in {row.id for row in other.rows(sa.select(Export)) if row.state == ExportState.POSTED}


def work_horse_of(pid: int) -> int:
    """The process that the worker forked for its job (Linux)."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def test_without_a_queue_server_people_go_on_and_the_log_says_so(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    settings = dataclasses.replace(stage.house.settings, redis_url="redis://127.0.0.1:1/0")
    house = dataclasses.replace(stage.house, settings=settings, ring=functools.partial(wiring.ring, settings))
    away = dataclasses.replace(stage, house=house)
    export_id = away.queue()
    assert away.export(export_id).state == ExportState.PENDING
    [said] = [record.getMessage() for record in caplog.records if record.name == "partsemble_core.wiring"]
    assert "can't be reached" in said
    assert f"export {export_id}" in said


def test_a_worker_without_a_queue_server_says_which_setting_is_missing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = dataclasses.replace(stage.house, settings=dataclasses.replace(stage.house.settings, redis_url=""))
    monkeypatch.setattr(worker, "worker_house", lambda: house)
    with pytest.raises(config.BadSetting, match="REDIS_URL"):
        worker.run_worker()


def test_the_schedule_sweeps_until_it_is_stopped_and_survives_a_database_that_is_away(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = dataclasses.replace(stage.house.settings, sweep_seconds=1)
    rung: list[int] = []
    house = dataclasses.replace(stage.house, settings=settings, ring=lambda company_id, rings: rung.append(rings))
    export_id = stage.queue()
    stopping, failed = threading.Event(), threading.Event()

    def fail_once(house: House) -> list[tuple[int, int]]:
        if not failed.is_set():
            failed.set()
            raise sa.exc.OperationalError("SELECT", {}, Exception("the database is away"))
        return due_companies(house)

    monkeypatch.setattr(schedule, "due_companies", fail_once)
    thread = threading.Thread(target=run_schedule, args=(house, stopping))
    thread.start()
    try:
        wait_until(lambda: rung == [export_id], "the bell rings")
    finally:
        stopping.set()
        thread.join(10)
    assert not thread.is_alive()
    assert any("could not use the database" in record.getMessage() for record in caplog.records)
