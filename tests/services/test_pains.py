"""What people suffer from in such systems: the scenario of each pain, and what must come out, to the cent and why.

A test is named after the number of its pain in our list of them. Kits are made of three screws each, one by one, unless
a test says otherwise; days are counted back from today.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.domain.fifo import StockShort
from partsemble_core.domain.tracing import Share
from partsemble_core.errors import Invalid, WrongState
from partsemble_core.services import doctoring, receiving, tracing, valuing
from partsemble_core.services.cataloguing import ComponentInput, CostInput
from partsemble_core.services.closing import PeriodLocked
from partsemble_core.services.receiving import ChargeInput, LineInput
from partsemble_core.services.reversing import DocumentInUse
from partsemble_core.services.tracing import TraceReport
from partsemble_core.services.valuing import StockValue
from partsemble_core.store.adjustments import Adjustment
from partsemble_core.store.lots import DrawRow, Lot
from tests.services.inventory_laws import broken_laws
from tests.services.makers import TODAY, Shop, a_line, connect, in_threads, refused
from tests.services.stockroom import (
    adjust,
    confirm_count,
    days_ago,
    enter,
    exports,
    later,
    left_of,
    lock,
    proofs,
    receive_with,
    start_count,
    supplier_part,
    the_lot,
    undo,
)
from tests.services.workshop import build, reject, set_options, taken

D = Decimal


@pytest.fixture
def parts(shop: Shop) -> Iterator[Shop]:
    """Screws and kits of them; whatever a test does, every law holds in the end."""
    shop.products("screw", "kit", "case")
    shop.bom("kit", {"screw": "3"})
    yield shop
    assert broken_laws(shop) == {}
    with shop.reading() as session:
        assert doctoring.examine(session, replay=True) == []


def value_at(shop: Shop, days: int, *, known: Shop | None = None) -> StockValue:
    """As known now, or as known when ``known`` was."""
    with shop.reading() as session:
        return valuing.stock_at(session, days_ago(days), known_at=known.act.at if known else None)


def trace(shop: Shop, lot: Lot) -> TraceReport:
    with shop.reading() as session:
        return tracing.trace_lot(session, lot.id)


def test_pain_5_a_receipt_found_in_a_drawer_leaves_what_was_built_at_its_cost(parts: Shop) -> None:
    """Ten screws at 2.00 were there when two kits were made: 6 × 2.00 = 12.00, then and for ever. The receipt found
    later (ten at 0.50) is older: the next kit takes of it, 3 × 0.50 = 1.50. In all 20.00 + 5.00 came in; 12.00 + 1.50
    is in kits, 8.00 + 3.50 is left."""
    parts.stock("screw", "10", "2.00", on=days_ago(3))
    kits = parts.build("kit", "2", on=days_ago(2))
    tomorrow = later(parts, days=1)
    tomorrow.stock("screw", "10", "0.50", on=days_ago(5))
    assert tomorrow.build("kit", "1").components_cost == D("1.50")
    assert [cost for *_, cost in taken(parts, kits)] == [12]
    assert parts.balance("kit").value == D("13.50")
    assert parts.balance("screw").value == D("11.50")
    assert [value_at(parts, days).total for days in (5, 4, 3, 0)] == [5, 5, 25, 25]


def test_pain_7_what_is_closed_stays_as_it_was_reported(parts: Shop) -> None:
    """20.00 of screws; two kits take 12.00 of it: the period closes at 8.00 + 12.00. Nothing can be dated in it any
    more, and undoing that build and losing a screw afterwards happens today."""
    parts.stock("screw", "10", "2.00", on=days_ago(10))
    kits = parts.build("kit", "2", on=days_ago(9))
    closed = value_at(parts, 8)
    lock(parts, days_ago(8))
    with refused(parts, PeriodLocked, "period-locked", field="received_on"):
        parts.stock("screw", "10", "0.50", on=days_ago(8))
    with refused(parts, PeriodLocked, "period-locked", field="reversed_on"):
        undo(parts, "build", kits, on=days_ago(9))
    undo(parts, "build", kits)
    adjust(parts, the_lot(parts, "screw"), "-1", reason="loss")
    assert value_at(parts, 8) == closed
    assert [(product.sku, product.value) for product in closed.products] == [("kit", 12), ("screw", 8)]
    assert value_at(parts, 0).total == 18


def test_pain_8_nothing_is_made_at_a_cost_of_nothing_before_its_parts_are_received(parts: Shop) -> None:
    """The part of it that is ours: a build never goes ahead of its goods at 0.00, at an average or at an order's price.
    It is refused, and with the goods it costs what they cost: 3 × 0.70 = 2.10. Only what was free is free. Goods that
    are sold before they are there belong to sales, which don't exist yet."""
    with refused(parts, StockShort, "stock-short", says="3 needed, 0 available"):
        parts.build("kit", "1")
    parts.stock("screw", "3", "0.70")
    with refused(parts, StockShort, "stock-short"):  # received today is not there yesterday
        parts.build("kit", "1", on=days_ago(1))
    assert parts.build("kit", "1").components_cost == D("2.10")
    parts.stock("screw", "3", "0")
    assert parts.build("kit", "1").components_cost == 0


