"""Fixtures: the same company on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from partsemble_core.store.database import open_engine
from tests.services.makers import Shop, a_shop


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """An engine of the product's own kind on a database with the newest schema."""
    opened = open_engine(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def shop(engine: sa.Engine) -> Shop:
    """A company that nobody has done anything in, but for its supplier ACM."""
    return a_shop(engine)
