"""Doubt: what is done after an answer was lost, late or wrong. What counts is what *their* books hold in the end."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.plugin_testing.lying_books import Lie, Request
from tests.faults.stage import Stage, a_stage, assert_posted_once

MINUTE = dt.timedelta(minutes=1)

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path) -> Stage:
    return a_stage(engine, tmp_path)


def test_the_draft_behind_a_lost_answer_is_found_and_adopted(stage: Stage) -> None:
    export_id = stage.queue()
    stage.books.tell(Lie.LOSE_ANSWER, step="create")
    assert stage.post(export_id) == ExportState.UNKNOWN
    assert stage.post(export_id) is None, "a request may still be on its way"
    stage.pass_time()
    assert stage.post(export_id) == ExportState.POSTED
    assert stage.attempts(export_id) == [("create", "unknown"), ("look_up", "ok"), ("post", "ok")]
    assert len(stage.held(export_id)) == 1
    assert_posted_once(stage, export_id)


def test_where_nothing_arrived_it_is_created_again_under_a_new_key(stage: Stage) -> None:
    export_id = stage.queue()
    stage.books.tell(Lie.CLOSE_BEFORE, step="create")
    stage.post(export_id)
    stage.pass_time()
    assert stage.post(export_id) == ExportState.POSTED
    keys = [call.key for call in stage.books.calls(step="create")]
    assert len(set(keys)) == len(keys) == 2
    assert_posted_once(stage, export_id)


def test_of_two_drafts_one_is_adopted_and_the_other_deleted(stage: Stage) -> None:
    export_id = stage.queue()
    stage.books.tell(Lie.LOSE_ANSWER, step="create")
    stage.post(export_id)
    [first] = stage.held(export_id)
    stage.books.apply(
        Request(step="create", key="twice", token=first.token, lines=first.lines, external_id="")
    )  # a proxy that delivered the request twice
    assert stage.settle(export_id) == ExportState.POSTED
    assert sorted(journal.status for journal in stage.held(export_id)) == ["deleted", "posted"]
    assert_posted_once(stage, export_id)


def test_a_posting_behind_a_lost_answer_is_found_posted(stage: Stage) -> None:
    export_id = stage.queue()
    stage.books.tell(Lie.LOSE_ANSWER, step="post")
    assert stage.post(export_id) == ExportState.UNKNOWN
    assert stage.export(export_id).doubt == "posting"
    stage.pass_time()
    assert stage.post(export_id) == ExportState.POSTED
    assert stage.attempts(export_id)[2:] == [("look_up", "ok")]
    assert_posted_once(stage, export_id)


def test_a_posting_that_never_arrived_is_posted_again_by_its_id(stage: Stage) -> None:
    export_id = stage.queue()
    stage.books.tell(Lie.CLOSE_BEFORE, step="post")
    stage.post(export_id)
    assert stage.settle(export_id) == ExportState.POSTED
    assert len({call.external_id for call in stage.books.calls(step="post")}) == 1
    assert len(stage.held(export_id)) == 1
    assert_posted_once(stage, export_id)


def test_a_late_draft_beside_ours_is_deleted_before_ours_is_posted(stage: Stage) -> None:
    export_id = stage.queue()
    stage.books.tell(Lie.APPLY_LATE, step="create", seconds=3600)
    stage.post(export_id)
    stage.books.tell(Lie.BUSY, step="post")
    stage.pass_time()
    assert stage.post(export_id) == ExportState.CREATED
    stage.books.heal()  # the first request arrives now, an hour late
    assert len(stage.held(export_id, status="draft")) == 2
    assert stage.settle(export_id) == ExportState.POSTED
    assert_posted_once(stage, export_id)


def test_a_draft_that_comes_after_the_posting_stays_outside_the_ledger(stage: Stage) -> None:
    export_id = stage.queue()
    stage.books.tell(Lie.APPLY_LATE, step="create", seconds=3600)
    stage.post(export_id)
    assert stage.settle(export_id) == ExportState.POSTED
    stage.books.heal()
    assert [journal.status for journal in stage.held(export_id)] == ["posted", "draft"]


@pytest.mark.parametrize("after", ["create", "post"])
def test_a_journal_voided_by_hand_goes_to_a_person(stage: Stage, after: str) -> None:
    export_id = stage.queue()
    stage.books.tell(Lie.LOSE_ANSWER, step=after)
    stage.post(export_id)
    [held] = stage.held(export_id)
    stage.books.set_status(held.external_id, "voided")
    assert stage.settle(export_id) == ExportState.REVIEW
    assert "voided" in stage.export(export_id).problem
    assert [journal.status for journal in stage.held(export_id)] == ["voided"]


def test_a_stored_draft_deleted_by_hand_goes_to_a_person(stage: Stage) -> None:
    export_id = stage.queue()
    stage.books.tell(Lie.BUSY, step="post")
    stage.post(export_id)
    [held] = stage.held(export_id)
    stage.books.set_status(held.external_id, "deleted")
    assert stage.settle(export_id) == ExportState.REVIEW
    assert held.external_id in stage.export(export_id).problem


def test_a_look_up_that_fails_is_tried_again_and_sends_nothing(stage: Stage) -> None:
    export_id = stage.queue()
    stage.books.tell(Lie.CLOSE_BEFORE, step="create")
    stage.post(export_id)
    stage.books.tell(Lie.BREAK, step="look_up")
    stage.pass_time()
    assert stage.post(export_id) == ExportState.UNKNOWN
    assert stage.held(export_id) == []
    assert stage.settle(export_id) == ExportState.POSTED
    assert_posted_once(stage, export_id)


def test_an_answer_that_names_another_documents_journal_is_doubt(stage: Stage) -> None:
    other = stage.queue()
    stage.post(other)
    export_id = stage.queue()
    stage.books.tell(Lie.WRONG_ID, step="create")
    assert stage.post(export_id) == ExportState.UNKNOWN
    assert stage.attempts(export_id) == [("create", "unknown")]
    assert stage.settle(export_id) == ExportState.POSTED
    assert_posted_once(stage, export_id)
    assert_posted_once(stage, other)


def test_an_answer_that_names_another_journal_as_posted_is_doubt(stage: Stage) -> None:
    export_id = stage.queue()
    stage.books.tell(Lie.WRONG_ID, step="post")
    assert stage.post(export_id) == ExportState.UNKNOWN
    assert stage.settle(export_id) == ExportState.POSTED
    assert_posted_once(stage, export_id)
