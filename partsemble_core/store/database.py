"""Engines, transactions and migrations, for SQLite and PostgreSQL alike."""

from __future__ import annotations

import datetime as dt
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from partsemble_core.errors import PartsembleError, say
from partsemble_core.store.audits import WORKER, Actor
from partsemble_core.store.base import Base
from partsemble_core.store.session import CompanySession

T = TypeVar("T")
TRIES = 5
RETRIED_STATES = frozenset({"40001", "40P01", "55P03"})
"""Serialisation failure, deadlock, lock not available: the whole transaction is run again."""


class FolderUnusable(PartsembleError):
    """The folder of the database can't be written to."""

    code = "folder-unusable"

    def __init__(self, folder: Path, error: OSError) -> None:
        super().__init__(
            say(
                "{folder} can't be used ({problem}). Name another with PARTSEMBLE_DATA_DIR or DATABASE_URL.",
                folder=str(folder),
                problem=str(error.strerror),
            )
        )


db = SQLAlchemy(model_class=Base)
BUSY_SECONDS = 10
"""How long a writer of a SQLite file waits for another."""
OF_A_CONNECTION = {
    "lock_timeout": "10s",
    "statement_timeout": "60s",
    "timezone": "UTC",
    "jit": "off",
}
"""What PostgreSQL is told once. A page's questions are short: compiling them would cost more than it saves."""


def engine_options(url: str) -> dict[str, Any]:
    """What create_engine is given for ``url``."""
    if make_url(url).get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": BUSY_SECONDS}}
    return {
        "pool_pre_ping": True,
        "pool_size": 10,
        "max_overflow": 20,
        "connect_args": {"options": " ".join(f"-c {name}={value}" for name, value in OF_A_CONNECTION.items())},
    }


def open_engine(url: str) -> sa.Engine:
    """An engine of our own, its transactions set up as `prepare` says. The SQLite file's folder is made."""
    make_folder(url)
    return prepare(sa.create_engine(url, **engine_options(url)))


def make_folder(url: str) -> None:
    """Makes the folder of a SQLite file."""
    parts = make_url(url)
    if parts.get_backend_name() == "sqlite" and parts.database not in (None, "", ":memory:"):
        path = Path(str(parts.database))
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)  # it holds password hashes and sealed tokens
        except OSError as error:
            raise FolderUnusable(path.parent, error) from error


def prepare(engine: sa.Engine) -> sa.Engine:
    """On SQLite: write-ahead log, full sync, foreign keys, and transactions that take the write lock at once.

    A deferred transaction that reads and then writes fails at once when another committed meanwhile, whatever the
    time-out; BEGIN IMMEDIATE waits. Readers say so with the execution option ``read_only``.
    """
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _open_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _open_sqlite(connection: Any, record: object) -> None:
    connection.isolation_level = None  # we send BEGIN ourselves
    connection.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
    _write_ahead(connection)
    # Without recursive triggers INSERT OR REPLACE deletes rows of append-only tables behind their triggers' backs.
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "recursive_triggers=ON"):
        connection.execute(f"PRAGMA {pragma}")
    connection.create_function("lower", 1, _lower, deterministic=True)  # its own knows ASCII alone


def _write_ahead(connection: Any) -> None:
    """Where two open a new file at once, SQLite refuses one this change without letting it wait: it asks again."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _begin_sqlite(connection: sa.Connection) -> None:
    read_only = connection.get_execution_options().get("read_only")
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def write(
    engine: sa.Engine,
    company_id: int,
    work: Callable[[CompanySession], T],
    *,
    actor: Actor = WORKER,
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
) -> T:
    """Runs ``work`` in one transaction of the company: all of it is committed, or none. The log tells it of ``actor``.

    A transaction that the database asks to repeat is run again from its start, at most five times, so ``work`` must
    do nothing but database work.
    """
    return _again(
        lambda: _in_transaction(CompanySession(engine, company_id=company_id, actor=actor, clock=clock), work)
    )


def write_anywhere(engine: sa.Engine, work: Callable[[Session], T]) -> T:
    """The same outside of any company: users, sign-in, claims of a worker that serves them all."""
    return _again(lambda: _in_transaction(Session(engine, expire_on_commit=False), work))


@contextmanager
def reading(engine: sa.Engine, company_id: int) -> Iterator[CompanySession]:
    """A session for reading only; on SQLite it never waits for a writer. What was read stays readable after it."""
    with (
        engine.connect() as connection,
        CompanySession(connection.execution_options(read_only=True), company_id=company_id) as session,
    ):
        yield session


@contextmanager
def reading_anywhere(engine: sa.Engine) -> Iterator[Session]:
    """Reading outside of any company."""
    with (
        engine.connect() as connection,
        Session(connection.execution_options(read_only=True), expire_on_commit=False) as session,
    ):
        yield session


def database_now(session: Session) -> dt.datetime:
    """The database's own clock, which alone decides about leases."""
    if session.get_bind().dialect.name == "sqlite":
        text = session.execute(sa.text("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')")).scalar_one()
        return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
    found: dt.datetime = session.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
    return found.astimezone(dt.UTC)


def sample_tables(engine: sa.Engine) -> None:
    """Lets SQLite look at some rows of every index, so that it takes the one that leaves the fewest rows to read.

    It takes milliseconds, whatever the size. PostgreSQL does the like by itself.
    """
    if engine.dialect.name == "sqlite":
        with engine.begin() as connection:
            connection.exec_driver_sql("PRAGMA analysis_limit=1000")
            connection.exec_driver_sql("ANALYZE")


def migrate(url: str) -> None:
    """Brings the database at ``url`` to the newest schema. Two that start at once: one waits for the other."""
    engine = open_engine(url)
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(740130)")
            config = Config()
            config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def _in_transaction(session: Session, work: Callable[[Any], T]) -> T:
    with session, session.begin():
        return work(session)


def _again(run: Callable[[], T]) -> T:
    for tried in range(1, TRIES + 1):
        try:
            return run()
        except DBAPIError as error:
            state = getattr(error.orig, "sqlstate", None)
            if tried == TRIES or state not in RETRIED_STATES:
                raise
            time.sleep(random.randrange(50 * 2**tried) / 1000)  # noqa: S311 - spreads retries, keeps no secret
    raise AssertionError("unreachable")
