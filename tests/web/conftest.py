"""Fixtures: a shop with something in it, and people at its console. Tests that change nothing share one shop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers.databases import copy_of
from tests.web.people import Visitor
from tests.web.shop import (
    Shop,
    connect,
    correct,
    found,
    listen,
    make_lamps,
    open_shop,
    plan_lamps,
    post,
    read_sales,
    round_off,
    staff,
    stock_up,
)


@pytest.fixture
def shop(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Shop]:
    """A shop of this test's own: products and people, nothing bought yet."""
    opened = open_shop(copy_of(migrated_sqlite, tmp_path / "shop.sqlite3"), tmp_path)
    yield opened
    opened.house.engine.dispose()


@pytest.fixture(scope="session")
def full_shop(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop with receipts, a build and posted exports, and a stranger's company beside it. Only to look at."""
    folder = tmp_path_factory.mktemp("full-shop")
    opened = open_shop(copy_of(migrated_sqlite, folder / "shop.sqlite3"), folder)
    read_sales(opened, connect(opened))
    stock_up(opened)
    make_lamps(opened, "60")
    post(opened, [1, 2, 3])
    plan_lamps(opened, "2")
    correct(opened)
    listen(opened)
    staff(opened)
    round_off(opened)
    Visitor.signed_in(opened, "owner")
    found(opened.house, name="Strangers Ltd", email="stranger@elsewhere.example")
    yield opened
    opened.house.engine.dispose()


@pytest.fixture
def visit() -> Callable[..., Visitor]:
    """Signs somebody in: ``visit(shop, "owner")``."""
    return Visitor.signed_in
