"""Anything that a company can do, in any order, against a card index beside it; the laws after every step.

Runs a short while each time, and shows the first history that breaks a law as it was found. To look for long, and
to be shown the shortest such history:

    pytest tests/services/test_stock_machine.py --hypothesis-profile=thorough -o faulthandler_timeout=0
"""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from partsemble_core.domain.amounts import from_millionths
from partsemble_core.domain.boms import BomCycle
from partsemble_core.domain.fifo import StockShort
from partsemble_core.services.cataloguing import ComponentInput, CostInput
from partsemble_core.store.lots import Lot
from tests.domain.oracles import MILLION, NaiveLot, NaiveStock, half_even, reaches
from tests.services.laws import broken_laws, ledger_of
from tests.services.makers import TODAY, Shop, a_line, a_shop, connect

PRODUCTS = 5
SIZES = {"sqlite": (40, 25), "postgresql": (10, 20)}
"""Examples and steps each."""

counts = st.integers(1, 4)
places = st.integers(0, PRODUCTS - 1)
days = st.integers(0, 3)
quantities = st.one_of(st.integers(1, 20 * 10**6), st.integers(1, 20).map(lambda n: n * 10**6)).map(from_millionths)
costs = st.one_of(st.just(0), st.integers(0, 10**9)).map(from_millionths)
plenty = st.integers(10**7, 10**8).map(from_millionths)
percents = st.sampled_from(["0", "0", "3", "33.3"])
recipes = st.dictionaries(places, st.tuples(counts, percents, st.booleans()), min_size=1, max_size=3)


