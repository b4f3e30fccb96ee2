"""What a person may decide about a posting, on books that lie, and what is refused with what to do instead."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.errors import Invalid, NotFound, Refused, WrongState
from partsemble_core.plugin_testing.lying_books import Lie
from partsemble_core.services import deciding
from partsemble_core.services.claiming import due_exports
from partsemble_core.services.deciding import DigestDiffers
from partsemble_core.services.exporting import ORIGINAL_NOT_POSTED
from partsemble_core.services.rehearsing import dry_run
from partsemble_core.store.exports import Export
from partsemble_core.store.receipts import Receipt
from tests.faults.stage import Stage, an_engine, assert_posted_once
from tests.services.deciders import (
    a_deciding_stage,
    at_once,
    by_hand,
    cancel,
    failed,
    post,
    remap,
    retry,
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


# ---- held until a person posts it


def test_what_is_posted_by_hand_is_held_and_no_worker_takes_it(stage: Stage) -> None:
    by_hand(stage)
    export_id = stage.queue()
    assert (stage.export(export_id).state, stage.rung) == (ExportState.HELD, [])
    stage.pass_time()
    assert due_exports(stage.house) == []
    assert stage.post(export_id) is None
    assert stage.books.calls() == []


def test_each_kind_has_a_mode_of_its_own(stage: Stage) -> None:
    by_hand(stage, export_adjustments="manual")
    stage.queue()
    adjustment = adjust(stage.shop, the_lot(stage.shop, "BOLT"), "1", reason="count_correction")
    undo(stage.shop, "adjustment", adjustment)
    by_hand(stage, export_adjustments="automatic", export_receipts="manual")
    stage.queue()
    found = [(e.document_kind, e.state) for e in stage.shop.rows(sa.select(Export).order_by(Export.id))]
    assert found == [("receipt", "pending"), ("adjustment", "cancelled"), ("receipt", "held")]


def test_a_reversal_follows_the_mode_of_what_it_reverses(stage: Stage) -> None:
    export_id = stage.queue()
    stage.settle(export_id)
    by_hand(stage, export_receipts="manual")
    undo(stage.shop, "receipt", stage.shop.rows(sa.select(Receipt))[0])
    *_, reversal = stage.shop.rows(sa.select(Export).order_by(Export.id))
    assert (reversal.state, reversal.after_export_id) == (ExportState.HELD, export_id)
    post(stage, reversal.id)
    assert stage.settle(reversal.id) == ExportState.POSTED


def test_reversing_what_is_held_posts_nothing_for_either(stage: Stage) -> None:
    by_hand(stage)
    export_id = stage.queue()
    undo(stage.shop, "receipt", stage.shop.rows(sa.select(Receipt))[0])
    assert [(e.id, e.state) for e in stage.shop.rows(sa.select(Export))] == [(export_id, "cancelled")]


def test_many_are_posted_at_once_and_the_bell_is_rung_for_each(stage: Stage) -> None:
    by_hand(stage)
    first, second, third = (stage.queue() for _ in range(3))
    assert [export.id for export in post(stage, third, first, first)] == [first, third]
    assert stage.rung == [(stage.company_id, first), (stage.company_id, third)]
    assert stage.settle(first) == stage.settle(third) == ExportState.POSTED
    assert_posted_once(stage, first)
    assert stage.export(second).state == ExportState.HELD


def test_posting_by_hand_is_all_or_nothing(stage: Stage) -> None:
    free = stage.queue()
    by_hand(stage)
    held = stage.queue()
    words = says_no(stage, lambda: post(stage, held, free), WrongState, "wrong-state")
    assert f"{stage.export(free).reference} (pending)" in words
    says_no(stage, lambda: post(stage, held, 10**15), NotFound, "not-found")
    says_no(stage, lambda: post(stage), Invalid, "invalid")
    says_no(stage, lambda: post(stage, *range(1, 1002)), Invalid, "invalid")
    says_no(stage, lambda: post(stage, held, free, digest="0" * 64), Invalid, "invalid")


def test_only_what_the_dry_run_showed_is_posted(stage: Stage) -> None:
    by_hand(stage)
    first, second = stage.queue(), stage.queue(cost="99.99")
    with stage.shop.reading() as session:
        shown = dry_run(session, first)
    says_no(stage, lambda: post(stage, second, digest=shown.digest), DigestDiffers, "digest-differs")
    post(stage, first, digest=shown.digest.upper())
    assert stage.settle(first) == ExportState.POSTED


def test_the_dry_run_shows_the_frozen_bytes_and_sends_nothing(stage: Stage) -> None:
    by_hand(stage)
    export = stage.export(stage.queue())
    with stage.shop.reading() as session:
        shown = dry_run(session, export.id)
    assert shown.digest == hashlib.sha256(export.body).hexdigest() == export.body_sha256
    assert (shown.token, shown.label, shown.organisation) == (export.token, "Held", "Lying Books")
    found = [(line.account_code, line.account_name, line.debit, line.credit) for line in shown.lines]
    assert [(code, name) for code, name, *_ in found] == [
        ("621", "Stock of components"), ("623", "Goods received clearing"),
    ]  # fmt: skip
    assert [(str(debit), str(credit)) for *_, debit, credit in found] == [("12.50", "None"), ("None", "12.50")]
    assert shown.total == Decimal("12.50")
    assert stage.books.calls() == []


def test_held_ones_are_found_by_kind(stage: Stage) -> None:
    by_hand(stage)
    export_id = stage.queue()
    adjust(stage.shop, the_lot(stage.shop, "BOLT"), "1", reason="count_correction")
    with stage.shop.reading() as session:
        assert len(deciding.held_exports(session)) == 2
        assert deciding.held_exports(session, kind="receipt") == [export_id]
        with pytest.raises(Invalid, match="no kind of document"):
            deciding.held_exports(session, kind="bananas")


def test_two_who_post_the_same_at_once_post_it_once(stage: Stage) -> None:
    by_hand(stage)
    export_id = stage.queue()
    assert sorted(at_once(lambda: post(stage, export_id), 4)) == ["done", "wrong-state", "wrong-state", "wrong-state"]
    assert stage.rung == [(stage.company_id, export_id)]


# ---- left out


def test_what_is_held_is_left_out_with_a_reason(stage: Stage) -> None:
    by_hand(stage)
    export_id = stage.queue()
    assert skip(stage, export_id).state == ExportState.SKIPPED
    assert stage.export(export_id).problem == "Left out by ann@example.com: Entered in the books by hand"
    says_no(stage, lambda: post(stage, export_id), WrongState, "wrong-state")
    undo(stage.shop, "receipt", stage.shop.rows(sa.select(Receipt))[0])
    *_, reversal = stage.shop.rows(sa.select(Export).order_by(Export.id))
    assert (reversal.state, reversal.problem) == ("skipped", ORIGINAL_NOT_POSTED)


def test_what_was_never_tried_or_clearly_refused_is_left_out(stage: Stage) -> None:
    waiting, refused_one = stage.queue(), failed(stage)
    assert skip(stage, waiting).state == skip(stage, refused_one).state == ExportState.SKIPPED
    stage.pass_time()
    assert due_exports(stage.house) == []
    assert stage.books.journals() == []


def test_a_draft_is_deleted_before_its_posting_is_left_out(stage: Stage) -> None:
    export_id = failed(stage, step="post")
    assert skip(stage, export_id).state == ExportState.SKIPPED
    assert [journal.status for journal in stage.held(export_id)] == ["deleted"]


@pytest.mark.parametrize("reason", ["", " ", None, "x" * 501])
def test_leaving_out_needs_a_reason(stage: Stage, reason: object) -> None:
    export_id = stage.queue()
    says_no(stage, lambda: skip(stage, export_id, reason=reason), Invalid, "invalid")


def test_what_is_on_its_way_or_there_can_t_be_left_out(stage: Stage) -> None:
    unknown, posted = stage.queue(), stage.queue()
    stage.books.tell(Lie.LOSE_ANSWER, step="create")
    stage.post(unknown)
    assert "looked up" in says_no(stage, lambda: skip(stage, unknown), WrongState, "wrong-state")
    stage.post(posted)
    assert "reverse its document" in says_no(stage, lambda: skip(stage, posted), WrongState, "wrong-state")


# ---- who decides first


@pytest.mark.parametrize("decide", [cancel, remap, skip])
def test_two_who_decide_at_once_decide_once(stage: Stage, decide: Callable[[Stage, int], object]) -> None:
    export_id = failed(stage)
    answers = at_once(lambda: decide(stage, export_id))
    assert answers.count("done") == 1
    assert set(answers) <= {"done", "conflict", "wrong-state"}
    assert len(stage.shop.rows(sa.select(Export).where(Export.state.in_(("pending", "posted"))))) <= 1


@pytest.mark.parametrize("decide", [cancel, remap, skip])
def test_a_decision_fails_where_the_export_was_tried_again_meanwhile(
    stage: Stage, decide: Callable[[Stage, int], object]
) -> None:
    export_id = failed(stage, step="post")

    def meanwhile(point: str) -> None:
        stage.backend.watch = lambda point: None
        retry(stage, export_id)
        stage.books.tell(Lie.REFUSE, step="post")
        stage.post(export_id)  # it needs a person once more, but it is not as it was

    stage.backend.watch = meanwhile
    with pytest.raises(Refused) as caught:
        decide(stage, export_id)
    assert caught.value.code in ("conflict", "already-in-books")
    assert not stage.export(export_id).is_replaced
    assert stage.export(export_id).state in (ExportState.REVIEW, ExportState.POSTED)
