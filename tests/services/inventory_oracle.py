"""The stock of a workshop kept by hand: a card for each lot, and a diary that nothing is ever struck from.

Fractions, dicts and plain loops, slow and obvious, written from the rules and not from the code. What the rules forbid
raises No, with the code of the refusal that a person would see, and leaves no mark.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from tests.services.inventory_cards import (
    ZERO,
    Card,
    Change,
    Count,
    Key,
    Making,
    No,
    Note,
    Recipe,
    Taking,
    part_of,
    rounded,
)


@dataclass
class Oracle:
    """``recipes`` are those in force."""

    today: dt.date
    recipes: dict[str, Recipe]
    under_review: bool = False
    cards: list[Card] = field(default_factory=list)
    diary: list[Note] = field(default_factory=list)
    receipts: list[tuple[dt.date, str]] = field(default_factory=list)
    """Day and state."""
    makings: list[Making] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)

    # Looking

    def held_through(self, card: int, day: dt.date) -> Fraction:
        return sum((n.quantity for n in self.diary if n.card == card and n.day <= day), ZERO)

    def least_since(self, card: int, day: dt.date) -> Fraction:
        """The least that the card showed on the evening of the day or of any day after it."""
        evenings = {day} | {n.day for n in self.diary if n.card == card and n.day > day}
        return min(self.held_through(card, evening) for evening in evenings)

    def free(self, card: Card, day: dt.date) -> Fraction:
        """What may be taken: stock is never below zero, on no evening."""
        if card.state != "open" or card.received_on > day:
            return ZERO
        return max(ZERO, self.least_since(card.number, day))

    def queue(self, product: str) -> list[Card]:
        """Oldest first."""
        mine = [card for card in self.cards if card.product == product]
        return sorted(mine, key=lambda card: (card.received_on, card.number))

    def available(self, product: str, day: dt.date) -> Fraction:
        return sum((self.free(card, day) for card in self.queue(product)), ZERO)

    def height(self, product: str) -> int:
        recipe = self.recipes.get(product)
        return 0 if recipe is None else 1 + max(self.height(component[0]) for component in recipe.components)

    def stock(self, product: str) -> tuple[Fraction, Fraction]:
        mine = self.queue(product)
        return sum((c.quantity for c in mine), ZERO), sum((c.cost for c in mine), ZERO)

    # Writing

    def write(self, card: int, day: dt.date, quantity: Fraction, cost: Fraction, document: Key) -> None:
        self.diary.append(Note(card, day, quantity, cost, document))
        self.cards[card].quantity += quantity
        self.cards[card].cost += cost

    def open_card(self, product: str, day: dt.date, quantity: Fraction, cost: Fraction, document: Key) -> None:
        self.cards.append(Card(len(self.cards), product, day, document, quantity, cost, ZERO, ZERO))
        self.write(len(self.cards) - 1, day, quantity, cost, document)

    # Receiving and building

    def receive(self, day: dt.date, lines: Sequence[tuple[str, Fraction, Fraction]]) -> None:
        self.receipts.append((day, "confirmed"))
        for product, quantity, cost in lines:
            self.open_card(product, day, quantity, cost, ("receipt", len(self.receipts) - 1))

    def plan(self, product: str, quantity: Fraction) -> None:
        self.makings.append(Making(product, quantity, self.recipes[product]))

    def build(self, product: str, quantity: Fraction, day: dt.date, *, below: bool) -> None:
        self._make(Making(product, quantity, self.recipes[product]), day, below=below)

    def execute(self, number: int, day: dt.date, *, below: bool) -> None:
        if self.makings[number].state != "planned":
            raise No("wrong-state")
        self._make(self.makings[number], day, below=below)

    def _make(self, last: Making, day: dt.date, *, below: bool) -> None:
        firsts = self._short_below(last, day, below=below)
        if firsts and self.under_review:
            raise No("review-first")
        for making in [*firsts, last]:
            if not any(making is known for known in self.makings):
                self.makings.append(making)
            number = next(i for i, known in enumerate(self.makings) if known is making)
            self._take_all(making, day, ("build", number))
            making.day, making.added = day, making.recipe.added(making.quantity)
            making.state = "pending_qa" if self.under_review else "completed"
            if not self.under_review:
                self._bring_out(number, day)

    def _short_below(self, last: Making, day: dt.date, *, below: bool) -> list[Making]:
        """What has to be made first, deepest first. No if something that is bought is short."""
        wanted: dict[str, Fraction] = {}
        firsts: list[Making] = []
        is_short = False
        self._want(wanted, last)
        for product in sorted(("kit", "board", *self._bought()), key=self.height, reverse=True):
            missing = wanted.get(product, ZERO) - self.available(product, day)
            if missing <= 0:
                continue
            if not below or product not in self.recipes:
                is_short = True
                continue
            firsts.append(Making(product, missing, self.recipes[product]))
            self._want(wanted, firsts[-1])
        if is_short:
            raise No("stock-short")
        return firsts[::-1]

    def _bought(self) -> set[str]:
        used = {component[0] for recipe in self.recipes.values() for component in recipe.components}
        return used - self.recipes.keys()

    @staticmethod
    def _want(wanted: dict[str, Fraction], making: Making) -> None:
        for _, product, quantity, optional in making.recipe.needs(making.quantity):
            if not optional:
                wanted[product] = wanted.get(product, ZERO) + quantity

    def _take_all(self, making: Making, day: dt.date, document: Key) -> None:
        for line, product, quantity, _ in making.recipe.needs(making.quantity):
            missing = quantity
            for card in self.queue(product):
                part = min(missing, self.free(card, day))
                if part > 0:
                    cost = part_of(card.cost, part, card.quantity)
                    making.takings.append(Taking(line, card.number, part, cost))
                    self.write(card.number, day, -part, -cost, document)
                    missing -= part

    def _bring_out(self, number: int, day: dt.date) -> None:
        making = self.makings[number]
        self.open_card(making.product, day, making.quantity, making.components_cost + making.added, ("build", number))

    # Reviewing

    def approve(self, number: int) -> None:
        making = self._waiting(number)
        making.state = "completed"
        self._bring_out(number, self.today)

    def reject(self, number: int, recovery: str, recovered: Mapping[int, Fraction]) -> None:
        making = self._waiting(number)
        lines = {t.line for t in making.takings}
        if recovery == "full":
            left = {line: sum((t.quantity for t in making.takings if t.line == line), ZERO) for line in lines}
        else:
            left = dict(recovered)
        for line, quantity in left.items():
            if line not in lines or quantity > sum((t.quantity for t in making.takings if t.line == line), ZERO):
                raise No("invalid")
        if recovery == "partial" and not recovered:
            raise No("invalid")
        for taking in reversed(making.takings):
            part = min(left.get(taking.line, ZERO), taking.quantity)
            if part > 0:
                left[taking.line] -= part
                self._put_back(taking, part, self.today, ("build", number))
        making.state = "rejected"
        making.waste = sum((t.cost - t.back[1] for t in making.takings), ZERO)

    def _waiting(self, number: int) -> Making:
        if self.makings[number].state != "pending_qa":
            raise No("wrong-state")
        return self.makings[number]

    def _put_back(self, taking: Taking, part: Fraction, day: dt.date, document: Key) -> None:
        taking.back = (part, part_of(taking.cost, part, taking.quantity))
        self.write(taking.card, day, *taking.back, document)

    # Correcting

    def adjust(self, number: int, quantity: Fraction, day: dt.date) -> None:
        self._check_change(number, quantity)
        self._check_day(number, quantity, day)
        self._change(number, quantity, day)

    def _check_change(self, number: int, quantity: Fraction) -> None:
        if self.cards[number].is_reversed:
            raise No("wrong-state")
        if quantity == 0 or -quantity > self.cards[number].quantity:
            raise No("invalid")

    def _check_day(self, number: int, quantity: Fraction, day: dt.date) -> None:
        if day < self.cards[number].received_on or -quantity > self.least_since(number, day):
            raise No("invalid")

    def _change(self, number: int, quantity: Fraction, day: dt.date) -> None:
        card = self.cards[number]
        if quantity < 0:
            cost = -part_of(card.cost, -quantity, card.quantity)
        else:
            whole, cost_of_it = (card.quantity, card.cost) if card.quantity else (card.quantity_in, card.cost_in)
            cost = rounded(cost_of_it * quantity / whole)
            card.quantity_in += quantity
            card.cost_in += cost
        self.changes.append(Change(number, day, quantity, cost))
        self.write(number, day, quantity, cost, ("adjustment", len(self.changes) - 1))

    def start_count(self, numbers: Sequence[int], day: dt.date) -> None:
        if any(self.cards[number].is_reversed or self.cards[number].received_on > day for number in numbers):
            raise No("invalid")
        if any(self._is_counted(number, day) for number in numbers):
            raise No("count-open")
        expected = {number: self.held_through(number, day) for number in numbers}
        self.counts.append(Count(day, len(self.diary), expected))

    def _is_counted(self, card: int, day: dt.date) -> bool:
        """By a count that is open, or one of a later day of which the difference wasn't taken back."""
        taken_back = {(c.count, c.card) for c in self.changes if c.state == "reversed"}
        return any(
            (count.is_open and card in count.expected)
            or (count.is_confirmed and count.day > day and card in count.counted and (number, card) not in taken_back)
            for number, count in enumerate(self.counts)
        )

    def cancel_count(self, number: int) -> None:
        if not self.counts[number].is_open:
            raise No("wrong-state")
        self.counts[number].is_cancelled = True

    def confirm_count(self, number: int) -> None:
        count = self.counts[number]
        if not count.is_open:
            raise No("wrong-state")
        differing: dict[int, Fraction] = {}
        for card, quantity in sorted(count.counted.items()):
            late = sum((n.quantity for n in self.diary[count.through :] if n.card == card and n.day < count.day), ZERO)
            if variance := quantity - count.expected[card] - late:
                differing[card] = variance
        alive = [card for card in differing if not self.cards[card].is_reversed]
        if any(self.cards[card].quantity + differing[card] < 0 for card in alive):
            raise No("count-below-zero")
        for card, variance in differing.items():
            self._check_change(card, variance)
        for card, variance in differing.items():
            self._check_day(card, variance, count.day)
        count.is_confirmed = True
        for card, variance in self._by_product(differing):
            self._change(card, variance, count.day)
            self.changes[-1].count = number

    def _by_product(self, differing: Mapping[int, Fraction]) -> list[tuple[int, Fraction]]:
        """Products in the order in which they were created, which is that of `PRODUCTS`, then lots in theirs."""
        return sorted(differing.items(), key=lambda row: (PRODUCTS.index(self.cards[row[0]].product), row[0]))

    # Setting aside

    def hold(self, number: int) -> None:
        if self.cards[number].state != "open":
            raise No("wrong-state")
        self.cards[number].is_held = True

    def release(self, number: int) -> None:
        if self.cards[number].state != "held":
            raise No("wrong-state")
        self.cards[number].is_held = False

    def split(self, number: int, quantity: Fraction) -> None:
        card = self.cards[number]
        if card.state not in ("open", "held"):
            raise No("wrong-state")
        if not 0 < quantity < card.quantity:
            raise No("invalid")
        cost = part_of(card.cost, quantity, card.quantity)
        document = ("split", len(self.cards))
        self.write(number, self.today, -quantity, -cost, document)
        card.quantity_in -= quantity
        card.cost_in -= cost
        part = Card(len(self.cards), card.product, card.received_on, document, quantity, cost, ZERO, ZERO)
        part.is_held, part.parent = card.is_held, number
        self.cards.append(part)
        self.write(part.number, self.today, quantity, cost, document)


PRODUCTS = ("chip", "screw", "label", "board", "kit", "box")
