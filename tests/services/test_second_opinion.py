"""Another program books the same histories: beancount, under its FIFO method, draws the same lots at the same cost.

Beancount books in order of days, and within a day in order of lines; we book in order of recording. So the ledger
written for it has a day for each document, in order of recording, while a lot keeps the day on which it came as the
date of its cost: that is what beancount's FIFO goes by, and creation order within a day.

How exact it has to be. Beancount keeps a cost for one unit, C ÷ Q at 28 digits, so what it takes costs q × C ÷ Q, as
good as unrounded. We keep what is left (Q, C) and round each taking half-even to six decimals. What we round away in
one taking stays in the lot and is shared by the later ones, so what is left of a lot after k takings is off by at most
k × 0.0000005, and its next taking by that and its own rounding: (k + 1) × 0.0000005. Nothing more is allowed here.
A lot taken to its last piece costs the same to the last digit, however it was taken: the differences end with it.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from beancount import loader
from beancount.core import data as bean
from beancount.core.position import Cost
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partsemble_core.domain.fifo import StockShort
from partsemble_core.store.lots import Lot
from tests.services.makers import TODAY, Shop, a_line, a_shop
from tests.services.workshop import taken

HALF = Decimal("0.0000005")
SLACK = Decimal("1e-12")  # its 28 digits
FIRST_DAY = dt.date(2027, 1, 1)
HEAD = """option "booking_method" "FIFO"
option "operating_currency" "NZD"
2000-01-01 open Assets:Stock
2000-01-01 open Income:Suppliers
2000-01-01 open Expenses:Builds
"""
RECIPES: dict[str, dict[str, object]] = {
    "BOARD": {"CHIP": "2.333333", "SCREW": "1"},
    "KIT": {"BOARD": "1", "CHIP": "3"},
}
Drawn = list[tuple[str, Decimal, Decimal]]
"""Lot, quantity and cost of each taking of one line, in order."""


@dataclass
class Book:
    """A ledger for beancount, a document a day."""

    text: str = HEAD
    days: int = 0

    def note(self, name: str, *postings: str, against: str) -> None:
        day = FIRST_DAY + dt.timedelta(days=self.days)
        self.days += 1
        self.text += "\n".join([f'{day} * "{name}"', *(f"  {posting}" for posting in postings), f"  {against}", ""])

    def comes_in(self, lot: Lot, sku: str) -> None:
        cost = f'{{{{{lot.cost_in:f} NZD, {lot.received_on}, "{lot.id}"}}}}'
        self.note(f"in {lot.id}", f"Assets:Stock  {lot.quantity_in:f} {sku} {cost}", against="Income:Suppliers")

    def goes_out(self, name: str, needs: dict[str, Decimal]) -> None:
        takings = [f"Assets:Stock  -{quantity:f} {sku} {{}}" for sku, quantity in needs.items()]
        self.note(name, *takings, against="Expenses:Builds")

    def read(self) -> tuple[dict[tuple[str, str], Drawn], list[str]]:
        """What beancount drew, by document and product; and its complaints."""
        entries, errors, _ = loader.load_string(self.text)
        found: dict[tuple[str, str], Drawn] = {}
        for entry in entries:
            if not isinstance(entry, bean.Transaction):
                continue
            for posting in entry.postings:
                units, cost = posting.units, posting.cost
                if units is None or units.number is None or not isinstance(cost, Cost) or units.number > 0:
                    continue
                drawn = found.setdefault((entry.narration or "", units.currency), [])
                drawn.append((cost.label or "", -units.number, -units.number * cost.number))
        return found, [error.message for error in errors]


@dataclass
class History:
    """The same documents in a shop and in a book."""

    shop: Shop
    book: Book = field(default_factory=Book)
    ours: dict[tuple[str, str], Drawn] = field(default_factory=dict)
    refused: list[dict[str, Decimal]] = field(default_factory=list)

    def receive(self, sku: str, quantity: Decimal, cost: Decimal, *, days_ago: int = 0) -> None:
        """Back-dated as may be: FIFO goes by the day of receipt, and what was drawn before stays drawn."""
        self.shop.receive(a_line(sku, quantity, total_cost=cost), on=TODAY - dt.timedelta(days=days_ago))
        self.book.comes_in(self.shop.lots(sku)[-1], sku)

    def build(self, sku: str, quantity: Decimal) -> None:
        needs = {part: need.quantity for part, need in self._needs(sku, quantity).items()}
        try:
            made = self.shop.build(sku, quantity)
        except StockShort:
            self.refused.append(needs)
            return
        self.book.goes_out(made.reference, needs)
        lots = {(part, lot.number): str(lot.id) for part in needs for lot in self.shop.lots(part)}
        parts = list(needs)
        for line, number, drawn, cost in taken(self.shop, made):
            row = (lots[parts[line], number], drawn, cost)
            self.ours.setdefault((made.reference, parts[line]), []).append(row)
        self.book.comes_in(self.shop.lots(sku)[-1], sku)

    def _needs(self, sku: str, quantity: Decimal) -> dict[str, Any]:
        """What each line takes; how much that is isn't in question here."""
        costing = self.shop.preview(sku, quantity).costing
        return dict(zip(RECIPES[sku], costing.needs, strict=True))


def a_history(engine: sa.Engine) -> History:
    shop = a_shop(engine)
    shop.products("CHIP", "SCREW", "BOARD", "KIT")
    for sku, components in RECIPES.items():
        shop.bom(sku, components)
    return History(shop=shop)


