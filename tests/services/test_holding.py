"""A lot is set aside, let go, or split in two."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest
import sqlalchemy as sa

from partsemble_core.domain.fifo import StockShort
from partsemble_core.errors import Invalid, NotFound, PartsembleError, WrongState
from partsemble_core.store.lots import StockEntry
from tests.services.lot_laws import broken_lot_laws
from tests.services.makers import Shop, a_line, a_shop, in_threads, refused
from tests.services.stockroom import adjust, days_ago, hold, left_of, lock, release, split, the_lot


@pytest.fixture
def bolts(shop: Shop) -> Shop:
    """Ten bolts for 10.00 that expire, and a kit of one bolt."""
    shop.products("bolt", "kit")
    shop.bom("kit", {"bolt": "1"})
    shop.receive(a_line("bolt", "10", total_cost="10.00", lot_number="B-1", expires_on="2027-01-31"), on=days_ago(3))
    return shop


def test_nothing_takes_of_a_held_lot_until_it_is_released(bolts: Shop) -> None:
    held = hold(bolts, the_lot(bolts, "bolt"), " Cracks? ")
    assert (held.state, held.hold_reason) == ("held", "Cracks?")
    assert (bolts.balance("bolt").quantity, bolts.balance("bolt").value) == (10, 10)
    with pytest.raises(StockShort):
        bolts.build("kit", "1")
    assert release(bolts, held).hold_reason == ""
    bolts.build("kit", "1")
    assert broken_lot_laws(bolts) == {}


def test_a_hold_needs_a_reason(bolts: Shop) -> None:
    for reason in ("", "  ", None, "x" * 501):
        with refused(bolts, Invalid, "invalid", field="reason"):
            hold(bolts, the_lot(bolts, "bolt"), reason)


def test_only_what_is_open_is_held_and_only_what_is_held_is_released(bolts: Shop) -> None:
    lot = the_lot(bolts, "bolt")
    with refused(bolts, WrongState, "wrong-state", says="not on hold"):
        release(bolts, lot)
    hold(bolts, lot)
    with refused(bolts, WrongState, "wrong-state", says="on hold already: Waits for a certificate"):
        hold(bolts, lot)
    release(bolts, lot)
    bolts.build("kit", "10")
    with refused(bolts, WrongState, "wrong-state", says="is exhausted"):
        hold(bolts, lot)
    with refused(bolts, WrongState, "wrong-state", says="is exhausted"):
        split(bolts, lot, "1")
    with refused(a_shop(bolts.engine), NotFound, "not-found"):
        hold(a_shop(bolts.engine), lot)


def test_a_split_carries_days_hold_and_cost(bolts: Shop) -> None:
    bolts.build("kit", "1")
    hold(bolts, the_lot(bolts, "bolt"), "Cracks?")
    part = split(bolts, the_lot(bolts, "bolt"), "4")
    first = the_lot(bolts, "bolt")
    assert (part.number, part.split_from_id, part.receipt_line_id) == ("B-1-S2", first.id, None)
    assert (part.received_on, part.expires_on) == (first.received_on, first.expires_on)
    assert (part.state, part.hold_reason) == ("held", "Cracks?")
    assert (first.quantity_in, first.cost_in, first.quantity_left, first.cost_left) == (6, 6, 5, 5)
    assert (part.quantity_in, part.cost_in, part.quantity_left, part.cost_left) == (4, 4, 4, 4)
    entries = bolts.rows(sa.select(StockEntry).where(StockEntry.document_kind == "split").order_by(StockEntry.id))
    assert [(e.lot_id, e.quantity, e.cost, e.document_id) for e in entries] == [
        (first.id, -4, -4, part.id),
        (part.id, 4, 4, part.id),
    ]
    assert broken_lot_laws(bolts) == {}


def test_parts_are_numbered_on_and_so_are_parts_of_parts(bolts: Shop) -> None:
    first = split(bolts, the_lot(bolts, "bolt"), "5")
    split(bolts, first, "2")
    split(bolts, the_lot(bolts, "bolt"), "1")
    assert [number for number, *_ in left_of(bolts, "bolt")] == ["B-1", "B-1-S2", "B-1-S3", "B-1-S4"]
    bolts.receive(a_line("bolt", "2", lot_number="TEST-S9"))
    assert split(bolts, the_lot(bolts, "bolt", 4), "1").number == "TEST-S9-S2"


@pytest.mark.parametrize("quantity", ["0", "10", "11", "-1", "0.0000001", None, 2.0])
def test_a_split_lies_between_nothing_and_all(bolts: Shop, quantity: object) -> None:
    with refused(bolts, Invalid, "invalid", field="quantity"):
        split(bolts, the_lot(bolts, "bolt"), quantity)


def test_parts_are_taken_in_the_place_of_the_whole(bolts: Shop) -> None:
    bolts.stock("bolt", "10", "2", on=days_ago(2))
    split(bolts, the_lot(bolts, "bolt"), "4")
    bolts.build("kit", "9")
    assert [left for _, left, *_ in left_of(bolts, "bolt")] == [0, 10, 1]


def test_a_split_moves_nothing_in_a_locked_period(bolts: Shop) -> None:
    lock(bolts, days_ago(1))
    split(bolts, the_lot(bolts, "bolt"), "4")
    assert {e.effective_on for e in bolts.rows(sa.select(StockEntry).where(StockEntry.document_kind == "split"))} == {
        bolts.act.today
    }


def test_a_remainder_of_a_cent_stays_somewhere(bolts: Shop) -> None:
    bolts.receive(a_line("bolt", "3", total_cost="0.01"))
    for _ in range(2):
        split(bolts, the_lot(bolts, "bolt", 1), "1")
    assert sum(cost for _, _, cost, _ in left_of(bolts, "bolt")[1:]) == Decimal("0.01")
    assert broken_lot_laws(bolts) == {}


def test_a_split_and_a_loss_at_once_leave_nothing_negative(bolts: Shop) -> None:
    lot = the_lot(bolts, "bolt")

    def attempt(work: object) -> None:
        with suppress(PartsembleError):
            work()  # type: ignore[operator]

    in_threads(
        (attempt, lambda: split(bolts, lot, "6")),
        (attempt, lambda: adjust(bolts, lot, "-6", reason="loss")),
        (attempt, lambda: split(bolts, lot, "6")),
    )
    assert sum(left for _, left, *_ in left_of(bolts, "bolt")) in (4, 10)
    assert broken_lot_laws(bolts) == {}
