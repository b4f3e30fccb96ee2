"""Many journals in one call: what goes wrong with one is that one's, and what goes wrong with the call doubles none."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import BREAKER_AT, ExportState
from partsemble_core.plugin_api.http import Http, TimeOuts
from partsemble_core.plugin_testing.lying_books import Lie
from partsemble_core.services.comparing import compare_with_books
from partsemble_core.services.crashing import watch_crashpoints
from partsemble_core.services.doubting import doubt_after_restore
from tests.faults.stage import Stage, a_stage
from tests.faults.stage import assert_posted_once as assert_posted_once_in_lying_books
from tests.faults.test_killing_xero import assert_posted_once
from tests.faults.test_xero_faults import UNKNOWN, tidy
from tests.faults.xero_stage import ORGANISATION, XeroStage, a_xero_stage

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
JOURNALS = "POST /api.xro/2.0/ManualJournals"
FIRST, SECOND = "create", "post"
FAULTS: dict[str, dict[str, Any]] = {
    **UNKNOWN,
    "F12 out of order": {"kind": "reversed"},
    "F19 not shown": {"kind": "unseen"},
}


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path) -> Iterator[XeroStage]:
    with a_xero_stage(engine, tmp_path) as made:
        made.connect()
        yield made


@pytest.fixture
def lying(engine: sa.Engine, tmp_path: Path) -> Stage:
    return a_stage(engine, tmp_path, batch_size=10)


def spoil(stage: XeroStage, step: str, fault: dict[str, Any]) -> AbstractContextManager[None]:
    """The first call that creates, or that posts, goes wrong."""
    ordered: list[str] = []

    def watch(point: str) -> None:
        if point == ("batching.before_claim" if step == FIRST else "batching.after_settle") and not ordered:
            ordered.append(point)
            stage.sandbox.add_fault(JOURNALS, **fault)

    return watch_crashpoints(watch)


def settle(stage: XeroStage, exports: list[int], *, runs: int = 14) -> set[ExportState]:
    for _ in range(runs):
        stage.drain()
        states = {ExportState(stage.export(export_id).state) for export_id in exports}
        if states <= {ExportState.POSTED, ExportState.REVIEW}:
            return states
        stage.age()
    raise AssertionError(f"not quiet: {[stage.export(export_id).problem for export_id in exports]}")


def journal_calls(stage: XeroStage) -> list[tuple[str, str]]:
    return [(each["method"], each["path"]) for each in stage.sandbox.requests() if "ManualJournals" in each["path"]]


def test_a_backlog_takes_two_calls(stage: XeroStage) -> None:
    exports = [stage.queue() for _ in range(5)]
    stage.drain()
    for export_id in exports:
        assert_posted_once(stage, export_id)
    assert journal_calls(stage) == [("POST", "/api.xro/2.0/ManualJournals")] * 2
    keys = [each["idempotency_key"] for each in stage.sandbox.requests() if each["path"].endswith("ManualJournals")]
    assert len(set(keys)) == 2


def test_one_export_alone_goes_as_before(stage: XeroStage) -> None:
    export_id = stage.queue()
    stage.drain()
    assert_posted_once(stage, export_id)
    assert [path.count("/") for _, path in journal_calls(stage)] == [3, 4]


@pytest.mark.parametrize("step", [FIRST, SECOND])
@pytest.mark.parametrize("name", FAULTS)
def test_no_lost_or_wrong_answer_to_a_batch_doubles_or_loses_a_journal(stage: XeroStage, name: str, step: str) -> None:
    exports = [stage.queue(cost=cost) for cost in ("11.50", "12.50", "13.50")]
    with spoil(stage, step, FAULTS[name]):
        assert settle(stage, exports) == {ExportState.POSTED}
    tidy(stage)
    for export_id in exports:
        assert_posted_once(stage, export_id)
    assert stage.sandbox.balance(ORGANISATION, code="621") == "37.50"
    assert compare_with_books(stage.house, stage.company_id, wait=lambda seconds: None) == []


@pytest.mark.parametrize("step", [FIRST, SECOND])
def test_a_batch_that_a_proxy_delivers_twice_is_posted_once(stage: XeroStage, step: str) -> None:
    """F11: copies of creations are drafts, in no ledger; copies of postings name the same journals."""
    exports = [stage.queue() for _ in range(2)]
    with spoil(stage, step, {"kind": "twice"}):
        assert settle(stage, exports) == {ExportState.POSTED}
    statuses = sorted(each["status"] for each in stage.journals())
    assert statuses == ["DRAFT"] * (2 if step == FIRST else 0) + ["POSTED"] * 2
    assert stage.sandbox.balance(ORGANISATION, code="621") == "25.00"


@pytest.mark.parametrize("name", ["F3 applied, closed", "F12 one short"])
def test_doubt_about_a_batch_is_ended_by_few_calls(stage: XeroStage, name: str) -> None:
    exports = [stage.queue() for _ in range(12)]
    with spoil(stage, SECOND, FAULTS[name]):
        stage.drain()
    in_doubt = [stage.export(export_id).state for export_id in exports].count(ExportState.UNKNOWN)
    assert in_doubt == (12 if name.startswith("F3") else 1)
    before = len(journal_calls(stage))
    assert settle(stage, exports) == {ExportState.POSTED}
    assert len(journal_calls(stage)) - before == 1, "one look for all"


def test_other_ids_in_the_answer_to_a_posting_are_doubt(stage: XeroStage) -> None:
    """F13: it was posted under ours, whatever the answer says."""
    exports = [stage.queue() for _ in range(3)]
    with spoil(stage, SECOND, {"kind": "wrong-id"}):
        stage.drain()
    assert {stage.export(export_id).state for export_id in exports} == {ExportState.UNKNOWN}
    assert settle(stage, exports) == {ExportState.POSTED}
    for export_id in exports:
        assert_posted_once(stage, export_id)


def test_an_answer_to_a_batch_that_never_ends_is_given_up_and_looked_up(
    stage: XeroStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F8: the head comes, and then nothing."""
    impatient = functools.partial(Http, time_outs=TimeOuts(connect=5, read=1, total=3))
    monkeypatch.setattr("partsemble_core.services.addressing.Http", impatient)
    exports = [stage.queue() for _ in range(3)]
    with spoil(stage, FIRST, {"kind": "stall", "hold_ms": 60_000}):
        stage.drain()
    assert {stage.export(export_id).state for export_id in exports} == {ExportState.UNKNOWN}
    stage.sandbox.clear_faults()
    stage.age()
    assert settle(stage, exports) == {ExportState.POSTED}
    for export_id in exports:
        assert_posted_once(stage, export_id)