def test_pain_9_late_costs_reach_the_goods_or_it_is_said_why_not(parts: Shop) -> None:
    """Three lines of 10.00 US at 1.60 are 16.00 each, and freight of 1.00 US is 1.60 over three: 0.533334 for the
    first, 0.533333 for the others, so that no cent is lost. Three of the first five screws take three fifths:
    16.533334 × 3 ÷ 5 = 9.920000 (half-even of 9.9200004). A bill that comes later is entered by undoing the receipt;
    where its goods are used already, that is told with the document that used them."""
    freight = ChargeInput(label="Freight", amount="1.00", spread_by="cost")
    lines = [a_line("screw", "5", total_cost="10.00") for _ in range(3)]
    receipt = receive_with(parts, *lines, charges=[freight], currency="USD", rate="1.60")
    assert [cost for _, _, cost, _ in left_of(parts, "screw")] == [D("16.533334"), D("16.533333"), D("16.533333")]
    assert receipt.total_cost == D("49.60")
    kit = parts.build("kit", "1")
    assert kit.components_cost == D("9.92")
    with pytest.raises(DocumentInUse) as in_the_way:
        undo(parts, "receipt", receipt)
    assert in_the_way.value.references == (kit.reference,)
    undo(parts, "build", kit)
    undo(parts, "receipt", receipt)
    dearer = ChargeInput(label="Freight", amount="4.00", spread_by="cost")
    receive_with(parts, *lines, charges=[dearer], currency="USD", rate="1.60")
    assert parts.build("kit", "1").components_cost == D("10.88")  # (16 + 6.40 ÷ 3) × 3 ÷ 5 = 10.88


@pytest.mark.parametrize("days", [0, 1])
def test_pain_10_stock_goes_below_zero_by_no_way_and_on_no_day(parts: Shop, days: int) -> None:
    """Two screws yesterday, seven more today: nine can be taken today and two yesterday, and no way takes one more."""
    parts.stock("screw", "2", "1", on=days_ago(1))
    parts.stock("screw", "7", "1")
    lot = the_lot(parts, "screw")
    with refused(parts, StockShort, "stock-short"):
        parts.build("kit", "3.000001" if days == 0 else "1", on=days_ago(days))
    with refused(parts, Invalid, "invalid", field="quantity"):
        adjust(parts, lot, "-2.000001", reason="loss", adjusted_on=days_ago(days))
    parts.build("kit", "3" if days == 0 else "0.666666", on=days_ago(days))
    with refused(parts, StockShort, "stock-short"):
        parts.build("kit", "0.01" if days == 0 else "0.666667", on=days_ago(days))
    assert parts.balance("screw").value == parts.balance("screw").quantity >= 0


