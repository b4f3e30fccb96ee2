"""Faults between us and Xero, over real HTTP: each makes doubt or a delay, and none a second or a missing journal."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.plugin_api.http import Http, TimeOuts
from partsemble_core.services.comparing import compare_with_books
from partsemble_core.services.janitor import tidy_round
from partsemble_core.services.retrying import retry_export
from partsemble_core.store.connections import ConnectionState
from tests.faults.test_killing_xero import assert_posted_once
from tests.faults.xero_stage import ORGANISATION, XeroStage, a_xero_stage

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
CREATE = "POST /api.xro/2.0/ManualJournals"
POST = "POST /api.xro/2.0/ManualJournals/*"
READ = "GET /api.xro/2.0/ManualJournals*"
ANY = "* /api.xro/2.0/*"


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path) -> Iterator[XeroStage]:
    with a_xero_stage(engine, tmp_path) as made:
        made.connect()
        yield made


def settle(stage: XeroStage, export_id: int, *, runs: int = 12) -> ExportState:
    for _ in range(runs):
        stage.post(export_id)
        state = ExportState(stage.export(export_id).state)
        if state in (ExportState.POSTED, ExportState.REVIEW):
            return state
        stage.age()
    raise AssertionError(f"not quiet: {stage.export(export_id).problem}")


def assert_in_the_books_once(stage: XeroStage, export_id: int) -> None:
    """Theirs say it: one posted journal, its amount once, and the comparison agrees."""
    assert_posted_once(stage, export_id)
    assert stage.sandbox.balance(ORGANISATION, code="621") == "12.50"
    assert compare_with_books(stage.house, stage.company_id, wait=lambda seconds: None) == []


UNKNOWN: dict[str, dict[str, Any]] = {
    "F1 F2 closed, not applied": {"kind": "close-before"},
    "F3 applied, closed": {"kind": "close-after"},
    "F4 applied, 500": {"kind": "status-after", "status": 500},
    "F5 500, not applied": {"kind": "status", "status": 500},
    "F6 503 for long": {"kind": "status", "status": 503, "times": 7},
    "F9 cut": {"kind": "cut"},
    "F9 empty": {"kind": "empty"},
    "F9 a web page": {"kind": "html"},
    "F10 a redirect": {"kind": "status-after", "status": 302},
    "F12 one short": {"kind": "short"},
}
BOTH = [(fault, step) for fault in UNKNOWN for step in (CREATE, POST)]


@pytest.mark.parametrize(("name", "step"), [*BOTH, ("F13 another id", POST)])
def test_no_lost_or_wrong_answer_doubles_or_loses_a_journal(stage: XeroStage, name: str, step: str) -> None:
    export_id = stage.queue()
    stage.sandbox.add_fault(step, **UNKNOWN.get(name, {"kind": "wrong-id"}))
    assert settle(stage, export_id) == ExportState.POSTED, stage.export(export_id).problem
    tidy(stage)
    assert_in_the_books_once(stage, export_id)


@pytest.mark.parametrize("step", [CREATE, POST], ids=["create", "post"])
def test_a_request_that_a_proxy_delivers_twice_is_posted_once(stage: XeroStage, step: str) -> None:
    """F11: a copy of the creation is one more draft, in no ledger; a copy of the posting names the same journal."""
    export_id = stage.queue()
    stage.sandbox.add_fault(step, kind="twice")
    assert settle(stage, export_id) == ExportState.POSTED
    statuses = sorted(each["status"] for each in stage.journals())
    assert statuses == (["DRAFT", "POSTED"] if step == CREATE else ["POSTED"])
    assert stage.sandbox.balance(ORGANISATION, code="621") == "12.50"


def tidy(stage: XeroStage) -> None:
    stage.age_attempts()
    tidy_round(stage.house)


def test_an_answer_that_never_ends_is_given_up_and_looked_up(stage: XeroStage, monkeypatch: pytest.MonkeyPatch) -> None:
    """F8: the head comes, and then nothing."""
    impatient = functools.partial(Http, time_outs=TimeOuts(connect=5, read=1, total=3))
    monkeypatch.setattr("partsemble_core.services.addressing.Http", impatient)
    export_id = stage.queue()
    stage.sandbox.add_fault(CREATE, kind="stall", hold_ms=60_000)
    stage.post(export_id)
    assert stage.export(export_id).state == ExportState.UNKNOWN
    stage.sandbox.clear_faults()
    stage.age()
    assert settle(stage, export_id) == ExportState.POSTED
    assert_in_the_books_once(stage, export_id)


@pytest.mark.parametrize("seen", [CREATE, POST], ids=["create", "post"])
def test_books_that_show_a_journal_late_get_no_second_one(stage: XeroStage, seen: str) -> None:
    """F19: the look-up after a lost answer doesn't see what is there. A second draft may come of it, and is deleted."""
    export_id = stage.queue()
    stage.sandbox.add_fault(seen, kind="close-after")
    stage.sandbox.add_fault(READ, kind="unseen", times=2 if seen == CREATE else 1)
    stage.post(export_id)
    stage.age()
    if settle(stage, export_id) == ExportState.REVIEW:  # its id is known, and it isn't shown: a person looks again
        assert "missing" in stage.export(export_id).problem
        stage.house.write(stage.company_id, lambda session: retry_export(session, export_id))
        assert settle(stage, export_id) == ExportState.POSTED
    tidy(stage)
    assert_in_the_books_once(stage, export_id)


