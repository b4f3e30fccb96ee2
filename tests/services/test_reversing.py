"""Receipts, builds and adjustments are undone exactly, once, and never from under what rests on them."""

from __future__ import annotations

from decimal import Decimal

import pytest
import sqlalchemy as sa

from partsemble_core.errors import Conflict, Invalid, NotFound, PartsembleError, WrongState
from partsemble_core.services.closing import PeriodLocked
from partsemble_core.services.reversing import DocumentInUse
from partsemble_core.store.builds import Build
from partsemble_core.store.lots import ReturnRow, StockEntry
from partsemble_core.store.receipts import Receipt
from tests.services.lot_laws import broken_lot_laws
from tests.services.makers import Shop, a_line, a_shop, in_threads, refused
from tests.services.stockroom import (
    adjust,
    days_ago,
    hold,
    later,
    left_of,
    lock,
    open_stock,
    split,
    the_lot,
    undo,
)


@pytest.fixture
def bolts(shop: Shop) -> Shop:
    """Two lots of bolts with a price that doesn't divide, and a kit of one bolt with 2.00 of packaging."""
    shop.products("bolt", "kit", "case")
    shop.bom("kit", {"bolt": "1"})
    shop.bom("case", {"kit": "2"})
    shop.receive(a_line("bolt", "3", total_cost="10.00", lot_number="B-1"), on=days_ago(5))
    shop.receive(a_line("bolt", "7", total_cost="20.00", lot_number="B-2"), on=days_ago(4))
    return shop


def the_receipt(shop: Shop, number: int) -> Receipt:
    return shop.rows(sa.select(Receipt).where(Receipt.number == number))[0]


def test_a_reversed_build_gives_every_component_back_to_its_lot(bolts: Shop) -> None:
    before = [lot[1:] for lot in left_of(bolts, "bolt")]
    build = bolts.build("kit", "5", on=days_ago(2))
    assert [left for _, left, *_ in left_of(bolts, "bolt")] == [0, 5]
    reversal = undo(bolts, "build", build, on=days_ago(1))
    assert (reversal.reference, reversal.reversed_reference) == ("PSB-REV-0001", "PSB-000001")
    assert (reversal.document_kind, reversal.document_id, reversal.reversed_on) == ("build", build.id, days_ago(1))
    assert [lot[1:] for lot in left_of(bolts, "bolt")] == before
    assert left_of(bolts, "kit")[0][1:] == (0, 0, "reversed")
    assert (bolts.balance("kit").quantity, bolts.balance("kit").value) == (0, 0)
    assert bolts.rows(sa.select(Build.state)) == ["reversed"]
    returns = bolts.rows(sa.select(ReturnRow).order_by(ReturnRow.id))
    assert [(r.quantity, r.cost, r.document_kind, r.document_id) for r in returns] == [
        (3, 10, "reversal", reversal.id),
        (2, Decimal("5.714286"), "reversal", reversal.id),
    ]
    entries = bolts.rows(sa.select(StockEntry).where(StockEntry.document_kind == "reversal").order_by(StockEntry.id))
    assert {(e.reference, e.effective_on) for e in entries} == {("PSB-REV-0001", days_ago(1))}
    assert broken_lot_laws(bolts) == {}


def test_receive_build_reverse_the_build_reverse_the_receipts_leaves_nothing(bolts: Shop) -> None:
    build = bolts.build("kit", "6")
    undo(bolts, "build", build)
    for number in (1, 2):
        undo(bolts, "receipt", the_receipt(bolts, number))
    for sku in ("bolt", "kit"):
        assert (bolts.balance(sku).quantity, bolts.balance(sku).value) == (0, 0)
        assert {lot[1:] for lot in left_of(bolts, sku)} == {(0, 0, "reversed")}
    assert broken_lot_laws(bolts) == {}


def test_a_receipt_that_was_used_lists_every_document_in_the_way(bolts: Shop) -> None:
    receipt = the_receipt(bolts, 2)
    first = bolts.build("kit", "4")
    bolts.build("kit", "1")
    adjust(bolts, the_lot(bolts, "bolt", 1), "-1", reason="loss")
    with refused(bolts, DocumentInUse, "document-in-use", field="document_id", says="Reverse those first") as caught:
        undo(bolts, "receipt", receipt)
    assert caught.value.references == ("PSB-000001", "PSB-000002", "PSB-ADJ-0001")  # type: ignore[attr-defined]
    undo(bolts, "build", first)
    with pytest.raises(DocumentInUse, match="PSB-000002, PSB-ADJ-0001 came after it"):
        undo(bolts, "receipt", receipt)


def test_a_build_whose_output_was_used_lists_what_used_it(bolts: Shop) -> None:
    build = bolts.build("kit", "4")
    case = bolts.build("case", "2")
    with refused(bolts, DocumentInUse, "document-in-use", field="document_id") as caught:
        undo(bolts, "build", build)
    assert caught.value.references == (case.reference,)  # type: ignore[attr-defined]
    undo(bolts, "build", case)
    undo(bolts, "build", build)
    assert broken_lot_laws(bolts) == {}


