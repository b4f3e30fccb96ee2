"""What a person may decide about a failed posting: it is there, other accounts, or called off with its document."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.domain.journals import AccountRole
from partsemble_core.errors import Conflict, Invalid, PartsembleError, Refused, WrongState
from partsemble_core.plugin_api.types import JournalLine, JournalResult, JournalStatus, Posting
from partsemble_core.plugin_testing.lying_books import Lie
from partsemble_core.services import deciding
from partsemble_core.services.ascertaining import AlreadyInBooks, OutcomeUncertain
from partsemble_core.services.claiming import due_exports
from partsemble_core.services.deciding import NotTheSamePosting
from partsemble_core.services.exporting import ORIGINAL_NOT_POSTED
from partsemble_core.services.opting import set_options
from partsemble_core.services.rehearsing import dry_run
from partsemble_core.services.reviewing import reject
from partsemble_core.store.adjustments import Reversal
from partsemble_core.store.connections import Connection
from partsemble_core.store.exports import Export, ExportAttempt
from partsemble_core.store.receipts import Receipt
from tests.faults.stage import Stage, a_stage, an_engine, assert_posted_once
from tests.services.deciders import (
    a_deciding_stage,
    adopt,
    by_hand,
    cancel,
    doubtful,
    failed,
    map_account,
    remap,
    says_no,
    skip,
)
from tests.services.stockroom import adjust, the_lot, undo


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    with an_engine(database_url) as opened:
        yield opened


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path) -> Stage:
    return a_deciding_stage(engine, tmp_path)


# ---- it is in the books under an id


def posted_unseen(stage: Stage) -> tuple[int, str]:
    """A posting that is in the books, while here it needs a person: (export, their id)."""
    export_id = stage.queue()
    stage.books.tell(Lie.LOSE_ANSWER, step="post")
    stage.post(export_id)
    (journal,) = stage.held(export_id, status="posted")
    stage.update(export_id, state=ExportState.REVIEW, doubt="")
    return export_id, journal.external_id


def test_a_posting_that_is_in_the_books_is_taken_over(stage: Stage) -> None:
    export_id, theirs = posted_unseen(stage)
    assert adopt(stage, export_id, f" {theirs} ").state == ExportState.POSTED
    assert_posted_once(stage, export_id)
    assert stage.attempts(export_id)[-1] == ("look_up", "ok")
    assert "ann@example.com" in stage.attempt_rows(export_id)[-1].message
    stage.pass_time()
    assert stage.post(export_id) is None


@pytest.mark.parametrize("wrong", ["", " ", "nowhere", "x" * 201, None])
def test_an_id_that_the_books_don_t_know_is_refused(stage: Stage, wrong: object) -> None:
    export_id = failed(stage)
    error = NotTheSamePosting if wrong == "nowhere" else Invalid
    says_no(stage, lambda: adopt(stage, export_id, wrong), error, error.code)


def test_a_draft_is_not_in_the_books(stage: Stage) -> None:
    export_id = failed(stage, step="post")
    draft = stage.held(export_id)[0].external_id
    assert "draft" in says_no(stage, lambda: adopt(stage, export_id, draft), NotTheSamePosting, "not-the-same-posting")


def test_another_journal_than_the_stored_one_is_refused(stage: Stage) -> None:
    export_id, _ = posted_unseen(stage)
    says_no(stage, lambda: adopt(stage, export_id, "other"), NotTheSamePosting, "not-the-same-posting")


@pytest.mark.parametrize("has_draft", [True, False])
def test_the_right_posting_of_another_document_is_left_alone(stage: Stage, has_draft: bool) -> None:
    other = stage.queue(cost="99.99")
    assert stage.settle(other) == ExportState.POSTED
    posted = stage.export(other)
    export_id = failed(stage, step="post" if has_draft else "create")
    mine = stage.export(export_id)
    words = says_no(stage, lambda: adopt(stage, export_id, posted.external_id), Conflict, "conflict")
    assert f"{posted.external_id} belongs to {posted.reference}: leave it as it is" in words
    assert (mine.external_id if has_draft else f"[{mine.token}]") in words  # type: ignore[operator]
    assert "oid" not in words


def entered_by_hand(stage: Stage, monkeypatch: pytest.MonkeyPatch, export_id: int, **changes: Any) -> None:
    """Somebody has entered the journal ``hand`` in the books: like the export's, but for ``changes``."""
    with stage.shop.reading() as session:
        shown = dry_run(session, export_id)
    lines = tuple(
        JournalLine(account_id="", account_code=line.account_code, amount=line.debit or -(line.credit or 0))
        for line in shown.lines
    )
    values = {"status": JournalStatus.POSTED, "posted_on": shown.date, "lines": lines, **changes}
    hand = JournalResult(external_id="hand", **values)
    find = stage.house.host.find_journal

    def with_hand(backend: str, ctx: Any, *, entry: Any, external_id: str | None = None) -> Any:
        return (hand,) if external_id == "hand" else find(backend, ctx, entry=entry, external_id=external_id)

    monkeypatch.setattr(stage.house.host, "find_journal", with_hand)


