"""What people do about a difference leads to agreement: each cure that the page names, carried out."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.domain.reconciliation import Reason, Verdict, unexplained
from partsemble_core.plugin_testing.lying_books import Lie
from partsemble_core.services import deciding, opting, reviewing
from partsemble_core.services.reconciling import Reconciliation
from tests.faults.stage import Stage, a_stage
from tests.faults.test_reconciling import (
    WEEK,
    add_twin,
    all_exports,
    chosen,
    id_of,
    kits,
    lines,
    post_all,
    receive,
    seen,
    today,
    two_lines,
)
from tests.faults.test_truing import export_of, take_back, true_up
from tests.services.makers import a_line
from tests.services.stockroom import open_stock, undo


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path) -> Stage:
    return a_stage(engine, tmp_path)


def agreed(stage: Stage, *, cancelling: int) -> Reconciliation:
    """The reconciliation, which agrees although so many lines are shown."""
    found = seen(stage)
    assert (found.verdict, found.unexplained, found.cancelling) == (Verdict.AGREES, 0, cancelling)
    return found


def enter(stage: Stage, debit: str, credit: str, amount: str) -> str:
    return stage.books.enter(day=today(stage).isoformat(), lines=two_lines(debit, credit, amount))


def received(stage: Stage, cost: str) -> tuple[object, str]:
    """A posted receipt, and its journal's id."""
    receipt = stage.shop.receive(a_line("BOLT", total_cost=cost))
    post_all(stage)
    return receipt, id_of(stage, all_exports(stage)[-1].id)


def test_opening_stock_that_the_books_have_agrees(stage: Stage) -> None:
    open_stock(stage.shop, "BOLT", "10", "20.00")
    assert (seen(stage).verdict, seen(stage).unexplained) == (Verdict.DIFFERS, 0)
    enter(stage, "a-621", "a-623", "20.00")
    assert lines(agreed(stage, cancelling=2))[0][0] == "left_out"


@pytest.mark.parametrize("how", ["voided", "missing"])
@pytest.mark.parametrize("is_copied", [False, True])
def test_a_lost_journal_is_entered_again(stage: Stage, how: str, is_copied: bool) -> None:
    _, journal = received(stage, "2.00")
    if how == "voided":
        stage.books.set_status(journal, "voided")
    else:
        stage.books.remove(journal)
    assert seen(stage).verdict == Verdict.DIFFERS
    if is_copied:  # with our mark in its narration
        add_twin(stage, all_exports(stage)[-1].id, two_lines("a-621", "a-623", "2.00"))
    else:
        enter(stage, "a-621", "a-623", "2.00")
    found = agreed(stage, cancelling=2)
    assert {(line.reason.value, line.amount) for line in found.lines} == {(how, -2), ("foreign", 2)}


def test_a_wrong_document_is_reversed_and_its_reversal_voided_too(stage: Stage) -> None:
    receipt, journal = received(stage, "2.00")
    stage.books.set_status(journal, "voided")
    undo(stage.shop, "receipt", receipt)
    post_all(stage)
    assert seen(stage).difference == -2  # the reversal alone takes it out a second time
    stage.books.set_status(id_of(stage, all_exports(stage)[-1].id), "voided")
    found = agreed(stage, cancelling=2)
    assert [(line.reason, line.amount) for line in found.lines] == [(Reason.VOIDED, -2), (Reason.VOIDED, 2)]


def test_a_copy_is_voided_and_an_edit_edited_back(stage: Stage) -> None:
    _, journal = received(stage, "8.00")
    export_id = all_exports(stage)[-1].id
    add_twin(stage, export_id, two_lines("a-621", "a-623", "8.00"))
    assert [line.reason for line in seen(stage).lines] == [Reason.DOUBLE]
    [copy] = [held.external_id for held in stage.held(export_id) if held.external_id != journal]
    stage.books.set_status(copy, "voided")
    agreed(stage, cancelling=0)
    stage.books.set_lines(journal, two_lines("a-621", "a-623", "7.00"))
    stage.books.set_day(journal, (today(stage) + WEEK).isoformat())
    assert seen(stage).difference == -8
    stage.books.set_lines(journal, two_lines("a-621", "a-623", "8.00"))
    stage.books.set_day(journal, today(stage).isoformat())
    agreed(stage, cancelling=0)