def test_a_split_or_a_hold_is_not_in_the_way(bolts: Shop) -> None:
    hold(bolts, split(bolts, split(bolts, the_lot(bolts, "bolt", 1), "4"), "1"))
    undo(bolts, "receipt", the_receipt(bolts, 2))
    assert {lot[1:] for lot in left_of(bolts, "bolt")[1:]} == {(0, 0, "reversed")}
    assert len(left_of(bolts, "bolt")) == 4
    assert broken_lot_laws(bolts) == {}


def test_what_was_split_off_and_used_is_in_the_way(bolts: Shop) -> None:
    split(bolts, the_lot(bolts, "bolt", 1), "4")
    hold(bolts, the_lot(bolts, "bolt"))
    hold(bolts, the_lot(bolts, "bolt", 1))
    bolts.build("kit", "1")
    with pytest.raises(DocumentInUse, match="PSB-000001 came after it"):
        undo(bolts, "receipt", the_receipt(bolts, 2))


def test_components_go_back_to_held_and_used_up_lots_as_they_were(bolts: Shop) -> None:
    build = bolts.build("kit", "5")
    hold(bolts, the_lot(bolts, "bolt", 1))
    undo(bolts, "build", build)
    assert [lot[1:] for lot in left_of(bolts, "bolt")] == [(3, 10, "open"), (7, 20, "held")]


def test_a_lot_does_not_open_again_under_the_number_of_newer_goods(bolts: Shop) -> None:
    build = bolts.build("kit", "3")
    bolts.receive(a_line("bolt", "1", total_cost="1", lot_number="b-1"))
    undo(bolts, "build", build)
    assert left_of(bolts, "bolt")[0] == ("B-1-R", 3, 10, "open")
    adjustment = adjust(bolts, the_lot(bolts, "bolt"), "-3", reason="loss")
    bolts.receive(a_line("bolt", "1", total_cost="1", lot_number="b-1-r"))
    with refused(bolts, Conflict, "conflict", field="lot_id", says="that of newer goods"):
        undo(bolts, "adjustment", adjustment)


def test_a_downward_adjustment_is_restored_exactly(bolts: Shop) -> None:
    adjustment = adjust(bolts, the_lot(bolts, "bolt"), "-1", reason="breakage")
    bolts.build("kit", "2")
    assert left_of(bolts, "bolt")[0][1:] == (0, 0, "exhausted")
    undo(bolts, "adjustment", adjustment)
    assert left_of(bolts, "bolt")[0][1:] == (1, Decimal("3.333333"), "open")
    assert broken_lot_laws(bolts) == {}


def test_an_upward_adjustment_needs_its_quantity_still_there(bolts: Shop) -> None:
    adjustment = adjust(bolts, the_lot(bolts, "bolt"), "3")
    undo(bolts, "adjustment", adjustment)
    assert left_of(bolts, "bolt")[0][1:] == (3, 10, "open")
    adjustment = adjust(bolts, the_lot(bolts, "bolt"), "3")
    bolts.build("kit", "4")
    with refused(bolts, DocumentInUse, "document-in-use", field="document_id", says="PSB-000001"):
        undo(bolts, "adjustment", adjustment)
    assert broken_lot_laws(bolts) == {}


def test_opening_stock_is_undone_while_it_is_untouched(bolts: Shop) -> None:
    opening = open_stock(bolts, "case", "4", "40")
    broken = adjust(bolts, the_lot(bolts, "case"), "-1", reason="loss")
    with refused(bolts, DocumentInUse, "document-in-use", field="document_id", says="PSB-ADJ-0002"):
        undo(bolts, "adjustment", opening)
    undo(bolts, "adjustment", broken)
    undo(bolts, "adjustment", opening)
    assert left_of(bolts, "case")[0][1:] == (0, 0, "reversed")
    assert broken_lot_laws(bolts) == {}


def test_adjustments_of_one_lot_are_undone_in_any_order_that_leaves_enough(bolts: Shop) -> None:
    up = adjust(bolts, the_lot(bolts, "bolt"), "2")
    down = adjust(bolts, the_lot(bolts, "bolt"), "-4", reason="loss")
    with pytest.raises(DocumentInUse, match=down.reference):
        undo(bolts, "adjustment", up)
    undo(bolts, "adjustment", down)
    undo(bolts, "adjustment", up)
    assert left_of(bolts, "bolt")[0][1:] == (3, 10, "open")
    undo(bolts, "receipt", the_receipt(bolts, 1))
    assert broken_lot_laws(bolts) == {}


