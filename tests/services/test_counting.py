"""A count says what was there at one time; confirming it adjusts the differences, once."""

from __future__ import annotations

from decimal import Decimal

import pytest
import sqlalchemy as sa

from partsemble_core.errors import Conflict, Invalid, NotFound, PartsembleError, WrongState
from partsemble_core.services import counting
from partsemble_core.services.closing import PeriodLocked
from partsemble_core.services.counting import CountBelowZero, CountOpen
from partsemble_core.store.adjustments import Adjustment, StockCount, StockCountLine
from partsemble_core.store.lots import Lot
from tests.services.lot_laws import broken_lot_laws
from tests.services.makers import Shop, a_line, a_shop, connect, in_threads, refused
from tests.services.stockroom import (
    adjust,
    cancel_count,
    confirm_count,
    days_ago,
    enter,
    hold,
    later,
    left_of,
    lines_of,
    lock,
    proofs,
    start_count,
    the_lot,
    undo,
    view_count,
)


@pytest.fixture
def bolts(shop: Shop) -> Shop:
    """Ten bolts and ten nuts at 1.00, received three days ago, and a kit of one bolt."""
    shop.products("bolt", "nut", "kit")
    shop.bom("kit", {"bolt": "1"})
    shop.receive(
        a_line("bolt", "10", total_cost="10", lot_number="B-1"),
        a_line("nut", "10", total_cost="10", lot_number="N-1"),
        on=days_ago(3),
    )
    return shop


def variances(shop: Shop, count: StockCount) -> dict[str, Decimal | None]:
    return {line.lot.number: line.variance for line in view_count(shop, count)}


def quantities(shop: Shop, sku: str) -> list[Decimal]:
    return [left for _, left, *_ in left_of(shop, sku)]


def test_a_count_becomes_an_adjustment_for_each_difference(bolts: Shop) -> None:
    connect(bolts)
    count = start_count(bolts, notes="Year end")
    assert (count.reference, count.state, count.counted_on) == ("PSB-CNT-0001", "draft", bolts.act.today)
    bolt, nut = the_lot(bolts, "bolt"), the_lot(bolts, "nut")
    enter(bolts, count, {bolt: "8", nut: 12})
    assert [(line.sku, line.expected, line.counted, line.left) for line in view_count(bolts, count)] == [
        ("bolt", 10, 8, 10),
        ("nut", 10, 12, 10),
    ]
    down, up = confirm_count(bolts, count)
    assert [(a.quantity, a.cost, a.reason, a.count_id) for a in (down, up)] == [
        (-2, -2, "count_correction", count.id),
        (2, 2, "count_correction", count.id),
    ]
    assert (down.reference, up.reference, down.notes) == ("PSB-ADJ-0001", "PSB-ADJ-0002", "PSB-CNT-0001")
    assert (quantities(bolts, "bolt"), quantities(bolts, "nut")) == ([8], [12])
    assert [lines_of(proof) for proof in proofs(bolts).values()] == [{"605": 2, "601": -2}, {"601": 2, "605": -2}]
    assert broken_lot_laws(bolts) == {}


def test_what_is_counted_right_or_not_at_all_stays_as_it_is(bolts: Shop) -> None:
    bolts.stock("bolt", "5")
    count = start_count(bolts, "bolt")
    enter(bolts, count, {the_lot(bolts, "bolt"): "10", the_lot(bolts, "bolt", 1): "4"})
    enter(bolts, count, {the_lot(bolts, "bolt", 1): None})
    assert list(variances(bolts, count).values()) == [0, None]
    assert confirm_count(bolts, count) == []
    assert quantities(bolts, "bolt") == [10, 5]


def test_nothing_there_is_a_count_too(bolts: Shop) -> None:
    hold(bolts, the_lot(bolts, "bolt"))
    count = start_count(bolts, "bolt")
    enter(bolts, count, {the_lot(bolts, "bolt"): "0"})
    confirm_count(bolts, count)
    assert left_of(bolts, "bolt")[0][1:] == (0, 0, "exhausted")


