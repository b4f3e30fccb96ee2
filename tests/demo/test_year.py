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
from partsemble_core.services.draining import drain
from partsemble_core.store.builds import Build
from partsemble_core.store.exports import Export
from partsemble_core.store.products import Product
from tests.faults.stage import an_engine
from tests.faults.xero_stage import XeroStage, a_xero_stage
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


RESTING = {
    ExportState.POSTED,
    ExportState.PENDING,
    ExportState.HELD,
    ExportState.REVIEW,
    ExportState.UNKNOWN,
    ExportState.SKIPPED,
    ExportState.CANCELLED,
}
"""Every state that an export can rest in."""


def a_maker(stage: XeroStage, engine: sa.Engine) -> XeroStage:
    """The demo's second company; what is in doubt rests as long as in the demo."""
    company_id, _ = found(stage.house, name="Northlight Kits", email="maker@example.com")
    patient = dataclasses.replace(stage.house.settings, quarantine_seconds=3_600)
    house = dataclasses.replace(stage.house, settings=patient)
    shop = Shop(engine=engine, company_id=company_id, act=stage.shop.act)
    return dataclasses.replace(stage, house=house, shop=shop)


def tell(maker: XeroStage) -> list[Purchase | Making]:
    """Writes the year of the maker, and gives what happened in it."""
    connection = maker.connect()
    act = maker.house.act(maker.company_id, by="maker@example.com")
    seen: list[dt.date] = []
    assert not is_told(maker.house, maker.company_id)
    address = maker.sandbox.address
    tell_year(maker.house, act, maker.company_id, connection.id, sandbox_url=address, progress=seen.append, weeks=WEEKS)
    assert is_told(maker.house, maker.company_id)
    year = list(year_of(act.today, weeks=WEEKS))
    assert seen == [event.day for event in year]
    return year


def test_the_year_is_written_through_the_services_and_breaks_no_law(engine: sa.Engine, tmp_path: Path) -> None:
    with a_xero_stage(engine, tmp_path) as stage:
        maker = a_maker(stage, engine)
        made = [event for event in tell(maker) if isinstance(event, Making)]
        rejected = [event.review for event in made if event.review is not None]
        with maker.house.reading(maker.company_id) as session:
            assert examine(session) == []
            assert session.scalar(sa.select(sa.func.count(Product.id))) == 60
            builds = Counter(session.scalars(sa.select(Build.state)))
        assert rejected == [("quality_defect", "partial"), ("equipment_failure", "total_loss")]
        assert builds[BuildState.REJECTED] == len(rejected)
        assert builds[BuildState.COMPLETED] == len(made) - len(rejected)
        assert (builds[BuildState.PLANNED], builds[BuildState.PENDING_QA]) == (5, 1)
        its_exports_are_in_every_state(maker, least=len(made) - len(rejected))


def its_exports_are_in_every_state(maker: XeroStage, *, least: int) -> None:
    """Before the worker has done its work, and after it."""
    with maker.house.reading(maker.company_id) as session:
        exports = Counter(session.scalars(sa.select(Export.state)))
        problems = list(session.scalars(sa.select(Export.problem).where(Export.state == ExportState.REVIEW)))
        behind = session.scalars(sa.select(Export).where(Export.after_export_id.is_not(None))).one()
        failed = session.scalars(sa.select(Export).where(Export.id == behind.after_export_id)).one()
    assert exports[ExportState.PENDING] >= least
    assert (exports[ExportState.HELD], exports[ExportState.SKIPPED]) == (2, 1)
    assert (exports[ExportState.REVIEW], exports[ExportState.UNKNOWN], exports[ExportState.CANCELLED]) == (2, 1, 1)
    assert all("429" in problem for problem in problems), problems
    assert (behind.state, failed.state) == (ExportState.PENDING, ExportState.REVIEW), "it waits for its original"
    drain(maker.house, maker.company_id, seconds=300)
    with maker.house.reading(maker.company_id) as session:
        assert examine(session) == []
        drained = Counter(session.scalars(sa.select(Export.state)))
    assert set(drained) == RESTING
    assert (drained[ExportState.PENDING], drained[ExportState.UNKNOWN]) == (1, 1)
    journals = maker.sandbox.books("Demo Kits Ltd")["journals"]
    assert [journal["status"] for journal in journals].count("POSTED") == drained[ExportState.POSTED]


def test_a_whole_year_has_rejections_of_every_recovery() -> None:
    made = [event for event in year_of(UNTIL) if isinstance(event, Making)]
    assert {event.review[1] for event in made if event.review is not None} == {"full", "partial", "total_loss"}
    assert min(event.day for event in made) < UNTIL - dt.timedelta(days=355)