def test_a_period_that_closes_between_draft_and_posting_waits_for_a_person(stage: XeroStage) -> None:
    """F20: no date is moved; once the period is open again the same draft is posted."""
    export_id = stage.queue()
    stage.sandbox.add_fault(POST, kind="close-before")
    stage.post(export_id)
    stage.sandbox.lock(ORGANISATION, period="2099-12-31")
    stage.age()
    assert settle(stage, export_id) == ExportState.REVIEW
    assert [each["status"] for each in stage.journals()] == ["DRAFT"]
    stage.sandbox.lock(ORGANISATION, period=None)
    stage.house.write(stage.company_id, lambda session: retry_export(session, export_id))
    assert settle(stage, export_id) == ExportState.POSTED
    assert_in_the_books_once(stage, export_id)


def test_an_organisation_that_left_stops_its_exports_and_loses_none(stage: XeroStage) -> None:
    """F15: after it was connected again the export goes on by itself."""
    export_id = stage.queue()
    stage.sandbox.disconnect(ORGANISATION)
    stage.post(export_id)
    assert stage.connection().state == ConnectionState.RECONNECT_NEEDED
    assert stage.journals() == []
    stage.connect()
    stage.age()
    assert settle(stage, export_id) == ExportState.POSTED
    assert_in_the_books_once(stage, export_id)


def test_an_outage_uses_up_nothing_and_all_is_posted_after_it(stage: XeroStage) -> None:
    """F6, and what an attempt costs meanwhile: after the breaker has opened, none."""
    exports = [stage.queue() for _ in range(8)]
    stage.sandbox.add_fault(ANY, kind="status", status=503, times=1000)
    for export_id in exports:
        stage.post(export_id)
    asked = len(stage.sandbox.requests())
    for export_id in exports:
        stage.post(export_id)
    assert len(stage.sandbox.requests()) == asked, "nothing is sent while the breaker is open"
    assert [stage.export(export_id).attempts for export_id in exports] == [1] * 5 + [0] * 3
    stage.sandbox.clear_faults()
    for export_id in exports:
        stage.age()
        assert settle(stage, export_id) == ExportState.POSTED
        assert_posted_once(stage, export_id)
    assert stage.sandbox.balance(ORGANISATION, code="621") == "100.00"


def test_a_request_held_for_hours_is_a_draft_that_the_janitor_finds(stage: XeroStage) -> None:
    """F18: applied after the journal was posted under another draft's id."""
    export_id = stage.queue()
    stage.sandbox.add_fault(CREATE, kind="close-before")
    stage.post(export_id)
    stage.age()
    assert settle(stage, export_id) == ExportState.POSTED
    late = stage.replay_creation(export_id)
    assert sorted(each["status"] for each in stage.journals()) == ["DRAFT", "POSTED"]
    tidy(stage)
    assert {each["journal_id"]: each["status"] for each in stage.journals()}[late] == "DELETED"
    assert_in_the_books_once(stage, export_id)


def test_a_draft_under_an_id_that_nobody_has_is_never_posted_blindly(stage: XeroStage) -> None:
    """F13 at the creation: a person is asked. The draft is in no ledger."""
    export_id = stage.queue()
    stage.sandbox.add_fault(CREATE, kind="wrong-id")
    assert settle(stage, export_id) == ExportState.REVIEW
    assert "not in Xero" in stage.export(export_id).problem
    assert [each["status"] for each in stage.journals()] == ["DRAFT"]
    assert stage.sandbox.balance(ORGANISATION, code="621") == "0.00"
