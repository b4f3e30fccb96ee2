"""The doctor that looks into the books, and what is said after a restore."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import make_url

from tests.cli.test_books import connected
from tests.cli.typing_in import Shell

__all__ = ["connected"]


def test_the_doctor_compares_with_the_books(connected: Shell) -> None:
    connected.done("receive", "--supplier", "ACM", "PANEL=20@34.50")
    connected.done("exports", "run")
    assert connected.done("doctor", "--remote") == (
        "Looking up in Journal register: 1 posting of the last 30 days.\nEvery law holds.\n"
    )


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_the_books_lost_is_named_and_the_exit_code_says_so(connected: Shell) -> None:
    connected.done("receive", "--supplier", "ACM", "PANEL=20@34.50")
    connected.done("exports", "run")
    with closing(sqlite3.connect(str(make_url(connected.database_url).database))) as books:
        for (name,) in books.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            books.execute(f"DROP TRIGGER {name}")
        books.execute("DELETE FROM backend_records")
        books.commit()
    found = connected.type("doctor", "--remote")
    assert found.code == 1
    assert "remote-missing: exports 1: A posted journal is in the books. PSB-RCV-0001: journal" in found.out


@pytest.mark.parametrize("days", ["0", "99999"])
def test_days_out_of_reach_are_refused(connected: Shell, days: str) -> None:
    refused = connected.type("doctor", "--remote", "--days", days)
    assert (refused.code, refused.err.startswith("error[invalid]:")) == (1, True)


def test_without_books_it_says_how_to_connect(shell: Shell) -> None:
    assert shell.type("doctor", "--remote").err.startswith("error[not-connected]:")


def test_after_a_restore_what_waits_is_looked_up_first(connected: Shell) -> None:
    connected.done("receive", "--supplier", "ACM", "PANEL=20@34.50")
    said = connected.done("restored", "--yes")
    assert "1 exports are looked up before anything is sent; 0 held ones were found." in said
    assert "1 posted" in connected.done("exports", "run")
    shown = connected.type("exports", "show", "psb-rcv-0001", "--json").json
    assert [attempt["step"] for attempt in shown["attempts"]] == ["look_up", "create"]
