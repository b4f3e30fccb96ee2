"""Leases, two workers, and zombies: workers that wake up after another has taken over."""

from __future__ import annotations

import datetime as dt
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.plugin_testing.lying_books import Lie
from partsemble_core.services.refreshing import access_token
from partsemble_core.store.connections import ConnectionState
from tests.faults.stage import Stage, a_stage, assert_posted_once
from tests.faults.xero_stage import XeroStage, a_xero_stage

MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path) -> Stage:
    return a_stage(engine, tmp_path)


def test_who_comes_while_another_holds_the_lease_goes_away(stage: Stage) -> None:
    export_id = stage.queue()
    answers: list[ExportState | None] = []
    stage.backend.watch = lambda point: answers.append(stage.post(export_id))
    assert stage.post(export_id) == ExportState.POSTED
    assert answers == [None] * 4
    assert stage.attempts(export_id) == [("create", "ok"), ("post", "ok")]


def test_a_lease_that_ran_out_is_taken_over_after_the_rest(stage: Stage) -> None:
    export_id = stage.queue()
    died_creating(stage, export_id)
    assert stage.post(export_id) is None, "its lease lasts"
    stage.pass_time()
    assert stage.post(export_id) is None, "it rests first, for its request may still travel"
    assert stage.export(export_id).state == ExportState.UNKNOWN
    stage.pass_time()
    assert stage.post(export_id) == ExportState.POSTED
    assert stage.attempts(export_id) == [("create", None), ("look_up", "ok"), ("post", "ok")]
    assert_posted_once(stage, export_id)


class Died(BaseException):
    """What a worker says that dies: not even the plugin host holds it."""


def died_creating(stage: Stage, export_id: int) -> None:
    """A worker that dies after its draft arrived."""

    def die(point: str) -> None:
        if point == "books.after":
            raise Died

    stage.backend.watch = die
    with pytest.raises(Died):
        stage.post(export_id)
    stage.backend.watch = lambda point: None


def test_a_zombies_late_answer_changes_nothing_but_its_attempt(stage: Stage) -> None:
    export_id = stage.queue()
    rescued: list[str | None] = []

    def overtake(point: str) -> None:
        if point == "books.after" and not rescued:
            rescued.append(None)
            stage.books.tell(Lie.CLOSE_BEFORE, step="post")  # so that the other one ends in doubt, not at the goal
            for _ in range(2):
                stage.pass_time()
                stage.post(export_id)
            rescued[0] = stage.export(export_id).external_id

    stage.backend.watch = overtake
    assert stage.post(export_id) == ExportState.UNKNOWN
    export = stage.export(export_id)
    assert (export.state, export.external_id) == (ExportState.UNKNOWN, rescued[0])
    first = stage.attempt_rows(export_id)[0]
    assert (first.step, first.outcome, first.epoch) == ("create", "ok", 1)
    assert stage.settle(export_id) == ExportState.POSTED
    assert_posted_once(stage, export_id)


def test_a_zombies_draft_is_deleted_and_never_posted(stage: Stage) -> None:
    export_id = stage.queue()
    overtaken: list[str] = []

    def overtake(point: str) -> None:
        if point == "books.before" and not overtaken:
            overtaken.append(point)
            stage.settle(export_id)  # somebody else creates and posts while this one sleeps before its request

    stage.backend.watch = overtake
    stage.post(export_id)
    posted = stage.export(export_id).external_id
    assert [(j.external_id == posted, j.status) for j in stage.held(export_id)] == [
        (True, "posted"),
        (False, "deleted"),
    ]
    assert [call.external_id for call in stage.books.calls(step="post")] == [posted]
    assert_posted_once(stage, export_id)


def test_a_zombies_late_error_does_not_hold_up_the_others(stage: Stage) -> None:
    export_id = stage.queue()
    overtaken: list[str] = []

    def overtake(point: str) -> None:
        if point == "books.before" and not overtaken:
            overtaken.append(point)
            stage.settle(export_id)
            stage.books.tell(Lie.NOT_PERMITTED)

    stage.backend.watch = overtake
    stage.post(export_id)
    assert stage.attempts(export_id)[0] == ("create", "not_sent")
    assert stage.connection().state == ConnectionState.ACTIVE
    assert_posted_once(stage, export_id)


def test_two_workers_at_once_post_one_journal(stage: Stage) -> None:
    export_id = stage.queue()
    start = threading.Barrier(2)
    states: list[ExportState | None] = []

    def work() -> None:
        start.wait(10)
        states.append(stage.post(export_id))

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert sorted(map(str, states)) == ["None", "posted"]
    assert stage.attempts(export_id) == [("create", "ok"), ("post", "ok")]
    assert_posted_once(stage, export_id)


def test_a_worker_that_slept_through_half_its_lease_sends_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_id = stage.queue()
    clock = iter([0.0, 31.0])
    monkeypatch.setattr("partsemble_core.services.claiming.time.monotonic", lambda: next(clock))
    assert stage.post(export_id) == ExportState.PENDING
    monkeypatch.undo()
    assert stage.books.calls() == []
    assert stage.settle(export_id) == ExportState.POSTED


def test_eight_threads_refresh_a_token_once(engine: sa.Engine, tmp_path: Path) -> None:
    with a_xero_stage(engine, tmp_path) as xero:
        xero.connect()
        assert_eight_threads_refresh_once(xero)


def assert_eight_threads_refresh_once(stage: XeroStage) -> None:
    stage.advance(minutes=31)
    before = stage.token_requests()
    start = threading.Barrier(8)
    found: list[str] = []

    def ask() -> None:
        start.wait(10)
        found.append(access_token(stage.house, stage.grant().id).reveal())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 8
    assert len(set(found)) == 1
    assert stage.token_requests() == before + 1
