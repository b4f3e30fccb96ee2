"""The same answers, worked out another way: Fractions and plain recursion, slow and obvious."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

MILLION = 10**6


def half_even(value: Fraction) -> Fraction:
    """To six decimals. Python rounds a Fraction half to even."""
    return Fraction(round(value * MILLION), MILLION)


@dataclass
class NaiveLot:
    received_on: dt.date
    lot_id: int
    quantity: Fraction
    cost: Fraction


@dataclass
class NaiveStock:
    """One product's stock, kept as a person with a card index would."""

    lots: list[NaiveLot] = field(default_factory=list)

    def receive(self, lot_id: int, *, received_on: dt.date, quantity: Decimal, cost: Decimal) -> None:
        self.lots.append(NaiveLot(received_on, lot_id, Fraction(quantity), Fraction(cost)))

    def take(self, quantity: Decimal) -> list[tuple[int, Fraction, Fraction]]:
        """Lot, quantity and cost of each taking; takes what there is."""
        missing, taken = Fraction(quantity), []
        while missing > 0 and (lot := self.find_oldest()) is not None:
            part = min(missing, lot.quantity)
            cost = lot.cost if part == lot.quantity else half_even(lot.cost * part / lot.quantity)
            lot.quantity -= part
            lot.cost -= cost
            missing -= part
            taken.append((lot.lot_id, part, cost))
        return taken

    def find_oldest(self) -> NaiveLot | None:
        """The card on top among those with something left."""
        open_lots = [lot for lot in self.lots if lot.quantity > 0]
        return min(open_lots, key=lambda lot: (lot.received_on, lot.lot_id), default=None)

    def quantity(self) -> Fraction:
        return sum((lot.quantity for lot in self.lots), Fraction(0))


def bought_for(product_id: int, count: Fraction, recipes: Mapping[int, Mapping[int, int]]) -> dict[int, Fraction]:
    """Everything bought for ``count``, path by path."""
    if product_id not in recipes:
        return {product_id: count}
    bought: dict[int, Fraction] = {}
    for component, quantity in recipes[product_id].items():
        for leaf, need in bought_for(component, count * quantity, recipes).items():
            bought[leaf] = bought.get(leaf, Fraction(0)) + need
    return bought


def levels_below(product_id: int, edges: Mapping[int, Sequence[int]]) -> int:
    """The longest way down, by plain recursion; there must be no cycle."""
    return max((1 + levels_below(below, edges) for below in edges.get(product_id, ())), default=0)


def reaches(start: int, goal: int, edges: Mapping[int, Sequence[int]]) -> bool:
    """Whether ``goal`` lies one or more steps below ``start``: the closure, grown until it stays the same."""
    below = set(edges.get(start, ()))
    while True:
        grown = below | {deeper for product in below for deeper in edges.get(product, ())}
        if grown == below:
            return goal in below
        below = grown