def check_agreement(history: History) -> None:
    """The same lots in the same order, the same quantities, and costs as near as they must be."""
    theirs, complaints = history.book.read()
    assert complaints == []
    assert theirs.keys() == history.ours.keys()
    takings: Counter[str] = Counter()
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    for key, drawn in history.ours.items():
        assert [(lot, quantity) for lot, quantity, _ in drawn] == [(lot, quantity) for lot, quantity, _ in theirs[key]]
        for (lot, _, ours), (_, _, cost) in zip(drawn, theirs[key], strict=True):
            takings[lot] += 1
            assert abs(ours - cost) <= takings[lot] * HALF + SLACK
            sums[lot] = (sums.get(lot, (Decimal(0),) * 2)[0] + ours, sums.get(lot, (Decimal(0),) * 2)[1] + cost)
    check_ended_lots(history, sums)
    for needs in history.refused[-1:]:
        check_refusal(history, needs)


def check_ended_lots(history: History, sums: dict[str, tuple[Decimal, Decimal]]) -> None:
    """What a lot brought is what left it once it is empty: to the last digit with us, to the 28th with them."""
    for sku in ("CHIP", "SCREW", "BOARD", "KIT"):
        for lot in history.shop.lots(sku):
            if lot.state == "exhausted":
                ours, theirs = sums[str(lot.id)]
                assert ours == lot.cost_in
                assert abs(theirs - lot.cost_in) <= SLACK


def check_refusal(history: History, needs: dict[str, Decimal]) -> None:
    """Beancount can't find the lots either: not at the end, when no less has been received."""
    book = Book(text=history.book.text, days=history.book.days)
    left = {sku: history.shop.balance(sku).quantity if history.shop.lots(sku) else Decimal(0) for sku in needs}
    if any(needs[sku] > left[sku] for sku in needs):
        book.goes_out("refused", needs)
        _, complaints = book.read()
        assert complaints != [], "without the refused build it had none"


AMOUNTS = st.one_of(
    st.sampled_from(["1", "7", "13", "0.333333", "40"]).map(Decimal),
    st.integers(1, 60_000_000).map(lambda units: Decimal(units) / 10**6),
)
COSTS = st.one_of(st.just(Decimal(0)), AMOUNTS)
QUANTITIES = st.one_of(st.sampled_from(["1", "2.5", "3.141593"]).map(Decimal), AMOUNTS.map(lambda a: a / 20)).map(
    lambda quantity: max(quantity.quantize(Decimal("0.000001")), Decimal("0.01"))
)
RECEIPTS = st.tuples(st.just("receive"), st.sampled_from(["CHIP", "CHIP", "SCREW"]), AMOUNTS, COSTS, st.integers(0, 3))
BUILDS = st.tuples(st.just("build"), st.sampled_from(["BOARD", "BOARD", "KIT"]), QUANTITIES)


@settings(
    deadline=None,
    max_examples=settings.default.max_examples // 5 if settings.default else 20,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(st.one_of(RECEIPTS, BUILDS, BUILDS), min_size=4, max_size=16))
def test_beancount_draws_the_same_lots_at_the_same_cost(engine: sa.Engine, steps: list[tuple[Any, ...]]) -> None:
    history = a_history(engine)
    history.receive("CHIP", Decimal(70), Decimal("13.37"), days_ago=1)
    history.receive("SCREW", Decimal(30), Decimal(4), days_ago=1)
    for kind, sku, *values in steps:
        if kind == "receive":
            quantity, cost, days_ago = values
            history.receive(sku, quantity, cost, days_ago=days_ago)
        else:
            history.build(sku, *values)
    check_agreement(history)


def test_beancount_agrees_where_cents_are_awkward(engine: sa.Engine) -> None:
    """A known history that has all of it: many takings of one lot, two lots at once, goods for nothing, a back-dated
    receipt that comes first from then on, a lot emptied, a board in a kit, and a shortage."""
    history = a_history(engine)
    history.receive("CHIP", Decimal(13), Decimal(4), days_ago=2)
    history.receive("CHIP", Decimal(7), Decimal(10))
    history.receive("SCREW", Decimal(1000), Decimal(4))
    for _ in range(4):
        history.build("BOARD", Decimal(1))
    history.receive("CHIP", Decimal(5), Decimal(0), days_ago=3)
    for quantity in ("1", "2.5", "0.333333", "400"):
        history.build("BOARD", Decimal(quantity))
    history.build("KIT", Decimal("0.1"))
    history.build("KIT", Decimal("0.333333"))
    assert len(history.refused) == 1
    assert any(len(drawn) > 1 for drawn in history.ours.values())
    assert "exhausted" in {lot.state for lot in history.shop.lots("CHIP")}
    assert {sku for _, sku in history.ours} == {"CHIP", "SCREW", "BOARD"}
    check_agreement(history)


@pytest.mark.parametrize("booking", ["LIFO", "HIFO"])
def test_another_booking_method_would_be_noticed(engine: sa.Engine, booking: str) -> None:
    history = a_history(engine)
    history.receive("CHIP", Decimal(7), Decimal(7), days_ago=1)
    history.receive("CHIP", Decimal(7), Decimal(70))
    history.receive("SCREW", Decimal(7), Decimal(7))
    history.build("BOARD", Decimal(1))
    check_agreement(history)
    history.book.text = history.book.text.replace('"FIFO"', f'"{booking}"')
    with pytest.raises(AssertionError):
        check_agreement(history)
