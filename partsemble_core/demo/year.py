"""A year of the demo's company, thought up before anything is written: the same seed gives the same year."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from partsemble_core.demo.kits import PARTS, RECIPES, Part, Recipe

WEEKS = 52
SEED = 20_261_123
PRICE_STEP = Decimal("0.0001")
BOUGHT: Mapping[str, Part] = {part.sku: part for part in PARTS}
REVIEWED_EVERY = 9
"""Every ninth build is looked over before its lot comes in."""
REJECTIONS = {2: ("quality_defect", "partial"), 6: ("equipment_failure", "total_loss"), 11: ("process_error", "full")}
"""Which reviews end badly, and what could be used again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """Goods of one supplier on one day: SKU, quantity and unit cost a line."""

    day: dt.date
    supplier: str
    lines: tuple[tuple[str, int, Decimal], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """A build. ``review``: none, approved, or why it was rejected and what came back."""

    day: dt.date
    sku: str
    quantity: int
    review: tuple[str, str] | None = None
    is_reviewed: bool = False


def year_of(until: dt.date, *, seed: int = SEED, weeks: int = WEEKS) -> Iterator[Purchase | Making]:
    """What happened in the weeks before ``until``, week by week. Nothing is ever short."""
    dice = random.Random(seed)  # noqa: S311 - a story, not a secret
    stock: dict[str, int] = {}
    made = 0
    monday = until - dt.timedelta(days=until.weekday(), weeks=weeks)
    for week in range(weeks):
        start = monday + dt.timedelta(weeks=week)
        wanted = _wanted(dice, stock)
        yield from _purchases(dice, stock, wanted, day=start, week=week)
        for number, (recipe, quantity) in enumerate(wanted):
            made += 1
            making = _making(start + dt.timedelta(days=1 + number % 4), recipe, quantity, made)
            _move(stock, recipe, making)
            yield making


def _wanted(dice: random.Random, stock: Mapping[str, int]) -> list[tuple[Recipe, int]]:
    """What is built this week: of what is bought as much as one likes, of what is made no more than there is."""
    there = dict(stock)
    wanted = []
    for recipe in RECIPES:
        if dice.random() < 0.35:
            continue
        quantity = recipe.batch * dice.randint(2, 4) // 3
        for sku, each in recipe.components:
            if sku not in BOUGHT:
                quantity = min(quantity, there.get(sku, 0) // each)
        if quantity * 3 < recipe.batch:
            continue
        for sku, each in recipe.components:
            there[sku] = there.get(sku, 0) - each * quantity
        wanted.append((recipe, quantity))
    return wanted


def _purchases(
    dice: random.Random, stock: dict[str, int], wanted: list[tuple[Recipe, int]], *, day: dt.date, week: int
) -> Iterator[Purchase]:
    """Whole packs of what the week needs and half as much again, at prices that drift upwards."""
    needs: dict[str, int] = {}
    for recipe, quantity in wanted:
        for sku, each in recipe.components:
            needs[sku] = needs.get(sku, 0) + each * quantity
    lines: dict[str, list[tuple[str, int, Decimal]]] = {}
    for sku, need in needs.items():
        part = BOUGHT.get(sku)
        if part is None or stock.get(sku, 0) >= need:
            continue
        packs = -(-(need * 3 // 2 - stock.get(sku, 0)) // part.pack)
        drift = 1 + Decimal(week * 12 + dice.randint(-300, 300)) / 10_000
        cost = (part.price * drift).quantize(PRICE_STEP)
        lines.setdefault(part.supplier, []).append((sku, packs * part.pack, cost))
        stock[sku] = stock.get(sku, 0) + packs * part.pack
    for supplier in sorted(lines):
        yield Purchase(day=day, supplier=supplier, lines=tuple(lines[supplier]))


def _making(day: dt.date, recipe: Recipe, quantity: int, made: int) -> Making:
    is_reviewed = made % REVIEWED_EVERY == 0
    review = REJECTIONS.get(made // REVIEWED_EVERY) if is_reviewed else None
    return Making(day=day, sku=recipe.sku, quantity=quantity, review=review, is_reviewed=is_reviewed)


def _move(stock: dict[str, int], recipe: Recipe, making: Making) -> None:
    """What a rejected build gives back isn't counted on."""
    for sku, each in recipe.components:
        stock[sku] -= each * making.quantity
    if making.review is None:
        stock[recipe.sku] = stock.get(recipe.sku, 0) + making.quantity