def test_a_journal_entered_by_hand_is_taken_over_when_date_and_amounts_agree(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_id = failed(stage)
    entered_by_hand(stage, monkeypatch, export_id)
    assert adopt(stage, export_id, "hand").external_id == "hand"
    other = failed(stage)
    says_no(stage, lambda: adopt(stage, other, "hand"), Conflict, "conflict")


@pytest.mark.parametrize(
    "changes",
    [
        {"posted_on": None},
        {"lines": None},
        {"lines": ()},
        {"status": JournalStatus.VOIDED},
        {"lines": (JournalLine(account_id="", account_code="621", amount=1),)},  # type: ignore[arg-type]
    ],
)
def test_a_journal_entered_by_hand_that_differs_is_refused(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    export_id = failed(stage)
    entered_by_hand(stage, monkeypatch, export_id, **changes)
    says_no(stage, lambda: adopt(stage, export_id, "hand"), NotTheSamePosting, "not-the-same-posting")


def test_one_by_hand_is_refused_while_ours_is_there_too(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    export_id, theirs = posted_unseen(stage)
    entered_by_hand(stage, monkeypatch, export_id)
    words = says_no(stage, lambda: adopt(stage, export_id, "hand"), NotTheSamePosting, "not-the-same-posting")
    assert theirs in words


# ---- called off, and its document undone


def test_a_refused_posting_is_cancelled_and_its_document_reversed(stage: Stage) -> None:
    export_id = failed(stage)
    done = cancel(stage, export_id)
    assert done is not None
    assert stage.export(export_id).state == ExportState.CANCELLED
    assert stage.shop.rows(sa.select(Receipt.state)) == ["reversed"]
    *_, reversal = stage.shop.rows(sa.select(Export).order_by(Export.id))
    assert (reversal.state, reversal.document_kind, reversal.problem) == ("skipped", "reversal", ORIGINAL_NOT_POSTED)
    stage.pass_time()
    assert due_exports(stage.house) == []
    assert stage.books.journals() == []


def test_a_document_reversed_before_only_has_its_posting_called_off(stage: Stage) -> None:
    export_id = failed(stage)
    undo(stage.shop, "receipt", stage.shop.rows(sa.select(Receipt))[0])
    assert cancel(stage, export_id) is None
    assert [e.state for e in stage.shop.rows(sa.select(Export).order_by(Export.id))] == ["cancelled", "skipped"]
    assert len(stage.shop.rows(sa.select(Reversal))) == 1


def test_a_draft_is_deleted_before_its_document_is_reversed(stage: Stage) -> None:
    export_id = failed(stage, step="post")
    cancel(stage, export_id)
    assert [journal.status for journal in stage.held(export_id)] == ["deleted"]
    assert stage.shop.rows(sa.select(Receipt.state)) == ["reversed"]


def test_what_is_in_the_books_can_t_be_cancelled(stage: Stage) -> None:
    export_id, theirs = posted_unseen(stage)
    for decide in (cancel, remap, skip):
        words = says_no(stage, lambda d=decide: d(stage, export_id), AlreadyInBooks, "already-in-books")  # type: ignore[misc]
        assert theirs in words


def test_a_document_that_others_rest_on_keeps_its_posting(stage: Stage) -> None:
    export_id = failed(stage)
    adjust(stage.shop, the_lot(stage.shop, "BOLT"), "1", reason="count_correction")
    says_no(stage, lambda: cancel(stage, export_id), Refused, "document-in-use")


def test_a_draft_that_can_t_be_deleted_stops_the_decision(stage: Stage) -> None:
    export_id = failed(stage, step="post")
    for decide in (cancel, remap, skip):
        stage.books.tell(Lie.BUSY, step="discard")
        says_no(stage, lambda d=decide: d(stage, export_id), OutcomeUncertain, "outcome-uncertain")  # type: ignore[misc]


def test_books_that_don_t_answer_decide_nothing(stage: Stage) -> None:
    export_id = failed(stage, step="post")
    stage.books.tell(Lie.BUSY, step="look_up")
    says_no(stage, lambda: cancel(stage, export_id), PartsembleError, "backend-retry-later")


def test_without_drafts_a_call_that_may_still_arrive_stops_the_decision(engine: sa.Engine, tmp_path: Path) -> None:
    stage = a_stage(engine, tmp_path, posting=Posting.LOOKUP)
    export_id = doubtful(stage)
    for decide in (cancel, remap, skip):
        says_no(stage, lambda d=decide: d(stage, export_id), OutcomeUncertain, "outcome-uncertain")  # type: ignore[misc]
    stage.shop.write(lambda s: s.execute(sa.update(ExportAttempt).values(sent_at=stage.shop.act.at.replace(year=2020))))
    assert remap(stage, export_id).state == ExportState.PENDING


def test_with_drafts_a_call_that_may_still_arrive_makes_but_a_draft(stage: Stage) -> None:
    export_id = doubtful(stage)
    new = remap(stage, export_id)
    stage.books.heal()
    assert stage.settle(new.id) == ExportState.POSTED
    assert [journal.status for journal in stage.held(export_id)] == ["draft"]
    assert_posted_once(stage, new.id)


# ---- other accounts


def test_a_refused_posting_goes_out_anew_with_the_accounts_of_today(stage: Stage) -> None:
    export_id = failed(stage)
    map_account(stage, AccountRole.RECEIVING_DEBIT, "478")
    new = remap(stage, export_id)
    old = stage.export(export_id)
    assert (old.state, old.is_replaced, new.token != old.token) == ("cancelled", True, True)
    assert (new.reference, new.document_id, new.state) == (old.reference, old.document_id, ExportState.PENDING)
    assert stage.settle(new.id) == ExportState.POSTED
    (journal,) = stage.books.journals()
    assert "a-478" in journal.lines
    undo(stage.shop, "receipt", stage.shop.rows(sa.select(Receipt))[0])
    *_, reversal = stage.shop.rows(sa.select(Export).order_by(Export.id))
    assert (reversal.state, reversal.after_export_id) == ("pending", new.id)


def test_other_accounts_go_out_at_once_even_where_postings_are_held(stage: Stage) -> None:
    export_id = failed(stage)
    by_hand(stage)
    rung = len(stage.rung)
    new = remap(stage, export_id)
    assert new.state == ExportState.PENDING
    assert stage.rung[rung:] == [(stage.company_id, new.id)]


def test_builds_waste_and_adjustments_go_out_anew_on_their_own_day(stage: Stage) -> None:
    stage.queue()
    adjustment = adjust(stage.shop, the_lot(stage.shop, "BOLT"), "1", reason="count_correction")
    stage.shop.product("KIT")
    stage.shop.bom("KIT", {"BOLT": "1"})
    build = stage.shop.build("KIT", "1")
    waste = waste_of(stage)
    for kind, document_id in (("adjustment", adjustment.id), ("build", build.id), ("waste", waste)):
        (old,) = stage.shop.rows(
            sa.select(Export).where(Export.document_kind == kind, Export.document_id == document_id)
        )
        stage.books.tell(Lie.REFUSE, step="create")
        stage.post(old.id)
        new = remap(stage, old.id)
        assert (new.exact, new.posted, new.document_kind, new.reference) == (
            old.exact, old.posted, kind, old.reference,
        )  # fmt: skip
        assert dated(stage, new.id) == dated(stage, old.id)
        assert stage.settle(new.id) == ExportState.POSTED


def dated(stage: Stage, export_id: int) -> tuple[object, ...]:
    with stage.shop.reading() as session:
        shown = dry_run(session, export_id)
        return shown.date, shown.narration, shown.source_url, shown.lines


def waste_of(stage: Stage) -> int:
    """A build that was rejected with a loss; its id."""
    stage.shop.write(lambda session: set_options(session, {"qa_review": True}))
    stage.queue()
    build = stage.shop.build("KIT", "1")
    act = stage.shop.act
    stage.shop.write(lambda s: reject(s, act, build.id, reason="quality_defect", recovery="total_loss"))
    return build.id


def test_a_reversal_keeps_the_accounts_of_its_original(stage: Stage) -> None:
    export_id = stage.queue()
    stage.settle(export_id)
    undo(stage.shop, "receipt", stage.shop.rows(sa.select(Receipt))[0])
    *_, reversal = stage.shop.rows(sa.select(Export).order_by(Export.id))
    stage.books.tell(Lie.REFUSE, step="create")
    stage.post(reversal.id)
    says_no(stage, lambda: remap(stage, reversal.id), WrongState, "wrong-state")
    says_no(stage, lambda: cancel(stage, reversal.id), WrongState, "wrong-state")
    assert skip(stage, reversal.id).state == ExportState.SKIPPED


def test_a_posting_whose_document_was_reversed_is_cancelled_and_not_replaced(stage: Stage) -> None:
    export_id = failed(stage)
    undo(stage.shop, "receipt", stage.shop.rows(sa.select(Receipt))[0])
    assert "Cancel" in says_no(stage, lambda: remap(stage, export_id), WrongState, "wrong-state")


def test_without_books_nothing_goes_out_anew(stage: Stage) -> None:
    export_id = failed(stage)
    stage.shop.write(lambda s: s.execute(sa.update(Connection).values(state="disconnected")))
    says_no(stage, lambda: remap(stage, export_id), deciding.NotConnected, "not-connected")
