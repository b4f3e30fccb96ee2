"""Edges of batches: two calls of one round have two keys, and a sign-in that ends before the tidying stops nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.plugin_api.errors import RetryLater
from partsemble_core.plugin_testing.lying_books import Lie, Request
from partsemble_core.services import batching
from partsemble_core.services.crashing import watch_crashpoints
from partsemble_core.services.posting import token_of
from tests.faults.stage import Stage, a_stage, assert_posted_once

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path) -> Stage:
    return a_stage(engine, tmp_path, batch_size=10)


def in_doubt(stage: Stage, lie: Lie) -> int:
    """Its creation got no answer: with LOSE_ANSWER a draft is there, with CLOSE_BEFORE none is."""
    export_id = stage.queue()
    stage.books.tell(lie, step="create")
    assert stage.post(export_id) == ExportState.UNKNOWN
    return export_id


def test_what_is_created_and_what_is_posted_in_one_round_go_under_two_keys(stage: Stage) -> None:
    """Books that know a key answer what they answered before, which would be that of the other call."""
    there = [in_doubt(stage, Lie.LOSE_ANSWER) for _ in range(2)]
    not_there = [in_doubt(stage, Lie.CLOSE_BEFORE) for _ in range(2)]
    stage.pass_time()
    stage.drain()
    for export_id in (*there, *not_there):
        assert_posted_once(stage, export_id)
    posted = {row.key for each in there for row in stage.attempt_rows(each) if row.step == "post"}
    created = {stage.attempt_rows(each)[2].key for each in not_there}
    assert [stage.attempt_rows(each)[2].step for each in not_there] == ["create", "create"]
    assert (len(posted), len(created), posted & created) == (1, 1, set())


def test_a_sign_in_that_ends_before_lost_drafts_are_deleted_stops_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    exports = [in_doubt(stage, Lie.LOSE_ANSWER) for _ in range(2)]
    for export_id in exports:
        (draft,) = stage.held(export_id)
        stage.books.apply(
            Request(step="create", key=f"late {export_id}", token=draft.token, lines=draft.lines, external_id="")
        )

    def end_the_sign_in(point: str) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise RetryLater("Nobody is signed in.", after=60)

        monkeypatch.setattr(batching, "token_of", refuse if point == "batching.before_discard" else token_of)

    stage.pass_time()
    with watch_crashpoints(end_the_sign_in):
        stage.drain()
    for export_id in exports:
        assert stage.export(export_id).state == ExportState.POSTED
        assert stage.export(export_id).lease_owner is None
        assert len(stage.held(export_id, status="posted")) == 1
