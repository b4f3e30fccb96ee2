"""The worked cases of the product's rules, each named with its number."""

from __future__ import annotations

from decimal import Decimal

from partsemble_core.domain.amounts import from_minor, to_minor, unit_cost
from partsemble_core.domain.boms import costs_of, explode, max_buildable, needs_of
from partsemble_core.domain.builds import cost_build
from partsemble_core.domain.fifo import after, draw, draw_all
from partsemble_core.domain.lots import automatic_number
from tests.domain.makers import (
    a_bom,
    a_component,
    a_fixed_cost,
    a_need,
    a_timed_cost,
    boms_of,
    exact,
    some_lots,
)


def test_n1_sixty_come_from_the_first_two_lots() -> None:
    lots = some_lots((20, "34.50"), (50, "35.50"), (100, "36.00"))
    draws = draw(a_need(60), lots)
    assert [(d.lot_id, d.quantity) for d in draws] == [(1, exact(20)), (2, exact(40))]
    assert [d.cost for d in draws] == [exact("690.00"), exact("1420.00")]
    assert sum(d.cost for d in draws) == exact("2110.00")
    assert [lot.quantity_left for lot in after(lots, draws)] == [0, 10, 100]
    assert [lot.cost_left for lot in after(lots, draws)] == [0, exact("355.00"), exact("3600.00")]


def test_n2_fifty_sold_cost_7340_and_leave_the_third_lot_alone() -> None:
    lots = some_lots((20, "145.00"), (30, "148.00"), (25, "152.00"))
    draws = draw(a_need(50), lots)
    assert [(d.lot_id, d.cost) for d in draws] == [(1, exact("2900.00")), (2, exact("4440.00"))]
    total = sum((d.cost for d in draws), Decimal(0))
    assert total == exact("7340.00")
    assert unit_cost(total, exact(50)) == exact("146.80")
    assert after(lots, draws)[2] == lots[2]


def test_n3_the_average_of_100_at_5_and_50_at_6_shows_as_5_33() -> None:
    lots = some_lots((100, "5.00"), (50, "6.00"))
    average = unit_cost(sum((lot.cost_left for lot in lots), Decimal(0)), exact(150))
    assert average == exact("5.333333")
    assert str(from_minor(to_minor(average, decimals=2), decimals=2)) == "5.33"


def test_n4_bolts_limit_the_panels_to_20_and_the_missing_nameplate_does_not() -> None:
    panel, bolt, nameplate = 1, 2, 3
    bom = a_bom(a_component(panel), a_component(bolt, quantity=2), a_component(nameplate, optional=True))
    assert max_buildable(bom, {panel: exact(50), bolt: exact(40), nameplate: exact(0)}) == 20


def test_n5_ten_brackets_at_four_bolts_take_forty() -> None:
    bolt = 1
    assert needs_of(a_bom(a_component(bolt, quantity=4)), exact(10)) == (a_need(40, product_id=bolt),)


def test_n7_half_an_hour_at_25_costs_12_50() -> None:
    labour = a_timed_cost(rate="25.00", quantity="0.5")
    assert labour.cost() == exact("12.50")
    assert [c.cost for c in costs_of(a_bom(costs=[labour]), exact(1))] == [exact("12.50")]


def test_n9_packaging_is_2_00_a_unit_and_takes_no_stock() -> None:
    bom = a_bom(a_component(1), costs=[a_fixed_cost("2.00", label="Packaging")])
    three = cost_build(bom, exact(3), some_lots((3, "1.00")))
    assert [(c.label, c.cost) for c in three.costs] == [("Packaging", exact("6.00"))]
    assert [d.product_id for d in three.draws] == [1]
    assert three.total == exact("9.00")


def test_n13_a_days_second_and_third_lot_are_numbered_002_and_003() -> None:
    received_on = some_lots((1, 1))[0].received_on.replace(day=4)
    taken: set[str] = set()
    for _ in range(3):
        taken.add(automatic_number("ACM", received_on, taken))
    assert sorted(taken) == ["ACM-20260404", "ACM-20260404-002", "ACM-20260404-003"]


def test_n14_version_3_costs_and_takes_the_same_after_version_4_is_made() -> None:
    # Which one is active, the catalogue says. Here: a version is a value, so no later one can change it.
    version_3 = a_bom(a_component(1, quantity=4))
    before = needs_of(version_3, exact(10))
    version_4 = a_bom(a_component(1, quantity=5), a_component(2))
    assert needs_of(version_3, exact(10)) == before == (a_need(40),)
    assert needs_of(version_4, exact(10)) == (a_need(50), a_need(10, product_id=2, line=1))


def test_n15_ten_sensor_kits_explode_to_what_is_bought() -> None:
    kit, board, enclosure, harness, blank, resistors, capacitor, led = range(8)
    boms = boms_of(
        {
            kit: {board: 1, enclosure: 1, harness: 1},
            board: {blank: 1, resistors: 3, capacitor: 5, led: 2},
        }
    )
    assert explode(kit, exact(10), boms.get) == {
        blank: 10,
        resistors: 30,
        capacitor: 50,
        led: 20,
        enclosure: 10,
        harness: 10,
    }


def test_the_first_and_second_case_hold_through_the_door_that_documents_use() -> None:
    lots = [
        *some_lots((20, "34.50"), (50, "35.50"), (100, "36.00")),
        *some_lots((80, "145"), product_id=2, first_id=9),
    ]
    draws = draw_all([a_need(60), a_need(50, product_id=2, line=1)], lots)
    assert [(d.line, d.lot_id, d.cost) for d in draws] == [
        (0, 1, exact(690)),
        (0, 2, exact(1420)),
        (1, 9, exact(7250)),
    ]
