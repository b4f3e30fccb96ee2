"""Builds that belong together: what is short of sub-assemblies is built first, exactly, each product once."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partsemble_core.domain.amounts import add
from partsemble_core.domain.boms import Bom, users_first
from partsemble_core.domain.builds import PROVISIONAL, Step, cost_build, cost_with_subassemblies
from partsemble_core.domain.fifo import Choice, Terms, after
from partsemble_core.domain.lots import OpenLot
from partsemble_core.errors import Invalid
from tests.domain.makers import Amount, a_bom, a_component, a_day, a_fixed_cost, a_lot, exact, some_lots
from tests.domain.strategies import LAW

KIT, BOARD, PANEL, BOLT, WIRE = 100, 50, 1, 2, 3


def the_boms(*, optional_wire: bool = False) -> dict[int, Bom]:
    """A kit of a board, a panel and two bolts; a board of three bolts and a wire, and 1.00 of work."""
    board = a_bom(
        a_component(BOLT, quantity=3),
        a_component(WIRE, optional=optional_wire),
        costs=[a_fixed_cost("1.00")],
        product_id=BOARD,
    )
    kit = a_bom(a_component(BOARD), a_component(PANEL), a_component(BOLT, quantity=2), product_id=KIT)
    return {KIT: kit, BOARD: board}


def build_tree(lots: list[OpenLot], quantity: Amount, terms: Terms | None = None, **how: bool) -> tuple[Step, ...]:
    boms = the_boms(**how)
    kit = boms.pop(KIT)
    return cost_with_subassemblies(kit, exact(quantity), lots, boms, built_on=a_day(30), terms=terms or Terms())


def stock(**amounts: Amount) -> list[OpenLot]:
    ids = {"board": BOARD, "panel": PANEL, "bolt": BOLT, "wire": WIRE}
    return [a_lot(amount, lot_id=ids[name], product_id=ids[name], at="2") for name, amount in amounts.items() if amount]


def test_only_what_is_missing_is_built_first() -> None:
    first, last = build_tree(stock(board=4, panel=10, bolt=100, wire=100), 10)
    assert (first.bom.product_id, first.costing.quantity) == (BOARD, 6)
    assert [(d.product_id, d.quantity) for d in first.costing.draws] == [(BOLT, 18), (WIRE, 6)]
    assert (first.costing.total, first.output.cost_left, first.output.lot_id) == (54, 54, PROVISIONAL)
    assert [(d.lot_id, d.quantity, d.cost) for d in last.costing.draws] == [
        (BOARD, 4, 8),
        (PROVISIONAL, 6, 54),
        (PANEL, 10, 20),
        (BOLT, 20, 40),
    ]
    assert (last.costing.shortages, last.costing.total) == ((), 122)


def test_nothing_is_built_first_where_nothing_is_missing() -> None:
    (last,) = build_tree(stock(board=10, panel=10, bolt=20), 10)
    assert last.costing.quantity == 10


def test_every_shortage_of_bought_goods_over_all_levels_is_listed_once() -> None:
    *_, last = build_tree(stock(panel=9, bolt=49, wire=9), 10)
    assert sorted((s.product_id, s.needed, s.available) for s in last.costing.shortages) == [
        (PANEL, 10, 9),
        (BOLT, 50, 49),
        (WIRE, 10, 9),
    ]


def test_an_optional_component_below_does_not_eat_what_is_required_above() -> None:
    boms = the_boms(optional_wire=True)
    kit = a_bom(a_component(BOARD), a_component(WIRE, quantity=2), product_id=KIT)
    first, last = cost_with_subassemblies(
        kit, exact(10), stock(bolt=30, wire=23), {BOARD: boms[BOARD]}, built_on=a_day(30)
    )
    assert [(d.product_id, d.quantity) for d in first.costing.draws] == [(BOLT, 30), (WIRE, 3)]
    assert [(d.product_id, d.quantity) for d in last.costing.draws] == [(BOARD, 10), (WIRE, 20)]
    assert last.costing.shortages == ()


def test_an_optional_sub_assembly_is_not_built() -> None:
    kit = a_bom(a_component(BOARD, optional=True), a_component(PANEL), product_id=KIT)
    (only,) = cost_with_subassemblies(
        kit, exact(2), stock(panel=2, bolt=9, wire=9), {BOARD: the_boms()[BOARD]}, built_on=a_day(30)
    )
    assert [d.product_id for d in only.costing.draws] == [PANEL]


def test_what_was_picked_by_hand_is_not_used_up_by_the_builds_before() -> None:
    lots = [*stock(panel=10, wire=10), *some_lots((20, 1), (30, 3), product_id=BOLT, first_id=20)]
    terms = Terms(chosen={2: [Choice(lot_id=20, quantity=exact(20))]})
    first, last = build_tree(lots, 10, terms)
    assert [(d.lot_id, d.quantity) for d in first.costing.draws if d.product_id == BOLT] == [(21, 30)]
    assert [(d.lot_id, d.quantity, d.cost) for d in last.costing.draws if d.product_id == BOLT] == [(20, 20, 20)]
    assert last.costing.shortages == ()


def test_a_line_that_is_not_there_can_not_be_picked_for() -> None:
    terms = Terms(chosen={7: [Choice(lot_id=1, quantity=exact(1))]})
    with pytest.raises(Invalid, match="no component line 7") as caught:
        build_tree(stock(board=1, panel=1, bolt=2), 1, terms)
    assert caught.value.field == "lots[7]"
    with pytest.raises(Invalid, match="no component line 7"):
        cost_build(the_boms()[KIT], exact(1), stock(board=1, panel=1, bolt=2), terms=terms)


def test_what_is_reserved_is_built_around() -> None:
    terms = Terms(reserved={BOARD: exact(99), BOLT: exact(1)})
    first, last = build_tree(stock(board=4, panel=10, bolt=51, wire=100), 10, terms)
    assert first.costing.quantity == 10, "the four boards are others'"
    assert (last.costing.shortages, first.costing.shortages) == ((), ())
    *_, short = build_tree(stock(board=4, panel=10, bolt=50, wire=100), 10, terms)
    assert [(s.product_id, s.needed, s.available, s.reserved) for s in short.costing.shortages] == [(BOLT, 50, 49, 1)]


def test_a_single_build_is_a_tree_of_one() -> None:
    kit, lots = the_boms()[KIT], stock(board=4, panel=10, bolt=19)
    (only,) = cost_with_subassemblies(kit, exact(10), lots, {}, built_on=a_day(30))
    assert only.costing == cost_build(kit, exact(10), lots)


@st.composite
def workshops(draw: st.DrawFn) -> tuple[Bom, dict[int, Bom], list[OpenLot], Decimal, Terms]:
    """Four levels of products, each made of some on lower levels; some stock of each; some of it reserved."""
    made: dict[int, Bom] = {}
    for product in range(3, 9):
        below = draw(st.lists(st.integers(0, product - 1), min_size=1, max_size=3, unique=True))
        made[product] = a_bom(
            *(
                a_component(i, quantity=draw(st.sampled_from(["1", "2", "0.333333"])), optional=draw(st.booleans()))
                for i in below
            ),
            costs=[a_fixed_cost("0.10")],
            makes=draw(st.sampled_from(["1", "3"])),
            product_id=product,
        )
    lots = [
        a_lot(draw(st.integers(1, 30)), cost=draw(st.integers(0, 50)), lot_id=10 * p + n, product_id=p, day=1 + n)
        for p in range(8)
        for n in range(draw(st.integers(0, 2)))
    ]
    reserved = {p: exact(draw(st.integers(0, 9))) for p in range(8) if draw(st.booleans())}
    top = made.pop(8)
    quantity = exact(draw(st.sampled_from(["1", "4", "7.5", "20"])))
    return top, made, lots, quantity, Terms(reserved=reserved)


@LAW
@given(workshops())
def test_builds_that_belong_together_keep_every_law(
    workshop: tuple[Bom, dict[int, Bom], list[OpenLot], Decimal, Terms],
) -> None:
    top, boms, lots, quantity, terms = workshop
    steps = cost_with_subassemblies(top, quantity, lots, boms, built_on=a_day(30), terms=terms)
    made = [step.bom.product_id for step in steps]
    assert len(set(made)) == len(made), "each product once"
    assert (made[-1], steps[-1].costing.quantity) == (8, quantity)
    left = {lot.lot_id: lot for lot in lots}
    for step in steps:
        for lot in after([left[d.lot_id] for d in step.costing.draws], step.costing.draws):
            assert lot.quantity_left >= 0
            left[lot.lot_id] = lot
        left[step.output.lot_id] = step.output
        assert step.output.cost_left == step.costing.total
    costs = add([lot.cost_left for lot in lots]) + add([step.costing.added_cost for step in steps])
    assert add([lot.cost_left for lot in left.values()]) == costs, "no cost is made or lost"
    if steps[-1].costing.shortages:
        return
    assert [step.costing.shortages for step in steps] == [()] * len(steps), "then every build has what it needs"
    for product, kept in terms.reserved.items():
        there = add([lot.quantity_left for lot in lots if lot.product_id == product])
        assert add([lot.quantity_left for lot in left.values() if lot.product_id == product]) >= min(kept, there)
    for step in steps[:-1]:
        product = step.bom.product_id
        rest = add([lot.quantity_left for lot in left.values() if lot.product_id == product])
        there = add([lot.quantity_left for lot in lots if lot.product_id == product])
        assert rest == min(terms.reserved.get(product, Decimal(0)), there), "not a unit more than was missing"


@LAW
@given(workshops())
def test_what_uses_a_product_comes_before_it(
    workshop: tuple[Bom, dict[int, Bom], list[OpenLot], Decimal, Terms],
) -> None:
    top, boms, *_ = workshop
    order = users_first(top, boms)
    assert len(set(order)) == len(order)
    for user in order:
        for line in boms[user].components if user in boms else ():
            assert order.index(line.product_id) > order.index(user)
