"""The year of the demo's company: the same each time, never short, and lawful when it is written for real."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.demo.history import is_told, tell_year
from partsemble_core.demo.kits import PARTS, RECIPES
from partsemble_core.demo.story import found
from partsemble_core.demo.year import Making, Purchase, year_of
from partsemble_core.domain.builds import BuildState
from partsemble_core.domain.exports import ExportState
from partsemble_core.services.doctoring import examine
from partsemble_core.store.builds import Build
from partsemble_core.store.exports import Export
from partsemble_core.store.products import Product
from tests.faults.stage import an_engine
from tests.faults.xero_stage import a_xero_stage
from tests.services.makers import Shop

WEEKS = 14
UNTIL = dt.date(2026, 11, 23)
RECIPE_OF = {recipe.sku: recipe for recipe in RECIPES}


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    with an_engine(database_url) as opened:
        yield opened


def test_the_company_has_sixty_products_on_three_levels() -> None:
    assert len({each.sku for each in (*PARTS, *RECIPES)}) == 60

    def depth(sku: str) -> int:
        recipe = RECIPE_OF.get(sku)
        return 1 + max(depth(part) for part, _ in recipe.components) if recipe else 0

    assert max(depth(recipe.sku) for recipe in RECIPES) == 4
    used = {sku for recipe in RECIPES for sku, _ in recipe.components}
    assert {part.sku for part in PARTS} <= used


def test_a_seed_gives_one_year_and_nothing_is_ever_short() -> None:
    year = list(year_of(UNTIL))
    assert year == list(year_of(UNTIL))
    assert year != list(year_of(UNTIL, seed=7))
    stock: Counter[str] = Counter()
    for event in year:
        assert UNTIL - dt.timedelta(days=372) <= event.day < UNTIL
        if isinstance(event, Purchase):
            stock.update({sku: quantity for sku, quantity, _ in event.lines})
            continue
        stock.subtract({sku: each * event.quantity for sku, each in RECIPE_OF[event.sku].components})
        if event.review is None:
            stock[event.sku] += event.quantity
        assert min(stock.values()) >= 0


def test_the_year_is_written_through_the_services_and_breaks_no_law(engine: sa.Engine, tmp_path: Path) -> None:
    with a_xero_stage(engine, tmp_path) as stage:
        company_id, _ = found(stage.house, name="Northlight Kits", email="maker@example.com")
        ours = dataclasses.replace(stage, shop=Shop(engine=engine, company_id=company_id, act=stage.shop.act))
        connection = ours.connect()
        act = ours.house.act(company_id, by="maker@example.com")
        seen: list[dt.date] = []
        assert not is_told(ours.house, company_id)
        tell_year(ours.house, act, company_id, connection.id, progress=seen.append, weeks=WEEKS)
        assert is_told(ours.house, company_id)
        year = list(year_of(act.today, weeks=WEEKS))
        assert seen == [event.day for event in year]
        with ours.house.reading(company_id) as session:
            assert examine(session) == []
            assert session.scalar(sa.select(sa.func.count(Product.id))) == 60
            builds = Counter(session.scalars(sa.select(Build.state)))
            exports = Counter(session.scalars(sa.select(Export.state)))
    made = [event for event in year if isinstance(event, Making)]
    rejected = [event.review for event in made if event.review is not None]
    assert rejected == [("quality_defect", "partial"), ("equipment_failure", "total_loss")]
    assert builds[BuildState.REJECTED] == len(rejected)
    assert builds[BuildState.COMPLETED] == len(made) - len(rejected)
    assert (builds[BuildState.PLANNED], builds[BuildState.PENDING_QA]) == (5, 1)
    assert (exports[ExportState.HELD], exports[ExportState.SKIPPED]) == (2, 1)
    assert exports[ExportState.PENDING] >= len(made) - len(rejected)
