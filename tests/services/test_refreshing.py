"""Refreshing against the sandbox's single-use tokens: nobody is signed out by a race, a crash or a lost answer."""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.plugin_api.errors import RetryLater, SignedOut
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.services.claiming import due_exports
from partsemble_core.services.crashing import watch_crashpoints
from partsemble_core.services.refreshing import access_token, refresh_due
from partsemble_core.services.token_keeping import SignInBroken, place
from partsemble_core.store.connections import ConnectionState, GrantState, TokenSet
from partsemble_core.vault import SealBroken, Vault
from tests.faults.killing import Child, Killing, a_child
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


def asked_since(stage: XeroStage, before: int) -> int:
    return stage.token_requests() - before


def test_a_token_with_time_left_is_used_as_it_is(stage: XeroStage) -> None:
    before = stage.token_requests()
    first = token(stage)
    stage.advance(minutes=19)
    assert token(stage) == first
    assert asked_since(stage, before) == 0


def test_a_token_about_to_end_is_replaced_and_the_old_set_is_kept(stage: XeroStage) -> None:
    first = token(stage)
    stage.advance(minutes=26)
    assert token(stage) != first
    assert [(each.sequence, each.state) for each in stage.token_sets()] == [(1, "superseded"), (2, "current")]
    assert stage.tries() == ["ok"]
    assert stage.grant().lease_until is None


def test_each_refresh_uses_the_newest_token(stage: XeroStage) -> None:
    for _ in range(3):
        stage.advance(minutes=31)
        token(stage)
    assert stage.tries() == ["ok"] * 3
    assert [each.state for each in stage.token_sets()] == ["superseded"] * 3 + ["current"]


def test_a_token_that_the_books_refused_is_replaced_once(stage: XeroStage) -> None:
    first = access_token(stage.house, stage.grant().id)
    before = stage.token_requests()
    second = access_token(stage.house, stage.grant().id, refused=first)
    assert second != first
    assert access_token(stage.house, stage.grant().id, refused=first) == second
    assert asked_since(stage, before) == 1


# ---- lost answers


@pytest.mark.parametrize(("kind", "more"), [("close-after", {}), ("status-after", {"status": 502})])
def test_after_a_lost_answer_the_grant_rests_and_then_recovers_in_grace(
    stage: XeroStage, kind: str, more: dict[str, int]
) -> None:
    stage.advance(minutes=31)
    stage.sandbox.add_fault(TOKEN_CALL, kind=kind, **more)
    with pytest.raises(RetryLater) as first:
        token(stage)
    assert stage.grant().state == GrantState.IN_DOUBT
    assert 115 <= first.value.after <= 121
    assert first.value.whole_organisation
    before = stage.token_requests()
    with pytest.raises(RetryLater) as second:
        token(stage)
    assert 100 <= second.value.after <= 121
    assert asked_since(stage, before) == 0, "a request of ours may still be on its way"
    stage.age()
    assert token(stage)
    assert stage.grant().state == GrantState.ACTIVE
    assert stage.tries() == ["lost", "ok"]


