"""The cards, diary notes and documents of the stockroom kept by hand: see `inventory_oracle`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

MILLION = 10**6
ZERO = Fraction(0)
Key = tuple[str, int]
"""A document: its kind, and its place among those of its kind. What a reversal moves is noted under what it undoes."""


class No(Exception):
    """The rules forbid it."""

    def __init__(self, code: str, *, in_the_way: Sequence[Key] = ()) -> None:
        super().__init__(code)
        self.code = code
        self.in_the_way = tuple(in_the_way)


def rounded(value: Fraction) -> Fraction:
    """To six decimals; Python rounds a Fraction half to even."""
    return Fraction(round(value * MILLION), MILLION)


def part_of(cost: Fraction, part: Fraction, whole: Fraction) -> Fraction:
    """What goes with a part: all of it with all, else in proportion."""
    return cost if part == whole else rounded(cost * part / whole)


@dataclass(frozen=True)
class Recipe:
    """``components``: (product, quantity, scrap in per cent, optional) for ``makes``; ``work`` is what that costs."""

    components: tuple[tuple[str, Fraction, Fraction, bool], ...]
    work: Fraction = ZERO
    makes: Fraction = Fraction(1)

    def needs(self, quantity: Fraction) -> list[tuple[int, str, Fraction, bool]]:
        """(line, product, quantity, optional), what is required first."""
        found = [
            (line, product, rounded(each * quantity / self.makes * (1 + scrap / 100)), optional)
            for line, (product, each, scrap, optional) in enumerate(self.components)
        ]
        return sorted(found, key=lambda need: need[3])

    def added(self, quantity: Fraction) -> Fraction:
        return rounded(self.work * quantity / self.makes)


@dataclass
class Card:
    """One lot. Cards are in order of creation; ``number`` is the place."""

    number: int
    product: str
    received_on: dt.date
    origin: Key
    quantity_in: Fraction
    cost_in: Fraction
    quantity: Fraction
    cost: Fraction
    is_held: bool = False
    is_reversed: bool = False
    parent: int | None = None

    @property
    def state(self) -> str:
        if self.is_reversed:
            return "reversed"
        if not self.quantity:
            return "exhausted"
        return "held" if self.is_held else "open"


@dataclass
class Note:
    """A line of the diary."""

    card: int
    day: dt.date
    quantity: Fraction
    cost: Fraction
    document: Key


@dataclass
class Taking:
    line: int
    card: int
    quantity: Fraction
    cost: Fraction
    back: tuple[Fraction, Fraction] = (ZERO, ZERO)


@dataclass
class Making:
    """A build."""

    product: str
    quantity: Fraction
    recipe: Recipe
    state: str = "planned"
    day: dt.date | None = None
    takings: list[Taking] = field(default_factory=list)
    added: Fraction = ZERO
    waste: Fraction = ZERO

    @property
    def components_cost(self) -> Fraction:
        return sum((t.cost for t in self.takings), ZERO)


@dataclass
class Change:
    """An adjustment of one card."""

    card: int
    day: dt.date
    quantity: Fraction
    cost: Fraction
    state: str = "confirmed"
    count: int | None = None


@dataclass
class Count:
    day: dt.date
    through: int
    expected: dict[int, Fraction]
    counted: dict[int, Fraction] = field(default_factory=dict)
    is_confirmed: bool = False
    is_cancelled: bool = False

    @property
    def is_open(self) -> bool:
        return not (self.is_confirmed or self.is_cancelled)
