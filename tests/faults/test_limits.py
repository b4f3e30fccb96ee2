"""A backlog against Xero's limits, counted on the sandbox's side: none is passed, and all is posted once.

The long run, with figures: ``python bench/backlog.py``.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.plugin_testing.lying_books import Lie
from partsemble_core.services import draining
from partsemble_core.services.claiming import due_of
from partsemble_core.services.deciding import post_held
from partsemble_core.services.doubting import doubt_after_restore
from partsemble_core.services.draining import drain
from partsemble_core.services.posting import post_export
from partsemble_core.services.syncing import run_sync
from partsemble_core.store.database import write_anywhere
from partsemble_core.store.exports import Export
from partsemble_core.store.rates import RateBucket
from partsemble_core.store.syncs import SyncCause, SyncState
from tests.faults.backlog import assert_all_posted_once, posted_here, result, run_dry
from tests.faults.killing import Killing, a_child
from tests.faults.stage import a_stage, an_engine
from tests.faults.xero_stage import XeroStage, a_xero_stage

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
JOURNALS = "POST /api.xro/2.0/ManualJournals*"


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path) -> Iterator[XeroStage]:
    with a_xero_stage(engine, tmp_path, limits=True) as made:
        made.connect()
        yield made


@pytest.fixture
def _one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a backend that takes no batches."""
    monkeypatch.setattr(draining, "can_batch", lambda house, backend: False)


def test_a_backlog_goes_out_in_few_calls(stage: XeroStage) -> None:
    for _ in range(110):
        stage.queue()
    counted = run_dry(stage)
    assert_all_posted_once(stage)
    assert (counted.posted, counted.calls, counted.refused, counted.seconds) == (110, 6, 0, 0)


@pytest.mark.usefixtures("_one_by_one")
def test_a_backlog_that_needs_more_than_a_minute_never_passes_the_limit(stage: XeroStage) -> None:
    for _ in range(40):
        stage.queue()
    counted = run_dry(stage)
    assert_all_posted_once(stage)
    assert (counted.posted, counted.calls, counted.refused) == (40, 80, 0)
    assert counted.in_a_minute <= 60, "how near it comes depends on the machine"