@pytest.mark.parametrize(
    ("quantity", "cost", "kits"),
    [
        ("13", "5.00", ["1"] * 2 + ["0.333333"]),
        ("1002", "4.00", ["7"] * 47 + ["5"]),
        ("3", "0.01", ["1"]),
        ("7", "0.05", ["0.111111"] * 9 + ["1"]),
    ],
)
def test_pain_11_rounding_leaves_no_money_in_an_empty_lot(
    parts: Shop, quantity: str, cost: str, kits: list[str]
) -> None:
    """13 screws for 5.00 are 0.384615… each, 1002 for 4.00 less than half a cent. Whatever each taking is rounded to,
    the last one takes what is left: the kits cost exactly 5.00, 4.00, 0.01 and 0.05, and no screw has a value."""
    connect(parts)
    parts.receive(a_line("screw", quantity, total_cost=cost))
    costs = [parts.build("kit", number).components_cost for number in kits]
    last = left_of(parts, "screw")[0][1]
    if last:  # less than a kit takes is lost
        costs.append(-adjust(parts, the_lot(parts, "screw"), -last, reason="loss").cost)
    assert sum(costs) == D(cost)
    assert left_of(parts, "screw")[0][1:3] == (0, 0)
    assert (parts.balance("screw").quantity, parts.balance("screw").value) == (0, 0)
    assert all(proof.holds for proof in proofs(parts).values())


def test_pain_12_however_often_and_by_however_many_a_document_is_sent_it_counts_once(parts: Shop) -> None:
    """Two people confirm one receipt of 10.00 at the same time, and one of them tries again: one lot, one posting."""
    connect(parts)
    draft = parts.draft(a_line("screw", "4", total_cost="10.00"))
    outcomes: list[str] = []

    def confirm() -> None:
        try:
            outcomes.append(parts.write(lambda s: receiving.confirm_receipt(s, parts.act, draft.id)).reference)
        except WrongState as error:
            outcomes.append(error.code)

    in_threads((confirm,), (confirm,))
    confirm()
    assert sorted(outcomes) == ["PSB-RCV-0001", "wrong-state", "wrong-state"]
    assert (len(parts.lots("screw")), parts.balance("screw").value) == (1, 10)
    assert [(e.reference, e.posted, e.state) for e in exports(parts)] == [("PSB-RCV-0001", 10, ExportState.PENDING)]


def test_pain_13_the_cost_is_that_of_the_lot_that_was_picked(parts: Shop) -> None:
    """Ten at 1.00, then ten at 3.00. Picked from the newer lot, three screws cost 9.00 and not FIFO's 3.00; the older
    lot isn't touched, and the trace leads to the lot that was really used."""
    parts.stock("screw", "10", "1.00", on=days_ago(2))
    parts.stock("screw", "10", "3.00", on=days_ago(1))
    newer = the_lot(parts, "screw", 1)
    kit = build(parts, "kit", "1", lots={0: [(newer.id, "3")]})
    assert kit.components_cost == 9
    assert [cost for _, _, cost, _ in left_of(parts, "screw")] == [10, 21]
    assert [source.lot.number for source in trace(parts, the_lot(parts, "kit")).suppliers] == [newer.number]
    assert parts.build("kit", "1").components_cost == 3


def test_pain_14_each_build_knows_what_it_really_cost(parts: Shop) -> None:
    """With six minutes of work at 25.00 an hour, 2.50: the first kit costs 3 × 1.00 + 2.50 = 5.50, the second, after a
    rise in price, 1 × 1.00 + 2 × 2.00 + 2.50 = 7.50. Neither is an average, and the cases made of them go on so."""
    parts.bom("kit", {"screw": "3"}, CostInput(kind="labour", label="Assembly", rate="25", quantity="0.1"))
    parts.bom("case", {"kit": "1"})
    parts.stock("screw", "4", "1.00", on=days_ago(1))
    parts.stock("screw", "9", "2.00")
    first, second = parts.build("kit", "1"), parts.build("kit", "1")
    assert [(b.components_cost, b.added_cost) for b in (first, second)] == [(3, D("2.50")), (5, D("2.50"))]
    assert [lot.cost_in for lot in parts.lots("kit")] == [D("5.50"), D("7.50")]
    assert [parts.build("case", "1").components_cost for _ in range(2)] == [D("5.50"), D("7.50")]


