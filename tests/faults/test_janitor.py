"""The janitor: drafts that came after their journal was posted are found and deleted, once, and in nobody's way."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.plugin_testing.lying_books import Lie
from partsemble_core.services.janitor import keeping_tidy, tidy_round
from partsemble_core.store.exports import Export, ExportAttempt
from tests.faults.stage import Stage, a_stage, assert_posted_once
from tests.servers.waiting import wait_until


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path) -> Stage:
    return a_stage(engine, tmp_path)


def with_a_late_draft(stage: Stage) -> int:
    """Posted, and then the first request arrives after all."""
    export_id = stage.queue()
    stage.books.tell(Lie.APPLY_LATE, step="create", seconds=3600)
    stage.post(export_id)
    assert stage.settle(export_id) == ExportState.POSTED
    stage.books.heal()
    assert [journal.status for journal in stage.held(export_id)] == ["posted", "draft"]
    return export_id


def make_old(stage: Stage) -> None:
    """An hour since the last attempt."""
    past = stage.house.clock() - dt.timedelta(hours=1)
    stage.shop.write(lambda session: session.execute(sa.update(ExportAttempt).values(sent_at=past)))


def test_a_draft_that_came_too_late_is_deleted_and_nothing_else(stage: Stage) -> None:
    export_id = with_a_late_draft(stage)
    straight = stage.queue()
    stage.post(straight)
    assert tidy_round(stage.house) == 0, "it may still be on its way"
    make_old(stage)
    assert tidy_round(stage.house) == 1
    assert [journal.status for journal in stage.held(export_id)] == ["posted", "deleted"]
    assert_posted_once(stage, export_id)
    assert stage.export(export_id).tidied_at is not None
    assert stage.export(straight).tidied_at is None, "nothing of it can lie there"


def test_it_searches_once(stage: Stage) -> None:
    with_a_late_draft(stage)
    make_old(stage)
    tidy_round(stage.house)
    calls = len(stage.books.calls())
    assert tidy_round(stage.house) == 0
    assert len(stage.books.calls()) == calls


@pytest.mark.parametrize("step", ["look_up", "discard"])
def test_what_fails_is_tried_again_in_the_next_round(stage: Stage, step: str) -> None:
    export_id = with_a_late_draft(stage)
    make_old(stage)
    stage.books.tell(Lie.BREAK, step=step)
    assert tidy_round(stage.house) == 0
    assert stage.export(export_id).tidied_at is None
    assert tidy_round(stage.house) == 1
    assert_posted_once(stage, export_id)


def test_a_cancelled_export_keeps_no_draft(stage: Stage) -> None:
    export_id = stage.queue()
    stage.books.tell(Lie.LOSE_ANSWER, step="create")
    stage.post(export_id)
    stage.update(export_id, state=ExportState.CANCELLED)
    make_old(stage)
    assert tidy_round(stage.house) == 1
    assert [journal.status for journal in stage.held(export_id)] == ["deleted"]


def test_what_is_still_under_way_is_left_alone(stage: Stage) -> None:
    export_id = stage.queue()
    stage.books.tell(Lie.LOSE_ANSWER, step="create")
    stage.post(export_id)
    make_old(stage)
    assert tidy_round(stage.house) == 0
    assert [journal.status for journal in stage.held(export_id)] == ["draft"]


def test_it_works_by_itself_as_long_as_the_schedule_does(stage: Stage) -> None:
    export_id = with_a_late_draft(stage)
    make_old(stage)
    with keeping_tidy(stage.house):
        wait_until(lambda: _is_tidied(stage, export_id), "the janitor has been there")
    assert_posted_once(stage, export_id)


def _is_tidied(stage: Stage, export_id: int) -> bool:
    return stage.shop.rows(sa.select(Export.tidied_at).where(Export.id == export_id))[0] is not None
