from __future__ import annotations

import contextlib
import datetime as dt
import sqlite3
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from partsemble_core.store import database
from partsemble_core.store.companies import Counter, get_company
from partsemble_core.store.session import CompanySession
from tests.servers.waiting import wait_until
from tests.store.rows import fill

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def filled(engine: sa.Engine) -> sa.Engine:
    fill(engine, 1)
    return engine


def count(engine: sa.Engine) -> int:
    with database.reading_anywhere(engine) as session:
        return session.execute(sa.select(sa.func.count()).select_from(Counter)).scalar_one()


def add_one(session: CompanySession) -> None:
    session.add(Counter(name="another", last=0))
    session.flush()


def test_a_transaction_that_fails_leaves_nothing(filled: sa.Engine) -> None:
    def work(session: CompanySession) -> None:
        add_one(session)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.write(filled, 1, work)
    assert count(filled) == 1
    database.write(filled, 1, add_one)
    assert count(filled) == 2


def test_what_was_read_stays_readable_when_the_session_is_gone(filled: sa.Engine) -> None:
    with database.reading(filled, 1) as session:
        company = get_company(session)
    assert company.name == "name-1"
    company = database.write(filled, 1, get_company)
    assert company.name == "name-1"


def test_nothing_is_kept_of_what_a_reader_writes(filled: sa.Engine) -> None:
    with database.reading(filled, 1) as session:
        add_one(session)
    assert count(filled) == 1


def test_the_databases_clock_is_aware_and_right(filled: sa.Engine) -> None:
    with database.reading_anywhere(filled) as session:
        now = database.database_now(session)
    assert now.utcoffset() == dt.timedelta(0)
    assert abs(now - dt.datetime.now(dt.UTC)) < dt.timedelta(seconds=5)


@ON_SQLITE
def test_sqlite_is_set_up_to_lose_nothing(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        kept = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "recursive_triggers")
        }
    assert kept == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 10_000,
        "recursive_triggers": 1,
    }


@ON_SQLITE
def test_a_reader_does_not_wait_for_a_writer(filled: sa.Engine) -> None:
    with CompanySession(filled, company_id=1) as writer:
        add_one(writer)
        assert count(filled) == 1, "read while the writer holds its lock"
        writer.commit()
    assert count(filled) == 2


@ON_SQLITE
def test_a_writer_takes_the_lock_before_it_reads(filled: sa.Engine) -> None:
    """Two that read first and write then: with deferred transactions one of them would fail at once."""
    both_read = threading.Barrier(2, timeout=0.5)

    def work(session: CompanySession) -> None:
        counter = session.get_one(Counter, 1)
        try:
            both_read.wait()  # never passed: the second can't read before the first has committed
        except threading.BrokenBarrierError:
            counter.last += 1

    threads = [threading.Thread(target=database.write, args=(filled, 1, work)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading(filled, 1) as session:
        assert session.get_one(Counter, 1).last == 3


@ON_POSTGRESQL
@pytest.mark.parametrize("state", sorted(database.RETRIED_STATES))
def test_a_transaction_is_run_again_from_its_start_when_the_database_asks(filled: sa.Engine, state: str) -> None:
    tries: list[int] = []

    def work(session: CompanySession) -> None:
        tries.append(len(tries))
        add_one(session)
        if len(tries) < 3:
            fail_with(session, state)

    database.write(filled, 1, work)
    assert (tries, count(filled)) == ([0, 1, 2], 2)


@ON_POSTGRESQL
def test_a_transaction_is_given_up_after_five_tries(filled: sa.Engine) -> None:
    tries: list[int] = []

    def work(session: CompanySession) -> None:
        tries.append(1)
        fail_with(session, "40001")

    with pytest.raises(DBAPIError):
        database.write(filled, 1, work)
    assert len(tries) == 5


@ON_POSTGRESQL
def test_another_error_is_not_tried_again(filled: sa.Engine) -> None:
    tries: list[int] = []

    def work(session: CompanySession) -> None:
        tries.append(1)
        fail_with(session, "22012")

    with pytest.raises(DBAPIError):
        database.write(filled, 1, work)
    assert len(tries) == 1


@ON_POSTGRESQL
def test_a_real_deadlock_is_resolved_by_running_one_of_the_two_again(filled: sa.Engine) -> None:
    fill(filled, 2)
    met = threading.Barrier(2, timeout=10)
    tries: list[int] = []

    def lock_both(first: int, second: int) -> None:
        def work(session: sa.orm.Session) -> None:
            tries.append(first)
            for key in (first, second):
                session.execute(sa.select(Counter.id).where(Counter.id == key).with_for_update())
                if tries.count(first) == 1 and key == first:
                    met.wait()

        database.write_anywhere(filled, work)

    threads = [threading.Thread(target=lock_both, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    wait_until(lambda: not any(thread.is_alive() for thread in threads), "both have ended")
    assert len(tries) == 3


def fail_with(session: CompanySession, state: str) -> None:
    """Makes the database fail with this SQLSTATE."""
    session.execute(sa.text(f"DO $$ BEGIN RAISE EXCEPTION 'made to fail' USING ERRCODE = '{state}'; END $$"))


def test_secrets_of_the_address_are_not_in_an_engines_repr() -> None:
    engine = database.open_engine("postgresql+psycopg://ann:canary@127.0.0.1:1/none")
    assert "canary" not in repr(engine)


def test_the_folder_of_a_new_sqlite_file_is_made_for_its_owner_only(tmp_path: object) -> None:
    folder = f"{tmp_path}/deep/inside"
    engine = database.open_engine(f"sqlite:///{folder}/x.sqlite3")
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    engine.dispose()


def test_a_new_file_that_somebody_writes_is_opened_once_they_are_done(tmp_path: Path) -> None:
    """As when two start at once: SQLite refuses to change the mode of such a file and doesn't wait."""
    path = tmp_path / "new.sqlite3"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        leave = threading.Timer(0.3, writer.execute, ["COMMIT"])
        leave.start()
        engine = database.open_engine(f"sqlite:///{path}")
        with engine.connect() as connection:
            mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
        engine.dispose()
        leave.join()
    assert mode == "wal"
