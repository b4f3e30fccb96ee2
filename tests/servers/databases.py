"""Fixtures: a Valkey, a PostgreSQL server, and for each test its own database, empty or with the schema."""

from __future__ import annotations

import contextlib
import importlib
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa
from sqlalchemy import event

from partsemble_core.embedded_valkey import EmbeddedValkey
from tests.servers.postgres import PostgresServer, running_postgres

BACKENDS = ["sqlite", "postgresql"]


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One Valkey for this process of the run. Tests share it: use own names, or `empty_valkey_url`."""
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server.url


@pytest.fixture
def empty_valkey_url(valkey_url: str) -> str:
    """The same server, with nothing in it."""
    with redis.Redis.from_url(valkey_url) as client:
        client.flushall()
    return valkey_url


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL server for this process of the run."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """An empty PostgreSQL database."""
    with postgres_server.new_database() as url:
        yield url


@pytest.fixture(params=BACKENDS)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database: the test runs once on SQLite, once on PostgreSQL."""
    with contextlib.ExitStack() as stack:
        if request.param == "sqlite":
            yield sqlite_url(tmp_path / "empty.sqlite3")
        else:
            server: PostgresServer = request.getfixturevalue("postgres_server")
            yield stack.enter_context(server.new_database())


@pytest.fixture(params=BACKENDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with the newest schema: the test runs once on SQLite, once on PostgreSQL.

    For one of them only: ``@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)``.
    """
    with contextlib.ExitStack() as stack:
        if request.param == "sqlite":
            yield copy_of(request.getfixturevalue("migrated_sqlite"), tmp_path / "migrated.sqlite3")
        else:
            server: PostgresServer = request.getfixturevalue("postgres_server")
            template: str = request.getfixturevalue("migrated_postgres")
            yield stack.enter_context(server.new_database(template=template))


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that SQLite databases are copied from: migrated once, everything in the one file."""
    path = tmp_path_factory.mktemp("template") / "template.sqlite3"
    migrated(sqlite_url(path))
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: PostgresServer) -> Iterator[str]:
    """The database that PostgreSQL databases are copied from: migrated once, nobody connected."""
    with postgres_server.new_database() as url:
        yield migrated(url)


def migrated(url: str) -> str:
    """The same URL, its database brought to the newest schema.

    The store is looked up only here, so that the tests of the floors below it also run while it is broken.
    """
    importlib.import_module("partsemble_core.store.database").migrate(url)
    return url


def sqlite_url(path: Path) -> str:
    """The URL of the SQLite file at the absolute ``path``."""
    return f"sqlite:///{path}"


def copy_of(template: Path, path: Path) -> str:
    """The URL of a copy of the SQLite file ``template``."""
    shutil.copyfile(template, path)
    return sqlite_url(path)


def forgetful(engine: sa.Engine) -> sa.Engine:
    """The same engine; its SQLite doesn't wait for the disk, as the tests' PostgreSQL doesn't: no test pulls a plug."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _never_sync)
    return engine


def _never_sync(connection: sqlite3.Connection, record: object) -> None:
    connection.execute("PRAGMA synchronous=OFF")