def test_a_count_of_nothing_is_not_confirmed(bolts: Shop) -> None:
    count = start_count(bolts)
    with refused(bolts, Invalid, "invalid", field="counted", says="Nothing is counted"):
        confirm_count(bolts, count)


def test_a_count_takes_all_or_some_products_or_lots(bolts: Shop) -> None:
    bolts.build("kit", "10")
    everything = start_count(bolts)
    assert set(variances(bolts, everything)) == {"N-1", "PSB-000001"}
    cancel_count(bolts, everything)
    assert set(variances(bolts, start_count(bolts, "NUT"))) == {"N-1"}
    assert set(variances(bolts, start_count(bolts, lots=[the_lot(bolts, "bolt")]))) == {"B-1"}
    with refused(bolts, Invalid, "invalid", field="skus", says="nothing|no stock"):
        start_count(bolts, "bolt")
    with refused(bolts, Invalid, "invalid", field="skus", says="no product with SKU 'ghost'"):
        start_count(bolts, "nut", "ghost")
    other = a_shop(bolts.engine)
    with refused(other, NotFound, "not-found"):
        start_count(other, lots=[the_lot(bolts, "bolt")])


def test_a_used_up_lot_of_which_something_is_found_opens_again(bolts: Shop) -> None:
    bolts.build("kit", "10")
    count = start_count(bolts, "nut")
    bolt = the_lot(bolts, "bolt")
    bolts.write(lambda s: counting.add_to_count(s, bolts.act, count.id, lot_ids=[bolt.id]))
    with refused(bolts, Conflict, "conflict", field="lot_ids"):
        bolts.write(lambda s: counting.add_to_count(s, bolts.act, count.id, lot_ids=[bolt.id]))
    enter(bolts, count, {bolt: "2"})
    confirm_count(bolts, count)
    assert left_of(bolts, "bolt")[0][1:] == (2, 2, "open")


@pytest.mark.parametrize("counted", ["-1", "many", 1.5, "0.0000001", True])
def test_a_count_that_is_none_is_refused(bolts: Shop, counted: object) -> None:
    count = start_count(bolts)
    bolt = the_lot(bolts, "bolt")
    with refused(bolts, Invalid, "invalid", field=f"counted[{bolt.id}]"):
        enter(bolts, count, {the_lot(bolts, "nut"): "1", bolt: counted})


def test_what_is_not_on_the_count_is_not_entered(bolts: Shop) -> None:
    count, bolt = start_count(bolts, "nut"), the_lot(bolts, "bolt")
    with refused(bolts, Invalid, "invalid", field=f"counted[{bolt.id}]", says="Put it on the count first"):
        enter(bolts, count, {bolt: "1"})


def test_later_movements_do_not_change_the_variance(bolts: Shop) -> None:
    count = start_count(bolts, "bolt")
    enter(bolts, count, {the_lot(bolts, "bolt"): "9"})
    bolts.build("kit", "5")
    adjust(bolts, the_lot(bolts, "bolt"), "-1", reason="loss")
    assert variances(bolts, count) == {"B-1": -1}
    confirm_count(bolts, count)
    assert quantities(bolts, "bolt") == [3]


def test_a_variance_that_would_go_below_zero_is_refused_listing_all_lots(bolts: Shop) -> None:
    count = start_count(bolts)
    bolt, nut = the_lot(bolts, "bolt"), the_lot(bolts, "nut")
    enter(bolts, count, {bolt: "2", nut: "3"})
    bolts.build("kit", "5")
    adjust(bolts, nut, "-4", reason="loss")
    with refused(bolts, CountBelowZero, "count-below-zero", field="counted", says="bolt lot B-1 holds 5") as caught:
        confirm_count(bolts, count)
    assert caught.value.numbers == ("B-1", "N-1")  # type: ignore[attr-defined]