def test_a_resting_grant_holds_no_worker(stage: XeroStage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Polling until the rest is over would hold up every other organisation's exports."""
    stage.advance(minutes=31)
    stage.sandbox.add_fault(TOKEN_CALL, kind="close-before")
    with pytest.raises(RetryLater):
        token(stage)
    monkeypatch.setattr("partsemble_core.services.refreshing.time.sleep", lambda seconds: pytest.fail("it waited"))
    with pytest.raises(RetryLater):
        token(stage)


def test_a_lost_answer_is_settled_within_the_grace_though_nobody_needs_a_token(stage: XeroStage) -> None:
    stage.advance(minutes=31)
    stage.sandbox.add_fault(TOKEN_CALL, kind="close-after")
    with pytest.raises(RetryLater):
        token(stage)
    assert refresh_due(stage.house) == 0, "it rests"
    stage.age()
    assert refresh_due(stage.house) == 1
    assert refresh_due(stage.house) == 0
    stage.advance(minutes=120)
    assert token(stage)


def test_a_sign_in_that_nobody_uses_is_refreshed_every_day(stage: XeroStage) -> None:
    assert refresh_due(stage.house) == 0
    for _ in range(65):
        stage.advance(minutes=25 * 60)
        assert refresh_due(stage.house) == 1
    assert token(stage), "Xero forgets a sign-in after 60 days without use"


def test_a_disconnected_sign_in_is_left_alone(stage: XeroStage) -> None:
    stage.shop.write(lambda session: session.execute(sa.text("UPDATE connections SET state = 'disconnected'")))
    stage.advance(minutes=25 * 60)
    assert refresh_due(stage.house) == 0


def test_a_failing_sign_in_does_not_stop_the_schedule(stage: XeroStage, caplog: pytest.LogCaptureFixture) -> None:
    stage.advance(minutes=25 * 60)
    stage.sandbox.add_fault(TOKEN_CALL, kind="close-before")
    assert refresh_due(stage.house) == 0
    assert "could not be refreshed" in caplog.text


# ---- refusals


def test_a_refused_sign_in_asks_for_its_owner_and_exports_wait_and_go_on(stage: XeroStage) -> None:
    export_id = stage.queue()
    stage.sandbox.revoke_grant()
    stage.advance(minutes=31)
    stage.post(export_id)
    assert stage.grant().state == GrantState.RECONNECT_NEEDED
    assert stage.connection().state == ConnectionState.RECONNECT_NEEDED
    with pytest.raises(SignedOut, match="Reconnect"):
        token(stage)
    stage.age()
    assert due_exports(stage.house) == []
    assert stage.post(export_id) is None
    assert len(stage.token_sets()) == 1, "nothing is deleted"
    stage.connect()
    stage.age()
    assert stage.post(export_id) == ExportState.POSTED
    assert [journal["status"] for journal in stage.journals()] == ["POSTED"]


def test_an_older_token_in_grace_is_tried_when_the_newest_is_refused(stage: XeroStage) -> None:
    """As after a late request of a sleeping worker, which made the server end the set that came after it."""
    stage.advance(minutes=31)
    token(stage)
    [newest] = [each for each in stage.token_sets() if each.state == "current"]
    broken = stage.house.vault.seal(Secret("x" * 40), place(newest.row_key, "refresh_sealed"))
    statement = sa.update(TokenSet).where(TokenSet.id == newest.id).values(refresh_sealed=broken)
    stage.shop.write(lambda session: session.execute(statement))
    stage.advance(minutes=26)
    assert token(stage)
    assert stage.tries() == ["ok", "ok"]


def test_a_sleeper_whose_token_was_used_meanwhile_signs_nobody_out(stage: XeroStage) -> None:
    """It wakes up when its token is long past grace: the refusal is its own, for a newer set is there."""
    stage.advance(minutes=31)
    slept: list[str] = []

    def oversleep(point: str) -> None:
        if point == "refreshing.after_claim" and not slept:
            slept.append(point)
            stage.age()
            token_of_the_other = token(stage)
            stage.advance(minutes=31)
            assert token_of_the_other != token(stage)
            stage.advance(minutes=31)
            token(stage)

    with watch_crashpoints(oversleep):
        assert token(stage)
    assert stage.grant().state == GrantState.ACTIVE
    assert stage.connection().state == ConnectionState.ACTIVE
    assert stage.tries()[0] == "refused"


def test_a_sleepers_late_answer_is_kept(stage: XeroStage) -> None:
    """The server gave it the set that lives; throwing it away would lose the sign-in."""
    stage.advance(minutes=31)
    slept: list[str] = []

    def oversleep(point: str) -> None:
        if point == "refreshing.after_claim" and not slept:
            slept.append(point)
            stage.age()
            token(stage)  # the other one refreshes; our request comes after it and ends what it was given

    with watch_crashpoints(oversleep):
        token(stage)
    assert [each.state for each in stage.token_sets()] == ["superseded", "superseded", "current"]
    for _ in range(2):
        stage.advance(minutes=31)
        assert token(stage)


def test_a_wrong_client_secret_is_named_and_puts_nothing_in_doubt(stage: XeroStage) -> None:
    stage.advance(minutes=31)
    wrong = {**stage.house.settings.plugin_settings, "xero_client_secret": Secret("wrong" * 8)}
    settings = dataclasses.replace(stage.house.settings, plugin_settings=wrong)
    house = dataclasses.replace(stage.house, settings=settings)
    with pytest.raises(SignInBroken, match="Check the client id and secret"):
        access_token(house, stage.grant().id)
    assert stage.grant().state == GrantState.ACTIVE
    assert stage.tries() == ["refused"]
    assert token(stage), "the right one works at once"


def test_without_a_client_secret_nothing_is_promised_and_exports_wait(stage: XeroStage) -> None:
    export_id = stage.queue()
    stage.advance(minutes=31)
    settings = dataclasses.replace(stage.house.settings, plugin_settings={"xero_client_id": Secret("abc")})
    house = dataclasses.replace(stage.house, settings=settings)
    with pytest.raises(SignInBroken, match="CLIENT_SECRET"):
        access_token(house, stage.grant().id)
    assert stage.tries() == []
    dataclasses.replace(stage, house=house).post(export_id)
    assert stage.export(export_id).state == ExportState.PENDING, "the posting is fine; our settings aren't"
    stage.age()
    assert stage.post(export_id) == ExportState.POSTED


def test_tokens_sealed_with_a_lost_key_make_exports_wait(stage: XeroStage) -> None:
    export_id = stage.queue()
    other = dataclasses.replace(stage.house, vault=Vault(Secret("k2:" + "B" * 43 + "=")))
    with pytest.raises(SealBroken, match="k1"):
        access_token(other, stage.grant().id)
    dataclasses.replace(stage, house=other).post(export_id)
    assert stage.export(export_id).state == ExportState.PENDING
    stage.age()
    assert stage.post(export_id) == ExportState.POSTED


# ---- kill -9


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    with a_child() as started:
        yield started


def test_no_kill_loses_the_sign_in(stage: XeroStage, child: Child, tmp_path: Path) -> None:
    """Killed at each point of a refresh; after the rest the next one succeeds."""
    expire(stage)
    killing = a_killing(stage, child, tmp_path / "rehearsal")
    assert not killing.run()
    points = killing.reached()
    assert {point.name for point in points} == {
        f"refreshing.{name}" for name in ("after_claim", "after_answer", "after_keep")
    }
    for number, point in enumerate(points):
        expire(stage)
        assert a_killing(stage, child, tmp_path / f"points-{number}").run(point), f"not killed at {point}"
        stage.age()
        assert not a_killing(stage, child, tmp_path / f"again-{number}").run(), f"signed out after {point}"
        assert stage.grant().state == GrantState.ACTIVE
    assert None not in stage.tries()


def a_killing(stage: XeroStage, child: Child, points: Path) -> Killing:
    return Killing(
        child=child,
        settings=stage.house.settings,
        work="refresh",
        company_id=stage.company_id,
        subject_id=stage.grant().id,
        points=points,
    )


def expire(stage: XeroStage) -> None:
    """Half an hour passes for the tokens; the child goes by the machine's clock, so they are made older."""
    stage.sandbox.advance(31 * 60)
    half_an_hour = dt.timedelta(minutes=31)
    sets = [(each.id, each.access_expires_at, each.received_at) for each in stage.token_sets()]
    for set_id, expires_at, received_at in sets:
        values = {"access_expires_at": expires_at - half_an_hour, "received_at": received_at - half_an_hour}
        stage.shop.write(
            lambda session, i=set_id, v=values: session.execute(  # type: ignore[misc]
                sa.update(TokenSet).where(TokenSet.id == i).values(v)
            )
        )


# ---- secrecy


def test_no_token_or_secret_shows_in_the_log_or_in_the_database(
    stage: XeroStage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    seen = [token(stage), stage.sandbox.client_secret]
    export_id = stage.queue()
    stage.sandbox.add_fault(TOKEN_CALL, kind="close-after")
    stage.advance(minutes=31)
    for _ in range(3):
        stage.age()
        stage.post(export_id)
        seen.extend(refresh_tokens(stage))
    seen.append(token(stage))
    assert stage.export(export_id).state == ExportState.POSTED
    stage.sandbox.revoke_grant()
    stage.advance(minutes=31)
    with pytest.raises(SignedOut) as refused:
        token(stage)
    stage.house.engine.dispose()
    dump = b"".join(path.read_bytes() for path in tmp_path.glob("migrated.sqlite3*")).decode("latin-1")
    told = "\n".join([caplog.text, repr(stage), repr(refused.value), repr(stage.grant()), repr(stage.token_sets())])
    assert len(set(seen)) >= 5
    assert len(dump) > 100_000
    assert [secret for secret in seen if secret in dump] == []
    assert [secret for secret in seen if secret in told] == []


def refresh_tokens(stage: XeroStage) -> list[str]:
    return [
        stage.house.vault.unseal(each.refresh_sealed, place(each.row_key, "refresh_sealed")).reveal()
        for each in stage.token_sets()
    ]
