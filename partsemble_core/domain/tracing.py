"""Tracing: how much of one lot is in another, over any number of making steps.

What is known is which lots fed a build, line by line, and how much each gave. Nobody knows which piece went into which
unit. So two things are taken as given: each unit of a build takes an equal share of each of its lines, and the units
of a lot are alike to whoever takes them. Then

- a lot that fed its lines alone is in every unit alike, and its quantity further on is exact;
- where lots were pooled (a line was fed by this lot and by others), the whole of what was made holds an exact
  quantity, but a part taken of it holds anything between a least and a most. Both are given, and no figure between.

Bounds are exact fractions inside and are rounded outwards to six decimals: the least down, the most up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from partsemble_core.domain.amounts import MILLION, from_millionths, to_millionths

NOTHING = Fraction(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A quantity that lies between ``least`` and ``most``."""

    least: Decimal
    most: Decimal

    @property
    def is_exact(self) -> bool:
        return self.least == self.most


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """What a lot gave to a line of a making, less what came back. A split has one line with one feed."""

    line: int
    lot_id: int
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """A build or a split: ``quantity`` was made of all that ``feeds`` gave. No ``lot_id``: nothing came of it (yet).

    ``found`` is what upward adjustments added to the lot later: nobody knows what that was made of.
    """

    key: tuple[str, int]
    lot_id: int | None
    quantity: Decimal
    feeds: tuple[Feed, ...]
    found: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """How much of the traced lot is in ``units`` units: between least and most in all, between low and high in each."""

    units: Fraction
    least: Fraction
    most: Fraction
    low: Fraction
    high: Fraction

    @property
    def share(self) -> Share:
        return _share(self.least, self.most)

    def part(self, units: Fraction) -> tuple[Fraction, Fraction]:
        """(least, most) in ``units`` of them, whichever they are."""
        rest = self.units - units
        most = min(self.most, self.high * units, self.most - self.low * rest)
        least = max(self.least - self.high * rest, self.low * units, NOTHING)
        return min(least, most), most


def whole_of(quantity: Decimal) -> Content:
    """The traced lot itself: ``quantity`` units, all of it."""
    units = _fraction(quantity)
    return Content(units=units, least=units, most=units, low=Fraction(1), high=Fraction(1))


def part_of(content: Content, quantity: Decimal) -> Share:
    """How much of the traced lot is in ``quantity`` units of a lot with that content."""
    return _share(*content.part(_fraction(quantity)))


def went_into(lot_id: int, quantity: Decimal, makings: Iterable[Making]) -> dict[int, Share]:
    """Backward: of each lot that ``quantity`` units of the lot were made of, directly or not, how much went in.

    ``makings`` are those of the lot and of all lots before it. A feed that is newer than what it fed is left out.
    """
    made = {making.lot_id: making for making in makings if making.lot_id is not None}
    units = _fraction(quantity)
    used: dict[int, tuple[Fraction, Fraction]] = {lot_id: (units, units)}
    for current in sorted(made, reverse=True):  # what feeds a lot is older than it
        if current not in used:
            continue
        making = made[current]
        least, most = _made_of(making, *used[current])
        for feed in sound_feeds(making):
            given = _needed(making, feed, least, most)
            had = used.get(feed.lot_id, (NOTHING, NOTHING))
            used[feed.lot_id] = (had[0] + given[0], had[1] + given[1])
    return {key: _share(*amounts) for key, amounts in used.items() if key != lot_id and amounts[1]}


def ended_in(lot_id: int, quantity: Decimal, makings: Sequence[Making]) -> dict[tuple[str, int], Content]:
    """Forward: what each making that holds something of the lot holds of it, by the making's key.

    ``makings`` are all that were fed by the lot or by something made of it, with all their feeds. ``quantity`` is
    all that ever came into the lot.
    """
    lots = {lot_id: whole_of(quantity)}
    found: dict[tuple[str, int], Content] = {}
    for making in sorted(makings, key=lambda m: (m.lot_id is None, m.lot_id or 0)):
        content = _content_of(making, lots)
        if content.most:
            found[making.key] = content
            if making.lot_id is not None and making.lot_id != lot_id:
                lots[making.lot_id] = content
    return found


def sound_feeds(making: Making) -> tuple[Feed, ...]:
    """Feeds older than what they fed: ids grow with time, so anything else is a ring that no workshop can make."""
    return tuple(f for f in making.feeds if making.lot_id is None or f.lot_id < making.lot_id)


def _made_of(making: Making, least: Fraction, most: Fraction) -> tuple[Fraction, Fraction]:
    """Of so many units of a lot, how many are from its making and weren't found later."""
    return max(least - _fraction(making.found), NOTHING), min(most, _fraction(making.quantity))


def _needed(making: Making, feed: Feed, least: Fraction, most: Fraction) -> tuple[Fraction, Fraction]:
    """What a feed gave to between ``least`` and ``most`` units of a making."""
    made = _fraction(making.quantity)
    per_unit = sum((_fraction(f.quantity) for f in making.feeds if f.line == feed.line), NOTHING) / made
    gave = _fraction(feed.quantity)
    return max(gave - per_unit * (made - least), NOTHING), min(gave, per_unit * most)


def _content_of(making: Making, lots: Mapping[int, Content]) -> Content:
    made = _fraction(making.quantity)
    least = most = low = high = NOTHING
    lines: dict[int, list[Feed]] = {}
    for feed in sound_feeds(making):
        lines.setdefault(feed.line, []).append(feed)
    for feeds in lines.values():
        per_unit = sum((_fraction(feed.quantity) for feed in feeds), NOTHING) / made
        known = [lots.get(feed.lot_id) for feed in feeds]
        low += per_unit * min((content.low if content else NOTHING) for content in known)
        high += per_unit * max((content.high if content else NOTHING) for content in known)
        for feed, content in zip(feeds, known, strict=True):
            if content is not None:
                part = content.part(_fraction(feed.quantity))
                least, most = least + part[0], most + part[1]
    found = _fraction(making.found)
    return Content(units=made + found, least=least, most=most, low=NOTHING if found else low, high=high)


def _fraction(value: Decimal) -> Fraction:
    return Fraction(to_millionths(value), MILLION)


def _share(least: Fraction, most: Fraction) -> Share:
    down = (least * MILLION).__floor__()
    up = (most * MILLION).__ceil__()
    return Share(least=from_millionths(down), most=from_millionths(up))
