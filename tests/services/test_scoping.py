"""What a sign-in doesn't allow is said without a call, and connecting again allows it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.plugin_api.errors import NotPermitted
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.plugin_api.sign_in import Feature
from partsemble_core.services.scoping import Lack, check_allowed, lacks_of
from partsemble_core.services.syncing import run_sync
from partsemble_core.store.connections import ConnectionState, TokenSet
from partsemble_core.store.syncs import SyncCause, SyncState
from tests.faults.stage import an_engine
from tests.faults.xero_stage import XeroStage, a_xero_stage

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NO_JOURNALS = "offline_access openid accounting.settings.read accounting.contacts accounting.invoices.read"
NO_SETTINGS = "offline_access openid accounting.manualjournals"


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    with an_engine(database_url) as opened:
        yield opened


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path) -> Iterator[XeroStage]:
    with a_xero_stage(engine, tmp_path) as made:
        yield made


def asking_for(stage: XeroStage, scopes: str) -> XeroStage:
    given = {**stage.house.settings.plugin_settings, "xero_scopes": Secret(scopes)}
    settings = dataclasses.replace(stage.house.settings, plugin_settings=given)
    return dataclasses.replace(stage, house=dataclasses.replace(stage.house, settings=settings))


def calls(stage: XeroStage) -> int:
    return sum(1 for request in stage.sandbox.requests() if request["path"].startswith("/api.xro/"))


def serious(stage: XeroStage) -> list[Lack]:
    return [lack for lack in lacks_of(stage.house, stage.connection()) if not lack.is_optional]


BALANCES = "accounting.reports.trialbalance.read"


def test_a_usual_sign_in_lacks_only_what_nobody_asked_for(stage: XeroStage) -> None:
    """Balances are optional: a hint, not an alarm, until somebody asks for them and they aren't allowed."""
    usual = stage.house.host.info("xero").settings
    [scopes] = [field.default for field in usual if field.name == "scopes"]
    [hint] = lacks_of(stage.house, stage.connect())
    assert (hint.feature, hint.scope, hint.is_asked, hint.is_optional) == (Feature.BALANCES, BALANCES, False, True)
    wider = asking_for(stage, f"{scopes} {BALANCES}")
    [alarm] = lacks_of(wider.house, stage.connection())
    assert (alarm.is_asked, alarm.is_optional, alarm.cure) == (True, False, "Connect again to allow it.")
    wider.connect()
    assert lacks_of(wider.house, stage.connection()) == []
    assert "accounting.manualjournals" in stage.token_sets()[0].scope.split()


def test_a_posting_without_its_scope_is_not_sent_and_goes_on_after_another_consent(stage: XeroStage) -> None:
    narrow = asking_for(stage, NO_JOURNALS)
    connection = narrow.connect()
    [lack] = serious(stage)
    assert (lack.feature, lack.scope, lack.is_asked) == (Feature.JOURNALS, "accounting.manualjournals", True)
    assert lack.cure == "Connect again to allow it."
    [unasked] = [lack for lack in lacks_of(narrow.house, connection) if not lack.is_optional]
    assert unasked.cure == (
        "It isn't asked for: add accounting.manualjournals under Settings of Xero → Scopes, then connect again."
    )
    assert not unasked.is_optional, "journals are what it is all for"
    export_id, before = stage.queue(), calls(stage)
    assert stage.post(export_id) == ExportState.PENDING
    assert calls(stage) == before, "nothing was asked of the books"
    assert stage.connection().state == ConnectionState.RECONNECT_NEEDED
    assert "doesn't allow journals (accounting.manualjournals). Connect again" in stage.connection().problem
    stage.connect()
    assert serious(stage) == []
    stage.age()
    assert stage.post(export_id) == ExportState.POSTED


def test_a_sync_without_its_scope_says_so_without_a_call(stage: XeroStage) -> None:
    connection = stage.connect()
    stage.shop.write(lambda session: session.execute(sa.update(TokenSet).values(scope=NO_SETTINGS)))
    before = calls(stage)
    run = run_sync(stage.house, stage.company_id, connection.id, "items", cause=SyncCause.PERSON, by="ann")
    assert run.state == SyncState.FAILED
    assert "accounts, items and lock dates (accounting.settings.read)" in run.message
    assert calls(stage) == before
    with pytest.raises(NotPermitted):
        check_allowed(stage.house, connection, Feature.SETTINGS)
    check_allowed(stage.house, connection, Feature.JOURNALS)


def test_scopes_survive_a_refresh_and_unknown_ones_forbid_nothing(stage: XeroStage) -> None:
    connection = stage.connect()
    stage.advance(minutes=31)
    export_id = stage.queue()
    assert stage.post(export_id) == ExportState.POSTED
    assert len({each.scope for each in stage.token_sets()}) == 1
    stage.shop.write(lambda session: session.execute(sa.update(TokenSet).values(scope="")))
    assert lacks_of(stage.house, connection) == []


def test_a_wider_scope_of_an_older_app_counts(stage: XeroStage) -> None:
    stage.connect()
    old = "offline_access accounting.settings accounting.transactions accounting.contacts"
    stage.shop.write(lambda session: session.execute(sa.update(TokenSet).values(scope=old)))
    assert serious(stage) == []
