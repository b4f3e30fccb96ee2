"""Books that are ill: tries end, breaks begin and end, one company's trouble or backlog is never another's."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import BREAKER_AT, MOST_UNKNOWNS, ExportState
from partsemble_core.plugin_testing.lying_books import Lie
from partsemble_core.services.claiming import due_exports
from partsemble_core.services.posting import post_export
from partsemble_core.services.retrying import retry_export
from partsemble_core.store.connections import Connection, ConnectionState
from partsemble_core.store.events import EventDelivery, EventEndpoint, EventKind
from tests.faults.stage import Stage, a_stage, assert_posted_once, connect_lying, queue_receipt
from tests.services.makers import Shop, a_shop

MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path) -> Stage:
    return a_stage(engine, tmp_path)


def break_it(stage: Stage, *, times: int = BREAKER_AT) -> list[int]:
    """That many exports get no answer, one after the other."""
    exports = [stage.queue() for _ in range(times)]
    stage.books.tell(Lie.CLOSE_BEFORE, step="create", times=times)
    for export_id in exports:
        stage.post(export_id)
    return exports


def test_the_fifth_call_without_an_answer_in_a_row_stops_the_connection(stage: Stage) -> None:
    exports = break_it(stage, times=BREAKER_AT - 1)
    assert (stage.connection().troubles, stage.connection().paused_until) == (BREAKER_AT - 1, None)
    exports += break_it(stage, times=1)
    connection = stage.connection()
    assert connection.troubles == BREAKER_AT
    assert connection.paused_until is not None
    assert "Nothing is lost" in connection.problem
    waiting = stage.queue()
    assert stage.post(waiting) is None
    assert stage.export(waiting).attempts == 0, "no attempt is used up"
    assert due_exports(stage.house) == []


def test_after_the_break_one_export_at_a_time_tries_the_way(stage: Stage) -> None:
    exports = break_it(stage)
    stage.pass_time()
    assert len(due_exports(stage.house)) == 1
    meanwhile: list[ExportState | None] = []
    stage.backend.watch = lambda point: meanwhile.append(stage.post(exports[1]))
    stage.books.tell(Lie.CLOSE_BEFORE)
    stage.post(exports[0])
    stage.backend.watch = lambda point: None
    assert meanwhile == [None], "another worker leaves the second alone"
    assert stage.connection().troubles == BREAKER_AT + 1
    assert due_exports(stage.house) == []


def test_a_clear_answer_lets_all_go_on(stage: Stage) -> None:
    exports = break_it(stage)
    stage.pass_time()
    assert stage.post(exports[0]) == ExportState.POSTED
    connection = stage.connection()
    assert (connection.troubles, connection.problem) == (0, "")
    assert len(due_exports(stage.house)) == BREAKER_AT - 1
    for export_id in exports:
        stage.settle(export_id)
        assert_posted_once(stage, export_id)


def test_a_refusal_is_a_clear_answer_and_a_limit_is_no_trouble(stage: Stage) -> None:
    break_it(stage, times=BREAKER_AT - 1)
    refused = stage.queue()
    stage.books.tell(Lie.REFUSE)
    assert stage.post(refused) == ExportState.REVIEW
    assert stage.connection().troubles == 0
    stage.books.tell(Lie.LIMIT, seconds=600)
    stage.post(stage.queue())
    assert stage.connection().troubles == 0


def test_look_ups_that_fail_are_trouble_too(stage: Stage) -> None:
    export_id = stage.queue()
    stage.books.tell(Lie.CLOSE_BEFORE, step="create")
    stage.post(export_id)
    stage.books.tell(Lie.BREAK, step="look_up", times=2)
    for _ in range(2):
        stage.pass_time()
        stage.post(export_id)
    assert stage.connection().troubles == 3
    assert stage.settle(export_id) == ExportState.POSTED


def listen(stage: Stage) -> None:
    """A program of the user's that wants to hear of failed exports."""
    endpoint = EventEndpoint(
        url="https://example.com/hook",
        row_key="k",
        secret_sealed="s",
        kinds=EventKind.EXPORT_FAILED.value,
        is_active=True,
        created_by="ann@example.com",
        created_at=stage.house.clock(),
    )
    stage.shop.write(lambda session: session.add(endpoint))