def test_a_count_entered_a_day_late_is_of_its_own_day(bolts: Shop) -> None:
    bolts.build("kit", "4")
    count = start_count(bolts, "bolt", counted_on=days_ago(1))
    assert [(line.expected, line.left) for line in view_count(bolts, count)] == [(10, 6)]
    enter(bolts, count, {the_lot(bolts, "bolt"): "9"})
    (adjustment,) = confirm_count(bolts, count)
    assert (adjustment.quantity, adjustment.adjusted_on) == (-1, days_ago(1))
    assert quantities(bolts, "bolt") == [5]
    assert broken_lot_laws(bolts) == {}


def test_a_lot_used_up_since_is_on_a_count_of_its_day(bolts: Shop) -> None:
    bolts.build("kit", "10")
    assert set(variances(bolts, start_count(bolts, "bolt", counted_on=days_ago(1)))) == {"B-1"}


def test_a_count_of_a_locked_day_is_refused_at_both_ends(bolts: Shop) -> None:
    count = start_count(bolts, "bolt", counted_on=days_ago(1))
    enter(bolts, count, {the_lot(bolts, "bolt"): "9"})
    lock(bolts, days_ago(1))
    with refused(bolts, PeriodLocked, "period-locked", field="counted_on"):
        confirm_count(bolts, count)
    with refused(bolts, PeriodLocked, "period-locked", field="counted_on"):
        start_count(bolts, counted_on=days_ago(1))


def test_a_lot_reversed_since_has_to_be_taken_off(bolts: Shop) -> None:
    receipt = bolts.stock("bolt", "5")
    count = start_count(bolts, "bolt")
    bolt = the_lot(bolts, "bolt", 1)
    enter(bolts, count, {bolt: "4", the_lot(bolts, "bolt"): "9"})
    undo(bolts, "receipt", receipt)
    with refused(bolts, WrongState, "wrong-state", says="was reversed"):
        confirm_count(bolts, count)
    enter(bolts, count, {bolt: ""})
    confirm_count(bolts, count)
    assert quantities(bolts, "bolt") == [9, 0]


def test_a_count_that_two_confirm_at_once_is_confirmed_once(bolts: Shop) -> None:
    count = start_count(bolts)
    enter(bolts, count, {the_lot(bolts, "bolt"): "7"})
    outcomes: list[object] = []

    def confirm() -> None:
        try:
            outcomes.append(len(confirm_count(bolts, count)))
        except PartsembleError as error:
            outcomes.append(error.code)

    in_threads(*[(confirm,)] * 4)
    assert sorted(outcomes, key=str) == [1, "wrong-state", "wrong-state", "wrong-state"]
    assert quantities(bolts, "bolt") == [7]
    with refused(bolts, WrongState, "wrong-state", says="confirmed and locked"):
        enter(bolts, count, {the_lot(bolts, "bolt"): "8"})


def test_an_adjustment_of_a_count_can_be_reversed_by_itself(bolts: Shop) -> None:
    count = start_count(bolts)
    enter(bolts, count, {the_lot(bolts, "bolt"): "7"})
    (adjustment,) = confirm_count(bolts, count)
    undo(later(bolts, days=1), "adjustment", adjustment)
    assert quantities(bolts, "bolt") == [10]
    assert [a.state for a in bolts.rows(sa.select(Adjustment))] == ["reversed"]


def test_lots_keep_apart_what_they_are_counted_at(bolts: Shop) -> None:
    bolts.receive(a_line("bolt", "10", total_cost="30", lot_number="B-2"))
    count = start_count(bolts, "bolt")
    lots: list[Lot] = bolts.lots("bolt")
    enter(bolts, count, {lots[0]: "11", lots[1]: "9"})
    assert [a.cost for a in confirm_count(bolts, count)] == [1, -3]


