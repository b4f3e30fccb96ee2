"""BOMs inside BOMs: explosion, cycles at any depth, and how deep they may go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partsemble_core.domain.boms import (
    DEPTH,
    BomCycle,
    BomTooDeep,
    check_nesting,
    depth_of,
    explode,
    find_cycle,
)
from tests.domain.makers import a_bom, a_component, boms_of, exact
from tests.domain.oracles import bought_for, levels_below, reaches
from tests.domain.strategies import LAW


def chain(levels: int, *, first: int = 0) -> dict[int, list[int]]:
    """0 is made of 1, 1 of 2 … over so many BOMs."""
    return {first + i: [first + i + 1] for i in range(levels)}


def explode_chain(levels: int) -> dict[int, Decimal]:
    boms = boms_of({made: {below: 1} for made, (below,) in chain(levels).items()})
    return explode(0, exact(1), boms.get)


@st.composite
def recipes_without_cycle(draw: st.DrawFn) -> dict[int, dict[int, int]]:
    """Up to nine products, each made of later ones only: nothing leads back, no way exceeds nine levels."""
    last = draw(st.integers(0, 8))
    found: dict[int, dict[int, int]] = {}
    for made in range(last):
        if draw(st.booleans()):
            below = st.integers(made + 1, last)
            found[made] = draw(st.dictionaries(below, st.integers(1, 9), min_size=1, max_size=3))
    return found


EDGES = st.dictionaries(st.integers(0, 8), st.lists(st.integers(0, 8), max_size=3, unique=True), max_size=9)


@LAW
@given(recipes=recipes_without_cycle(), count=st.integers(1, 50))
def test_an_explosion_buys_what_following_every_path_buys(recipes: dict[int, dict[int, int]], count: int) -> None:
    bought = explode(0, Decimal(count), boms_of(recipes).get)
    assert {p: Fraction(q) for p, q in bought.items()} == bought_for(0, Fraction(count), recipes)


def test_a_bought_product_explodes_to_itself() -> None:
    assert explode(5, exact("2.5"), boms_of({}).get) == {5: exact("2.5")}


def test_a_part_used_at_several_levels_is_bought_once_for_all() -> None:
    boms = boms_of({0: {1: 2, 9: 1}, 1: {2: 3, 9: 1}, 2: {9: 1}})
    assert explode(0, exact(10), boms.get) == {9: 10 + 20 + 60}


def test_scrap_multiplies_from_level_to_level() -> None:
    boms = {
        0: a_bom(a_component(1, quantity=1, scrap=10), product_id=0),
        1: a_bom(a_component(2, quantity=1, scrap=10), product_id=1),
    }
    assert explode(0, exact(100), boms.get) == {2: 121}


def test_ten_levels_explode_and_eleven_do_not() -> None:
    assert explode_chain(DEPTH) == {DEPTH: 1}
    with pytest.raises(BomTooDeep, match="deeper than 10 levels"):
        explode_chain(DEPTH + 1)


def test_exploding_a_cycle_ends() -> None:
    with pytest.raises(BomTooDeep):
        explode(0, exact(1), boms_of({0: {1: 1}, 1: {0: 1}}).get)


def test_a_wide_and_deep_explosion_ends_soon() -> None:
    # Path by path this would be 10^9 visits.
    recipes = {level * 10 + i: {(level + 1) * 10 + j: 1 for j in range(10)} for level in range(9) for i in range(10)}
    bought = explode(0, exact("0.000001"), boms_of(recipes).get)
    assert bought == {90 + j: exact("100") for j in range(10)}


@pytest.mark.parametrize("length", range(1, 25))
def test_a_cycle_is_found_however_long_it_is(length: int) -> None:
    edges = {i: [(i + 1) % length] for i in range(length)}
    assert find_cycle(0, edges) == [*range(length), 0]


@LAW
@given(start=st.integers(0, 8), edges=EDGES)
def test_a_cycle_is_found_if_there_is_one_and_its_path_is_a_path(start: int, edges: dict[int, list[int]]) -> None:
    path = find_cycle(start, edges)
    assert bool(path) == reaches(start, start, edges)
    if path:
        assert path[0] == path[-1] == start
        assert all(below in edges[above] for above, below in pairwise(path))
        assert len(set(path)) == len(path) - 1


@LAW
@given(start=st.integers(0, 8), edges=EDGES)
def test_the_depth_is_the_longest_way_down(start: int, edges: dict[int, list[int]]) -> None:
    down = {above: [b for b in below if b > above] for above, below in edges.items()}
    assert depth_of(start, down) == levels_below(start, down)


def test_a_bought_product_has_no_depth() -> None:
    assert depth_of(1, {0: [1]}) == 0


def test_a_cycle_is_refused_naming_its_path() -> None:
    names = {1: "KIT", 2: "BOARD", 3: "LED"}
    with pytest.raises(BomCycle) as refusal:
        check_nesting(1, [9, 2], {2: [8, 3], 3: [1]}, names)
    assert refusal.value.path == ("KIT", "BOARD", "LED", "KIT")
    assert "KIT → BOARD → LED → KIT" in str(refusal.value)
    assert refusal.value.code == "bom-cycle"


def test_a_product_is_not_made_of_itself() -> None:
    with pytest.raises(BomCycle) as refusal:
        check_nesting(1, [2, 1], {})
    assert refusal.value.path == ("product 1", "product 1")


def test_the_new_components_count_and_not_those_of_the_version_before() -> None:
    check_nesting(1, [3], {1: [2], 2: [1]})


def test_a_diamond_is_not_a_cycle() -> None:
    check_nesting(1, [2, 3], {2: [4], 3: [4]})


def check_between(above: int, below: int) -> None:
    """A BOM is saved that joins ``above`` levels over it to ``below`` levels under it."""
    edges: Mapping[int, Sequence[int]] = {**chain(above), **chain(below, first=above + 1)}
    check_nesting(above, [above + 1], edges)


@pytest.mark.parametrize("above", [0, 1, 5, 9])
def test_ten_levels_may_be_nested_and_eleven_not_wherever_the_new_one_stands(above: int) -> None:
    check_between(above, DEPTH - 1 - above)
    with pytest.raises(BomTooDeep):
        check_between(above, DEPTH - above)
