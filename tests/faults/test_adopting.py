"""Adopting the wrong journal: one that belongs to another document is never taken for this one's."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.errors import Conflict
from partsemble_core.plugin_api.entries import entry_from_bytes
from partsemble_core.plugin_api.types import JournalStep, PostStep
from partsemble_core.services import deciding
from partsemble_core.services.addressing import context_of, token_for
from tests.faults.test_killing_xero import assert_posted_once
from tests.faults.xero_stage import ORGANISATION, XeroStage, a_xero_stage
from tests.services.makers import a_shop

CREATE = "POST /api.xro/2.0/ManualJournals"
POST = "POST /api.xro/2.0/ManualJournals/*"


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path) -> Iterator[XeroStage]:
    with a_xero_stage(engine, tmp_path) as made:
        made.connect()
        yield made


def failed(stage: XeroStage) -> int:
    """An export that the books clearly refused."""
    export_id = stage.queue()
    stage.sandbox.lock(ORGANISATION, period="2099-12-31")
    assert stage.post(export_id) == ExportState.REVIEW
    stage.sandbox.lock(ORGANISATION, period=None)
    return export_id


def refusal(stage: XeroStage, export_id: int, external_id: str) -> str:
    """What is said when a person calls that journal the export's; nothing is changed by it."""
    with pytest.raises(Conflict) as caught:
        deciding.adopt(stage.house, stage.act, stage.company_id, export_id, external_id=external_id)
    assert caught.value.field == "external_id"
    assert stage.export(export_id).state == ExportState.REVIEW
    assert stage.export(export_id).external_id is None
    return str(caught.value)


def go_on(stage: XeroStage, export_id: int) -> None:
    stage.age()
    assert stage.post(export_id) == ExportState.POSTED
    assert_posted_once(stage, export_id)


def test_the_journal_of_a_posted_document_is_not_anothers(stage: XeroStage) -> None:
    mine, theirs = failed(stage), stage.queue()
    stage.post(theirs)
    posted = stage.export(theirs)
    assert posted.reference in refusal(stage, mine, str(posted.external_id))


def test_the_journal_behind_a_lost_answer_is_not_anothers(stage: XeroStage) -> None:
    """Nobody here knows its id: its draft's answer was lost, and somebody posted that draft over there."""
    mine, theirs = failed(stage), stage.queue()
    stage.sandbox.add_fault(CREATE, kind="close-after")
    assert stage.post(theirs) == ExportState.UNKNOWN
    lost = stage.export(theirs)
    [journal] = stage.journals(token=lost.token)
    post_by_hand(stage, theirs, journal["journal_id"])
    assert lost.external_id is None
    assert lost.reference in refusal(stage, mine, journal["journal_id"])
    go_on(stage, theirs)


def post_by_hand(stage: XeroStage, export_id: int, external_id: str) -> None:
    ctx = context_of(stage.house, stage.connection(), token=token_for(stage.house, stage.connection()))
    with closing(ctx.http):
        entry = entry_from_bytes(stage.export(export_id).body)
        step = JournalStep(kind=PostStep.POST, key="by hand", external_id=external_id)
        stage.house.host.post_journal("xero", ctx, entry=entry, step=step)


def test_the_journal_of_another_company_in_the_same_books_is_not_ours(stage: XeroStage, engine: sa.Engine) -> None:
    theirs = stage.queue()
    stage.post(theirs)
    shop = dataclasses.replace(a_shop(engine), act=stage.shop.act)
    shop.product("BOLT")
    other = dataclasses.replace(stage, shop=shop)
    other.connect()
    said = refusal(other, failed(other), str(stage.export(theirs).external_id))
    assert "another company's document" in said
    assert stage.export(theirs).reference not in said, "what others have is none of ours"
    assert_posted_once(stage, theirs)