def test_two_processes_at_once_share_the_budget(stage: XeroStage, tmp_path: Path) -> None:
    """Each posts as fast as it can, one by one: together they stop where one would."""
    exports = [stage.queue() for _ in range(36)]
    with a_child() as one, a_child() as two:
        threads = [
            threading.Thread(target=post_each, args=(stage, child, exports[place::2], tmp_path / f"points-{place}"))
            for place, child in enumerate((one, two))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(300)
    counted = result(stage, seconds=0, after=0)
    assert counted.refused == 0
    assert counted.in_a_minute <= 60
    run_dry(stage)
    assert_all_posted_once(stage)


def post_each(stage: XeroStage, child: object, exports: list[int], points: Path) -> None:
    for export_id in exports:
        order = Killing(
            child=child,  # type: ignore[arg-type]
            settings=stage.house.settings,
            work="post",
            company_id=stage.company_id,
            subject_id=export_id,
            points=points,
        )
        order.run()


def test_what_is_put_off_is_no_try_and_waits_as_a_whole(stage: XeroStage) -> None:
    """A hold over there, found before anything is claimed."""
    stage.sandbox.add_fault(JOURNALS, kind="status", status=429)
    exports = [stage.queue() for _ in range(3)]
    stage.drain()
    assert [stage.export(export_id).state for export_id in exports] == [ExportState.PENDING] * 3
    assert [attempt for export_id in exports for attempt in outcomes(stage, export_id)] == ["not_sent"] * 3
    assert stage.connection().paused_until is not None
    assert stage.connection().troubles == 0
    stage.house.write(stage.company_id, forget_pause)
    assert [post_export(stage.house, stage.company_id, export_id) for export_id in exports] == [None] * 3
    assert [attempt for export_id in exports for attempt in outcomes(stage, export_id)] == ["not_sent"] * 3
    assert run_dry(stage).refused == 0
    assert_all_posted_once(stage)


def outcomes(stage: XeroStage, export_id: int) -> list[str | None]:
    return [row.outcome for row in stage.attempts(export_id)]


def forget_pause(session: sa.orm.Session) -> None:
    """As connecting anew does: the hold is kept elsewhere."""
    session.execute(sa.text("UPDATE connections SET paused_until = NULL"))


def test_the_limit_of_a_day_survives_a_restart_and_ends_with_the_day(
    engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tier of 30 calls a day: 27 are for writes. Ten documents one by one take 20, and connecting took some."""
    monkeypatch.setattr(draining, "can_batch", lambda house, backend: False)
    with a_xero_stage(engine, tmp_path, limits=True, daily_calls=30) as stage:
        stage.connect()
        for _ in range(14):
            stage.queue()
        stage.drain()
        posted, asked = posted_here(stage), len(stage.sandbox.requests())
        assert 5 <= posted < 14
        with an_engine(engine.url.render_as_string(hide_password=False)) as another:
            restarted = dataclasses.replace(stage.house, engine=another)
            assert due_of(restarted, stage.company_id)
            drain(restarted, stage.company_id)
        assert len(stage.sandbox.requests()) == asked, "nothing was asked"
        end_the_day(stage)
        stage.age()
        stage.drain()
        assert_all_posted_once(stage)


def end_the_day(stage: XeroStage) -> None:
    past = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    write_anywhere(stage.house.engine, lambda session: session.execute(sa.update(RateBucket).values(day_ends_at=past)))


def test_syncs_stop_before_look_ups_do(engine: sa.Engine, tmp_path: Path) -> None:
    with a_xero_stage(engine, tmp_path, limits=True, daily_calls=1_000) as stage:
        connection = stage.connect()
        export_id = stage.queue()
        stage.sandbox.add_fault(JOURNALS, kind="close-after")
        stage.drain()
        write_anywhere(stage.house.engine, lambda session: session.execute(sa.update(RateBucket).values(in_day=950)))
        run = run_sync(
            stage.house, stage.company_id, connection.id, "items", cause=SyncCause.COMMAND, by="ann@example.com"
        )
        assert run.state == SyncState.FAILED
        assert "limit of calls (day)" in run.message
        assert stage.connection().paused_until is None
        keep_the_day(stage)
        stage.drain()
        assert outcomes(stage, export_id) == ["unknown", "ok"], "it was looked up, and waits to be posted"
        assert stage.export(export_id).state == ExportState.CREATED


def test_a_look_after_a_restore_waits_for_the_limit_and_goes_on(engine: sa.Engine, tmp_path: Path) -> None:
    stage = a_stage(engine, tmp_path)
    held = [stage.queue() for _ in range(2)]
    for export_id in held:
        stage.update(export_id, state=ExportState.HELD)
    stage.books.tell(Lie.LIMIT, step="look_up", seconds=20)
    waited: list[float] = []
    restored = doubt_after_restore(stage.house, stage.company_id, wait=waited.append)
    assert (restored.found, waited) == (0, [20])


def test_what_a_person_posts_goes_before_the_backlog(engine: sa.Engine, tmp_path: Path) -> None:
    stage = a_stage(engine, tmp_path)
    backlog = [stage.queue() for _ in range(3)]
    stage.update(backlog[2], state=ExportState.HELD)
    stage.shop.write(lambda session: post_held(session, [backlog[2]]))
    assert [each.export_id for each in due_of(stage.house, stage.company_id)] == [backlog[2], *backlog[:2]]


def keep_the_day(stage: XeroStage) -> None:
    """Rests end, the day doesn't."""
    past = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    stage.shop.write(lambda session: session.execute(sa.update(Export).values(not_before=past)))
