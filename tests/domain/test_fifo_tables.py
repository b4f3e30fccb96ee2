"""FIFO as tables: before / wanted / drawn / left.

``20 for 690`` is a quantity and its whole cost; lots stand in order of creation, a bar between them.
``day 2:`` is the day of receipt where it isn't day 1, and ``#2`` the lot drawn from.
"""

from __future__ import annotations

import re

import pytest

from partsemble_core.domain.amounts import format_quantity
from partsemble_core.domain.fifo import after, draw
from partsemble_core.domain.lots import OpenLot
from tests.domain.makers import a_lot, a_need

_LOT = re.compile(r"(?:day (\d+): )?(\S+) for (\S+)")


def read_lots(table: str) -> list[OpenLot]:
    """The lots that ``table`` writes down."""
    lots = []
    for number, cell in enumerate(filter(None, table.split(" | ")), start=1):
        found = _LOT.fullmatch(cell)
        assert found, f"can't read {cell!r}"
        day, quantity, cost = found.groups()
        lots.append(a_lot(quantity, cost=cost, lot_id=number, day=int(day or 1)))
    return lots


def plain(text: str) -> str:
    return text.replace(",", "")


def row_of(before: str, wanted: str) -> tuple[str, str]:
    """What is drawn and left, in the notation of the tables."""
    lots = read_lots(before)
    draws = draw(a_need(wanted), lots)
    drawn = " | ".join(f"#{d.lot_id} {format_quantity(d.quantity)} for {format_quantity(d.cost)}" for d in draws)
    left = " | ".join(
        f"{format_quantity(lot.quantity_left)} for {format_quantity(lot.cost_left)}" for lot in after(lots, draws)
    )
    return plain(drawn), plain(left)


@pytest.mark.parametrize(
    ("before", "wanted", "drawn", "left"),
    [
        pytest.param(
            "20 for 690 | 50 for 1775 | 100 for 3600",
            "60",
            "#1 20 for 690 | #2 40 for 1420",
            "0 for 0 | 10 for 355 | 100 for 3600",
            id="oldest first",
        ),
        pytest.param("10 for 5", "10", "#1 10 for 5", "0 for 0", id="all of a lot takes all of its cost"),
        pytest.param("10 for 5", "4", "#1 4 for 2", "6 for 3", id="part of a lot"),
        pytest.param("", "4", "", "", id="no lots"),
        pytest.param("3 for 3", "4", "#1 3 for 3", "0 for 0", id="short: what is there"),
        pytest.param(
            "day 3: 5 for 15 | day 1: 5 for 5 | day 2: 5 for 10",
            "7",
            "#2 5 for 5 | #3 2 for 4",
            "5 for 15 | 0 for 0 | 3 for 6",
            id="the day of receipt counts before the order of creation",
        ),
        pytest.param(
            "day 2: 5 for 5 | day 2: 5 for 10",
            "6",
            "#1 5 for 5 | #2 1 for 2",
            "0 for 0 | 4 for 8",
            id="the same day: the order of creation",
        ),
        pytest.param("0 for 0 | 5 for 5", "1", "#2 1 for 1", "0 for 0 | 4 for 4", id="an empty lot is passed over"),
        pytest.param("5 for 0 | 5 for 5", "6", "#1 5 for 0 | #2 1 for 1", "0 for 0 | 4 for 4", id="free goods"),
        pytest.param("3 for 10", "1", "#1 1 for 3.333333", "2 for 6.666667", id="a third, rounded"),
        pytest.param("2 for 6.666667", "1", "#1 1 for 3.333334", "1 for 3.333333", id="half goes to even, up"),
        pytest.param("2 for 0.000005", "1", "#1 1 for 0.000002", "1 for 0.000003", id="half goes to even, down"),
        pytest.param("2 for 0.000001", "1", "#1 1 for 0", "1 for 0.000001", id="half a millionth stays with the lot"),
        pytest.param(
            "1 for 999999999.999999",
            "0.000001",
            "#1 0.000001 for 1000",
            "0.999999 for 999998999.999999",
            id="the smallest part of the dearest lot",
        ),
        pytest.param(
            "999999999.999999 for 0.000001",
            "999999999.999998",
            "#1 999999999.999998 for 0.000001",
            "0.000001 for 0",
            id="all but the last millionth",
        ),
    ],
)
def test_the_table_holds(before: str, wanted: str, drawn: str, left: str) -> None:
    assert row_of(before, wanted) == (drawn, left)


def test_the_order_in_which_lots_are_handed_over_does_not_matter() -> None:
    lots = read_lots("day 3: 5 for 15 | day 1: 5 for 5 | day 2: 5 for 10")
    assert draw(a_need(7), lots[::-1]) == draw(a_need(7), lots)


def test_a_draw_says_which_line_and_product_it_is_for() -> None:
    (taken,) = draw(a_need(1, line=7, product_id=3), [a_lot(product_id=3)])
    assert (taken.line, taken.product_id) == (7, 3)


def test_drawing_leaves_the_lots_handed_over_as_they_were() -> None:
    lots = read_lots("3 for 10 | 2 for 4")
    draw(a_need(4), lots)
    assert lots == read_lots("3 for 10 | 2 for 4")
