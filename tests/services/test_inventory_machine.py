"""Everything that happens to stock, in any order, in the shop and in an oracle kept by hand: they agree at each step.

There are 200 histories of 50 steps on SQLite, in four parts that run side by side, and 25 of them on
PostgreSQL. A thousand on either, new ones each time, are made by
pytest tests/services/test_inventory_machine.py --hypothesis-profile=thorough
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.services.inventory_cards import Card
from tests.services.inventory_pair import VARIANTS, Pair, open_pair, plain
from tests.services.makers import a_shop

D = Decimal
ROUGH = st.sampled_from(["1", "2.5", "7", "0.333333", "3.141593", "12", "0.05"]).map(D)
ANY = st.integers(50_000, 20_000_000).map(lambda units: D(units) / 10**6)
QUANTITIES = st.one_of(ROUGH, ANY)
COSTS = st.one_of(st.sampled_from(["0", "0.01", "4", "10", "0.000001"]).map(D), ANY)
BOUGHT = ("chip", "screw", "label")
DATA = st.data()
QUARTER, ON_POSTGRESQL, LONG_QUARTER = 50, 25, 250
IS_LONG = settings.get_current_profile_name() == "thorough"
PARTS = [("sqlite", part) for part in range(4)] + [("postgresql", part) for part in range(4 if IS_LONG else 1)]
STEPS = 50


class Inventory(RuleBasedStateMachine):
    """What is drawn is a place in a list, so that a history that fails shrinks to few documents."""

    engine: sa.Engine
    done: Counter[str]
    doctor_every: int
    pair: Pair

    @initialize(has_books=st.booleans())
    def open_shop(self, has_books: bool) -> None:
        """Five days of stock, so that there is something to build with, and days to date things on."""
        self.pair = open_pair(a_shop(self.engine), has_books=has_books)
        self.pair.doctor_every = self.doctor_every
        for day, (sku, quantity, cost) in enumerate(
            [("chip", "90", "13.37"), ("screw", "100", "4"), ("label", "3", "0.1"), ("chip", "13", "4")]
        ):
            self.pair.receive([(sku, D(quantity), D(cost))], self.pair.today - dt.timedelta(days=4 - day))

    def teardown(self) -> None:
        self.pair.examine()
        self.done.update(self.pair.done)

    def pick(self, data: st.DataObject, numbers: Sequence[int]) -> int:
        """The latest first: that is what histories shrink to, and what most histories are about."""
        return data.draw(st.sampled_from(numbers[::-1]))

    def numbers(self, state: str) -> list[int]:
        """Builds in a state."""
        return [number for number, making in enumerate(self.pair.stock.makings) if making.state == state]

    def card(self, data: st.DataObject) -> Card:
        return self.pair.stock.cards[self.pick(data, range(len(self.pair.stock.cards)))]

    def day(self, data: st.DataObject) -> dt.date:
        """Mostly today."""
        return self.pair.today - dt.timedelta(days=data.draw(st.sampled_from([0, 0, 0, 1, 2, 3])))

    @rule(data=DATA)
    def receive(self, data: st.DataObject) -> None:
        line = st.tuples(st.sampled_from(BOUGHT), QUANTITIES, COSTS)
        self.pair.receive(data.draw(st.lists(line, min_size=1, max_size=3)), self.day(data))

    @rule(data=DATA, sku=st.sampled_from(["board", "kit"]), quantity=ROUGH)
    def build(self, data: st.DataObject, sku: str, quantity: Decimal) -> None:
        self.pair.build(sku, quantity, self.day(data), below=False)

    @rule(data=DATA, sku=st.sampled_from(["kit", "box"]), quantity=ROUGH)
    def build_nested(self, data: st.DataObject, sku: str, quantity: Decimal) -> None:
        self.pair.build(sku, quantity, self.day(data), below=True)

    @rule(sku=st.sampled_from(["board", "kit", "box"]), quantity=ROUGH)
    def plan(self, sku: str, quantity: Decimal) -> None:
        self.pair.plan(sku, quantity)

    @precondition(lambda self: self.numbers("planned"))
    @rule(data=DATA, below=st.booleans())
    def execute(self, data: st.DataObject, below: bool) -> None:
        self.pair.execute(self.pick(data, self.numbers("planned")), self.day(data), below=below)

    @rule(sku=st.sampled_from(["board", "kit"]))
    def revise(self, sku: str) -> None:
        variants = VARIANTS[sku]
        self.pair.revise(sku, 1 - variants.index(self.pair.stock.recipes[sku]))

    @rule(on=st.booleans())
    def switch_review(self, on: bool) -> None:
        self.pair.review(on=on)

    @precondition(lambda self: self.numbers("pending_qa"))
    @rule(data=DATA)
    def approve(self, data: st.DataObject) -> None:
        self.pair.approve(self.pick(data, self.numbers("pending_qa")))

    @precondition(lambda self: self.numbers("pending_qa"))
    @rule(data=DATA, recovery=st.sampled_from(["full", "partial", "partial", "total_loss"]))
    def reject(self, data: st.DataObject, recovery: str) -> None:
        number = self.pick(data, self.numbers("pending_qa"))
        takings = self.pair.stock.makings[number].takings
        recovered = None
        if recovery == "partial":
            line = st.sampled_from(sorted({t.line for t in takings}) or [0])
            recovered = data.draw(st.dictionaries(line, st.one_of(QUANTITIES, st.just(D(0))), min_size=1))
        self.pair.reject(number, recovery, recovered)

    @rule(data=DATA, up=st.booleans(), quantity=QUANTITIES, everything=st.booleans())
    def adjust(self, data: st.DataObject, up: bool, quantity: Decimal, everything: bool) -> None:
        card = self.card(data)
        change = quantity if up else -quantity
        if everything and card.quantity:
            change = -plain(card.quantity)
        self.pair.adjust(card.number, change, self.day(data))

    @rule(data=DATA)
    def start_count(self, data: st.DataObject) -> None:
        cards = st.integers(0, len(self.pair.stock.cards) - 1)
        self.pair.start_count(data.draw(st.lists(cards, min_size=1, max_size=3, unique=True)), self.day(data))

    @precondition(lambda self: self.drafts())
    @rule(data=DATA, off=st.sampled_from(["0", "0", "-0.5", "0.25", "-2", "3"]))
    def confirm_count(self, data: st.DataObject, off: str) -> None:
        """What is counted is what was expected, give or take."""
        number = self.pick(data, self.drafts())
        expected = self.pair.stock.counts[number].expected
        cards = data.draw(st.lists(st.sampled_from(sorted(expected)), min_size=1, unique=True))
        self.pair.confirm_count(number, {card: max(D(0), plain(expected[card]) + D(off)) for card in cards})

    @precondition(lambda self: self.pair.stock.counts)
    @rule(data=DATA)
    def cancel_count(self, data: st.DataObject) -> None:
        self.pair.cancel_count(self.pick(data, range(len(self.pair.stock.counts))))

    def drafts(self) -> list[int]:
        return [number for number, count in enumerate(self.pair.stock.counts) if count.is_open]

    @rule(data=DATA)
    def hold_or_release(self, data: st.DataObject) -> None:
        card = self.card(data)
        (self.pair.release if card.is_held else self.pair.hold)(card.number)

    @rule(data=DATA, quantity=QUANTITIES)
    def split(self, data: st.DataObject, quantity: Decimal) -> None:
        self.pair.split(self.card(data).number, quantity)

    @rule(data=DATA)
    def reverse_receipt(self, data: st.DataObject) -> None:
        self.pair.undo("receipt", self.pick(data, range(len(self.pair.stock.receipts))), self.day(data))

    @precondition(lambda self: self.pair.stock.makings)
    @rule(data=DATA)
    def reverse_build(self, data: st.DataObject) -> None:
        self.pair.undo("build", self.pick(data, range(len(self.pair.stock.makings))), self.day(data))

    @precondition(lambda self: self.pair.stock.changes)
    @rule(data=DATA)
    def reverse_adjustment(self, data: st.DataObject) -> None:
        self.pair.undo("adjustment", self.pick(data, range(len(self.pair.stock.changes))), self.day(data))

    @rule()
    def sleep(self) -> None:
        self.pair.sleep()


EVERYTHING = {
    *("receive", "build", "build stock-short", "build below", "build below review-first", "plan"),
    *("execute", "execute wrong-state", "approve", "approve wrong-state", "reject full", "reject partial"),
    *("reject partial invalid", "reject total_loss", "reject total_loss wrong-state", "adjust up", "adjust up invalid"),
    *("adjust up wrong-state", "adjust down", "adjust down invalid", "start count", "count", "count wrong-state"),
    *("start count count-open", "start count invalid", "cancel count", "cancel count wrong-state"),
    *("count count-below-zero", "hold", "hold wrong-state", "release", "release wrong-state", "split"),
    *("split invalid", "split wrong-state", "reverse receipt", "reverse receipt invalid", "reverse receipt conflict"),
    *("reverse receipt document-in-use", "reverse build", "reverse build invalid", "reverse build conflict"),
    *("reverse build wrong-state", "reverse adjustment", "reverse adjustment invalid", "reverse adjustment conflict"),
    "reverse adjustment document-in-use",
}


def run(engine: sa.Engine, part: int) -> Counter[str]:
    """Runs a part of the histories; returns how often what was done, and refused. The doctor, who costs more than
    all the rest, comes after every fifth step and at the end: what he would find stays until then."""
    done: Counter[str] = Counter()
    machine = type("Inventory", (Inventory,), {"engine": engine, "done": done, "doctor_every": 10})
    short = QUARTER if engine.dialect.name == "sqlite" else ON_POSTGRESQL
    examples = LONG_QUARTER if IS_LONG else short
    run_state_machine_as_test(
        machine if IS_LONG else seed(part)(machine),  # else CI, where nothing is random, runs one quarter four times
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
        ),
    )
    return done


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "part"), PARTS, indirect=["engine"])
def test_the_shop_and_the_oracle_agree_whatever_happens(engine: sa.Engine, part: int) -> None:
    done = run(engine, part)
    print(dict(sorted(done.items())))  # noqa: T201 - shown by -rP: what a long run came across
    assert done["receive"], "nothing was done"


def test_the_shop_and_the_oracle_agree_on_one_of_everything(engine: sa.Engine) -> None:
    """What a random history may miss: each thing done, and each refusal, once and in a known order."""
    pair = open_pair(a_shop(engine), has_books=True)
    days = [pair.today - dt.timedelta(days=ago) for ago in range(5)]
    pair.receive([("chip", D(13), D(4)), ("screw", D(20), D("0.07"))], days[2])
    pair.receive([("chip", D(9), D(10)), ("chip", D("0.333333"), D(0))], days[4])
    pair.build("board", D("2.5"), days[1], below=False)
    pair.build("kit", D(4), days[0], below=False)
    pair.build("kit", D(4), days[0], below=True)
    pair.plan("kit", D("0.5"))
    pair.revise("kit", 1)
    pair.execute(3, days[0], below=True)
    pair.execute(3, days[0], below=True)
    do_reviews(pair, days)
    do_corrections(pair, days)
    do_reversals(pair, days)
    assert pair.done.keys() == EVERYTHING


def do_reviews(pair: Pair, days: Sequence[dt.date]) -> None:
    pair.review(on=True)
    pair.build("kit", D("0.1"), days[0], below=True)
    pair.receive([("chip", D(20), D("3.000001"))], days[3])
    for _ in range(4):
        pair.build("board", D(1), days[1], below=False)
    first, second, third, fourth = (i for i, m in enumerate(pair.stock.makings) if m.state == "pending_qa")
    pair.sleep()
    pair.approve(first)
    pair.approve(first)
    pair.reject(second, "partial", {0: D("1.234567")})
    pair.reject(third, "full")
    pair.reject(fourth, "partial", {0: D(100)})
    pair.reject(fourth, "total_loss")
    pair.reject(fourth, "total_loss")
    pair.review(on=False)


def do_corrections(pair: Pair, days: Sequence[dt.date]) -> None:
    screws = next(card.number for card in pair.stock.cards if card.product == "screw")
    pair.adjust(screws, D(3), days[0])
    pair.adjust(screws, D("-0.5"), days[1])
    pair.adjust(screws, D(-500), days[0])
    pair.adjust(screws, D(1), days[3])
    pair.start_count([screws, 0], days[0])
    pair.confirm_count(0, {screws: D(2), 0: D(7)})
    pair.start_count([screws], days[0])
    pair.confirm_count(0, {screws: D(2)})
    pair.start_count([screws], days[0])
    pair.adjust(screws, D(-2), pair.today)
    pair.confirm_count(1, {screws: D(1)})
    pair.cancel_count(1)
    pair.cancel_count(1)
    pair.start_count([screws], days[3])
    pair.adjust(screws, D(9), pair.today)
    pair.undo("adjustment", len(pair.stock.changes) - 1, pair.today - dt.timedelta(days=1))
    pair.hold(screws)
    pair.hold(screws)
    pair.split(screws, D("3.3"))
    pair.split(screws, D(300))
    pair.release(screws)
    pair.release(screws)
    pair.adjust(screws, D("-0.000001"), pair.today)


def do_reversals(pair: Pair, days: Sequence[dt.date]) -> None:
    pair.undo("receipt", 0, pair.today)
    pair.receive([("label", D(5), D(1))], days[2])
    label = len(pair.stock.cards) - 1
    pair.split(label, D("2.5"))
    last = len(pair.stock.receipts) - 1
    pair.undo("receipt", last, days[3])
    pair.undo("receipt", last, pair.today)
    pair.undo("receipt", last, pair.today)
    pair.adjust(label, D(1), pair.today)
    pair.split(label, D(1))
    pair.receive([("chip", D(30), D("9.99"))], days[1])
    pair.build("board", D(3), pair.today, below=False)
    made = len(pair.stock.makings) - 1
    pair.undo("build", made, days[1])
    pair.undo("build", made, pair.today)
    pair.undo("build", made, pair.today)
    pair.undo("build", 3, pair.today)
    pair.undo("build", next(i for i, m in enumerate(pair.stock.makings) if m.state == "rejected"), pair.today)
    change = len(pair.stock.changes) - 1
    pair.undo("adjustment", change - 1, pair.today)
    pair.undo("adjustment", change, pair.today)
    pair.undo("adjustment", change, pair.today)


def test_a_backdated_taking_costs_its_share_of_the_whole_lot_rounded_once(engine: sa.Engine) -> None:
    """Ten of the thirteen could be taken on that day. Seven of thirteen at 10.00 cost 5.384615, and not 5.384616, the
    seven tenths of what ten thirteenths cost."""
    pair = open_pair(a_shop(engine), has_books=False)
    pair.receive([("chip", D(13), D(10))], pair.today - dt.timedelta(days=2))
    pair.adjust(0, D(-3), pair.today - dt.timedelta(days=2))
    pair.adjust(0, D(3), pair.today)
    pair.build("board", D(3), pair.today - dt.timedelta(days=1), below=False)
    assert pair.done["build"] == 1
