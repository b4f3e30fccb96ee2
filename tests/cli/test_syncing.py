from __future__ import annotations

import pytest
import sqlalchemy as sa

from partsemble_core.store.connections import Connection
from partsemble_core.store.database import open_engine, write_anywhere
from partsemble_core.store.syncs import SyncKind, SyncRun
from partsemble_core.wiring import utc_now
from tests.cli.typing_in import Shell


@pytest.fixture
def connected(shell: Shell) -> Shell:
    """The pretended QuickBooks in US dollars."""
    shell.done("connect", "qbo_stub", "--organisation", "9130-0001")
    return shell


def test_items_are_read_in_this_process(connected: Shell) -> None:
    assert connected.done("sync", "items") == "2 items read: 2 new, 0 changed, 0 gone.\n"
    run = connected.type("sync", "items", "--json").json
    assert (run["state"], run["records"], run["added"], run["cause"]) == ("done", 2, 0, "command")
    assert "accounts read:" in connected.done("sync", "accounts", "--connection", str(run["connection_id"]))
    assert "Started (UTC)" in connected.done("sync", "runs")
    assert [row["kind"] for row in connected.type("sync", "runs", "--json").json] == ["accounts", "items", "items"]


def test_sales_are_read_once_and_then_what_changes(connected: Shell) -> None:
    assert connected.done("sync", "sales") == "2 sales read: 2 new, 0 changed, 0 gone.\n"
    assert connected.done("sync", "sales") == "0 sales read: 0 new, 0 changed, 0 gone.\n"
    assert "every 60 minutes" in connected.done("sync", "schedule", "set", "sales", "1h")


def test_a_sync_that_fails_leaves_with_1(connected: Shell) -> None:
    typed = connected.type("sync", "contacts")
    said = "error[sync-failed]: The QuickBooks stub holds no contacts; enter them by hand.\n"
    assert (typed.code, typed.out, typed.err) == (1, "", said)
    typed = connected.type("sync", "contacts", "--json")
    assert typed.code == 1
    assert '"state": "failed"' in typed.out


def test_a_sync_that_runs_already_leaves_with_75(connected: Shell) -> None:
    engine = open_engine(connected.database_url)

    def run_another(session: sa.orm.Session) -> None:
        connection = session.scalars(sa.select(Connection)).one()
        session.add(
            SyncRun(
                company_id=connection.company_id,
                connection_id=connection.id,
                kind=SyncKind.ITEMS,
                cause="hook",
                state="running",
                started_by="bob",
                started_at=utc_now(),
                lease_until=utc_now().replace(year=2999),
            )
        )

    write_anywhere(engine, run_another)
    engine.dispose()
    typed = connected.type("sync", "items")
    assert (typed.code, typed.out) == (75, "")
    assert typed.err.startswith("error[sync-running]: The items are being read already since ")
    assert "started by bob" in typed.err


def test_wrong_usage_leaves_with_2(connected: Shell) -> None:
    for words in (["sync"], ["sync", "bills"], ["sync", "items", "--connection", "x"]):
        assert connected.type(*words).code == 2
    assert connected.type("sync", "items", "--connection", "9" * 30).code == 2
    assert connected.type("sync", "items", "--connection", "999").err.startswith("error[not-found]:")


def test_without_books_a_sync_says_how_to_connect(shell: Shell) -> None:
    typed = shell.type("sync", "items")
    assert typed.code == 1
    assert typed.err.startswith("error[not-connected]: No books are connected.")


def test_a_schedule_is_set_listed_and_cleared(connected: Shell) -> None:
    assert connected.done("sync", "schedule", "list") == "Nothing found.\n"
    assert "The items are read every 360 minutes, next at " in connected.done("sync", "schedule", "set", "items", "6h")
    (row,) = connected.type("sync", "schedule", "list", "--json").json
    assert (row["kind"], row["every_minutes"]) == ("items", 360)
    assert connected.type("sync", "schedule", "set", "items", "1m").err.rstrip().endswith("(every)")
    assert connected.type("sync", "schedule", "set", "bills", "1h").err.rstrip().endswith("(kind)")
    connected.done("sync", "schedule", "clear", "items")
    assert connected.type("sync", "schedule", "clear", "items").err.startswith("error[not-found]:")