def test_wrong_ids_for_drafts_are_never_posted(stage: XeroStage) -> None:
    """F13: nobody has these ids, so a person is asked; the drafts stay in no ledger."""
    exports = [stage.queue() for _ in range(3)]
    with spoil(stage, FIRST, {"kind": "wrong-id"}):
        assert settle(stage, exports) == {ExportState.REVIEW}
    assert [each["status"] for each in stage.journals()] == ["DRAFT"] * 3


@pytest.mark.parametrize("step", [FIRST, SECOND])
def test_a_period_that_is_locked_meanwhile_asks_a_person_about_each(stage: XeroStage, step: str) -> None:
    """F20."""
    exports = [stage.queue() for _ in range(3)]
    today = stage.clock().date().isoformat()
    point = "batching.before_claim" if step == FIRST else "batching.after_settle"
    with watch_crashpoints(lambda name: stage.sandbox.lock(ORGANISATION, period=today) if name == point else None):
        assert settle(stage, exports) == {ExportState.REVIEW}
    assert stage.connection().locked_through is not None
    assert all("lock date" in stage.export(export_id).problem for export_id in exports)
    assert {each["status"] for each in stage.journals()} <= {"DRAFT"}


def test_a_batch_refused_as_a_whole_is_sent_one_by_one(stage: XeroStage) -> None:
    exports = [stage.queue() for _ in range(3)]
    with spoil(stage, FIRST, {"kind": "status", "status": 400}):
        assert settle(stage, exports) == {ExportState.POSTED}
    for export_id in exports:
        assert_posted_once(stage, export_id)
    assert len(journal_calls(stage)) == 1 + 2 * 3


