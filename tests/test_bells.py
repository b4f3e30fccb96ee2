"""Bells on a real Valkey, rung by many while workers take jobs up: nobody's request fails, and no job is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import redis
from redis import Redis
from rq import Queue, SimpleWorker
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.timeouts import TimerDeathPenalty

from partsemble_core import config, wiring

Bell = Callable[[], bool | None]
HARMLESS = "builtins.slice"
RINGERS, ROUNDS = 4, 40


class QuietWorker(SimpleWorker):
    """In a thread, where no signals can be handled."""

    death_penalty_class = TimerDeathPenalty

    def _install_signal_handlers(self) -> None:
        pass


@pytest.fixture
def settings(tmp_path: Path, empty_valkey_url: str) -> config.Settings:
    return config.load({"REDIS_URL": empty_valkey_url}, data_dir=tmp_path)


@pytest.fixture
def client(empty_valkey_url: str) -> Iterator[Redis]:
    with redis.Redis.from_url(empty_valkey_url) as opened:
        yield opened


@pytest.fixture(params=["export", "sync", "heard"])
def bell(request: pytest.FixtureRequest, settings: config.Settings, monkeypatch: pytest.MonkeyPatch) -> Bell:
    """Rings for company 1 and row 2; what is done then is harmless."""
    for name in ("JOB", "SYNC_JOB", "HEARD_JOB"):
        monkeypatch.setattr(wiring, name, HARMLESS)
    rings = {"export": wiring.ring, "sync": wiring.ring_sync, "heard": wiring.ring_heard}
    return partial(rings[request.param], settings, 1, 2)


@pytest.fixture
def queue(request: pytest.FixtureRequest, client: Redis, bell: Bell) -> Queue:
    is_export = "export" in request.node.callspec.params.values()
    return wiring.open_queue(client) if is_export else wiring.open_sync_queue(client)


def taken_up(queue: Queue) -> Job:
    """The waiting job, as it is while a worker begins it: out of the queue, its execution's row not yet there."""
    [job] = queue.jobs
    queue.connection.lpop(queue.key)
    queue.connection.zadd(job.execution_registry.key, {"begun": 2**40})
    return job


def test_one_waits_however_often_it_is_rung(bell: Bell, queue: Queue) -> None:
    for _ in range(3):
        assert bell() in (True, None)
    assert len(queue.job_ids) == 1


def test_a_job_that_is_being_taken_up_is_left_alone_and_another_is_rung_for(bell: Bell, queue: Queue) -> None:
    """What came since may be missed by the first; and RQ itself stumbles over one that is half begun."""
    bell()
    begun = taken_up(queue)
    assert bell() in (True, None)
    assert queue.connection.exists(begun.key), "its worker is about to read it"
    [waiting] = queue.jobs
    assert (waiting.id != begun.id, waiting.args) == (True, begun.args)


def test_nobody_who_rings_is_refused_while_workers_take_jobs_up(bell: Bell, queue: Queue, client: Redis) -> None:
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            QuietWorker([queue], connection=client, serializer=JSONSerializer).work(burst=True, logging_level="ERROR")

    worker = threading.Thread(target=work)
    worker.start()
    try:
        with ThreadPoolExecutor(RINGERS) as ringers:
            rung = list(ringers.map(lambda _: bell(), range(RINGERS * ROUNDS)))
    finally:
        over.set()
        worker.join()
    assert set(rung) <= {True, None}
    QuietWorker([queue], connection=client, serializer=JSONSerializer).work(burst=True, logging_level="ERROR")
    assert (queue.job_ids, queue.failed_job_registry.count) == ([], 0)


@pytest.mark.parametrize("trouble", [ValueError, NoSuchJobError, InvalidJobOperation, redis.ConnectionError])
def test_a_bell_that_cant_be_rung_fails_nothing_and_is_noted(
    bell: Bell,
    trouble: type[Exception],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def stumble(*_: object, **__: object) -> None:
        raise trouble("Execution of somebody else")

    monkeypatch.setattr(Queue, "enqueue", stumble)
    assert bell() in (False, None)
    assert trouble.__name__ in caplog.text
