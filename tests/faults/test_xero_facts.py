"""Facts about Xero that take the whole way of an export to be held; docs/reference/xero-facts.md lists them all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.services import draining
from partsemble_core.services.refreshing import access_token
from partsemble_core.services.syncing import run_sync
from partsemble_core.store.connections import ConnectionState, GrantState
from partsemble_core.store.syncs import SyncCause, SyncKind
from tests.faults.xero_stage import XeroStage, a_xero_stage
from tests.services.test_sharing_sign_ins import FIVE, OPTIONS, another

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path) -> Iterator[XeroStage]:
    with a_xero_stage(engine, tmp_path, **OPTIONS) as made:
        yield made


def test_an_organisation_that_leaves_takes_no_other_with_it(stage: XeroStage) -> None:
    """Its calls are 403 while tokens are renewed as ever: the sign-in is sound, and serves the others."""
    other = another(stage)
    stage.connect(FIVE[0], user="Ann Lee")
    other.connect(FIVE[1], user="Ann Lee")
    waiting = stage.queue()
    stage.sandbox.disconnect(FIVE[0])
    stage.advance(minutes=31)
    assert stage.post(waiting) == ExportState.PENDING
    assert stage.connection().state == ConnectionState.RECONNECT_NEEDED
    assert stage.grant().state == GrantState.ACTIVE
    assert access_token(stage.house, stage.grant().id)
    assert other.connection().state == ConnectionState.ACTIVE
    assert other.post(other.queue()) == ExportState.POSTED


def test_keys_are_short_and_none_is_used_for_two_requests(stage: XeroStage) -> None:
    stage.connect()
    alone = stage.queue()
    stage.sandbox.add_fault("POST /api.xro/2.0/ManualJournals*", kind="close-after")
    stage.post(alone)
    stage.age()
    stage.post(alone)
    for _ in range(3):
        stage.queue()
    stage.drain()
    asked = [each for each in stage.sandbox.requests() if each["path"].startswith("/api.xro/2.0/ManualJournals")]
    writes = [each for each in asked if each["method"] != "GET"]
    keys = [str(each["idempotency_key"]) for each in writes]
    assert len(set(keys)) == len(keys) >= 4
    assert all(1 <= len(key) <= 128 for key in keys)
    assert [journal["status"] for journal in stage.journals()] == ["POSTED"] * 4


def test_a_request_stays_below_what_xero_takes(stage: XeroStage, monkeypatch: pytest.MonkeyPatch) -> None:
    """3.5 MB: frozen bytes may triple on the wire, where each letter beyond ASCII is six characters."""
    assert draining.MOST_BYTES * 3 <= 3_500_000
    stage.connect()
    exports = [stage.queue() for _ in range(5)]
    monkeypatch.setattr(draining, "MOST_BYTES", 2 * max(len(stage.export(each).body) for each in exports) + 100)
    stage.drain()
    writes = [each for each in stage.sandbox.requests() if each["path"].startswith("/api.xro/2.0/ManualJournals")]
    assert len(writes) == 6, "two, two and one, each created and posted"
    assert [journal["status"] for journal in stage.journals()] == ["POSTED"] * 5


@pytest.mark.parametrize("kind", [SyncKind.CONTACTS, SyncKind.ITEMS, SyncKind.ACCOUNTS])
def test_what_has_no_sure_time_of_change_is_read_whole_each_time(stage: XeroStage, kind: SyncKind) -> None:
    """A contact that becomes a supplier keeps its time of change, and a deleted item has none."""
    connection = stage.connect()
    read = []
    for _ in range(2):
        run = run_sync(stage.house, stage.company_id, connection.id, kind, cause=SyncCause.COMMAND, by="ann")
        read.append((run.state, run.records))
        stage.advance(minutes=120)
    assert read[0] == read[1]
    assert read[0][1] > 5
