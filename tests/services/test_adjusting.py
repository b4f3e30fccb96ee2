"""A lot holds more or less than the records say; stock was there before Partsemble."""

from __future__ import annotations

from decimal import Decimal

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.domain.journals import REQUIRED_ROLES
from partsemble_core.errors import Conflict, Invalid, NotFound, PartsembleError, WrongState
from partsemble_core.services.closing import PeriodLocked
from partsemble_core.services.exporting import AccountNotSet
from partsemble_core.store.lots import StockEntry
from tests.services.lot_laws import broken_lot_laws
from tests.services.makers import Shop, a_line, a_shop, connect, in_threads, refused
from tests.services.stockroom import (
    adjust,
    days_ago,
    exports,
    hold,
    left_of,
    lines_of,
    lock,
    open_stock,
    proofs,
    the_lot,
    undo,
)


@pytest.fixture
def bolts(shop: Shop) -> Shop:
    """Ten bolts for 10.00, received three days ago, and an empty shelf for kits of one bolt."""
    shop.products("bolt", "kit")
    shop.bom("kit", {"bolt": "1"})
    shop.receive(a_line("bolt", "10", total_cost="10.00"), on=days_ago(3))
    return shop


def test_what_is_missing_takes_its_cost_with_it(bolts: Shop) -> None:
    adjustment = adjust(
        bolts, the_lot(bolts, "bolt"), "-4", reason="breakage", notes="Dropped", adjusted_on=days_ago(1)
    )
    assert (adjustment.reference, adjustment.quantity, adjustment.cost) == ("PSB-ADJ-0001", -4, -4)
    assert (adjustment.reason, adjustment.notes, adjustment.state) == ("breakage", "Dropped", "confirmed")
    lot = the_lot(bolts, "bolt")
    assert (lot.quantity_in, lot.cost_in, lot.quantity_left, lot.cost_left, lot.state) == (10, 10, 6, 6, "open")
    entry = bolts.rows(sa.select(StockEntry).order_by(StockEntry.id))[-1]
    assert (entry.quantity, entry.cost, entry.document_kind, entry.document_id) == (-4, -4, "adjustment", adjustment.id)
    assert (entry.reference, entry.effective_on, entry.recorded_by) == ("PSB-ADJ-0001", days_ago(1), bolts.act.by)
    assert (bolts.balance("bolt").quantity, bolts.balance("bolt").value) == (6, 6)
    assert broken_lot_laws(bolts) == {}


def test_what_is_found_comes_in_at_the_cost_of_what_is_left(bolts: Shop) -> None:
    bolts.build("kit", "4")
    adjust(bolts, the_lot(bolts, "bolt"), "0.5")
    lot = the_lot(bolts, "bolt")
    assert (lot.quantity_in, lot.cost_in) == (Decimal("10.5"), Decimal("10.5"))
    assert (lot.quantity_left, lot.cost_left) == (Decimal("6.5"), Decimal("6.5"))
    assert broken_lot_laws(bolts) == {}


def test_a_used_up_lot_opens_again_at_the_cost_that_it_came_in_at(bolts: Shop) -> None:
    bolts.build("kit", "10")
    assert the_lot(bolts, "bolt").state == "exhausted"
    adjustment = adjust(bolts, the_lot(bolts, "bolt"), "3", reason="count_correction")
    assert (adjustment.cost, left_of(bolts, "bolt")[0][1:]) == (3, (3, 3, "open"))
    assert broken_lot_laws(bolts) == {}


def test_a_used_up_lot_whose_number_newer_goods_have_stays_closed(bolts: Shop) -> None:
    bolts.build("kit", "10")
    old = the_lot(bolts, "bolt")
    bolts.receive(a_line("bolt", lot_number=old.number.lower()))
    with refused(bolts, Conflict, "conflict", field="lot_id", says="Adjust the lot that is open"):
        adjust(bolts, old, "1")


