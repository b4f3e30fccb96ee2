"""What a rejected build gives back: to the lots last taken from first, and never more or less than was taken."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partsemble_core.domain.amounts import add, from_millionths, to_millionths
from partsemble_core.domain.quality import (
    Recovery,
    RejectReason,
    Taken,
    give_back,
    lost_cost,
    parse_reason,
    parse_recovery,
)
from partsemble_core.errors import Invalid
from tests.domain.makers import exact
from tests.domain.strategies import LAW, costs, quantities


def a_taking(draw_id: int, quantity: str, cost: str, *, line: int = 0, lot_id: int = 0) -> Taken:
    return Taken(
        draw_id=draw_id,
        line=line,
        product_id=100 + line,
        lot_id=lot_id or draw_id,
        quantity=exact(quantity),
        cost=exact(cost),
    )


TAKEN = (
    a_taking(1, "20", "690"),
    a_taking(2, "40", "1420"),
    a_taking(3, "3", "10", line=1),
)


def test_everything_comes_back_whole() -> None:
    returns = give_back(TAKEN)
    assert [(r.draw_id, r.lot_id, r.quantity, r.cost) for r in returns] == [
        (1, 1, 20, 690),
        (2, 2, 40, 1420),
        (3, 3, 3, 10),
    ]
    assert lost_cost(TAKEN, returns) == 0


def test_what_was_taken_last_comes_back_first() -> None:
    returns = give_back(TAKEN, {0: "50", 1: "1"})
    assert [(r.draw_id, r.quantity, r.cost) for r in returns] == [
        (2, 40, 1420),
        (1, 10, 345),
        (3, 1, exact("3.333333")),
    ]
    assert lost_cost(TAKEN, returns) == exact("351.666667")


def test_nothing_of_a_line_comes_back_for_zero_or_no_mention() -> None:
    assert give_back(TAKEN, {0: 0, 1: "0"}) == give_back(TAKEN, {}) == ()
    assert lost_cost(TAKEN, ()) == 2120


@pytest.mark.parametrize(
    ("recovered", "field"),
    [
        ({0: "60.000001"}, "recovered[0]"),
        ({7: "1"}, "recovered[7]"),
        ({1: -1}, "recovered[1]"),
        ({1: 0.5}, "recovered[1]"),
    ],
)
def test_a_bad_quantity_names_its_line(recovered: dict[int, object], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        give_back(TAKEN, recovered)
    assert caught.value.field == field


def test_reasons_and_ways_are_read_or_listed() -> None:
    assert parse_reason("other") is RejectReason.OTHER
    assert parse_recovery("partial") is Recovery.PARTIAL
    with pytest.raises(Invalid, match=r"quality_defect, wrong_materials, .*, process_error, other") as bad:
        parse_reason("bad luck")
    assert bad.value.field == "reason"
    with pytest.raises(Invalid, match="full, total_loss, partial"):
        parse_recovery(None)


@st.composite
def takings(draw: st.DrawFn) -> list[Taken]:
    count = draw(st.integers(1, 6))
    return [
        Taken(
            draw_id=i,
            line=draw(st.integers(0, 2)),
            product_id=1,
            lot_id=draw(st.integers(1, 4)),
            quantity=draw(quantities(most=10**12)),
            cost=draw(costs(most=10**12)),
        )
        for i in range(count)
    ]


@LAW
@given(takings(), st.data())
def test_what_comes_back_and_what_is_lost_are_what_was_taken(taken: list[Taken], data: st.DataObject) -> None:
    recovered: dict[int, Decimal] = {}
    for line in {t.line for t in taken}:
        had = sum(to_millionths(t.quantity) for t in taken if t.line == line)
        recovered[line] = from_millionths(data.draw(st.integers(0, had)))
    returns = give_back(taken, recovered)
    by_draw = {t.draw_id: t for t in taken}
    assert len({r.draw_id for r in returns}) == len(returns), "a draw comes back once"
    for back in returns:
        mine = by_draw[back.draw_id]
        assert 0 < back.quantity <= mine.quantity
        assert 0 <= back.cost <= mine.cost
        assert back.cost == mine.cost if back.quantity == mine.quantity else True
    for line, quantity in recovered.items():
        assert add([r.quantity for r in returns if by_draw[r.draw_id].line == line]) == quantity
    assert lost_cost(taken, returns) == add([t.cost for t in taken]) - add([r.cost for r in returns]) >= 0
    for line in recovered:
        order = [t.draw_id for t in taken if t.line == line][::-1]
        came = [r for r in returns if by_draw[r.draw_id].line == line]
        assert [r.draw_id for r in came] == order[: len(came)], "the last taken first"
        assert all(r.quantity == by_draw[r.draw_id].quantity for r in came[:-1])