class CompanyMachine(RuleBasedStateMachine):
    """Products P0 … P4. The cards hold Fractions and know nothing of lots' numbers, gates or the database."""

    def __init__(self, engine: sa.Engine) -> None:
        super().__init__()
        self.engine = engine
        self.cards = [NaiveStock() for _ in range(PRODUCTS)]
        self.recipes: dict[int, dict[int, tuple[int, str, bool]]] = {}
        self.labour: dict[int, Decimal] = {}
        self.ledger: dict[int, tuple[object, ...]] = {}
        self.numbers = {"build": 0, "receipt": 0}

    @initialize(connected=st.booleans(), amounts=st.tuples(*[st.tuples(plenty, costs)] * PRODUCTS))
    def found(self, connected: bool, amounts: tuple[tuple[Decimal, Decimal], ...]) -> None:
        """Something of everything, so that there is something to build from, and a recipe inside a recipe."""
        self.shop: Shop = a_shop(self.engine)
        self.shop.products(*(f"P{n}" for n in range(PRODUCTS)))
        if connected:
            connect(self.shop)
        self.receive([(place, quantity, cost) for place, (quantity, cost) in enumerate(amounts)], 3)
        self.save_bom(3, {0: (2, "0", False), 1: (1, "3", False)}, Decimal("0.333333"))
        self.save_bom(4, {3: (1, "0", False), 2: (3, "33.3", True)}, Decimal(0))

    @rule(lines=st.lists(st.tuples(places, quantities, costs), min_size=1, max_size=3), age=days)
    def receive(self, lines: list[tuple[int, Decimal, Decimal]], age: int) -> None:
        day = TODAY - dt.timedelta(days=age)
        receipt = self.shop.receive(*(a_line(f"P{p}", q, total_cost=c) for p, q, c in lines), on=day)
        self.numbers["receipt"] += 1
        assert receipt.number == self.numbers["receipt"]
        for (place, quantity, cost), lot_id in zip(lines, self.newest_lots(len(lines)), strict=True):
            self.cards[place].receive(lot_id, received_on=day, quantity=quantity, cost=cost)

    @rule(made=places, recipe=recipes, labour=costs)
    def save_bom(self, made: int, recipe: dict[int, tuple[int, str, bool]], labour: Decimal) -> None:
        edges = {product: list(lines) for product, lines in self.recipes.items()} | {made: list(recipe)}
        components = [
            ComponentInput(sku=f"p{n}", quantity=count, scrap_percent=scrap, optional=optional)
            for n, (count, scrap, optional) in recipe.items()
        ]
        with self.refused_if(reaches(made, made, edges), BomCycle) as expected:
            self.shop.save(f"P{made}", *components, costs=[CostInput(kind="labour", label="Work", amount=labour)])
        if not expected:
            self.recipes[made], self.labour[made] = recipe, labour

    @precondition(lambda self: self.recipes)
    @rule(data=st.data(), quantity=quantities, age=days)
    def build(self, data: st.DataObject, quantity: Decimal, age: int) -> None:
        made = data.draw(st.sampled_from(sorted(self.recipes)))
        self.build_one(made, quantity, TODAY - dt.timedelta(days=age))

    @precondition(lambda self: self.recipes)
    @rule(data=st.data())
    def build_what_can_be_built(self, data: st.DataObject) -> None:
        made = data.draw(st.sampled_from(sorted(self.recipes)))
        most = self.shop.view(f"P{made}").buildable
        if most:  # all of it, or a crooked part
            self.build_one(made, min(most, data.draw(st.one_of(st.just(Decimal(1000)), quantities))), TODAY)

    def build_one(self, made: int, quantity: Decimal, day: dt.date) -> None:
        needs = self.needs_of(made, quantity)
        there = {p: sum((c.quantity for c in self.cards_on(p, day)), Fraction(0)) for p, _, _ in needs}
        short = any(not optional and there[p] < needed for p, needed, optional in needs)
        preview = self.shop.preview(f"P{made}", quantity, on=day)
        with self.refused_if(short, StockShort) as expected:
            build = self.shop.build(f"P{made}", quantity, on=day)
        assert bool(preview.costing.shortages) == short
        if expected:
            return
        taken = [self.take_cards(p, min(needed, there[p]), day) for p, needed, _ in needs]
        labour = half_even(Fraction(self.labour[made]) * Fraction(quantity))
        assert Fraction(build.components_cost) == sum(taken, Fraction(0)) == Fraction(preview.costing.components_cost)
        assert Fraction(build.added_cost) == labour == Fraction(preview.costing.added_cost)
        self.numbers["build"] += 1
        assert build.number == self.numbers["build"]
        (output,) = self.newest_lots(1)
        total = build.components_cost + build.added_cost
        self.cards[made].receive(output, received_on=day, quantity=quantity, cost=total)

    def needs_of(self, made: int, quantity: Decimal) -> list[tuple[int, Fraction, bool]]:
        """Product, quantity and whether it is optional; each product stands in a recipe once."""
        return [
            (p, half_even(Fraction(quantity) * count * (1 + Fraction(scrap) / 100)), optional)
            for p, (count, scrap, optional) in self.recipes[made].items()
        ]

    def cards_on(self, place: int, day: dt.date) -> list[NaiveLot]:
        return [card for card in self.cards[place].lots if card.received_on <= day]

    def take_cards(self, place: int, quantity: Fraction, day: dt.date) -> Fraction:
        """The cost of what is taken from the cards of that day and before."""
        seen = NaiveStock(lots=self.cards_on(place, day))
        return sum((cost for _, _, cost in seen.take(from_millionths(int(quantity * MILLION)))), Fraction(0))

    @contextmanager
    def refused_if(self, expected: bool, error: type[Exception]):  # type: ignore[no-untyped-def]
        """The step is refused if and only if the cards say so."""
        if expected:
            with pytest.raises(error):
                yield expected
        else:
            yield expected

    def newest_lots(self, count: int) -> list[int]:
        statement = sa.select(Lot.id).order_by(Lot.id.desc()).limit(count)
        return sorted(self.shop.rows(statement))

    @invariant()
    def every_law_holds(self) -> None:
        assert broken_laws(self.shop) == {}

    @invariant()
    def every_lot_is_what_its_card_says(self) -> None:
        kept = {
            lot.id: (Fraction(lot.quantity_left), Fraction(lot.cost_left)) for lot in self.shop.rows(sa.select(Lot))
        }
        assert kept == {card.lot_id: (card.quantity, card.cost) for cards in self.cards for card in cards.lots}

    @invariant()
    def the_ledger_only_grows(self) -> None:
        now = ledger_of(self.shop)
        assert {key: now.get(key) for key in self.ledger} == self.ledger
        self.ledger = now


@pytest.mark.slow
def test_whatever_a_company_does_its_stock_obeys_the_laws(engine: sa.Engine) -> None:
    examples, steps = SIZES[engine.dialect.name]
    size = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    thorough = settings.get_current_profile_name() == "thorough"
    run_state_machine_as_test(lambda: CompanyMachine(engine), settings=settings() if thorough else size)  # type: ignore[arg-type, unused-ignore]
