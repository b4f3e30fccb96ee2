"""What one version changed against another; what a sub-assembly costs to build; and what is above a part."""

from __future__ import annotations

import pytest

from partsemble_core.domain.boms import BomTooDeep, estimate, estimate_rolled_up, levels_above
from partsemble_core.domain.versions import Difference, compare
from tests.domain.makers import a_bom, a_component, a_fixed_cost, a_timed_cost, exact


def test_added_removed_and_changed_lines_are_told_apart() -> None:
    before = a_bom(
        a_component(1, quantity=4), a_component(2), a_component(3), costs=[a_fixed_cost("2"), a_timed_cost()]
    )
    after = a_bom(a_component(3), a_component(1, quantity=5), a_component(4), costs=[a_fixed_cost("3")], makes=2)
    changes = compare(before, after)
    assert [(c.product_id, c.difference) for c in changes.components] == [
        (1, Difference.CHANGED),
        (4, Difference.ADDED),
        (2, Difference.REMOVED),
    ]
    assert [(c.label, c.difference) for c in changes.costs] == [
        ("Packaging", Difference.CHANGED),
        ("Labour", Difference.REMOVED),
    ]
    assert changes.output_quantity == (1, 2)


def test_a_version_against_itself_changed_nothing() -> None:
    bom = a_bom(a_component(1), costs=[a_fixed_cost()])
    changes = compare(bom, bom)
    assert (changes.components, changes.costs, changes.output_quantity) == ((), (), None)


def test_two_cost_lines_of_one_label_are_two() -> None:
    before = a_bom(costs=[a_fixed_cost("1"), a_fixed_cost("2")])
    after = a_bom(costs=[a_fixed_cost("1")])
    assert [(c.label, c.before, c.difference) for c in compare(before, after).costs] == [
        ("Packaging", a_fixed_cost("2"), Difference.REMOVED)
    ]


def test_a_rolled_up_cost_builds_every_sub_assembly() -> None:
    board = a_bom(
        a_component(1, quantity=3, scrap=10), a_component(9, optional=True), costs=[a_fixed_cost("1")], makes=3
    )
    kit = a_bom(a_component(50, quantity=2), a_component(2), costs=[a_timed_cost()], product_id=100)
    at = {1: exact("2"), 2: exact("5"), 50: exact("99"), 9: exact("1000")}
    # Three boards take 3.3 × 2.00 and 1.00 of work: 7.60; two of them are 5.066667.
    assert estimate_rolled_up(kit, at, {50: board}) == exact("5.066667") + 5 + exact("12.5")
    assert estimate(kit, at) == 2 * 99 + 5 + exact("12.5")


def test_a_roll_up_past_ten_levels_is_refused() -> None:
    boms = {i: a_bom(a_component(i - 1), product_id=i) for i in range(1, 12)}
    assert estimate_rolled_up(boms[10], {0: exact(7)}, boms) == 7
    with pytest.raises(BomTooDeep):
        estimate_rolled_up(boms[11], {0: exact(7)}, boms)


def test_what_a_part_goes_into_is_found_at_its_nearest_level() -> None:
    assert levels_above(1, {1: [50, 100], 50: [100, 60], 60: [100], 2: [9]}) == {50: 1, 100: 1, 60: 2}
    assert levels_above(9, {}) == {}