def test_pain_18_the_value_of_a_past_day_is_stable_and_todays_is_what_the_lots_hold(parts: Shop) -> None:
    """Day 3: 10 × 2.00 = 20.00. Day 2: a kit moves 6.00, the sum stays. Day 1: a screw is lost, 18.00. Tomorrow
    somebody enters three forgotten screws of day 2 for 1.00: every day from then on is 1.00 more as known now, and as
    known today it is what was reported today."""
    parts.stock("screw", "10", "2.00", on=days_ago(3))
    parts.build("kit", "1", on=days_ago(2))
    adjust(parts, the_lot(parts, "screw"), "-1", reason="loss", adjusted_on=days_ago(1))
    reported = [value_at(parts, days) for days in (4, 3, 2, 1, 0)]
    assert [value.total for value in reported] == [0, 20, 20, 18, 18]
    tomorrow = later(parts, days=1)
    tomorrow.receive(a_line("screw", "3", total_cost="1.00"), on=days_ago(2))
    with_month_ends: list[Callable[[], object]] = [
        lambda: None,
        lambda: parts.write(lambda s: valuing.refresh_month_ends(s, today=TODAY)),
    ]
    for prepare in with_month_ends:
        prepare()
        assert [value_at(parts, days).total for days in (4, 3, 2, 1, 0)] == [0, 20, 21, 19, 19]
        then = [value_at(parts, days, known=parts) for days in (4, 3, 2, 1, 0)]
        assert [(v.total, v.products) for v in then] == [(v.total, v.products) for v in reported]
    assert value_at(parts, 0).total == sum(lot.cost_left for sku in ("screw", "kit") for lot in parts.lots(sku))


def test_pain_20_a_bad_lot_is_found_in_everything_that_was_made_of_it_in_one_call(parts: Shop) -> None:
    """Of twelve screws, nine went into three kits, of which two went into cases and one is left; one screw broke, two
    are there: 6 + 3 + 1 + 2 = 12. A build that was undone still shows what it took."""
    parts.bom("case", {"kit": "1"})
    parts.stock("screw", "12", "1.00")
    screws = the_lot(parts, "screw")
    undone = parts.build("kit", "1")
    undo(parts, "build", undone)
    parts.build("kit", "3")
    parts.build("case", "2")
    adjust(parts, screws, "-1", reason="breakage")
    report = trace(parts, screws)
    made = [(p.lot.sku, p.level, p.on_hand) for p in report.products if p.lot.quantity_left]
    assert made == [("kit", 1, Share(least=D(3), most=D(3))), ("case", 2, Share(least=D(6), most=D(6)))]
    assert (report.balance.on_hand, report.balance.drawn, report.balance.adjusted) == (2, 9, 1)
    assert (report.balance.difference, report.accounted, report.problems) == (0, Share(least=D(12), most=D(12)), ())
    case = trace(parts, the_lot(parts, "case"))
    assert [(s.lot.lot_id, s.level, s.quantity.most) for s in case.suppliers] == [(screws.id, 2, 6)]
    draws = parts.rows(sa.select(DrawRow).where(DrawRow.document_id == undone.id))
    assert [draw.quantity for draw in draws] == [3]


def test_pain_21_what_was_counted_stands_whatever_is_entered_later_for_days_before(parts: Shop) -> None:
    """Eight of ten are counted: -2 × 2.00 = -4.00 and 16.00 left. A receipt and an adjustment of another lot, both of
    days before, neither move the counted lot nor change what the count found."""
    parts.stock("screw", "10", "2.00", on=days_ago(5))
    parts.stock("screw", "1", "9.00", on=days_ago(4))
    count = start_count(parts, "screw")
    enter(parts, count, {the_lot(parts, "screw"): "8", the_lot(parts, "screw", 1): "1"})
    (found,) = confirm_count(parts, count)
    tomorrow = later(parts, days=1)
    tomorrow.stock("screw", "5", "1.00", on=days_ago(6))
    adjust(tomorrow, the_lot(parts, "screw", 1), "2", adjusted_on=days_ago(3))
    assert (found.quantity, found.cost, found.reason) == (-2, -4, "count_correction")
    assert left_of(parts, "screw")[0][1:3] == (8, 16)
    assert parts.rows(sa.select(Adjustment.cost).order_by(Adjustment.id)) == [-4, 18]


