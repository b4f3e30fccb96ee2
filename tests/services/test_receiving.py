"""Receipts: drafts are free to edit; confirming opens lots, once."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from partsemble_core.errors import Conflict, Invalid, NotFound, PartsembleError, WrongState
from partsemble_core.services import receiving
from partsemble_core.services.exporting import AccountNotSet
from partsemble_core.services.receiving import LineInput
from partsemble_core.store.lots import StockEntry
from partsemble_core.store.products import Product
from partsemble_core.store.receipts import Receipt, Supplier, lines_of
from tests.services.makers import TODAY, Shop, a_line, a_shop, connect, contents, in_threads, refused

WRONG_AMOUNTS = ["-1", 10**400, "NaN", "1e5", "1.0000001", "1,000", 1.5, True, "", "１", "1000000000", Decimal("NaN")]


@pytest.fixture
def bolts(shop: Shop) -> Shop:
    """A shop with the products bolt and nut."""
    shop.products("bolt", "nut")
    return shop


def numbers(shop: Shop, sku: str) -> list[str]:
    return [lot.number for lot in shop.lots(sku)]


def test_a_draft_moves_no_stock_and_has_no_number(bolts: Shop) -> None:
    before = contents(bolts)
    draft = bolts.draft(a_line("bolt", "10", total_cost="5.00"))
    after = contents(bolts)
    assert (draft.state, draft.number, draft.reference, draft.total_cost) == ("draft", None, "", 5)
    assert {name for name in after if after[name] != before[name]} == {"receipts", "receipt_lines", "audit_entries"}


def test_a_confirmed_receipt_opens_its_lots_and_writes_the_ledger(bolts: Shop) -> None:
    receipt = bolts.confirm(
        bolts.draft(
            a_line("bolt", "10", total_cost="5.01"),
            a_line("nut", "3", unit_cost="0.333333", lot_number="N-1", expires_on="2027-01-31"),
            on="2026-04-30",
        )
    )
    assert (receipt.state, receipt.reference, receipt.number) == ("confirmed", "PSB-RCV-0001", 1)
    assert (receipt.confirmed_by, receipt.confirmed_at) == (bolts.act.by, bolts.act.at)
    (lot,) = bolts.lots("nut")
    assert (lot.number, lot.state, lot.received_on) == ("N-1", "open", dt.date(2026, 4, 30))
    assert (lot.quantity_in, lot.cost_in, lot.expires_on) == (3, Decimal("0.999999"), dt.date(2027, 1, 31))
    assert bolts.left("bolt") == [("ACM-20260430", 10, Decimal("5.01"))]
    entries = bolts.rows(sa.select(StockEntry).order_by(StockEntry.id))
    assert [(e.quantity, e.cost, e.document_kind, e.document_id, e.effective_on) for e in entries] == [
        (10, Decimal("5.01"), "receipt", receipt.id, dt.date(2026, 4, 30)),
        (3, Decimal("0.999999"), "receipt", receipt.id, dt.date(2026, 4, 30)),
    ]
    assert {(e.reference, e.recorded_by, e.recorded_at) for e in entries} == {
        ("PSB-RCV-0001", bolts.act.by, bolts.act.at)
    }
    balance = bolts.balance("bolt")
    assert (balance.quantity, balance.value, balance.last_unit_cost) == (10, Decimal("5.01"), Decimal("0.501"))


def test_n13_lots_are_numbered_by_supplier_and_day(bolts: Shop) -> None:
    for _ in range(3):
        bolts.stock("bolt", "1", on="2026-04-04")
    bolts.receive(a_line("bolt", "1"), a_line("nut", "1"), a_line("bolt", "1"), on="2026-04-04")
    expected = ["ACM-20260404", "ACM-20260404-002", "ACM-20260404-003", "ACM-20260404-004", "ACM-20260404-005"]
    assert numbers(bolts, "bolt") == expected
    assert numbers(bolts, "nut") == ["ACM-20260404"]


def test_an_automatic_number_steps_aside_for_one_given_by_hand(bolts: Shop) -> None:
    bolts.receive(a_line("bolt", lot_number="acm-20260404"), on="2026-04-01")
    bolts.receive(a_line("bolt"), a_line("bolt", lot_number="ACM-20260404-002"), a_line("bolt"), on="2026-04-04")
    assert numbers(bolts, "bolt") == ["acm-20260404", "ACM-20260404-003", "ACM-20260404-002", "ACM-20260404-004"]


def test_the_number_of_an_ended_lot_is_not_given_out_again_but_may_be_typed_again(bolts: Shop) -> None:
    bolts.product("kit")
    bolts.bom("kit", {"bolt": "1"})
    bolts.receive(a_line("bolt", "10", lot_number="X-1"), on="2026-04-01")
    bolts.stock("bolt", "10", on="2026-04-04")
    bolts.build("kit", "20")
    bolts.stock("bolt", "10", on="2026-04-04")
    bolts.receive(a_line("bolt", lot_number="x-1"))
    assert numbers(bolts, "bolt") == ["X-1", "ACM-20260404", "ACM-20260404-002", "x-1"]


@pytest.mark.parametrize("again", ["X-1", "x-1", "  X-1 ", "caf\u00e9"])
def test_a_lot_number_that_is_open_already_is_refused(bolts: Shop, again: str) -> None:
    bolts.receive(a_line("bolt", lot_number="X-1"), a_line("bolt", lot_number="CAFE\u0301"))
    draft = bolts.draft(a_line("bolt"), a_line("bolt", lot_number=again))
    with refused(bolts, Conflict, "conflict", field="lines[1].lot_number", says="Use another number"):
        bolts.confirm(draft)
    bolts.receive(a_line("nut", lot_number=again))  # numbers are of a product
    a_shop(bolts.engine).product("bolt")  # and of a company


def test_a_lot_number_twice_in_one_receipt_is_refused(bolts: Shop) -> None:
    with refused(bolts, Invalid, "invalid", field="lines[1].lot_number"):
        bolts.draft(a_line("bolt", lot_number="X-1"), a_line("bolt", lot_number="x-1"))


def test_numbers_have_no_gaps_after_refusals_and_rollbacks(bolts: Shop) -> None:
    bolts.receive(a_line("bolt", lot_number="X-1"))

    def confirm_and_fail(session: Any, receipt: Receipt) -> None:
        assert receiving.confirm_receipt(session, bolts.act, receipt.id).number == 2
        raise ZeroDivisionError

    for _ in range(3):
        with pytest.raises(Conflict):
            bolts.receive(a_line("bolt", lot_number="X-1"))
        draft = bolts.draft(a_line("bolt"))
        with pytest.raises(ZeroDivisionError):
            bolts.write(lambda session, draft=draft: confirm_and_fail(session, draft))
    assert bolts.stock("bolt", "1").reference == "PSB-RCV-0002"
    assert a_shop(bolts.engine).company_id != bolts.company_id


def test_each_company_counts_for_itself(bolts: Shop) -> None:
    other = a_shop(bolts.engine)
    other.product("bolt")
    assert [bolts.stock("bolt", "1").number, other.stock("bolt", "1").number, bolts.stock("bolt", "1").number] == [
        1,
        1,
        2,
    ]


def test_a_draft_is_edited_until_it_is_confirmed(bolts: Shop) -> None:
    draft = bolts.draft(a_line("bolt"), a_line("nut"), on="2026-05-01")

    def edit(*lines: LineInput, on: object = None) -> Receipt:
        return bolts.write(lambda s: receiving.edit_receipt(s, draft.id, lines=lines, received_on=on, act=bolts.act))

    assert edit(a_line("nut", "7", total_cost="9")).received_on == dt.date(2026, 5, 1)
    edited = edit(a_line("nut", "8", total_cost="9.50"), on="2026-05-02")
    assert (edited.total_cost, edited.received_on) == (Decimal("9.5"), dt.date(2026, 5, 2))
    with bolts.reading() as session:
        assert [(line.position, line.quantity) for line in lines_of(session, draft.id)] == [(1, 8)]
    with refused(bolts, Invalid, "invalid", field="lines[0].quantity"):
        edit(a_line("nut", "0"))
    bolts.confirm(draft)
    assert bolts.left("nut") == [("ACM-20260502", 8, Decimal("9.5"))]
    with refused(bolts, WrongState, "wrong-state", says="PSB-RCV-0001 was confirmed by"):
        edit(a_line("nut", "1"))
    with refused(bolts, WrongState, "wrong-state", says="reversing it"):
        bolts.confirm(draft)


def test_a_receipt_that_two_confirm_at_once_is_confirmed_once(bolts: Shop) -> None:
    draft = bolts.draft(a_line("bolt", "10", total_cost="5.00"))
    outcomes: list[str] = []

    def confirm() -> None:
        try:
            outcomes.append(bolts.confirm(draft).reference)
        except PartsembleError as error:
            outcomes.append(error.code)

    in_threads(*[(confirm,)] * 4)
    assert sorted(outcomes) == ["PSB-RCV-0001", "wrong-state", "wrong-state", "wrong-state"]
    assert bolts.left("bolt") == [("ACM-20260504", 10, 5)]


def test_goods_may_be_free(bolts: Shop) -> None:
    bolts.stock("bolt", "10", "0")
    assert bolts.left("bolt") == [("ACM-20260504", 10, 0)]
    assert bolts.balance("bolt").average_cost == 0


def test_today_is_the_last_day_that_goods_can_have_come(bolts: Shop) -> None:
    assert bolts.draft(a_line("bolt"), on=TODAY).received_on == TODAY
    assert bolts.draft(a_line("bolt"), on="").received_on == TODAY
    for day in (TODAY + dt.timedelta(days=1), "2026-05-05"):
        with refused(bolts, Invalid, "invalid", field="received_on", says="future"):
            bolts.draft(a_line("bolt"), on=day)


@pytest.mark.parametrize("day", ["2026-02-30", "04/05/2026", "2026-5-4", "１９９９-01-01", 20260504, "0001-01-01"])
def test_a_day_that_is_none_is_refused(bolts: Shop, day: object) -> None:
    with refused(bolts, Invalid, "invalid", field="received_on"):
        bolts.draft(a_line("bolt"), on=day)


@pytest.mark.parametrize("code", ["XYZ", "acm", "", "A\x00M", "\ud800"])
def test_an_unknown_supplier_is_refused(bolts: Shop, code: str) -> None:
    with refused(bolts, Invalid, "invalid", field="supplier", says="There is no supplier"):
        bolts.draft(a_line("bolt"), supplier=code)


@pytest.mark.parametrize("amount", WRONG_AMOUNTS)
def test_an_amount_that_is_none_is_refused(bolts: Shop, amount: object) -> None:
    good = a_line("nut", "1")
    with refused(bolts, Invalid, "invalid", field="lines[1].quantity"):
        bolts.draft(good, a_line("bolt", amount))
    with refused(bolts, Invalid, "invalid", field="lines[1].total_cost"):
        bolts.draft(good, a_line("bolt", "1", total_cost=amount))
    with refused(bolts, Invalid, "invalid", field="lines[1].unit_cost"):
        bolts.draft(good, a_line("bolt", "1", unit_cost=amount))


MOST = "999999999.999999"


@pytest.mark.parametrize(
    ("field", "lines"),
    [
        ("lines", []),
        ("lines[1].quantity", [a_line("nut"), a_line("bolt", "0")]),
        ("lines[0].sku", [a_line("ghost")]),
        ("lines[1].sku", [a_line("nut"), a_line("bo\x00lt")]),
        ("lines[1].sku", [a_line("nut"), a_line("\ud800")]),
        ("lines[0].total_cost", [LineInput(sku="bolt", quantity="1")]),
        ("lines[0].total_cost", [a_line("bolt", total_cost="1", unit_cost="1")]),
        ("lines[0].lot_number", [a_line("bolt", lot_number="x" * 65)]),
        ("lines[0].lot_number", [a_line("bolt", lot_number="a\tb")]),
        ("lines[0].expires_on", [a_line("bolt", expires_on="soon")]),
        ("lines[0].expires_on", [a_line("bolt", expires_on="2026-05-03")]),
        ("lines[0].total_cost", [a_line("bolt", MOST, unit_cost="2")]),
        ("lines[0].total_cost", [a_line("bolt", "0.000001", total_cost="1000")]),
        ("lines", [a_line("bolt", "1000", total_cost=MOST), a_line("nut", "1000", total_cost=MOST)]),
    ],
)
def test_a_receipt_that_makes_no_sense_is_refused(bolts: Shop, field: str, lines: list[LineInput]) -> None:
    with refused(bolts, Invalid, "invalid", field=field):
        bolts.draft(*lines)


def test_stock_may_grow_beyond_what_one_receipt_can_hold(bolts: Shop) -> None:
    for _ in range(3):
        bolts.stock("bolt", MOST, "1")
    assert bolts.balance("bolt").quantity == 3 * Decimal(MOST)
    assert bolts.balance("bolt").average_cost == 1


def test_an_inactive_product_is_not_received(bolts: Shop) -> None:
    bolts.write(lambda s: s.execute(sa.update(Product).where(Product.sku == "bolt").values(is_active=False)) and None)
    with refused(bolts, Invalid, "invalid", field="lines[0].sku", says="bolt is inactive"):
        bolts.draft(a_line("bolt"))


def test_nothing_new_is_received_from_an_inactive_supplier(bolts: Shop) -> None:
    begun = bolts.draft(a_line("bolt", "10", total_cost="5.00"))
    bolts.write(lambda s: s.execute(sa.update(Supplier).values(is_active=False)) and None)
    with refused(bolts, Invalid, "invalid", field="supplier", says="^ACM is inactive. Activate it before receiving"):
        bolts.draft(a_line("bolt"))
    edited = bolts.write(
        lambda s: receiving.edit_receipt(s, begun.id, lines=[a_line("bolt", "4", total_cost="2.00")], act=bolts.act)
    )
    assert edited.total_cost == 2
    assert bolts.confirm(begun).state == "confirmed", "what was begun before is no new receipt"
    assert bolts.balance("bolt").quantity == 4


def test_what_belongs_to_another_company_is_not_received(bolts: Shop) -> None:
    other = a_shop(bolts.engine)
    other.product("widget")
    draft = other.draft(a_line("widget"))
    with refused(bolts, Invalid, "invalid", field="lines[0].sku", says="no product with SKU 'widget'"):
        bolts.draft(a_line("widget"))
    for key in (draft.id, 987_654_321):
        with refused(bolts, NotFound, "not-found", says=f"There is no receipt {key} in this company"):
            bolts.write(lambda s, key=key: receiving.confirm_receipt(s, bolts.act, key))
    assert other.confirm(draft).state == "confirmed"


def test_a_receipt_whose_accounts_are_not_set_is_not_confirmed(bolts: Shop) -> None:
    connect(bolts, roles=[])
    draft = bolts.draft(a_line("bolt"))
    with refused(
        bolts, AccountNotSet, "account-not-set", field="receiving_debit", says="Integrations → Export accounts"
    ):
        bolts.confirm(draft)
