"""The rarer steps of a refresh: early, too late, too slow, ended meanwhile, and the alarm before it is all over."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.plugin_api.errors import RetryLater, SignedOut
from partsemble_core.services import disconnecting, refreshing
from partsemble_core.services.crashing import watch_crashpoints
from partsemble_core.services.refreshing import access_token, refresh_due
from partsemble_core.store.connections import GrantState, TokenState
from tests.faults.stage import an_engine
from tests.faults.xero_stage import XeroStage, a_xero_stage

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
TOKEN_CALL = "POST /connect/token"


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    with an_engine(database_url) as opened:
        yield opened


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path) -> Iterator[XeroStage]:
    with a_xero_stage(engine, tmp_path) as made:
        made.connect()
        yield made


def token(stage: XeroStage) -> str:
    return access_token(stage.house, stage.grant().id).reveal()


def test_a_token_is_renewed_with_ten_minutes_left_when_somebody_needs_it(stage: XeroStage) -> None:
    first = token(stage)
    stage.advance(minutes=21)
    assert token(stage) != first
    assert stage.tries() == ["ok"]


def test_while_the_service_is_away_the_minutes_left_are_used(stage: XeroStage) -> None:
    first = token(stage)
    stage.advance(minutes=21)
    stage.sandbox.add_fault(TOKEN_CALL, kind="close-before")
    assert token(stage) == first
    assert stage.grant().state == GrantState.IN_DOUBT
    assert token(stage) == first, "it rests, and nobody waits for that"
    stage.age()
    assert token(stage) != first
    assert stage.tries() == ["lost", "ok"]


def test_nothing_is_sent_when_the_lease_runs_short(stage: XeroStage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that slept between the claim and the request could otherwise present a dead token."""
    stage.advance(minutes=31)
    before, slept = stage.token_requests(), [0.0]
    real = time.monotonic
    monkeypatch.setattr("partsemble_core.services.refreshing.time.monotonic", lambda: real() + slept[0])

    def oversleep(point: str) -> None:
        if point == "refreshing.after_claim" and not slept[0]:
            slept[0] = 51

    monkeypatch.setattr(refreshing, "WAIT_SECONDS", 120.0)
    with watch_crashpoints(oversleep):
        assert token(stage)
    assert stage.tries() == ["not_sent", "ok"]
    assert stage.token_requests() - before == 1
    assert stage.grant().state == GrantState.ACTIVE


def test_a_service_that_holds_its_answer_back_is_given_up_in_time(
    stage: XeroStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "CALL_SECONDS", 1)
    stage.advance(minutes=31)
    stage.sandbox.add_fault(TOKEN_CALL, kind="stall", hold_ms=60_000)
    with pytest.raises(RetryLater, match="no usable answer"):
        token(stage)
    stage.sandbox.clear_faults()
    assert stage.tries() == ["lost"]
    stage.age()
    assert token(stage)


def test_whoever_must_connect_again_is_told_without_a_call(stage: XeroStage) -> None:
    stage.sandbox.revoke_grant()
    stage.advance(minutes=31)
    with pytest.raises(SignedOut):
        token(stage)
    before = stage.token_requests()
    with pytest.raises(SignedOut):
        token(stage)
    assert stage.token_requests() == before


def test_after_fifty_days_in_vain_the_people_are_told_once(stage: XeroStage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    for days, told in ((49, 0), (2, 1), (1, 1)):
        stage.advance(minutes=days * 24 * 60)
        stage.age()
        stage.sandbox.add_fault(TOKEN_CALL, kind="status", status=500)
        assert refresh_due(stage.house) == 0
        assert caplog.text.count("about to end") == told
    assert "ends after 60 days. Reconnect now." in stage.connection().problem
    stage.age()
    assert refresh_due(stage.house) == 1, "it isn't over yet"


def test_a_late_answer_is_kept_and_ends_no_later_doubt(stage: XeroStage) -> None:
    """Its request began before the loss: only one that begins after it may end the doubt."""
    stage.advance(minutes=31)
    slept: list[str] = []

    def oversleep(point: str) -> None:
        if point == "refreshing.after_claim" and not slept:
            slept.append(point)
            stage.age()
            stage.sandbox.add_fault(TOKEN_CALL, kind="close-after")
            with pytest.raises(RetryLater):
                token(stage)

    with watch_crashpoints(oversleep):
        token(stage)
    assert stage.grant().state == GrantState.IN_DOUBT
    assert [each.state for each in stage.token_sets()] == [TokenState.SUPERSEDED, TokenState.CURRENT]
    stage.age()
    assert refresh_due(stage.house) == 1
    assert stage.grant().state == GrantState.ACTIVE


def test_a_sign_in_ended_while_it_is_renewed_keeps_no_secret(stage: XeroStage) -> None:
    stage.advance(minutes=21)
    done: list[str] = []

    def end(point: str) -> None:
        if point == "refreshing.after_answer" and not done:
            done.append(point)
            disconnecting.disconnect(stage.house, stage.company_id, stage.connection().id)

    with watch_crashpoints(end):
        token(stage)
    assert stage.grant().state == GrantState.ENDED
    assert {(each.access_sealed, each.refresh_sealed) for each in stage.token_sets()} == {("", "")}
