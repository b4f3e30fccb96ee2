"""Freight, duty, purchase units, supplier part numbers and foreign money: what goods cost to have."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from partsemble_core.errors import Conflict, Invalid, NotFound
from partsemble_core.services import receiving, supplying
from partsemble_core.services.closing import PeriodLocked
from partsemble_core.services.receiving import ChargeInput, LineInput
from partsemble_core.store.products import Product
from partsemble_core.store.receipts import Receipt, ReceiptLine, charges_of, lines_of
from tests.services.lot_laws import broken_lot_laws
from tests.services.makers import Shop, a_line, connect, refused
from tests.services.stockroom import days_ago, left_of, lock, proofs, receive_with, supplier_part
from tests.services.stockroom import lines_of as posting_of


@pytest.fixture
def bolts(shop: Shop) -> Shop:
    """Bolts, nuts, and resistors that come on reels of 5,000."""
    shop.products("bolt", "nut", "resistor")
    supplier_part(shop, "resistor", "CR-10K", purchase_unit="reel", per_purchase_unit="5000")
    return shop


def freight(amount: object, by: object = "cost") -> ChargeInput:
    return ChargeInput(label="Freight", amount=amount, spread_by=by)


def lines(shop: Shop, receipt: Receipt) -> list[ReceiptLine]:
    with shop.reading() as session:
        return list(lines_of(session, receipt.id))


def costs(shop: Shop, receipt: Receipt) -> list[Decimal]:
    return [line.cost for line in lines(shop, receipt)]


def test_freight_goes_over_the_lines_by_cost_to_the_last_digit(bolts: Shop) -> None:
    connect(bolts)
    receipt = receive_with(
        bolts, a_line("bolt", "10", total_cost="1"), a_line("nut", "5", total_cost="2"), charges=[freight("1")]
    )
    assert costs(bolts, receipt) == [Decimal("1.333333"), Decimal("2.666667")]
    assert [line.entered_cost for line in lines(bolts, receipt)] == [1, 2]
    assert receipt.total_cost == 4
    assert posting_of(proofs(bolts)["PSB-RCV-0001"]) == {"601": 4, "602": -4}
    assert [lot[1:3] for lot in left_of(bolts, "bolt")] == [(10, Decimal("1.333333"))]
    assert broken_lot_laws(bolts) == {}


@pytest.mark.parametrize(
    ("by", "expected"),
    [("cost", ["1.9", "17.1"]), ("quantity", ["7", "12"]), ("weight", ["2", "17"])],
)
def test_a_charge_goes_by_cost_quantity_or_weight(bolts: Shop, by: str, expected: list[str]) -> None:
    receipt = receive_with(
        bolts,
        a_line("bolt", "10", total_cost="1", weight="1"),
        a_line("nut", "5", total_cost="9", weight="8"),
        charges=[freight("9", by)],
    )
    assert costs(bolts, receipt) == [Decimal(value) for value in expected]


def test_a_products_own_weight_stands_in_for_that_of_the_line(bolts: Shop) -> None:
    bolts.write(
        lambda s: s.execute(sa.update(Product).where(Product.sku == "bolt").values(weight=Decimal("0.5"))) and None
    )
    receipt = receive_with(
        bolts, a_line("bolt", "4", total_cost="0"), a_line("nut", "1", total_cost="0", weight="6"),
        charges=[freight("8", "weight")],
    )  # fmt: skip
    assert costs(bolts, receipt) == [2, 6]
    assert [line.weight for line in lines(bolts, receipt)] == [2, 6]


def test_several_charges_add_up_each_by_its_own_way(bolts: Shop) -> None:
    receipt = receive_with(
        bolts,
        a_line("bolt", "1", total_cost="1"),
        a_line("nut", "3", total_cost="1"),
        charges=[freight("4", "quantity"), ChargeInput(label="Duty", amount="0.10", spread_by="cost")],
    )
    assert costs(bolts, receipt) == [Decimal("2.05"), Decimal("4.05")]


@pytest.mark.parametrize(
    ("charge", "field"),
    [
        (freight("-1"), "charges[0].amount"),
        (freight(1.5), "charges[0].amount"),
        (freight("1", "colour"), "charges[0].spread_by"),
        (freight("1", None), "charges[0].spread_by"),
        (ChargeInput(label=" ", amount="1"), "charges[0].label"),
        (freight("1", "weight"), "lines[0].weight"),
        (freight("999999999"), "lines[0].total_cost"),
    ],
)
def test_a_charge_that_makes_no_sense_is_refused(bolts: Shop, charge: ChargeInput, field: str) -> None:
    with refused(bolts, Invalid, "invalid", field=field):
        receive_with(bolts, a_line("bolt", "0.5"), a_line("nut", "0.5", total_cost="0"), charges=[charge])


def test_free_goods_share_a_charge_by_quantity_not_by_cost(bolts: Shop) -> None:
    free = [a_line("bolt", "1", total_cost="0"), a_line("nut", "3", total_cost="0")]
    with refused(bolts, Invalid, "invalid", field="charges[0].spread_by", says="Spread by quantity"):
        receive_with(bolts, *free, charges=[freight("1")])
    assert costs(bolts, receive_with(bolts, *free, charges=[freight("1", "quantity")])) == [
        Decimal("0.25"),
        Decimal("0.75"),
    ]
    assert costs(bolts, receive_with(bolts, free[0], charges=[freight("1")])) == [1]


def test_two_reels_are_ten_thousand_pieces(bolts: Shop) -> None:
    receipt = bolts.receive(LineInput(part_number=" cr-10k ", quantity="2", unit_cost="30.00"))
    (line,) = lines(bolts, receipt)
    assert (line.quantity, line.cost) == (10_000, 60)
    assert (line.entered_quantity, line.per_purchase_unit, line.purchase_unit, line.entered_cost) == (
        2,
        5000,
        "reel",
        60,
    )
    assert line.supplier_part_number == "cr-10k"
    assert [lot[1:3] for lot in left_of(bolts, "resistor")] == [(10_000, 60)]


def test_the_unit_may_be_named_with_the_sku_or_given_on_the_line(bolts: Shop) -> None:
    bolts.receive(a_line("resistor", "1", purchase_unit="Reel"))
    bolts.receive(a_line("resistor", "1.5", purchase_unit="strip", per_purchase_unit="100"))
    bolts.receive(a_line("resistor", "3", part_number="CR-10K"))
    bolts.receive(a_line("resistor", "4"))
    assert [lot[1] for lot in left_of(bolts, "resistor")] == [5000, 150, 3, 4]


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (a_line("resistor", "1", purchase_unit="pallet"), "lines[0].per_purchase_unit"),
        (a_line("bolt", "1", purchase_unit="box"), "lines[0].per_purchase_unit"),
        (a_line("bolt", "1", per_purchase_unit="0"), "lines[0].per_purchase_unit"),
        (a_line("bolt", "0.333333", per_purchase_unit="0.1"), "lines[0].quantity"),
        (a_line("bolt", "1", part_number="CR-10K"), "lines[0].part_number"),
        (a_line("", "1", part_number="UNKNOWN"), "lines[0].part_number"),
        (a_line("", "1"), "lines[0].sku"),
        (a_line("bolt", "1", weight="-1"), "lines[0].weight"),
        (a_line("bolt", "1", part_number="x" * 101), "lines[0].part_number"),
    ],
)
def test_a_unit_or_part_number_that_does_not_fit_is_refused(bolts: Shop, line: LineInput, field: str) -> None:
    with refused(bolts, Invalid, "invalid", field=field):
        bolts.receive(line)


def test_an_unknown_part_number_beside_a_sku_is_kept_as_typed(bolts: Shop) -> None:
    receipt = bolts.receive(a_line("bolt", "1", part_number="NEW-7"))
    assert lines(bolts, receipt)[0].supplier_part_number == "NEW-7"


def test_a_supplier_part_is_saved_once_and_replaced(bolts: Shop) -> None:
    first = supplier_part(bolts, "bolt", "B-7")
    again = supplier_part(bolts, "BOLT", "B-8", purchase_unit="box", per_purchase_unit="12")
    assert (again.id, again.part_number, again.per_purchase_unit) == (first.id, "B-8", 12)
    with refused(bolts, Conflict, "conflict", field="part_number", says="ACM uses B-8 for another product"):
        supplier_part(bolts, "nut", "b-8")
    with refused(bolts, Invalid, "invalid", field="per_purchase_unit"):
        supplier_part(bolts, "nut", "N-1", per_purchase_unit="0")
    with refused(bolts, NotFound, "not-found"):
        supplier_part(bolts, "ghost", "N-1")
    with bolts.reading() as session:
        found = supplying.list_supplier_parts(session, supplier="ACM")
    assert [part.part_number for part in found] == ["B-8", "CR-10K"]
    bolts.write(lambda s: supplying.remove_supplier_part(s, supplier="ACM", sku="bolt"))
    supplier_part(bolts, "nut", "b-8")


def test_foreign_goods_cost_what_they_were_worth_that_day(bolts: Shop) -> None:
    connect(bolts)
    receipt = receive_with(
        bolts, a_line("bolt", "3", total_cost="10.00"), a_line("nut", "1", unit_cost="0.01"),
        charges=[freight("1.00")], currency="USD", rate="1.654321",
    )  # fmt: skip
    assert (receipt.currency, receipt.rate) == ("USD", Decimal("1.654321"))
    assert [line.entered_cost for line in lines(bolts, receipt)] == [10, Decimal("0.01")]
    assert sum(costs(bolts, receipt)) == Decimal("16.54321") + Decimal("0.016543") + Decimal("1.654321")
    assert receipt.total_cost == Decimal("18.214074")
    assert posting_of(proofs(bolts)["PSB-RCV-0001"]) == {"601": Decimal("18.21"), "602": Decimal("-18.21")}
    assert proofs(bolts)["PSB-RCV-0001"].holds


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"currency": "USD"}, "rate"),
        ({"currency": "USD", "rate": "0"}, "rate"),
        ({"currency": "USD", "rate": "-1"}, "rate"),
        ({"currency": "USD", "rate": 1.5}, "rate"),
        ({"currency": "USD", "rate": "0.0000001"}, "rate"),
        ({"currency": "usd", "rate": "1"}, "currency"),
        ({"currency": "DOLLAR", "rate": "1"}, "currency"),
        ({"currency": 7, "rate": "1"}, "currency"),
        ({"rate": "1.5"}, "rate"),
        ({"currency": "NZD", "rate": "1.5"}, "rate"),
        ({"currency": "USD", "rate": "999999999"}, "lines[0].total_cost"),
    ],
)
def test_money_that_makes_no_sense_is_refused(bolts: Shop, more: dict[str, Any], field: str) -> None:
    with refused(bolts, Invalid, "invalid", field=field):
        receive_with(bolts, a_line("bolt"), **more)


def test_a_draft_keeps_charges_and_rate_until_they_are_edited(bolts: Shop) -> None:
    draft = bolts.write(
        lambda s: receiving.draft_receipt(
            s, bolts.act, supplier="ACM", lines=[a_line("bolt")], charges=[freight("1")], currency="USD", rate="2"
        )
    )

    def edit(**more: Any) -> Receipt:
        line = a_line("bolt", "10", total_cost="5.00")
        return bolts.write(lambda s: receiving.edit_receipt(s, draft.id, lines=[line], act=bolts.act, **more))

    assert (edit().total_cost, edit().rate) == (12, 2)
    assert edit(rate="3").total_cost == 18
    with refused(bolts, Invalid, "invalid", field="rate"):
        edit(currency="EUR")
    assert edit(currency="NZD", charges=[]).total_cost == 5
    with bolts.reading() as session:
        assert list(charges_of(session, draft.id)) == []
    confirmed = bolts.confirm(draft)
    assert (confirmed.rate, confirmed.currency) == (1, "NZD")


def test_a_receipt_in_a_locked_period_is_neither_drafted_nor_edited_nor_confirmed(bolts: Shop) -> None:
    draft = bolts.draft(a_line("bolt"), on=days_ago(2))
    lock(bolts, days_ago(2))
    with refused(bolts, PeriodLocked, "period-locked", field="received_on"):
        bolts.confirm(draft)
    with refused(bolts, PeriodLocked, "period-locked", field="received_on"):
        bolts.draft(a_line("bolt"), on=days_ago(2))
    with refused(bolts, PeriodLocked, "period-locked", field="received_on"):
        bolts.write(lambda s: receiving.edit_receipt(s, draft.id, lines=[a_line("bolt")], act=bolts.act))
    bolts.write(
        lambda s: receiving.edit_receipt(s, draft.id, lines=[a_line("bolt")], received_on=days_ago(1), act=bolts.act)
    )
    bolts.confirm(draft)
