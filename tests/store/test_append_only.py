"""The ledger is added to and never edited: the databases themselves refuse, whoever asks."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from tests.store.rows import A_TIME, APPEND_ONLY, fill, insert

FROZEN: dict[str, Any] = {
    "body": b"{ }",
    "token": "another",
    "connection_id": 99,
    "document_kind": "receipt",
    "document_id": 99,
    "reference": "other",
    "exact": 7,
    "posted": 7,
    "rounding": 7,
}


def refusal_of(engine: sa.Engine, statement: str, **values: Any) -> str:
    """What the database says to the statement, which changes nothing."""
    with engine.connect() as connection:
        before = connection.exec_driver_sql("SELECT count(*) FROM stock_entries").scalar_one()
        with pytest.raises(DBAPIError) as caught, connection.begin_nested():
            connection.execute(sa.text(statement), values)
        assert connection.exec_driver_sql("SELECT count(*) FROM stock_entries").scalar_one() == before
        return str(caught.value.orig)


def test_a_row_that_was_written_stays_as_it_is(engine: sa.Engine) -> None:
    fill(engine, 1)
    for table in APPEND_ONLY:
        for statement in (
            f"UPDATE {table} SET id = id",
            f"UPDATE {table} SET company_id = 1 WHERE id = 1",
            f"DELETE FROM {table}",
        ):
            assert f"{table} is append-only" in refusal_of(engine, statement)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_row_cannot_be_replaced_by_inserting_over_it(engine: sa.Engine) -> None:
    fill(engine, 1)
    for table in APPEND_ONLY:
        copy = f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"
        assert f"{table} is append-only" in refusal_of(engine, copy)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nor_by_a_program_that_never_heard_of_our_pragmas(engine: sa.Engine) -> None:
    """SQLite fires no delete trigger for a row that REPLACE takes away, unless it is asked to."""
    fill(engine, 1)
    with closing(sqlite3.connect(str(engine.url.database))) as stranger:
        for table in (*APPEND_ONLY, "exports"):
            with pytest.raises(sqlite3.IntegrityError, match=f"{table} is append-only"):
                stranger.execute(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_table_cannot_be_emptied_at_a_stroke(engine: sa.Engine) -> None:
    fill(engine, 1)
    for table in (*APPEND_ONLY, "exports"):
        assert f"{table} is append-only" in refusal_of(engine, f"TRUNCATE {table} CASCADE")


def test_what_an_export_says_never_changes(engine: sa.Engine) -> None:
    fill(engine, 1)
    for column, value in FROZEN.items():
        said = refusal_of(engine, f"UPDATE exports SET {column} = :value", value=value)
        assert "an export is frozen" in said


def test_an_export_is_never_deleted(engine: sa.Engine) -> None:
    fill(engine, 1)
    with engine.begin() as connection:  # nothing points to this one, so only the trigger stands in the way
        insert(connection, "exports", key=2, company=1, changes={"document_id": 2})
    assert "exports is append-only" in refusal_of(engine, "DELETE FROM exports WHERE id = 2")


def test_the_id_in_their_books_is_set_once(engine: sa.Engine) -> None:
    fill(engine, 1)
    change(engine, external_id="theirs-1")
    for other in ("theirs-2", None):
        said = refusal_of(engine, "UPDATE exports SET external_id = :id", id=other)
        assert "its id is set once" in said


def test_what_is_posted_stays_posted(engine: sa.Engine) -> None:
    fill(engine, 1)
    change(engine, external_id="theirs-1", state="posted", posted_at=A_TIME)
    said = refusal_of(engine, "UPDATE exports SET state = 'pending', posted_at = NULL")
    assert "an export is frozen" in said


def test_an_export_goes_on_its_way(engine: sa.Engine) -> None:
    """The trigger stands in the way of nothing that a worker writes."""
    fill(engine, 1)
    change(engine, state="creating", lease_owner="w1", lease_epoch=1, lease_until=A_TIME, attempts=1)
    change(engine, state="unknown", doubt="creating", problem="no answer", not_before="2026-05-05 09:30:00")
    change(engine, state="created", doubt="", external_id="theirs-1")
    change(engine, state="posted", posted_at=A_TIME, lease_owner=None, lease_until=None)


def change(engine: sa.Engine, **values: Any) -> None:
    """Changes the company's export."""
    setting = ", ".join(f"{name} = :{name}" for name in values)
    with engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE exports SET {setting}"), values)
