"""Drawing for a whole document: several needs, several products, all or nothing."""

from __future__ import annotations

import pytest

from partsemble_core.domain.fifo import Shortage, StockShort, after, draw_all, draw_what_is_there
from tests.domain.makers import a_lot, a_need, exact, some_lots


def test_every_shortage_is_listed_at_once() -> None:
    lots = [a_lot(3, product_id=1), a_lot(9, product_id=2, lot_id=2)]
    with pytest.raises(StockShort) as refusal:
        draw_all([a_need(5), a_need(9, product_id=2), a_need("0.5", product_id=3)], lots)
    assert refusal.value.shortages == (
        Shortage(product_id=1, needed=exact(5), available=exact(3)),
        Shortage(product_id=3, needed=exact("0.5"), available=exact(0)),
    )
    assert refusal.value.code == "stock-short"


def test_a_shortage_names_the_product_the_figures_and_the_cure() -> None:
    with pytest.raises(StockShort) as refusal:
        draw_all([a_need(1200)], [a_lot(200)], names={1: "BLT-M4"})
    text = str(refusal.value)
    assert "BLT-M4: 1,200 needed, 200 available, 1,000 missing" in text
    assert text.endswith("Receive the missing goods or build less.")


def test_a_product_without_a_name_is_still_told_apart() -> None:
    with pytest.raises(StockShort, match="product 7: 1 needed, 0 available, 1 missing"):
        draw_all([a_need(1, product_id=7)], [], names={1: "BLT-M4"})


def test_two_lines_of_one_product_do_not_take_the_same_stock_twice() -> None:
    draws = draw_all([a_need(6), a_need(6, line=1)], some_lots((10, 1), (2, 2)))
    assert [(d.line, d.lot_id, d.quantity) for d in draws] == [
        (0, 1, exact(6)),
        (1, 1, exact(4)),
        (1, 2, exact(2)),
    ]


def test_what_the_first_line_took_is_missing_for_the_second() -> None:
    draws, shortages = draw_what_is_there([a_need(6), a_need(6, line=1)], [a_lot(10)])
    assert [d.quantity for d in draws] == [6, 4]
    assert shortages == (Shortage(product_id=1, needed=exact(6), available=exact(4)),)
    assert shortages[0].missing == 2


def test_two_draws_from_one_lot_both_leave_it() -> None:
    lots = [a_lot(10, cost="30.00")]
    draws = draw_all([a_need(6), a_need(3, line=1)], lots)
    assert after(lots, draws) == [a_lot(1, cost="3.00")]


def test_an_optional_need_takes_what_is_there_and_never_blocks() -> None:
    needs = [a_need(5, optional=True), a_need(5, product_id=2, line=1, optional=True)]
    draws = draw_all(needs, [a_lot(3)])
    assert [(d.line, d.quantity) for d in draws] == [(0, exact(3))]


def test_what_is_required_is_served_before_what_is_optional() -> None:
    draws = draw_all([a_need(5, line=0, optional=True), a_need(8, line=1)], [a_lot(10)])
    assert [(d.line, d.quantity) for d in draws] == [(1, exact(8)), (0, exact(2))]


def test_a_need_never_takes_another_products_lot() -> None:
    _, shortages = draw_what_is_there([a_need(1, product_id=2)], [a_lot(10, product_id=1)])
    assert [s.product_id for s in shortages] == [2]


def test_needing_nothing_draws_nothing() -> None:
    assert draw_all([], [a_lot(10)]) == ()