def test_a_lot_is_on_one_open_count_at_a_time(bolts: Shop) -> None:
    """So that a shortage isn't booked twice."""
    first = start_count(bolts, "bolt")
    with refused(bolts, CountOpen, "count-open", field="skus", says="B-1 is on PSB-CNT-0001.* cancel") as caught:
        start_count(bolts)
    assert caught.value.references == ("PSB-CNT-0001",)  # type: ignore[attr-defined]
    nuts, bolt = start_count(bolts, "nut"), the_lot(bolts, "bolt")
    with refused(bolts, CountOpen, "count-open", field="lot_ids"):
        bolts.write(lambda s: counting.add_to_count(s, bolts.act, nuts.id, lot_ids=[bolt.id]))
    enter(bolts, first, {bolt: "8"})
    confirm_count(bolts, first)
    second = start_count(bolts, "bolt")
    assert [line.expected for line in view_count(bolts, second)] == [8]


def test_a_cancelled_count_frees_its_lots_and_keeps_its_number(bolts: Shop) -> None:
    count = start_count(bolts)
    enter(bolts, count, {the_lot(bolts, "bolt"): "7"})
    assert cancel_count(bolts, count).state == "cancelled"
    for again in (cancel_count, confirm_count):
        with refused(bolts, WrongState, "wrong-state", says="PSB-CNT-0001 is cancelled"):
            again(bolts, count)
    assert start_count(bolts).reference == "PSB-CNT-0002"
    assert quantities(bolts, "bolt") == [10]


def test_of_two_counts_of_a_lot_started_at_once_one_is_refused(bolts: Shop) -> None:
    outcomes: list[str] = []

    def start() -> None:
        try:
            outcomes.append(start_count(bolts, "bolt").reference)
        except PartsembleError as error:
            outcomes.append(error.code)

    in_threads(*[(start,)] * 4)
    assert sorted(outcomes) == ["PSB-CNT-0001", "count-open", "count-open", "count-open"]


def test_what_another_count_adjusted_meanwhile_is_not_adjusted_again(bolts: Shop) -> None:
    """Two counts of a lot can't be open together any more; books from before may have them."""
    first, second = start_count(bolts, "bolt"), start_count(bolts, "nut")
    bolt = the_lot(bolts, "bolt")
    bolts.write(lambda s: s.execute(sa.update(StockCountLine).values(lot_id=bolt.id)))
    enter(bolts, first, {bolt: "8"})
    enter(bolts, second, {bolt: "8"})
    confirm_count(bolts, first)
    assert variances(bolts, second) == {"B-1": 0}
    assert confirm_count(bolts, second) == []
    assert quantities(bolts, "bolt") == [8]


def test_a_lot_counted_for_a_later_day_is_not_counted_for_an_earlier_one(bolts: Shop) -> None:
    bolt = the_lot(bolts, "bolt")
    count = start_count(bolts, "bolt", counted_on=days_ago(1))
    enter(bolts, count, {bolt: "8"})
    (adjustment,) = confirm_count(bolts, count)
    with refused(bolts, CountOpen, "count-open", field="skus", says=f"counted by PSB-CNT-0001 for {days_ago(1)}"):
        start_count(bolts, "bolt", counted_on=days_ago(2))
    undo(bolts, "adjustment", adjustment)
    assert start_count(bolts, "bolt", counted_on=days_ago(2)).counted_on == days_ago(2)


def test_a_lot_that_was_not_there_on_the_day_is_refused_at_the_start(bolts: Shop) -> None:
    receipt = bolts.stock("bolt", "5")
    young = the_lot(bolts, "bolt", 1)
    with refused(bolts, Invalid, "invalid", field="counted_on", says=f"came in on {bolts.act.today} only"):
        start_count(bolts, lots=[young], counted_on=days_ago(1))
    count = start_count(bolts, "bolt", counted_on=days_ago(1))
    assert set(variances(bolts, count)) == {"B-1"}
    with refused(bolts, Invalid, "invalid", field="counted_on"):
        bolts.write(lambda s: counting.add_to_count(s, bolts.act, count.id, lot_ids=[young.id]))
    undo(bolts, "receipt", receipt)
    with refused(bolts, Invalid, "invalid", field="lot_ids", says="was reversed"):
        start_count(bolts, lots=[young])