def test_what_is_reversed_already_says_by_which_document(bolts: Shop) -> None:
    receipt = the_receipt(bolts, 1)
    undo(bolts, "receipt", receipt)
    with refused(bolts, Conflict, "conflict", says="PSB-RCV-0001 is already reversed by PSB-REV-0001"):
        undo(bolts, "receipt", receipt)


def test_reversing_twice_at_once_succeeds_once(bolts: Shop) -> None:
    build = bolts.build("kit", "5")
    outcomes: list[str] = []

    def attempt() -> None:
        try:
            outcomes.append(undo(bolts, "build", build).reference)
        except PartsembleError as error:
            outcomes.append(error.code)

    in_threads(*[(attempt,)] * 4)
    assert sorted(outcomes) == ["PSB-REV-0001", "conflict", "conflict", "conflict"]
    assert [left for _, left, *_ in left_of(bolts, "bolt")] == [3, 7]
    assert broken_lot_laws(bolts) == {}


def test_reversing_and_using_at_once_never_both_succeed(bolts: Shop) -> None:
    receipt = the_receipt(bolts, 2)
    undo(bolts, "receipt", the_receipt(bolts, 1))
    outcomes: list[str] = []

    def attempt(work: object) -> None:
        try:
            outcomes.append(work().reference)  # type: ignore[operator]
        except PartsembleError as error:
            outcomes.append(error.code)

    in_threads(
        (attempt, lambda: undo(bolts, "receipt", receipt)),
        (attempt, lambda: bolts.build("kit", "1")),
        (attempt, lambda: split(bolts, the_lot(bolts, "bolt", 1), "1") and receipt),
    )
    assert ("PSB-REV-0002" in outcomes) != ("PSB-000001" in outcomes)
    assert broken_lot_laws(bolts) == {}


def test_a_draft_is_not_reversed(bolts: Shop) -> None:
    draft = bolts.draft(a_line("bolt"))
    with refused(bolts, WrongState, "wrong-state", says="draft: nothing has happened yet. Edit it"):
        undo(bolts, "receipt", draft)


@pytest.mark.parametrize(
    ("build_state", "says"),
    [
        ("planned", "is planned: nothing has happened yet"),
        ("pending_qa", "waits for review. Reject it"),
        ("rejected", "was rejected"),
        ("cancelled", "was cancelled"),
    ],
)
def test_only_a_completed_build_is_reversed(bolts: Shop, build_state: str, says: str) -> None:
    build = bolts.build("kit", "1")
    bolts.write(lambda s: s.execute(sa.update(Build).where(Build.id == build.id).values(state=build_state)) and None)
    with refused(bolts, WrongState, "wrong-state", says=says):
        undo(bolts, "build", build)


@pytest.mark.parametrize("kind", ["sale", "waste", "reversal", "", None, 7])
def test_only_what_has_a_way_back_is_reversed(bolts: Shop, kind: object) -> None:
    with refused(bolts, Invalid, "invalid", field="document_kind"):
        undo(bolts, kind, the_receipt(bolts, 1))


def test_a_reversal_needs_a_reason_and_a_day_that_was(bolts: Shop) -> None:
    receipt = the_receipt(bolts, 1)
    with refused(bolts, Invalid, "invalid", field="reason"):
        undo(bolts, "receipt", receipt, reason=" ")
    with refused(bolts, Invalid, "invalid", field="reversed_on", says="future"):
        undo(bolts, "receipt", receipt, on="2026-05-05")
    with refused(bolts, Invalid, "invalid", field="reversed_on", says="Reverse it on that day or later"):
        undo(bolts, "receipt", receipt, on=days_ago(6))


def test_a_reversal_is_not_dated_when_the_goods_were_elsewhere(bolts: Shop) -> None:
    build = bolts.build("kit", "3", on=days_ago(3))
    undo(bolts, "build", build, on=days_ago(1))
    with refused(bolts, Invalid, "invalid", field="reversed_on", says=f"Reverse on {days_ago(1)} or later"):
        undo(bolts, "receipt", the_receipt(bolts, 1), on=days_ago(2))
    undo(bolts, "receipt", the_receipt(bolts, 1), on=days_ago(1))
    assert broken_lot_laws(bolts) == {}


def test_the_lock_holds_for_the_day_of_the_reversal_alone(bolts: Shop) -> None:
    lock(bolts, days_ago(2))
    with refused(bolts, PeriodLocked, "period-locked", field="reversed_on"):
        undo(bolts, "receipt", the_receipt(bolts, 1), on=days_ago(2))
    undo(later(bolts, days=3), "receipt", the_receipt(bolts, 1))
    assert left_of(bolts, "bolt")[0][3] == "reversed"


def test_another_companys_document_is_not_there(bolts: Shop) -> None:
    other = a_shop(bolts.engine)
    with refused(other, NotFound, "not-found", says="There is no receipt"):
        undo(other, "receipt", the_receipt(bolts, 1))
    build = bolts.build("kit", "1")
    with refused(other, NotFound, "not-found", says="There is no build"):
        undo(other, "build", build)
