"""Books that know keys instead of drafts: the same key gets the same answer."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.plugin_api.errors import OutcomeUnknown
from partsemble_core.plugin_api.types import Posting
from partsemble_core.plugin_testing.lying_books import Lie
from partsemble_core.services.retrying import retry_export
from tests.faults.naive import post_after_look_up
from tests.faults.stage import Stage, a_stage, assert_posted_once

MINUTE = dt.timedelta(minutes=1)

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def keyed(engine: sa.Engine, tmp_path: Path) -> Stage:
    return a_stage(engine, tmp_path, posting=Posting.NATIVE_KEY)


def test_with_keys_one_call_posts(keyed: Stage) -> None:
    export_id = keyed.queue()
    assert keyed.post(export_id) == ExportState.POSTED
    assert keyed.attempts(export_id) == [("create", "ok")]
    assert_posted_once(keyed, export_id)


@pytest.mark.parametrize("lie", [Lie.LOSE_ANSWER, Lie.CLOSE_BEFORE, Lie.APPLY_LATE])
def test_with_keys_doubt_is_ended_by_the_same_key(keyed: Stage, lie: Lie) -> None:
    export_id = keyed.queue()
    keyed.books.tell(lie, seconds=3600)
    assert keyed.post(export_id) == ExportState.UNKNOWN
    assert keyed.settle(export_id) == ExportState.POSTED
    keyed.books.heal()
    assert len({call.key for call in keyed.books.calls(step="create")}) == 1
    assert_posted_once(keyed, export_id)


def test_with_keys_a_sleeper_and_its_rescuer_post_one_journal(keyed: Stage) -> None:
    """The rescuer is told to wait, so the row is pending again: the sleeper's key must still be the only one."""
    export_id = keyed.queue()
    overtaken: list[str] = []

    def overtake(point: str) -> None:
        if point == "books.before" and not overtaken:
            overtaken.append(point)
            keyed.books.tell(Lie.BUSY)
            keyed.pass_time()
            assert keyed.post(export_id) == ExportState.PENDING
            assert keyed.settle(export_id) == ExportState.POSTED

    keyed.backend.watch = overtake
    keyed.post(export_id)
    assert_posted_once(keyed, export_id)


def test_with_keys_a_refusal_is_not_asked_for_again(keyed: Stage) -> None:
    """A backend may remember its refusal under the key: when a person says go on, a new one is used."""
    export_id = keyed.queue()
    keyed.books.tell(Lie.REFUSE)
    assert keyed.post(export_id) == ExportState.REVIEW
    keyed.update(export_id, state=ExportState.PENDING)
    assert keyed.post(export_id) == ExportState.POSTED
    assert len({call.key for call in keyed.books.calls(step="create")}) == 2


def test_with_keys_a_refusal_beside_an_open_call_keeps_the_key(keyed: Stage) -> None:
    """The sleeper's call may have arrived, so a new key would be a second journal."""
    export_id = keyed.queue()
    overtaken: list[str] = []

    def overtake(point: str) -> None:
        if point == "books.after" and not overtaken:
            overtaken.append(point)
            keyed.books.tell(Lie.PERIOD_CLOSED)
            keyed.pass_time()
            assert keyed.post(export_id) == ExportState.REVIEW
            keyed.shop.write(lambda session: retry_export(session, export_id))
            assert keyed.settle(export_id) == ExportState.POSTED

    keyed.backend.watch = overtake
    keyed.post(export_id)
    assert_posted_once(keyed, export_id)


def test_to_look_up_and_post_again_posts_twice_behind_a_late_packet(keyed: Stage) -> None:
    """The counter-example: what the next test's protocol survives. Nothing crashes here, a packet is only slow."""
    export_id = keyed.queue()
    keyed.books.tell(Lie.APPLY_LATE, step="create", seconds=3600)
    with pytest.raises(OutcomeUnknown):
        post_after_look_up(keyed.house, keyed.company_id, export_id)
    post_after_look_up(keyed.house, keyed.company_id, export_id)
    keyed.books.heal()
    assert len(keyed.held(export_id, status="posted")) == 2


def test_drafts_survive_the_same_late_packet(engine: sa.Engine, tmp_path: Path) -> None:
    stage = a_stage(engine, tmp_path)
    export_id = stage.queue()
    stage.books.tell(Lie.APPLY_LATE, step="create", seconds=3600)
    assert stage.settle(export_id) == ExportState.POSTED
    stage.books.heal()
    assert len(stage.held(export_id, status="posted")) == 1