@pytest.mark.parametrize("is_wanted", [True, False])
def test_a_voided_true_up_is_made_by_hand_or_taken_back(stage: Stage, is_wanted: bool) -> None:
    chosen(stage, "rounding", "478")
    for _ in range(9):
        receive(stage, "1.234")
    made = true_up(stage)
    assert stage.settle(export_of(stage, made)) == "posted"
    stage.books.set_status(id_of(stage, export_of(stage, made)), "voided")
    assert seen(stage).verdict == Verdict.DIFFERS
    if is_wanted:
        enter(stage, "a-621", "a-478", "0.04")
        assert agreed(stage, cancelling=2).difference == Decimal("0.004")
        return
    back = take_back(stage, made)
    assert stage.settle(export_of(stage, back)) == "posted"
    stage.books.set_status(id_of(stage, export_of(stage, back)), "voided")
    assert agreed(stage, cancelling=2).difference == Decimal("-0.036")
    assert true_up(stage).amount == Decimal("0.04")


def test_a_cancelled_posting_and_its_reversal_go_together(stage: Stage) -> None:
    receipt = stage.shop.receive(a_line("BOLT", total_cost="10.00"), on=today(stage) - WEEK)
    stage.books.tell(Lie.REFUSE, step="create")
    post_all(stage)
    export_id = all_exports(stage)[-1].id
    assert stage.export(export_id).state == "review"
    deciding.cancel_and_reverse(stage.house, stage.shop.act, stage.company_id, export_id, reason="Never came")
    assert agreed(stage, cancelling=0).lines == ()
    assert lines(seen(stage, on=today(stage) - WEEK)) == [("cancelled", receipt.reference, Decimal(-10))]


def test_what_rounds_to_nothing_is_rounding(stage: Stage) -> None:
    chosen(stage, "rounding", "478")
    for _ in range(5):
        receipt = stage.shop.receive(a_line("BOLT", total_cost="0.004"))
    undo(stage.shop, "receipt", receipt)
    found = agreed(stage, cancelling=0)
    assert found.difference == Decimal("-0.016")
    assert {line.reason for line in found.lines} == {Reason.ROUNDING}
    made = true_up(stage)
    assert made.amount == Decimal("0.02")
    assert stage.settle(export_of(stage, made)) == "posted"
    assert agreed(stage, cancelling=0).difference == Decimal("0.004")


def test_equal_sums_agree_whatever_was_rounded(stage: Stage) -> None:
    for _ in range(10):
        receive(stage, "1.234")
    assert agreed(stage, cancelling=0).difference == Decimal("-0.04")
    enter(stage, "a-621", "a-623", "0.04")  # somebody's own true-up
    assert agreed(stage, cancelling=1).difference == 0


def test_an_account_chosen_by_mistake_is_no_account_of_stock(stage: Stage) -> None:
    stage.house.write(stage.company_id, lambda s: opting.set_options(s, {"export_receipts": "manual"}))
    chosen(stage, "receiving_debit", "478")
    export_id = receive(stage, "10.00", post=False)
    assert "478" in {row.code for row in seen(stage).accounts}  # it may still be posted there
    deciding.skip_export(stage.house, stage.shop.act, stage.company_id, export_id, reason="Wrong account")
    chosen(stage, "receiving_debit", "621")
    enter(stage, "a-478", "a-623", "500.00")
    found = seen(stage)
    assert [row.code for row in found.accounts] == ["621", "622"]
    assert lines(found) == [("left_out", "PSB-RCV-0001", Decimal(-10))]


def test_a_build_that_gave_all_back_was_in_review_until_then(stage: Stage) -> None:
    kits(stage)
    receive(stage, "10.00", on=today(stage) - WEEK)
    stage.house.write(stage.company_id, lambda s: opting.set_options(s, {"qa_review": True}))
    build = stage.shop.build("PANEL", "1", on=today(stage) - WEEK)
    stage.house.write(
        stage.company_id,
        lambda s: reviewing.reject(s, stage.shop.act, build.id, reason="quality_defect", recovery="full"),
    )
    assert lines(seen(stage, on=today(stage) - dt.timedelta(days=1))) == [("in_review", "PSB-000001", Decimal(2))]
    agreed(stage, cancelling=0)


@pytest.mark.parametrize(
    ("difference", "remainder", "left"),
    [("30", "130", "30"), ("-30", "-10", "-10"), ("-50", "50", "0"), ("30", "0", "0"), ("-0.5", "-2", "-0.5")],
)
def test_what_lines_cancel_out_is_not_unexplained(difference: str, remainder: str, left: str) -> None:
    assert unexplained(Decimal(difference), Decimal(remainder)) == Decimal(left)
