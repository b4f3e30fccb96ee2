"""Servers that go away under real workers, and come back: the books hold each document once, soon after."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.embedded_valkey import EmbeddedValkey, free_port
from partsemble_core.plugin_testing.lying_books import Lie
from partsemble_core.schedule import sweep
from partsemble_core.services.crashing import watch_crashpoints
from tests.faults.stage import Stage, a_stage, an_engine, assert_posted_once
from tests.faults.test_outages import a_mortal_postgres, with_queue
from tests.servers.databases import migrated
from tests.servers.waiting import wait_until
from tests.test_worker import a_worker, valkey, work

SOON = 20
"""Seconds within which work goes on after an outage."""


def sweep_until_posted(stage: Stage, exports: list[int], *, seconds: float = SOON) -> None:
    wait_until(lambda: sweep(stage.house) >= 0 and all_posted(stage, exports), "all are posted", seconds=seconds)
    for export_id in exports:
        assert_posted_once(stage, export_id)


def all_posted(stage: Stage, exports: list[int]) -> bool:
    return all(stage.export(export_id).state == ExportState.POSTED for export_id in exports)


def test_a_running_worker_goes_on_when_a_killed_queue_is_back(engine: sa.Engine, tmp_path: Path) -> None:
    """C9. What it held is lost, and the worker was in the middle of something."""
    port = free_port()
    with EmbeddedValkey(tmp_path / "valkey", port=port) as first:
        stage = with_queue(a_stage(engine, tmp_path, lease_seconds=1), first.url)
        exports = [stage.queue() for _ in range(3)]
        stage.books.tell(Lie.SLOW_ANSWER, step="create", seconds=1, times=2)
        with a_worker(stage, tmp_path):
            wait_until(lambda: stage.books.calls() != [], "the worker works", seconds=60)
            assert first.pid is not None
            os.kill(first.pid, signal.SIGKILL)
            wait_until(lambda: first.pid is None, "the queue is dead")
            exports.append(stage.queue())
            with EmbeddedValkey(tmp_path / "another", port=port):
                sweep_until_posted(stage, exports)


def test_a_full_queue_stops_nobody_and_nothing_is_lost(
    engine: sa.Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It takes nothing more (noeviction): people go on, and the sweep rings once there is room."""
    with EmbeddedValkey(tmp_path / "valkey") as server:
        stage = with_queue(a_stage(engine, tmp_path, lease_seconds=1), server.url)
        with valkey(stage) as client:
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("maxmemory", "1")
            with pytest.raises(redis.exceptions.OutOfMemoryError):
                client.set("x", "y")
            exports = [stage.queue() for _ in range(3)]
            assert sweep(stage.house) == 1, "one bell for the company"
            assert "OutOfMemoryError" in caplog.text
            client.config_set("maxmemory", "0")
        assert sweep(stage.house) == 1
        work(stage, tmp_path)
    for export_id in exports:
        assert_posted_once(stage, export_id)


@pytest.fixture
def on_postgres(postgres_url: str, tmp_path: Path) -> Iterator[Stage]:
    with an_engine(migrated(postgres_url)) as engine:
        yield a_stage(engine, tmp_path)


POINTS = ("posting.after_attempt", "posting.after_call", "posting.before_settle_commit", "posting.before_release")


@pytest.mark.parametrize("point", POINTS)
def test_a_database_that_ends_all_connections_doubles_nothing(on_postgres: Stage, point: str) -> None:
    """As at a fail-over: who was connected gets an error, and the next call connects anew."""
    stage, cut = on_postgres, []
    export_id = stage.queue()

    def watch(name: str) -> None:
        if name == point and not cut:
            cut.append(terminate_all(stage))

    with watch_crashpoints(watch):
        try:
            stage.post(export_id)
        except (sa.exc.DBAPIError, psycopg.Error):
            cut.append(0)
    assert cut[0] >= 1
    if stage.export(export_id).state != ExportState.POSTED:
        assert stage.settle(export_id) == ExportState.POSTED
    assert_posted_once(stage, export_id)


def terminate_all(stage: Stage) -> int:
    """How many connections were ended: all of the database but the one that says so."""
    address = stage.house.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
    return len(ended)


def test_a_worker_outlives_the_death_of_its_database(tmp_path: Path, empty_valkey_url: str) -> None:
    """Killed with -9 while the worker waits for an answer, and up again: the same worker goes on."""
    with a_mortal_postgres() as mortal:
        url = mortal.server.address.render_as_string(hide_password=False)
        with an_engine(migrated(url)) as engine:
            stage = with_queue(a_stage(engine, tmp_path, lease_seconds=1), empty_valkey_url)
            exports = [stage.queue() for _ in range(2)]
            stage.books.tell(Lie.SLOW_ANSWER, step="create", seconds=2)
            with a_worker(stage, tmp_path):
                wait_until(lambda: stage.books.calls(step="create") != [], "its request arrived", seconds=60)
                mortal.kill()
                mortal.start()
                sweep_until_posted(stage, exports)
