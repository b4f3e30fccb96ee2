from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa

from tests.servers import postgres
from tests.servers.missing import missing
from tests.servers.postgres import PostgresServer, own_directory, serving, wheel_binaries
from tests.servers.waiting import wait_until

# Starts a server, says where it lives, and waits to be killed.
RUN = """
import signal
from tests.servers.postgres import running_postgres
with running_postgres() as server:
    print(server.address.query["host"], flush=True)
    signal.pause()
"""


def make_note(url: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE note (id INTEGER)")
    engine.dispose()


def tables_of(url: str) -> list[str]:
    engine = sa.create_engine(url)
    names = sa.inspect(engine).get_table_names()
    engine.dispose()
    return names


def test_an_empty_database_is_empty_and_can_be_written(empty_database_url: str) -> None:
    assert tables_of(empty_database_url) == []
    make_note(empty_database_url)
    assert tables_of(empty_database_url) == ["note"]


def test_a_database_has_the_schema_and_is_nobody_elses(database_url: str) -> None:
    tables = tables_of(database_url)
    assert "alembic_version" in tables
    make_note(database_url)
    assert sorted(tables_of(database_url)) == sorted([*tables, "note"])


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_what_the_test_before_wrote_is_gone(database_url: str) -> None:
    assert "note" not in tables_of(database_url)


def test_a_database_is_dropped_even_when_somebody_stayed_connected(postgres_server: PostgresServer) -> None:
    with postgres_server.new_database() as url:
        engine = sa.create_engine(url)
        connection = engine.connect()
        connection.exec_driver_sql("SELECT 1")
    with pytest.raises(sa.exc.OperationalError):
        tables_of(url)
    connection.invalidate()
    connection.close()
    engine.dispose()


def test_a_database_can_be_copied_from_another(postgres_server: PostgresServer) -> None:
    with postgres_server.new_database() as template:
        make_note(template)
        with postgres_server.new_database(template=template) as copy:
            assert tables_of(copy) == ["note"]


def test_the_binaries_of_the_wheel_serve_where_the_machine_has_none() -> None:
    with (
        own_directory() as directory,
        serving(directory, wheel_binaries(directory)) as server,
        server.new_database() as url,
    ):
        assert tables_of(url) == []
    assert not directory.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only a server started by root runs as somebody else")
def test_binaries_that_the_servers_user_cannot_reach_are_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "is_open_to_all", lambda folder: False)
    with own_directory() as directory:
        binaries = wheel_binaries(directory)
        assert binaries.is_relative_to(directory)
        with serving(directory, binaries) as server:
            assert server.is_ready()


def test_a_given_server_is_taken(postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    given = postgres_server.address.set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("TEST_DATABASE_URL", given)
    with postgres.running_postgres() as server, server.new_database() as url:
        assert server.address == postgres_server.address
        assert tables_of(url) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_the_server_goes_when_the_run_is_killed() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "TEST_DATABASE_URL"}
    with subprocess.Popen(
        [sys.executable, "-c", RUN],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env=environment,
    ) as run:
        assert run.stdout is not None
        directory = Path(run.stdout.readline().strip())
        pid_file = directory / "data" / "postmaster.pid"
        assert pid_file.exists()
        run.kill()
    wait_until(lambda: not pid_file.exists(), "PostgreSQL shut down by itself")
    shutil.rmtree(directory)


def test_an_emptied_valkey_holds_nothing_of_other_tests(valkey_url: str, request: pytest.FixtureRequest) -> None:
    with redis.Redis.from_url(valkey_url) as client:
        client.set("left over", "x")
        assert request.getfixturevalue("empty_valkey_url") == valkey_url
        assert client.dbsize() == 0


def test_a_missing_part_skips_at_home_and_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no browser"):
        missing("no browser")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no browser"):
        missing("no browser")