@pytest.mark.parametrize("lie", [Lie.REFUSE, Lie.PERIOD_CLOSED, Lie.LEFT_OUT])
@pytest.mark.parametrize("step", ["create", "post"])
def test_what_is_wrong_with_one_stops_no_other(lying: Stage, lie: Lie, step: str) -> None:
    exports = [lying.queue() for _ in range(4)]
    lying.books.tell(lie, step=step, token=lying.export(exports[1]).token, times=2)
    lying.drain()
    for export_id in (exports[0], exports[2], exports[3]):
        assert_posted_once_in_lying_books(lying, export_id)
    state = ExportState.UNKNOWN if lie == Lie.LEFT_OUT else ExportState.REVIEW
    assert lying.export(exports[1]).state == state


@pytest.mark.parametrize("step", ["create", "post"])
def test_an_answer_that_names_another_documents_journal_is_doubt_about_that_one(lying: Stage, step: str) -> None:
    exports = [lying.queue() for _ in range(3)]
    lying.books.tell(Lie.WRONG_ID, step=step, token=lying.export(exports[1]).token)
    lying.drain()
    assert lying.export(exports[1]).state == ExportState.UNKNOWN
    for export_id in exports:
        lying.settle(export_id)
        assert_posted_once_in_lying_books(lying, export_id)


def test_each_of_a_batch_has_its_own_attempt_and_claim(lying: Stage) -> None:
    exports = [lying.queue() for _ in range(3)]
    seen: list[list[str | None]] = []

    def watch(point: str) -> None:
        if point == "books.before":
            rows = [lying.attempt_rows(export_id) for export_id in exports]
            seen.append([each[-1].outcome for each in rows])
            assert all(lying.export(export_id).lease_until is not None for export_id in exports)

    lying.backend.watch = watch
    lying.drain()
    assert seen == [[None, None, None], [None, None, None]], "all attempts are committed before a call leaves"
    assert [lying.attempts(export_id) for export_id in exports] == [[("create", "ok"), ("post", "ok")]] * 3


def test_one_that_was_taken_over_is_settled_by_its_new_owner_alone(lying: Stage) -> None:
    """While the call is on its way the claims run out, and another worker goes on with one of them."""
    exports = [lying.queue() for _ in range(3)]
    overtaken: list[str] = []

    def watch(point: str) -> None:
        if point == "batching.after_call" and not overtaken:
            overtaken.append(point)
            for _ in range(2):
                lying.pass_time()
                lying.post(exports[0])

    with watch_crashpoints(watch):
        lying.drain()
    for export_id in exports:
        lying.settle(export_id)
        assert_posted_once_in_lying_books(lying, export_id)


def test_a_call_without_an_answer_is_one_trouble(lying: Stage) -> None:
    exports = [lying.queue() for _ in range(BREAKER_AT + 1)]
    lying.books.tell(Lie.LOSE_ANSWER, step="create")
    lying.drain()
    assert lying.connection().troubles == 1
    assert {lying.export(export_id).state for export_id in exports} == {ExportState.UNKNOWN}


def test_one_changed_in_the_database_is_left_out_and_the_others_go(lying: Stage) -> None:
    exports = [lying.queue() for _ in range(3)]
    lying.update(exports[1], body_sha256="0" * 64)
    lying.drain()
    assert lying.export(exports[1]).state == ExportState.REVIEW
    for export_id in (exports[0], exports[2]):
        assert_posted_once_in_lying_books(lying, export_id)


def test_what_an_older_copy_says_waits_is_looked_up_one_by_one(lying: Stage) -> None:
    """Nothing tells since when to look, so each is asked for by itself."""
    exports = [lying.queue() for _ in range(3)]
    doubt_after_restore(lying.house, lying.company_id)
    lying.drain()
    for export_id in exports:
        assert_posted_once_in_lying_books(lying, export_id)
    assert len(lying.books.calls(step="look_up")) == 3
