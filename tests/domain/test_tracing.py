"""How much of a lot is in another: exact where it fed its lines alone, bounds that hold where lots were pooled."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from decimal import Decimal

import pytest

from partsemble_core.domain.tracing import Feed, Making, Share, ended_in, part_of, sound_feeds, went_into

D = Decimal


def made(lot_id: int | None, quantity: str, *feeds: tuple[int, int, str], found: str = "0") -> Making:
    """``feeds`` are (line, lot, quantity)."""
    return Making(
        key=("build", lot_id or 0),
        lot_id=lot_id,
        quantity=D(quantity),
        feeds=tuple(Feed(line=line, lot_id=lot, quantity=D(q)) for line, lot, q in feeds),
        found=D(found),
    )


def share(least: str, most: str | None = None) -> Share:
    return Share(least=D(least), most=D(most or least))


def forward(lot_id: int, quantity: str, makings: Sequence[Making]) -> dict[int, Share]:
    return {key[1]: content.share for key, content in ended_in(lot_id, D(quantity), makings).items()}


def test_a_lot_that_was_drawn_alone_is_traced_exactly_over_levels() -> None:
    makings = [made(10, "10", (0, 1, "40")), made(20, "3", (0, 10, "6"), (1, 2, "9"))]
    assert forward(1, "50", makings) == {10: share("40"), 20: share("24")}
    assert went_into(20, D("3"), makings) == {10: share("6"), 2: share("9"), 1: share("24")}


def test_the_whole_of_what_was_made_of_a_pool_is_exact_and_a_part_of_it_has_bounds() -> None:
    makings = [made(10, "10", (0, 1, "40"), (0, 2, "60")), made(20, "4", (0, 10, "4"))]
    assert forward(1, "40", makings) == {10: share("40"), 20: share("0", "40")}
    assert went_into(20, D("4"), makings) == {10: share("4"), 1: share("0", "40"), 2: share("0", "40")}


def test_what_a_part_must_hold_is_known_when_the_rest_cannot_hold_it_all() -> None:
    """Ten units hold 90 of lot 1 and 10 of lot 2: the seven that went on hold at least 60, whichever they are."""
    makings = [made(10, "10", (0, 1, "90"), (0, 2, "10")), made(20, "7", (0, 10, "7"))]
    assert forward(1, "90", makings)[20] == share("60", "70")
    assert forward(2, "10", makings)[20] == share("0", "10")


def test_a_split_carries_the_lot_itself() -> None:
    split = Making(key=("split", 11), lot_id=11, quantity=D("4"), feeds=(Feed(line=0, lot_id=1, quantity=D("4")),))
    makings = [split, made(20, "2", (0, 11, "4"))]
    assert forward(1, "10", makings) == {11: share("4"), 20: share("4")}
    assert went_into(20, D("2"), makings) == {11: share("4"), 1: share("4")}


def test_a_lot_reached_on_two_ways_is_counted_once_for_each() -> None:
    makings = [made(10, "5", (0, 1, "10")), made(20, "5", (0, 10, "5"), (1, 1, "15"))]
    assert forward(1, "25", makings)[20] == share("25")
    assert went_into(20, D("5"), makings)[1] == share("25")


def test_found_units_are_of_nothing_known() -> None:
    """Ten were made of 40, two more were found: of the twelve, a part of three holds 4 to 12."""
    makings = [made(10, "10", (0, 1, "40"), found="2"), made(20, "3", (0, 10, "3"))]
    assert forward(1, "40", makings)[20] == share("4", "12")
    assert went_into(20, D("3"), makings)[1] == share("4", "12")


def test_bounds_are_rounded_outwards() -> None:
    makings = [made(10, "3", (0, 1, "1")), made(20, "1", (0, 10, "1"))]
    assert forward(1, "1", makings)[20] == share("0.333333", "0.333334")


def test_a_ring_ends_and_is_left_out() -> None:
    makings = [made(10, "1", (0, 20, "1"), (1, 1, "1")), made(20, "1", (0, 10, "1"))]
    assert [feed.lot_id for feed in sound_feeds(makings[0])] == [1]
    assert forward(1, "1", makings) == {10: share("1"), 20: share("1")}
    assert went_into(20, D("1"), makings) == {10: share("1"), 1: share("1")}


@pytest.mark.parametrize("taken", [1, 2, 3, 5])
def test_bounds_are_what_the_best_and_the_worst_luck_give(taken: int) -> None:
    """Every way to deal 3 marked of 6 pieces into 6 units, and every choice of units: the extremes are the bounds."""
    seen = [sum(deal[:taken]) for deal in itertools.product((0, 1), repeat=6) if sum(deal) == 3]
    makings = [made(10, "6", (0, 1, "3"), (0, 2, "3")), made(20, "1", (0, 10, str(taken)))]
    found = forward(1, "3", makings)[20]
    assert (found.least, found.most) == (min(seen), max(seen))
    assert went_into(20, D("1"), makings)[1] == found


def test_parts_of_a_lot_together_hold_at_least_and_at_most_what_went_in() -> None:
    makings = [made(10, "10", (0, 1, "7"), (0, 2, "3"), (1, 3, "20"))]
    content = ended_in(1, D("7"), makings)["build", 10]
    for parts in (("1", "9"), ("5", "5"), ("3.5", "2.5", "4")):
        shares = [part_of(content, D(part)) for part in parts]
        assert sum(s.least for s in shares) <= 7 <= sum(s.most for s in shares)
