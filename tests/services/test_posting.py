"""Posting through books that lie: the straight path, and where each error leads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.plugin_testing.lying_books import Lie
from partsemble_core.services.claiming import due_exports
from partsemble_core.services.settling import NO_CLEAR_ANSWER
from partsemble_core.store.connections import Connection, ConnectionState
from partsemble_core.store.exports import ExportAttempt
from tests.faults.stage import Stage, a_stage, an_engine, assert_posted_once

MINUTE = dt.timedelta(minutes=1)

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    with an_engine(database_url) as opened:
        yield opened


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path) -> Stage:
    return a_stage(engine, tmp_path)


def test_a_document_is_posted_in_two_attempts(stage: Stage) -> None:
    export_id = stage.queue()
    assert stage.rung == [(stage.company_id, export_id)]
    assert stage.post(export_id) == ExportState.POSTED
    assert stage.attempts(export_id) == [("create", "ok"), ("post", "ok")]
    assert stage.export(export_id).lease_until is None
    assert_posted_once(stage, export_id)


def test_a_posted_export_is_never_touched_again(stage: Stage) -> None:
    export_id = stage.queue()
    stage.post(export_id)
    stage.pass_time()
    assert stage.post(export_id) is None
    assert due_exports(stage.house) == []
    assert len(stage.books.calls()) == 2


def test_the_two_attempts_have_different_keys_and_name_what_came_back(stage: Stage) -> None:
    export_id = stage.queue()
    stage.post(export_id)
    create, post = stage.attempt_rows(export_id)
    assert create.key != post.key
    assert create.external_id == post.external_id == stage.export(export_id).external_id
    assert create.ended_at is not None
    assert create.ended_at >= create.sent_at


def test_no_transaction_is_open_while_the_backend_is_asked(stage: Stage) -> None:
    held: list[int] = []
    borrowed: list[object] = []
    sa.event.listen(stage.house.engine, "checkout", lambda raw, record, proxy: borrowed.append(record))
    sa.event.listen(stage.house.engine, "checkin", lambda raw, record: borrowed.remove(record))
    stage.backend.watch = lambda point: held.append(len(borrowed))
    export_id = stage.queue()
    stage.books.tell(Lie.LOSE_ANSWER, step="create")
    stage.settle(export_id)
    assert len(held) >= 5, "create, look up, tidy, post"
    assert set(held) == {0}


@pytest.mark.parametrize("step", ["create", "post"])
@pytest.mark.parametrize(
    ("lie", "state", "outcome"),
    [
        (Lie.REFUSE, ExportState.REVIEW, "refused"),
        (Lie.PERIOD_CLOSED, ExportState.REVIEW, "refused"),
        (Lie.BUSY, None, "not_sent"),
        (Lie.LIMIT, None, "not_sent"),
        (Lie.NOT_PERMITTED, None, "not_sent"),
        (Lie.CLOSE_BEFORE, ExportState.UNKNOWN, "unknown"),
        (Lie.LOSE_ANSWER, ExportState.UNKNOWN, "unknown"),
        (Lie.APPLY_LATE, ExportState.UNKNOWN, "unknown"),
        (Lie.BREAK, ExportState.UNKNOWN, "unknown"),
    ],
)
def test_each_error_leads_where_its_class_says(
    stage: Stage, lie: Lie, state: ExportState | None, outcome: str, step: str
) -> None:
    export_id = stage.queue()
    stage.books.tell(lie, step=step)
    before = ExportState.PENDING if step == "create" else ExportState.CREATED
    assert stage.post(export_id) == (state or before)
    export = stage.export(export_id)
    assert export.state == (state or before)
    assert stage.attempts(export_id)[-1] == (step, outcome)
    assert (export.problem == NO_CLEAR_ANSWER) == (state == ExportState.UNKNOWN), "people read a sentence of ours"
    with stage.house.reading(stage.company_id) as session:
        said = session.scalars(sa.select(ExportAttempt.message).order_by(ExportAttempt.id.desc())).first()
    assert said not in ("", NO_CLEAR_ANSWER), "what the plugin said stays with the attempt"
    assert export.problem
    assert export.lease_until is None, "the next worker needn't wait for a lease"
    assert stage.held(export_id, status="posted") == (
        [] if (lie, step) != (Lie.LOSE_ANSWER, "post") else stage.held(export_id)
    )


def test_a_refusal_waits_for_a_person_and_is_not_tried_again(stage: Stage) -> None:
    export_id = stage.queue()
    stage.books.tell(Lie.REFUSE)
    stage.post(export_id)
    stage.pass_time()
    assert stage.post(export_id) is None
    assert stage.export(export_id).problem == "An account is archived."


def test_a_limit_pauses_the_whole_organisation_for_as_long_as_it_says(stage: Stage) -> None:
    first, second = stage.queue(), stage.queue()
    stage.books.tell(Lie.LIMIT, seconds=600)
    stage.post(first)
    paused_until = stage.connection().paused_until
    assert paused_until == stage.export(first).not_before
    assert 9 * MINUTE < stage.is_waiting(first) <= 10 * MINUTE
    assert stage.post(second) is None, "nothing else is sent either"
    assert due_exports(stage.house) == []
    stage.pass_time()
    assert sorted(due_exports(stage.house)) == [(stage.company_id, first), (stage.company_id, second)]
    assert stage.settle(first) == stage.settle(second) == ExportState.POSTED


def test_a_busy_backend_is_tried_again_and_others_go_on(stage: Stage) -> None:
    first, second = stage.queue(), stage.queue()
    stage.books.tell(Lie.BUSY, seconds=300)
    stage.post(first)
    assert 4 * MINUTE < stage.is_waiting(first) <= 5 * MINUTE
    assert stage.connection().paused_until is None
    assert stage.post(second) == ExportState.POSTED
    assert stage.settle(first) == ExportState.POSTED


def test_a_lost_permission_makes_the_connection_wait_for_its_owner(stage: Stage) -> None:
    first, second = stage.queue(), stage.queue()
    stage.books.tell(Lie.NOT_PERMITTED)
    stage.post(first)
    assert stage.connection().state == ConnectionState.RECONNECT_NEEDED
    assert stage.connection().problem == "The organisation was disconnected."
    stage.pass_time()
    assert stage.post(first) is None
    assert stage.post(second) is None
    assert due_exports(stage.house) == []
    reconnect(stage)
    assert stage.settle(first) == stage.settle(second) == ExportState.POSTED


def reconnect(stage: Stage) -> None:
    stage.shop.write(
        lambda session: session.execute(sa.update(Connection).values(state=ConnectionState.ACTIVE, paused_until=None))
    )


def test_a_refused_token_is_asked_for_once_more_and_then_the_owner(stage: Stage) -> None:
    export_id = stage.queue()
    stage.books.tell(Lie.SIGNED_OUT)
    assert stage.post(export_id) == ExportState.POSTED
    assert [call.lie for call in stage.books.calls()] == ["signed_out", "", ""]
    other = stage.queue()
    stage.books.tell(Lie.SIGNED_OUT, times=2)
    assert stage.post(other) == ExportState.PENDING
    assert stage.connection().state == ConnectionState.RECONNECT_NEEDED


def test_the_rest_after_doubt_doubles_with_each_doubt(stage: Stage) -> None:
    export_id = stage.queue()
    stage.books.tell(Lie.CLOSE_BEFORE, step="create", times=3)
    rests = []
    for _ in range(3):
        stage.post(export_id)
        rests.append(stage.is_waiting(export_id))
        stage.pass_time()
    seconds = dt.timedelta(seconds=1)
    assert [round(rest / seconds / 30) for rest in rests] == [1, 2, 4]
    assert stage.settle(export_id) == ExportState.POSTED


def test_a_reversal_waits_until_its_original_is_posted(stage: Stage) -> None:
    original, reversal = stage.queue(), stage.queue()
    stage.update(reversal, after_export_id=original)
    assert stage.post(reversal) is None
    assert due_exports(stage.house) == [(stage.company_id, original)]
    stage.post(original)
    assert due_exports(stage.house) == [(stage.company_id, reversal)]
    assert stage.post(reversal) == ExportState.POSTED


def test_what_waits_does_not_fill_the_list_of_what_is_due(stage: Stage) -> None:
    poison = stage.queue()
    waiting = [stage.queue() for _ in range(3)]
    good = stage.queue()
    stage.update(poison, state=ExportState.REVIEW)
    for export_id in waiting:
        stage.update(export_id, after_export_id=poison, priority=1)
    assert due_exports(stage.house, limit=2) == [(stage.company_id, good)]


@pytest.mark.parametrize("state", [ExportState.SKIPPED, ExportState.CANCELLED, ExportState.REVIEW])
def test_what_needs_no_worker_is_never_sent(stage: Stage, state: ExportState) -> None:
    export_id = stage.queue()
    stage.update(export_id, state=state)
    assert stage.post(export_id) is None
    assert due_exports(stage.house) == []
    assert stage.books.calls() == []


def test_one_poisoned_export_does_not_hold_up_the_others(stage: Stage) -> None:
    poison, *others = (stage.queue() for _ in range(4))
    stage.books.tell(Lie.BREAK, token=stage.export(poison).token, times=1000)
    for _ in range(3):
        stage.pass_time()
        for company_id, export_id in due_exports(stage.house):
            assert company_id == stage.company_id
            stage.post(export_id)
    assert [stage.export(export_id).state for export_id in others] == [ExportState.POSTED] * 3
    assert stage.export(poison).state == ExportState.UNKNOWN


def test_a_posting_changed_in_the_database_is_never_sent(stage: Stage) -> None:
    export_id = stage.queue()
    unfreeze(stage)
    stage.update(export_id, body=stage.export(export_id).body.replace(b"12.5", b"99.5"))
    assert stage.post(export_id) == ExportState.REVIEW
    assert "changed" in stage.export(export_id).problem
    assert stage.books.calls() == []


def unfreeze(stage: Stage) -> None:
    """What somebody does who changes frozen bytes by hand."""
    with stage.house.engine.begin() as connection:
        triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'exports'"
        for name in connection.exec_driver_sql(triggers).scalars().all():
            connection.exec_driver_sql(f"DROP TRIGGER {name}")


def test_an_export_whose_plugin_is_gone_waits_and_starves_nobody(stage: Stage) -> None:
    lost, good = stage.queue(), stage.queue()
    stage.update(lost, backend="uninstalled", priority=1)
    assert due_exports(stage.house, limit=1) == [(stage.company_id, good)]
    assert stage.post(lost) is None
    assert stage.export(lost).state == ExportState.PENDING
