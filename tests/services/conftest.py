"""Fixtures: the same company on SQLite and on PostgreSQL.

The databases are shared by all tests of this folder: each has a company of its own, and a company is a world of its
own. (A PostgreSQL database of its own for each of hundreds of tests would take longer than the tests.)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import settings

from partsemble_core.store.database import open_engine
from tests.servers.databases import BACKENDS, copy_of, forgetful
from tests.servers.postgres import PostgresServer
from tests.services.makers import Shop, a_shop

# Much more of what the property tests do; test_stock_machine.py says how to ask for it.
settings.register_profile("thorough", max_examples=1000, stateful_step_count=60, deadline=None)


@pytest.fixture(scope="session", params=BACKENDS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    """An engine of the product's own kind on a database with the newest schema."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            template: Path = request.getfixturevalue("migrated_sqlite")
            url = copy_of(template, tmp_path_factory.mktemp("services") / "shared.sqlite3")
        else:
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = stack.enter_context(server.new_database(template=request.getfixturevalue("migrated_postgres")))
        opened = forgetful(open_engine(url))
        yield opened
        opened.dispose()


@pytest.fixture
def shop(engine: sa.Engine) -> Shop:
    """A company that nobody has done anything in, but for its supplier ACM."""
    return a_shop(engine)
