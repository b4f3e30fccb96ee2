"""What people suffer from in such systems, one test a pain, named by its number in our list of them."""

from __future__ import annotations

from decimal import Decimal

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.errors import Conflict, Invalid
from partsemble_core.services.receiving import ChargeInput, LineInput
from partsemble_core.services.reversing import DocumentInUse
from partsemble_core.store.lots import DrawRow
from tests.services.lot_laws import broken_lot_laws
from tests.services.makers import Shop, a_line, connect, refused
from tests.services.stockroom import (
    adjust,
    confirm_count,
    days_ago,
    enter,
    exports,
    later,
    left_of,
    open_stock,
    receive_with,
    split,
    start_count,
    supplier_part,
    the_lot,
    undo,
    view_count,
)


@pytest.fixture
def parts(shop: Shop) -> Shop:
    """A kit of three screws, and nothing in stock."""
    shop.products("screw", "kit")
    shop.bom("kit", {"screw": "3"})
    return shop


def test_pain_9_landed_cost_follows_the_goods_into_what_is_built_of_them(parts: Shop) -> None:
    freight = ChargeInput(label="Freight", amount="0.50", spread_by="quantity")
    receive_with(parts, a_line("screw", "7", total_cost="10"), charges=[freight])
    build = parts.build("kit", "2")
    assert build.components_cost == Decimal("9")  # 10.50 × 6 ÷ 7


def test_pain_11_an_empty_lot_keeps_no_cent_however_its_goods_went(parts: Shop) -> None:
    parts.receive(a_line("screw", "13", total_cost="4.00"))
    split(parts, the_lot(parts, "screw"), "4")
    parts.build("kit", "2")
    adjust(parts, the_lot(parts, "screw"), "-1", reason="loss")
    adjust(parts, the_lot(parts, "screw", 1), "-4", reason="breakage")
    adjust(parts, the_lot(parts, "screw"), "1")
    parts.build("kit", "1")
    assert [(left, cost) for _, left, cost, _ in left_of(parts, "screw")] == [(0, 0), (0, 0)]
    assert (parts.balance("screw").quantity, parts.balance("screw").value) == (0, 0)
    assert broken_lot_laws(parts) == {}


def test_pain_12_a_document_undone_is_posted_neither_twice_nor_half(parts: Shop) -> None:
    connect(parts)
    receipt = parts.receive(a_line("screw", "7", total_cost="10"))
    undo(parts, "receipt", receipt)
    with refused(parts, Conflict, "conflict", says="already reversed by PSB-REV-0001"):
        undo(parts, "receipt", receipt)
    assert [(export.document_kind, export.state) for export in exports(parts)] == [("receipt", ExportState.CANCELLED)]


def test_pain_21_a_count_is_not_undone_by_what_is_entered_after_it(parts: Shop) -> None:
    """Counted 8 of 10; then a build of six is entered: two stay. Nothing makes it 4 or 10 again."""
    parts.receive(a_line("screw", "10", total_cost="10"), on=days_ago(3))
    count = start_count(parts, "screw")
    enter(parts, count, {the_lot(parts, "screw"): "8"})
    parts.build("kit", "2")
    assert [line.variance for line in view_count(parts, count)] == [-2]
    confirm_count(parts, count)
    assert left_of(parts, "screw")[0][1] == 2


def test_pain_21_a_backdated_entry_explains_a_variance_and_leaves_the_count_true(parts: Shop) -> None:
    """Four were counted, ten expected; then yesterday's build of six is entered: nothing is left to adjust."""
    parts.receive(a_line("screw", "10", total_cost="10"), on=days_ago(3))
    count = start_count(parts, "screw")
    enter(parts, count, {the_lot(parts, "screw"): "4"})
    parts.build("kit", "2", on=days_ago(1))
    (line,) = view_count(parts, count)
    assert (line.expected, line.late, line.variance, line.left) == (10, -6, 0, 4)
    assert confirm_count(parts, count) == []
    assert left_of(parts, "screw")[0][1] == 4


def test_pain_23_a_reel_is_what_it_holds_to_the_last_piece(parts: Shop) -> None:
    supplier_part(parts, "screw", "S-REEL", purchase_unit="reel", per_purchase_unit="666.666667")
    parts.receive(LineInput(part_number="S-REEL", quantity="3", total_cost="10"))
    assert left_of(parts, "screw")[0][1] == Decimal("2000.000001")
    with refused(parts, Invalid, "invalid", field="lines[0].quantity", says="Enter it in the stock unit"):
        parts.receive(LineInput(part_number="S-REEL", quantity="0.333333", total_cost="10"))


def test_pain_24_a_build_is_undone_to_the_very_lots_and_costs(parts: Shop) -> None:
    parts.receive(a_line("screw", "4", total_cost="1.00"), on=days_ago(2))
    parts.receive(a_line("screw", "5", total_cost="2.00"), on=days_ago(1))
    before = left_of(parts, "screw")
    build = parts.build("kit", "2")
    next_week = later(parts, days=7)
    undo(next_week, "build", build)
    assert left_of(parts, "screw") == before
    assert next_week.build("kit", "2").components_cost == build.components_cost
    assert len(parts.rows(sa.select(DrawRow))) == 4
    assert broken_lot_laws(parts) == {}


def test_pain_24_what_was_made_is_undone_step_by_step_in_the_order_that_is_told(parts: Shop) -> None:
    parts.product("case")
    parts.bom("case", {"kit": "1"})
    receipt = parts.receive(a_line("screw", "3", total_cost="1.00"))
    kit, case = parts.build("kit", "1"), parts.build("case", "1")
    for kind, document, way in (("receipt", receipt, kit), ("build", kit, case)):
        with pytest.raises(DocumentInUse) as refusal:
            undo(parts, kind, document)
        assert refusal.value.references == (way.reference,)
    for kind, document in (("build", case), ("build", kit), ("receipt", receipt)):
        undo(parts, kind, document)
    assert all(parts.balance(sku).value == 0 for sku in ("screw", "kit", "case"))


def test_pain_10_nothing_ever_takes_stock_below_zero(parts: Shop) -> None:
    open_stock(parts, "screw", "2", "2", on=days_ago(2))
    lot = the_lot(parts, "screw")
    with refused(parts, Invalid, "invalid", field="quantity", says="can't fall below zero"):
        adjust(parts, lot, "-3", reason="loss")
    adjust(parts, lot, "5", adjusted_on=days_ago(1))
    with refused(parts, Invalid, "invalid", field="adjusted_on"):
        adjust(parts, lot, "-3", reason="loss", adjusted_on=days_ago(2))
