"""Fixtures: the API on SQLite and on PostgreSQL, served once for all tests, and a company of its own for each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.api.callers import Firm, Served, found_firm, serve
from tests.servers.databases import BACKENDS, copy_of
from tests.servers.postgres import PostgresServer


@pytest.fixture(scope="session", params=BACKENDS)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The API on a database with the newest schema."""
    folder = tmp_path_factory.mktemp("api")
    with ExitStack() as stack:
        if request.param == "sqlite":
            template: Path = request.getfixturevalue("migrated_sqlite")
            url = copy_of(template, folder / "api.sqlite3")
        else:
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = stack.enter_context(server.new_database(template=request.getfixturevalue("migrated_postgres")))
        found = serve(url, folder)
        yield found
        found.house.engine.dispose()


@pytest.fixture
def firm(served: Served) -> Firm:
    """A company with its supplier ACM and a caller in every role."""
    return found_firm(served)