def test_a_held_lot_may_be_adjusted_and_stays_on_hold_even_through_zero(bolts: Shop) -> None:
    hold(bolts, the_lot(bolts, "bolt"))
    adjust(bolts, the_lot(bolts, "bolt"), "-10", reason="loss")
    assert left_of(bolts, "bolt")[0][1:] == (0, 0, "exhausted")
    adjust(bolts, the_lot(bolts, "bolt"), "1")
    assert left_of(bolts, "bolt")[0][1:] == (1, 1, "held")
    assert broken_lot_laws(bolts) == {}


@pytest.mark.parametrize(
    ("quantity", "reason", "field"),
    [
        ("0", "other", "quantity"),
        ("1", "breakage", "quantity"),
        ("1", "loss", "quantity"),
        ("-10.000001", "loss", "quantity"),
        ("nan", "other", "quantity"),
        (1.5, "other", "quantity"),
        ("0.0000001", "other", "quantity"),
        ("999999999", "other", "quantity"),
        ("-1", "theft", "reason"),
        ("-1", None, "reason"),
    ],
)
def test_an_adjustment_that_makes_no_sense_is_refused(
    bolts: Shop, quantity: object, reason: object, field: str
) -> None:
    with refused(bolts, Invalid, "invalid", field=field):
        adjust(bolts, the_lot(bolts, "bolt"), quantity, reason=reason)


def test_nothing_is_taken_on_a_day_when_the_lot_held_less(bolts: Shop) -> None:
    lot = the_lot(bolts, "bolt")
    adjust(bolts, lot, "5", adjusted_on=days_ago(1))
    with refused(bolts, Invalid, "invalid", field="adjusted_on", says="once held only 10"):
        adjust(bolts, lot, "-11", adjusted_on=days_ago(2))
    with refused(bolts, Invalid, "invalid", field="adjusted_on", says="came in on"):
        adjust(bolts, lot, "-1", adjusted_on=days_ago(4))
    with refused(bolts, Invalid, "invalid", field="adjusted_on", says="came in on"):
        adjust(bolts, lot, "1", adjusted_on=days_ago(4))
    adjust(bolts, lot, "-10", adjusted_on=days_ago(2))
    assert broken_lot_laws(bolts) == {}


def test_nothing_is_taken_that_was_elsewhere_in_between(bolts: Shop) -> None:
    undo(bolts, "build", bolts.build("kit", "6", on=days_ago(2)), on=days_ago(1))
    with refused(bolts, Invalid, "invalid", field="adjusted_on", says="once held only 4"):
        adjust(bolts, the_lot(bolts, "bolt"), "-5", adjusted_on=days_ago(3))
    adjust(bolts, the_lot(bolts, "bolt"), "-4", adjusted_on=days_ago(3))
    assert broken_lot_laws(bolts) == {}


def test_a_locked_period_takes_no_adjustment_and_no_opening_stock(bolts: Shop) -> None:
    lock(bolts, days_ago(1))
    with refused(bolts, PeriodLocked, "period-locked", field="adjusted_on"):
        adjust(bolts, the_lot(bolts, "bolt"), "-1", adjusted_on=days_ago(1))
    with refused(bolts, PeriodLocked, "period-locked", field="on"):
        open_stock(bolts, "bolt", "1", "1", on=days_ago(1))
    adjust(bolts, the_lot(bolts, "bolt"), "-1")


def test_a_reversed_lot_is_not_adjusted(bolts: Shop) -> None:
    receipt = bolts.stock("bolt", "1")
    undo(bolts, "receipt", receipt)
    with refused(bolts, WrongState, "wrong-state", says="was reversed"):
        adjust(bolts, the_lot(bolts, "bolt", 1), "1")


def test_another_companys_lot_is_not_there(bolts: Shop) -> None:
    other = a_shop(bolts.engine)
    with refused(other, NotFound, "not-found"):
        adjust(other, the_lot(bolts, "bolt"), "-1")


