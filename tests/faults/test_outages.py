"""What everything stands on goes away: the queue, the database, a worker that sleeps, a database of yesterday.

What counts is what the books hold in the end: each document posted once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from partsemble_core import wiring
from partsemble_core.domain.exports import ExportState
from partsemble_core.embedded_valkey import EmbeddedValkey, free_port
from partsemble_core.plugin_testing.lying_books import Lie
from partsemble_core.schedule import sweep
from partsemble_core.services.crashing import watch_crashpoints
from partsemble_core.services.doubting import doubt_after_restore
from partsemble_core.store.exports import Export
from tests.faults.stage import Stage, a_stage, an_engine, assert_posted_once
from tests.faults.test_killing_xero import assert_posted_once as assert_posted_once_in_xero
from tests.faults.xero_stage import ORGANISATION, XeroStage, a_xero_stage
from tests.servers.databases import migrated
from tests.servers.postgres import (
    PostgresServer,
    cluster_command,
    installed_binaries,
    launch,
    own_directory,
    server_command,
    stop,
    wheel_binaries,
)
from tests.servers.waiting import wait_until
from tests.test_worker import a_worker, valkey, work

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def with_queue(stage: Stage, url: str) -> Stage:
    """The same stage, its bell the real one on the queue at ``url``; leases and rests last a second."""
    settings = dataclasses.replace(stage.house.settings, redis_url=url, quarantine_seconds=1)
    house = dataclasses.replace(stage.house, settings=settings, ring=functools.partial(wiring.ring, settings))
    return dataclasses.replace(stage, house=house)


@on_sqlite
def test_a_queue_that_dies_and_comes_back_empty_loses_nothing(engine: sa.Engine, tmp_path: Path) -> None:
    """Killed with what it held, away while documents are confirmed, back on an empty disk."""
    port = free_port()
    with EmbeddedValkey(tmp_path / "valkey", port=port) as first:
        stage = with_queue(a_stage(engine, tmp_path, lease_seconds=1), first.url)
        exports = [stage.queue() for _ in range(2)]
        assert first.pid is not None
        os.kill(first.pid, signal.SIGKILL)
        wait_until(lambda: first.pid is None, "the queue is dead")
        exports.append(stage.queue())
        assert sweep(stage.house) == 1, "the bell can't be rung, and nobody minds"
    with EmbeddedValkey(tmp_path / "another", port=port):
        assert sweep(stage.house) == 1
        work(stage, tmp_path)
    for export_id in exports:
        assert_posted_once(stage, export_id)


def test_everything_in_the_queue_is_flushed_while_workers_work(
    engine: sa.Engine, tmp_path: Path, empty_valkey_url: str
) -> None:
    stage = with_queue(a_stage(engine, tmp_path, lease_seconds=1), empty_valkey_url)
    exports = [stage.queue() for _ in range(4)]
    stage.books.tell(Lie.SLOW_ANSWER, step="create", seconds=1, times=2)
    with valkey(stage) as client, a_worker(stage, tmp_path):
        wait_until(lambda: stage.books.calls() != [], "the worker works", seconds=60)
        client.flushall()
        wait_until(
            lambda: sweep(stage.house) == 0 and _all_posted(stage, exports), "all are posted all the same", seconds=60
        )
    for export_id in exports:
        assert_posted_once(stage, export_id)


def _all_posted(stage: Stage, exports: list[int]) -> bool:
    return all(stage.export(export_id).state == ExportState.POSTED for export_id in exports)


@pytest.mark.parametrize("step", ["create", "post"])
def test_a_worker_stopped_beyond_its_lease_and_woken_doubles_nothing(
    engine: sa.Engine, tmp_path: Path, empty_valkey_url: str, step: str
) -> None:
    stage = with_queue(a_stage(engine, tmp_path, lease_seconds=1), empty_valkey_url)
    export_id = stage.queue()
    stage.books.tell(Lie.SLOW_ANSWER, step=step, seconds=6)  # it must be stopped before it hears
    with a_worker(stage, tmp_path) as sleeper:
        wait_until(lambda: len(stage.books.calls(step=step)) == 1, "its request arrived", seconds=60)
        os.killpg(sleeper.pid, signal.SIGSTOP)
        wait_until(lambda: sweep(stage.house) == 1, "its lease ran out", seconds=30)
        for _ in range(20):
            if stage.export(export_id).state == ExportState.POSTED:
                break
            stage.pass_time()
            stage.post(export_id)  # as another worker does
        assert_posted_once(stage, export_id)
        os.killpg(sleeper.pid, signal.SIGCONT)
        wait_until(lambda: _has_ended(stage, export_id, step), "the sleeper's answer is noted", seconds=60)
    assert_posted_once(stage, export_id)


def _has_ended(stage: Stage, export_id: int, step: str) -> bool:
    return next(row.outcome for row in stage.attempt_rows(export_id) if row.step == step) is not None


class MortalPostgres:
    """A server of the test's own that may be killed. Commits are kept, as on a server with the usual settings."""

    def __init__(self, directory: Path, binaries: Path) -> None:
        self._directory = directory
        self._command = [*server_command(directory, binaries), "-c", "synchronous_commit=on"]
        self._process: subprocess.Popen[bytes] | None = None
        address = sa.URL.create(
            "postgresql+psycopg", username="postgres", database="postgres", query={"host": str(directory)}
        )
        self.server = PostgresServer(address)

    def start(self) -> None:
        """Until it answers; what is left of a killed one may be in the way for a moment."""
        wait_until(self._is_up, "PostgreSQL is up", seconds=60)

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None:
            stop(self._process)

    def _is_up(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            with (self._directory / "server.log").open("ab") as log:
                self._process = launch(self._command, self._directory, log)
        return self.server.is_ready()


@contextlib.contextmanager
def a_mortal_postgres() -> Iterator[MortalPostgres]:
    with own_directory() as directory:
        binaries = installed_binaries() or wheel_binaries(directory)
        with (directory / "server.log").open("ab") as log:
            assert launch(cluster_command(directory, binaries), directory, log).wait() == 0
        mortal = MortalPostgres(directory, binaries)
        try:
            mortal.start()
            yield mortal
        finally:
            mortal.stop()


KILLED_AT = ("posting.after_attempt", "posting.after_call", "posting.before_settle_commit", "posting.before_release")


def test_a_database_killed_in_the_middle_and_restarted_doubles_nothing(tmp_path: Path) -> None:
    """At each of these points once, in the worker's first call and in its second."""
    with a_mortal_postgres() as mortal:
        url = mortal.server.address.render_as_string(hide_password=False)
        with an_engine(migrated(url)) as engine:
            stage = a_stage(engine, tmp_path)
            for point in KILLED_AT:
                assert_survives_the_databases_death(stage, mortal, point)


def assert_survives_the_databases_death(stage: Stage, mortal: MortalPostgres, point: str) -> None:
    export_id = stage.queue()
    killed: list[str] = []

    def watch(name: str) -> None:
        if name == point and not killed:
            killed.append(name)
            mortal.kill()

    with watch_crashpoints(watch), pytest.raises((sa.exc.DBAPIError, psycopg.Error)):
        stage.post(export_id)
    mortal.start()
    assert killed == [point]
    if stage.export(export_id).state != ExportState.POSTED:
        assert stage.settle(export_id) == ExportState.POSTED
    assert_posted_once(stage, export_id)


@pytest.fixture
def xero(engine: sa.Engine, tmp_path: Path) -> Iterator[XeroStage]:
    with a_xero_stage(engine, tmp_path) as made:
        made.connect()
        yield made


def copy_of_now(engine: sa.Engine, path: Path) -> None:
    """By SQLite's own backup, as the how-to has it; on PostgreSQL another database beside it."""
    if engine.dialect.name == "postgresql":
        with nobody_in(engine) as (server, name):
            server.execute(f'CREATE DATABASE "{name}-older" TEMPLATE "{name}"')
        return
    with (
        contextlib.closing(sqlite3.connect(str(engine.url.database))) as live,
        contextlib.closing(sqlite3.connect(path)) as copy,
    ):
        live.backup(copy)


def restore(engine: sa.Engine, path: Path) -> None:
    """Puts the copy in the place of the database, with nobody connected."""
    if engine.dialect.name == "postgresql":
        with nobody_in(engine) as (server, name):
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
            server.execute(f'ALTER DATABASE "{name}-older" RENAME TO "{name}"')
        return
    engine.dispose()
    for suffix in ("-wal", "-shm"):
        Path(f"{engine.url.database}{suffix}").unlink(missing_ok=True)
    shutil.copyfile(path, str(engine.url.database))


@contextlib.contextmanager
def nobody_in(engine: sa.Engine) -> Iterator[tuple[Any, str]]:
    """A connection to the server, and the name of the database that nobody is connected to meanwhile."""
    engine.dispose()
    address = engine.url.set(drivername="postgresql", database="postgres")
    with psycopg.connect(address.render_as_string(hide_password=False), autocommit=True) as server:
        yield server, str(engine.url.database)


def test_a_restored_database_posts_nothing_that_is_in_the_books(
    xero: XeroStage, engine: sa.Engine, tmp_path: Path
) -> None:
    """The copy knows four exports that wait, one of them held; three of them were posted after it was made."""
    exports = [xero.queue() for _ in range(4)]
    held = exports[1]
    hold(xero, held)
    copy_of_now(engine, tmp_path / "copy.sqlite3")
    hold(xero, held, state=ExportState.PENDING)
    for export_id in exports[:3]:
        assert xero.post(export_id) == ExportState.POSTED
    restore(engine, tmp_path / "copy.sqlite3")
    assert [xero.export(export_id).state for export_id in exports] == ["pending", "held", "pending", "pending"]
    restored = doubt_after_restore(xero.house, xero.company_id)
    assert (restored.doubted, restored.found) == (4, 1)
    for export_id in exports:
        assert xero.post(export_id) == ExportState.POSTED
        assert_posted_once_in_xero(xero, export_id)
    assert xero.sandbox.balance(ORGANISATION, code="621") == "50.00"


@on_sqlite
def test_what_is_held_and_not_in_the_books_stays_held_after_a_restore(xero: XeroStage) -> None:
    export_id = xero.queue()
    hold(xero, export_id)
    restored = doubt_after_restore(xero.house, xero.company_id)
    assert (restored.doubted, restored.found) == (0, 0)
    assert xero.export(export_id).state == ExportState.HELD
    assert xero.journals() == []


def test_without_it_a_restored_database_posts_again(xero: XeroStage, engine: sa.Engine, tmp_path: Path) -> None:
    """The counter-example, and the reason for the command: nothing in an older copy tells what came after it."""
    export_id = xero.queue()
    copy_of_now(engine, tmp_path / "copy.sqlite3")
    xero.post(export_id)
    restore(engine, tmp_path / "copy.sqlite3")
    xero.post(export_id)
    assert [each["status"] for each in xero.journals()] == ["POSTED", "POSTED"]


def hold(xero: XeroStage, export_id: int, *, state: ExportState = ExportState.HELD) -> None:
    xero.shop.write(
        lambda session: session.execute(sa.update(Export).where(Export.id == export_id).values(state=state))
    )
