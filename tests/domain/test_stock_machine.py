"""Receipts and takings in any order, against a card index: nothing leaks and nothing is invented."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from partsemble_core.domain.fifo import Draw, StockShort, after, draw_all
from partsemble_core.domain.lots import OpenLot
from tests.domain.makers import a_day, a_lot, a_need
from tests.domain.oracles import NaiveStock
from tests.domain.strategies import costs, quantities


class StockMachine(RuleBasedStateMachine):
    """One product. ``came_in`` and ``draws`` remember everything: the laws are about a lot's whole life."""

    def __init__(self) -> None:
        super().__init__()
        self.lots: list[OpenLot] = []
        self.came_in: dict[int, OpenLot] = {}
        self.draws: list[Draw] = []
        self.cards = NaiveStock()

    @rule(quantity=quantities(), cost=costs(), day=st.integers(1, 5))
    def receive(self, quantity: Decimal, cost: Decimal, day: int) -> None:
        lot = a_lot(quantity, cost=cost, lot_id=len(self.lots) + 1, day=day)
        self.lots.append(lot)
        self.came_in[lot.lot_id] = lot
        self.cards.receive(lot.lot_id, received_on=a_day(day), quantity=quantity, cost=cost)

    @rule(wanted=quantities())
    def take(self, wanted: Decimal) -> None:
        if self.cards.quantity() < wanted:
            self.expect_refusal(wanted)
            return
        draws = draw_all([a_need(wanted)], self.lots)
        assert [(d.lot_id, Fraction(d.quantity), Fraction(d.cost)) for d in draws] == self.cards.take(wanted)
        self.draws += draws
        self.lots = after(self.lots, draws)

    @precondition(lambda self: self.cards.quantity() > 0)
    @rule()
    def take_the_rest_of_the_oldest(self) -> None:
        oldest = self.cards.find_oldest()
        assert oldest is not None
        self.take(next(lot.quantity_left for lot in self.lots if lot.lot_id == oldest.lot_id))

    def expect_refusal(self, wanted: Decimal) -> None:
        try:
            draw_all([a_need(wanted)], self.lots)
        except StockShort as refusal:
            (shortage,) = refusal.shortages
            assert Fraction(shortage.available) == self.cards.quantity()
        else:
            raise AssertionError("stock went below zero")

    @invariant()
    def what_came_in_is_what_is_left_and_what_was_taken(self) -> None:
        for lot in self.lots:
            mine = [d for d in self.draws if d.lot_id == lot.lot_id]
            came = self.came_in[lot.lot_id]
            assert came.quantity_left == lot.quantity_left + sum(d.quantity for d in mine)
            assert came.cost_left == lot.cost_left + sum(d.cost for d in mine)
            assert lot.quantity_left >= 0
            assert lot.cost_left >= 0
            assert lot.quantity_left > 0 or lot.cost_left == 0

    @invariant()
    def the_stock_is_what_the_cards_say(self) -> None:
        kept = {lot.lot_id: (Fraction(lot.quantity_left), Fraction(lot.cost_left)) for lot in self.lots}
        assert kept == {card.lot_id: (card.quantity, card.cost) for card in self.cards.lots}


TestStockMachine = StockMachine.TestCase
TestStockMachine.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
