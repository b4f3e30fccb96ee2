"""Seeded storms: workers that overtake, die and lie to each other in random places, and calm at the end.

More of them: ``pytest tests/faults/test_interleavings.py --torture 2000``.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.plugin_api.types import Posting
from partsemble_core.plugin_testing.lying_books import Lie
from partsemble_core.services.crashing import watch_crashpoints
from partsemble_core.services.retrying import retry_export
from partsemble_core.store.connections import Connection, ConnectionState
from tests.faults.stage import Stage, a_stage, an_engine
from tests.servers.databases import copy_of
from tests.servers.postgres import PostgresServer

DOCUMENTS = 3
WORKERS = 3
LIES = [lie for lie in Lie if lie not in (Lie.SLOW, Lie.SLOW_ANSWER, Lie.WRONG_ID)]
"""Not the slow ones, which only take time, and no wrong id: that an answer is about our own journal is the plugin's
promise, for only it sees the lines."""
INSIDE = ("posting.before_attempt_commit", "posting.before_settle_commit")
"""Points inside a transaction: a worker may die there, but nobody can overtake it while it holds the lock."""


class Died(BaseException):
    """A worker is gone: nothing of ours catches this."""


def order_lies(stage: Stage, dice: random.Random) -> None:
    for _ in range(dice.randint(0, 4)):
        step = dice.choice(["", "create", "post", "look_up", "discard"])
        stage.books.tell(dice.choice(LIES), step=step, seconds=dice.choice([0, 0, 3600]), times=dice.randint(1, 2))


def calm_down(stage: Stage, exports: list[int]) -> None:
    """Everything that was on its way arrives, people reconnect and say go on, and the workers work."""
    stage.books.heal()
    reconnect(stage)
    for export_id in exports:
        for _ in range(3):
            if stage.export(export_id).state == ExportState.REVIEW:
                stage.shop.write(lambda session, i=export_id: retry_export(session, i))  # type: ignore[misc]
            if stage.settle(export_id) == ExportState.POSTED:
                break


def reconnect(stage: Stage) -> None:
    stage.shop.write(
        lambda session: session.execute(sa.update(Connection).values(state=ConnectionState.ACTIVE, paused_until=None))
    )


def assert_each_is_posted_once(stage: Stage, exports: list[int], seed: int) -> None:
    for export_id in exports:
        export = stage.export(export_id)
        posted = [journal.external_id for journal in stage.held(export_id, status="posted")]
        assert posted == [export.external_id], f"seed {seed}: {stage.attempts(export_id)}"
        assert export.state == ExportState.POSTED, f"seed {seed}"
    assert len(stage.books.journals(status="posted")) == len(exports)


@pytest.fixture
def any_engine(request: pytest.FixtureRequest, tmp_path: Path, seed: int) -> Iterator[sa.Engine]:
    """SQLite and PostgreSQL by turns."""
    with ExitStack() as stack:
        if seed % 2 == 0:
            url = copy_of(request.getfixturevalue("migrated_sqlite"), tmp_path / "storm.sqlite3")
        else:
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = stack.enter_context(server.new_database(template=request.getfixturevalue("migrated_postgres")))
        yield stack.enter_context(an_engine(url))


def test_threads_in_a_storm_post_each_document_once(any_engine: sa.Engine, tmp_path: Path, seed: int) -> None:
    """Leases run out under the workers' feet at any time."""
    stage = a_stage(any_engine, tmp_path, batch_size=10)
    dice = random.Random(seed)
    exports = [stage.queue() for _ in range(DOCUMENTS)]
    failures: list[BaseException] = []
    for _ in range(3):
        order_lies(stage, dice)
        reconnect(stage)
        run_together([worker(stage, exports, random.Random(dice.random()), failures) for _ in range(WORKERS)])
        stage.pass_time()
    assert failures == []
    calm_down(stage, exports)
    assert_each_is_posted_once(stage, exports, seed)


def worker(stage: Stage, exports: list[int], dice: random.Random, failures: list[BaseException]) -> Callable[[], None]:
    def work() -> None:
        try:
            for _ in range(3):
                if dice.random() < 0.5:
                    stage.pass_time()
                if dice.random() < 0.5:
                    stage.drain()
                else:
                    stage.post(dice.choice(exports))
        except Exception as error:  # noqa: BLE001 - shown by the test that waits for the thread
            failures.append(error)

    return work


def run_together(work: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=each) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    ("posting", "batch_size"), [(Posting.DRAFT_THEN_POST, 1), (Posting.DRAFT_THEN_POST, 10), (Posting.NATIVE_KEY, 1)]
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_overtaken_at_any_point_each_document_is_posted_once(
    engine: sa.Engine, tmp_path: Path, seed: int, posting: Posting, batch_size: int
) -> None:
    """One thread, so the same seed is the same story: at each point the worker may die, or sleep while others work."""
    stage = a_stage(engine, tmp_path, posting=posting, batch_size=batch_size)
    dice = random.Random(seed)
    exports = [stage.queue() for _ in range(DOCUMENTS)]
    storm = Storm(stage, exports, dice)
    stage.backend.watch = storm.reach
    with watch_crashpoints(storm.reach):
        for _ in range(8):
            order_lies(stage, dice)
            reconnect(stage)
            stage.pass_time()
            storm.work()
    stage.backend.watch = lambda point: None
    calm_down(stage, exports)
    assert_each_is_posted_once(stage, exports, seed)


class Storm:
    """Whatever happens at a point: mostly nothing, death, or a sleep through which others work, up to three deep."""

    def __init__(self, stage: Stage, exports: list[int], dice: random.Random) -> None:
        self._stage = stage
        self._exports = exports
        self._dice = dice
        self._depth = 0

    def work(self) -> None:
        try:
            if self._dice.random() < 0.5:
                self._stage.drain()
            else:
                self._stage.post(self._dice.choice(self._exports))
        except Died:
            return

    def reach(self, point: str) -> None:
        luck = self._dice.random()
        if luck < 0.04:
            raise Died
        if luck < 0.2 and self._depth < 3 and point not in INSIDE:
            self._depth += 1
            self._stage.pass_time()
            self.work()
            self._depth -= 1