def test_down_is_waste_against_stock_and_up_is_the_other_way_round(bolts: Shop) -> None:
    connect(bolts)
    adjust(bolts, the_lot(bolts, "bolt"), "-3", reason="loss")
    adjust(bolts, the_lot(bolts, "bolt"), "2", reason="count_correction")
    found = proofs(bolts)
    assert lines_of(found["PSB-ADJ-0001"]) == {"605": 3, "601": -3}
    assert lines_of(found["PSB-ADJ-0002"]) == {"601": 2, "605": -2}
    assert all(proof.holds for proof in found.values())
    assert [export.document_kind for export in exports(bolts)] == ["adjustment", "adjustment"]


def test_without_a_waste_account_a_loss_is_refused_naming_the_setting(bolts: Shop) -> None:
    connect(bolts, roles=REQUIRED_ROLES)
    with refused(bolts, AccountNotSet, "account-not-set", field="waste", says="Integrations → Export accounts"):
        adjust(bolts, the_lot(bolts, "bolt"), "-3", reason="loss")


def test_opening_stock_opens_a_lot_and_is_not_exported(bolts: Shop) -> None:
    connect(bolts, roles=REQUIRED_ROLES)
    adjustment = open_stock(bolts, "BOLT", "7", "8.123456", on=days_ago(2), expires_on="2027-01-01")
    assert (adjustment.is_opening, adjustment.reason, adjustment.reference) == (True, "other", "PSB-ADJ-0001")
    lot = the_lot(bolts, "bolt", 1)
    assert (lot.number, lot.id, lot.adjustment_id) == (f"OPEN-{days_ago(2):%Y%m%d}", adjustment.lot_id, adjustment.id)
    assert (lot.quantity_left, lot.cost_left, lot.received_on) == (7, Decimal("8.123456"), days_ago(2))
    (export,) = exports(bolts)
    assert (export.state, export.attempts) == (ExportState.SKIPPED, 0)
    assert export.problem.startswith("Opening stock is in the books already")
    assert proofs(bolts)["PSB-ADJ-0001"].holds
    assert broken_lot_laws(bolts) == {}


def test_opening_lots_are_numbered_by_day_unless_they_bring_their_own(bolts: Shop) -> None:
    for _ in range(2):
        open_stock(bolts, "bolt", "1", "0")
    open_stock(bolts, "bolt", "1", "1", lot_number=" SHELF-7 ")
    stem = f"OPEN-{bolts.act.today:%Y%m%d}"
    assert [number for number, *_ in left_of(bolts, "bolt")][1:] == [stem, f"{stem}-002", "SHELF-7"]
    with refused(bolts, Conflict, "conflict", field="lot_number"):
        open_stock(bolts, "bolt", "1", "1", lot_number="shelf-7")


@pytest.mark.parametrize(
    ("quantity", "cost", "more", "field"),
    [
        ("0", "1", {}, "quantity"),
        ("-1", "1", {}, "quantity"),
        ("1", "-1", {}, "total_cost"),
        ("0.000001", "1000", {}, "total_cost"),
        ("1", "1", {"on": "2026-05-05"}, "on"),
        ("1", "1", {"lot_number": "x" * 65}, "lot_number"),
        ("1", "1", {"expires_on": "soon"}, "expires_on"),
    ],
)
def test_opening_stock_that_makes_no_sense_is_refused(
    bolts: Shop, quantity: object, cost: object, more: dict[str, object], field: str
) -> None:
    with refused(bolts, Invalid, "invalid", field=field):
        open_stock(bolts, "bolt", quantity, cost, **more)


def test_two_that_take_the_last_at_once_take_it_once(bolts: Shop) -> None:
    lot = the_lot(bolts, "bolt")
    outcomes: list[str] = []

    def take_all() -> None:
        try:
            outcomes.append(adjust(bolts, lot, "-10", reason="loss").reference)
        except PartsembleError as error:
            outcomes.append(error.code)

    in_threads(*[(take_all,)] * 3)
    assert sorted(outcomes) == ["PSB-ADJ-0001", "invalid", "invalid"]
    assert broken_lot_laws(bolts) == {}
