"""Fixtures: an engine on a database with the newest schema."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from hypothesis import settings

from tests.faults.stage import an_engine

SEEDS = 12

# Much more of what the machine does; test_machine.py says how to ask for it.
settings.register_profile("thorough", max_examples=1000, stateful_step_count=60, deadline=None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--torture", type=int, default=SEEDS, help="how many seeds the storms are tried with")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(metafunc.config.getoption("--torture", SEEDS)))


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    with an_engine(database_url) as opened:
        yield opened
