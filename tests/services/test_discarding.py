"""What was decided about a posting whose draft was there leaves no law broken, and each deletion was written ahead."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.plugin_testing.lying_books import Lie
from partsemble_core.services.ascertaining import OutcomeUncertain
from partsemble_core.services.claiming import prepare
from partsemble_core.services.crashing import watch_crashpoints
from partsemble_core.services.discarding import GONE
from partsemble_core.services.doctoring import examine
from partsemble_core.services.janitor import tidy_round
from partsemble_core.services.posting import do_step
from partsemble_core.store.exports import ExportAttempt
from tests.faults.stage import Stage, a_stage, an_engine
from tests.services.deciders import a_deciding_stage, cancel, failed, remap, says_no, skip

DECISIONS = {"skip": skip, "cancel": cancel, "remap": remap}
Decide = Callable[[Stage, int], object]


class Died(BaseException):
    """The process ended here."""


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    with an_engine(database_url) as opened:
        yield opened


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path) -> Stage:
    return a_deciding_stage(engine, tmp_path)


def broken_laws(stage: Stage) -> list[str]:
    with stage.shop.reading() as session:
        return [found.law for found in examine(session)]


def discards(stage: Stage, export_id: int) -> list[tuple[str | None, str | None]]:
    """(outcome, id) of each deletion that was written down."""
    rows = stage.attempt_rows(export_id)
    return [(each.outcome, each.external_id) for each in rows if each.step == "discard"]


@pytest.mark.parametrize("decide", DECISIONS.values(), ids=DECISIONS)
def test_a_deleted_draft_is_written_down_and_no_law_is_broken(stage: Stage, decide: Decide) -> None:
    export_id = failed(stage, step="post")
    draft = stage.held(export_id)[0].external_id
    decide(stage, export_id)
    assert discards(stage, export_id) == [("ok", draft)]
    assert broken_laws(stage) == []


@pytest.mark.parametrize("decide", DECISIONS.values(), ids=DECISIONS)
def test_of_a_batch_each_draft_is_written_down(engine: sa.Engine, tmp_path: Path, decide: Decide) -> None:
    stage = a_stage(engine, tmp_path, batch_size=10)
    exports = [stage.queue() for _ in range(3)]
    stage.books.tell(Lie.REFUSE, step="post", times=10)
    stage.drain()
    assert [stage.export(each).state for each in exports] == [ExportState.REVIEW] * 3
    stage.books.heal()
    for export_id in exports:
        draft = stage.held(export_id)[0].external_id
        decide(stage, export_id)
        assert discards(stage, export_id) == [("ok", draft)]
    assert broken_laws(stage) == []


def test_a_deletion_is_written_ahead_and_one_that_fails_says_so(stage: Stage) -> None:
    export_id = failed(stage, step="post")
    draft = stage.held(export_id)[0].external_id
    stage.books.tell(Lie.BUSY, step="discard")
    says_no(stage, lambda: skip(stage, export_id), OutcomeUncertain, "outcome-uncertain")
    stage.books.tell(Lie.LOSE_ANSWER, step="discard")
    says_no(stage, lambda: skip(stage, export_id), OutcomeUncertain, "outcome-uncertain")
    skip(stage, export_id)
    assert discards(stage, export_id) == [("refused", draft), ("unknown", draft), ("ok", draft)]
    assert stage.attempt_rows(export_id)[-1].message == GONE
    assert broken_laws(stage) == []


def test_who_dies_after_the_deletion_leaves_nothing_that_the_next_decision_does_not_mend(stage: Stage) -> None:
    export_id = failed(stage, step="post")
    draft = stage.held(export_id)[0].external_id
    with watch_crashpoints(_die_at("discarding.after_call")), pytest.raises(Died):
        cancel(stage, export_id)
    assert discards(stage, export_id) == [(None, draft)]
    assert stage.export(export_id).state == ExportState.REVIEW
    cancel(stage, export_id)
    assert discards(stage, export_id) == [(None, draft), ("ok", draft)]
    assert broken_laws(stage) == []


def test_a_posting_that_was_voided_over_there_is_gone_too(stage: Stage) -> None:
    export_id = stage.queue()
    stage.books.tell(Lie.LOSE_ANSWER, step="post")
    stage.post(export_id)
    (journal,) = stage.held(export_id)
    stage.books.set_status(journal.external_id, "voided")
    assert stage.settle(export_id) == ExportState.REVIEW
    cancel(stage, export_id)
    assert discards(stage, export_id) == [("ok", journal.external_id)]
    assert broken_laws(stage) == []


@pytest.mark.parametrize("status", ["draft", "posted"])
def test_what_a_late_creation_made_is_tidied_unless_somebody_posted_it(stage: Stage, status: str) -> None:
    """Its worker ends after the decision. A draft is deleted; of a posting the doctor keeps telling."""
    export_id = stage.queue()
    step = stage.shop.write(lambda s: prepare(stage.house, s, export_id=export_id, owner="slow", epoch=0))
    assert step is not None
    stage.books.tell(Lie.REFUSE, step="create")
    assert stage.settle(export_id) == ExportState.REVIEW
    skip(stage, export_id)
    do_step(stage.house, stage.company_id, step)
    stage.books.set_status(stage.held(export_id)[0].external_id, status)
    past = stage.house.clock() - dt.timedelta(hours=1)
    stage.shop.write(lambda session: session.execute(sa.update(ExportAttempt).values(sent_at=past)))
    assert broken_laws(stage) == ["export-attempt"]
    assert tidy_round(stage.house) == 1
    assert [journal.status for journal in stage.held(export_id)] == ["deleted" if status == "draft" else "posted"]
    assert broken_laws(stage) == ([] if status == "draft" else ["export-attempt"])


def _die_at(point: str) -> Callable[[str], None]:
    def watch(name: str) -> None:
        if name == point:
            raise Died

    return watch