def test_pain_22_what_is_lost_in_the_process_is_borne_by_what_comes_out_of_it(parts: Shop) -> None:
    """Ten per cent of the screws are spoilt: 10 kits take 10 × 3 × 1.1 = 33 screws at 0.10, 3.30 in all and 0.33 a kit.
    One more build is rejected: its 3.3 screws are lost but for one, 0.33 - 0.10 = 0.23 of waste, and no kit bears it.
    By-products and co-products aren't there: a build makes one product."""
    parts.save("kit", ComponentInput(sku="screw", quantity="3", scrap_percent="10"))
    parts.stock("screw", "100", "0.10")
    assert parts.build("kit", "10").components_cost == D("3.30")
    set_options(parts, qa_review=True)
    lost = reject(parts, parts.build("kit", "1"), "partial", recovered={0: "1"})
    assert lost.waste_cost == D("0.23")
    assert (parts.balance("kit").value, parts.balance("screw").value) == (D("3.30"), D("6.47"))


@pytest.mark.parametrize(
    ("per_unit", "units", "total"),
    [("5000", "0.4", "2000"), ("0.97", "1000", "970"), ("666.666667", "3", "2000.000001"), ("2.85", "1", "2.85")],
)
def test_pain_23_a_purchase_unit_is_what_it_is_in_stock_units_to_the_last_digit(
    parts: Shop, per_unit: str, units: str, total: str
) -> None:
    """970 stays 970, and not 970.872; two fifths of a reel of 5,000 are 2,000, and not 1999.999999131832. Taken away in
    ten equal parts, less what can't be written in six decimals, nothing is left."""
    supplier_part(parts, "screw", "S-1", purchase_unit="box", per_purchase_unit=per_unit)
    parts.receive(LineInput(part_number="S-1", quantity=units, total_cost="10"))
    lot = the_lot(parts, "screw")
    assert lot.quantity_left == D(total)
    tenth = (D(total) / 10).quantize(D("0.000001"))
    for _ in range(9):
        adjust(parts, lot, -tenth, reason="other")
    adjust(parts, lot, -(D(total) - 9 * tenth), reason="other")
    assert left_of(parts, "screw")[0][1:] == (0, 0, "exhausted")
    with refused(parts, Invalid, "invalid", field="lines[0].quantity"):
        parts.stock("screw", 2.85)  # a binary float has no last digit


def test_pain_24_what_is_taken_apart_goes_back_where_it_came_from(parts: Shop) -> None:
    """Two kits take four screws at 0.25 and two at 0.40: 1.80. Of a rejected pair three come back, the last taken
    first: 2 × 0.40 + 1 × 0.25 = 1.05, so 0.75 is waste. Taken again, the same three cost 1.05 again; and a kit that
    was good and is undone leaves the lots as they were, to the cent."""
    parts.stock("screw", "4", "0.25", on=days_ago(2))
    parts.stock("screw", "5", "0.40", on=days_ago(1))
    set_options(parts, qa_review=True)
    bad = reject(parts, parts.build("kit", "2"), "partial", recovered={0: "3"})
    assert bad.waste_cost == D("0.75")
    before = left_of(parts, "screw")
    assert [(quantity, cost) for _, quantity, cost, _ in before] == [(1, D("0.25")), (5, D("2.00"))]
    set_options(parts, qa_review=False)
    kit = parts.build("kit", "1")
    assert kit.components_cost == D("1.05")
    undo(parts, "build", kit)
    assert left_of(parts, "screw") == before
    with pytest.raises(WrongState, match="settled"):
        undo(parts, "build", bad)