def test_an_export_without_an_answer_twelve_times_asks_a_person_and_others_go_on(stage: Stage) -> None:
    listen(stage)
    poison, healthy = stage.queue(), stage.queue()
    stage.books.tell(Lie.BREAK, step="create", token=stage.export(poison).token, times=MOST_UNKNOWNS)
    assert stage.settle(poison, runs=MOST_UNKNOWNS + 1) == ExportState.REVIEW
    export = stage.export(poison)
    assert stage.attempts(poison).count(("create", "unknown")) == MOST_UNKNOWNS
    assert f"After {MOST_UNKNOWNS} tries" in export.problem
    assert export.token in export.problem
    assert stage.shop.rows(sa.select(EventDelivery.kind)) == [EventKind.EXPORT_FAILED]
    assert stage.settle(healthy) == ExportState.POSTED
    stage.shop.write(lambda session: retry_export(session, poison))
    assert stage.settle(poison) == ExportState.POSTED
    assert_posted_once(stage, poison)


class Died(BaseException):
    """A worker is gone: nothing of ours catches this."""


def test_an_export_that_kills_its_workers_asks_a_person_too(stage: Stage) -> None:
    export_id = stage.queue()

    def die(point: str) -> None:
        if stage.export(export_id).state == ExportState.CREATING:
            raise Died

    stage.backend.watch = die
    for _ in range(4 * MOST_UNKNOWNS):
        stage.pass_time()
        try:
            stage.post(export_id)
        except Died:
            continue
    assert stage.export(export_id).state == ExportState.REVIEW
    assert stage.attempts(export_id).count(("create", None)) == MOST_UNKNOWNS
    assert stage.held(export_id) == []


def test_an_export_whose_look_ups_kill_their_workers_asks_a_person_too(stage: Stage) -> None:
    export_id = stage.queue()
    stage.books.tell(Lie.LOSE_ANSWER, step="create")
    stage.post(export_id)

    def die(point: str) -> None:
        raise Died

    stage.backend.watch = die
    for _ in range(2 * MOST_UNKNOWNS):
        stage.pass_time()
        with contextlib.suppress(Died):
            stage.post(export_id)
    export = stage.export(export_id)
    assert export.state == ExportState.REVIEW
    assert export.token in export.problem
    assert stage.attempts(export_id).count(("look_up", "unknown")) == MOST_UNKNOWNS
    stage.backend.watch = lambda point: None
    stage.shop.write(lambda session: retry_export(session, export_id))
    assert stage.settle(export_id) == ExportState.POSTED
    assert_posted_once(stage, export_id)


def test_a_poison_journal_never_stands_before_others(stage: Stage) -> None:
    """Refused, unanswered and broken ones at the head of the line, and a healthy one behind them."""
    poisons = [stage.queue() for _ in range(3)]
    for export_id, lie in zip(poisons, (Lie.REFUSE, Lie.BREAK, Lie.CLOSE_BEFORE), strict=True):
        stage.books.tell(lie, token=stage.export(export_id).token, times=100)
    healthy = [stage.queue() for _ in range(3)]
    for _ in range(3):
        for _, export_id in due_exports(stage.house):
            stage.post(export_id)
    for export_id in healthy:
        assert_posted_once(stage, export_id)


def another_company(stage: Stage) -> Shop:
    """Beside the first, connected to the same books."""
    shop = dataclasses.replace(a_shop(stage.house.engine), act=stage.shop.act)
    shop.product("BOLT")
    connect_lying(stage.house, shop)
    return shop


def test_companies_take_turns_whatever_the_backlog(stage: Stage) -> None:
    backlog = [stage.queue() for _ in range(6)]
    other = another_company(stage)
    late = [queue_receipt(stage.house, other) for _ in range(2)]
    turns = [export_id for _, export_id in due_exports(stage.house)]
    assert turns == [backlog[0], late[0], backlog[1], late[1], *backlog[2:]]
    assert [export_id for _, export_id in due_exports(stage.house, limit=2)] == [backlog[0], late[0]]


def test_one_companys_ill_books_are_not_anothers(stage: Stage) -> None:
    break_it(stage)
    other = another_company(stage)
    export_id = queue_receipt(stage.house, other)
    assert due_exports(stage.house) == [(other.company_id, export_id)]
    assert post_export(stage.house, other.company_id, export_id) == ExportState.POSTED
    assert [row.troubles for row in stage.shop.rows(sa.select(Connection).order_by(Connection.id))] == [BREAKER_AT]


def test_a_break_never_shortens_what_the_books_asked_for(stage: Stage) -> None:
    exports = break_it(stage, times=BREAKER_AT - 1)
    until = stage.house.clock() + 300 * MINUTE
    last = stage.queue()
    stage.backend.watch = lambda point: stage.shop.write(
        lambda session: session.execute(sa.update(Connection).values(paused_until=until))
    )
    stage.books.tell(Lie.CLOSE_BEFORE)
    stage.post(last)
    assert stage.connection().troubles == BREAKER_AT
    assert stage.connection().paused_until == until
    assert stage.connection().state == ConnectionState.ACTIVE
    assert len(exports) == BREAKER_AT - 1
    assert stage.export(last).exact == Decimal("12.5")
