"""Syncing: what is read is kept, one run of a kind at a time, and a dead one is in nobody's way."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.errors import Invalid, NotFound, WrongState
from partsemble_core.plugin_api import BackendError, Contact, Item, NotPermitted, RetryLater, SignedOut
from partsemble_core.services import mapping, sources, syncing
from partsemble_core.services.scheduling import ring_syncs
from partsemble_core.services.syncing import SyncRunning, begin, start_sync, waiting_runs, work_on
from partsemble_core.store.connections import ConnectionState, RemoteAccount
from partsemble_core.store.syncs import SyncCause, SyncRun
from partsemble_core.wiring import utc_now
from tests.faults.killing import PATHS
from tests.faults.stage import an_engine
from tests.servers.waiting import wait_until
from tests.services.makers import a_shop
from tests.services.shelf import Shelf, a_shelf


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    with an_engine(database_url) as opened:
        yield opened


@pytest.fixture
def shelf(engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """Five items in pages of two."""
    monkeypatch.setattr(sources, "PAGE", 2)
    return a_shelf(engine, tmp_path)


def figures(run: SyncRun) -> tuple[str, int, int, int, int]:
    return run.state, run.records, run.added, run.changed, run.gone


def test_items_are_read_page_by_page_and_counted(shelf: Shelf) -> None:
    run = shelf.sync()
    assert figures(run) == ("done", 5, 5, 0, 0)
    assert shelf.backend.asked == [None, "2", "4"]
    assert (run.cause, run.started_by, run.message, run.lease_until, run.lease_owner) == (
        "person",
        "ann",
        "",
        None,
        None,
    )
    assert run.ended_at is not None
    assert [(item.code, item.name, item.is_gone) for item in shelf.items()] == [
        (f"ITEM-{n}", f"Item {n}", False) for n in range(1, 6)
    ]
    synced_at = shelf.connection().items_synced_at
    assert synced_at is not None
    assert abs(synced_at - utc_now()) < dt.timedelta(minutes=1)


def test_a_second_run_tells_what_is_new_other_and_gone(shelf: Shelf) -> None:
    shelf.sync()
    assert figures(shelf.sync()) == ("done", 5, 0, 0, 0)
    del shelf.backend.items[3:]
    shelf.backend.items[0] = Item(external_id="1", code="ITEM-1", name="Other name", is_tracked=True)
    shelf.backend.items.append(Item(external_id="9", code="NEW", name="New"))
    assert figures(shelf.sync()) == ("done", 4, 1, 1, 2)
    assert [(item.external_id, item.is_gone) for item in shelf.items()] == [
        ("1", False), ("2", False), ("3", False), ("4", True), ("5", True), ("9", False),
    ]  # fmt: skip
    assert (shelf.items()[0].name, shelf.items()[0].is_tracked) == ("Other name", True)
    shelf.backend.items.append(Item(external_id="4", code="ITEM-4", name="Item 4"))
    assert figures(shelf.sync()) == ("done", 5, 0, 1, 0)


def test_pages_that_are_not_everything_make_nothing_gone(shelf: Shelf) -> None:
    shelf.sync()
    shelf.backend.items, shelf.backend.is_complete = shelf.backend.items[:1], False
    assert figures(shelf.sync()) == ("done", 1, 0, 0, 0)
    assert [item.is_gone for item in shelf.items()] == [False] * 5


def test_text_that_no_database_keeps_is_kept_without_it(shelf: Shelf) -> None:
    shelf.backend.items = [Item(external_id="1", code="A\x00B", name="half \ud800")]
    assert shelf.sync().state == "done"
    assert [(item.code, item.name) for item in shelf.items()] == [("AB", "half ?")]


def test_accounts_are_read_by_a_run_as_by_connecting(shelf: Shelf) -> None:
    before = shelf.shop.rows(sa.select(RemoteAccount.code).where(RemoteAccount.is_gone.is_(False)))
    assert figures(shelf.sync("accounts"))[2:] == (0, 0, 0)
    assert mapping.sync_accounts(shelf.house, shelf.connection()) == len(before)
    assert shelf.shop.rows(sa.select(RemoteAccount.code).where(RemoteAccount.is_gone.is_(False))) == before


def test_contacts_are_kept_and_archived_ones_are_gone(shelf: Shelf) -> None:
    shelf.backend.contacts = [
        Contact(local_id=None, external_id="c1", name="Acme", is_supplier=True, email="a@acme.test"),
        Contact(local_id=None, external_id="c2", name="Bolt & Co", is_customer=True),
    ]
    assert figures(shelf.sync("contacts")) == ("done", 2, 2, 0, 0)
    shelf.backend.contacts[1] = dataclasses.replace(shelf.backend.contacts[1], active=False)
    assert figures(shelf.sync("contacts")) == ("done", 2, 0, 0, 1)
    kept = [(c.name, c.email, c.is_supplier, c.is_customer, c.is_gone) for c in shelf.contacts()]
    assert kept == [("Acme", "a@acme.test", True, False, False), ("Bolt & Co", "", False, True, True)]
    assert shelf.connection().contacts_synced_at is not None


def test_what_the_books_can_not_do_is_said_and_stops_nothing(shelf: Shelf) -> None:
    run = shelf.sync("contacts")
    assert (run.state, run.message) == ("failed", "The QuickBooks stub holds no contacts; enter them by hand.")
    assert shelf.connection().state == ConnectionState.SETUP
    assert shelf.connection().paused_until is None


def test_no_transaction_is_open_while_the_backend_is_asked(shelf: Shelf) -> None:
    """On SQLite another's write would wait for ten seconds and fail; on PostgreSQL the run's row would be locked."""

    def write(cursor: str | None) -> None:
        shelf.update(sa.update(SyncRun).where(SyncRun.state == "running").values(message="another wrote"))

    shelf.backend.before_page = write
    assert shelf.sync().state == "done"


def test_progress_is_seen_while_it_runs(shelf: Shelf) -> None:
    seen: list[tuple[str, int]] = []
    shelf.backend.before_page = lambda cursor: seen.append((shelf.runs()[0].state, shelf.runs()[0].records))
    shelf.sync()
    assert seen == [("running", 0), ("running", 2), ("running", 4)]


def test_while_one_runs_another_is_told_since_when(shelf: Shelf) -> None:
    arrived, go_on = threading.Event(), threading.Event()

    def wait(cursor: str | None) -> None:
        arrived.set()
        assert go_on.wait(30)

    shelf.backend.before_page = wait
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(shelf.sync)
        assert arrived.wait(30)
        started = shelf.runs()[0].started_at
        with pytest.raises(SyncRunning, match=rf"since {started:%Y-%m-%d %H:%M} UTC, started by ann\. Wait"):
            shelf.sync()
        assert shelf.sync("accounts").state == "done", "another kind is in nobody's way"
        go_on.set()
        assert first.result().state == "done"
    assert [run.kind for run in shelf.runs()] == ["items", "accounts"]


def test_many_at_once_run_once(shelf: Shelf) -> None:
    many = 6
    refused: list[SyncRunning] = []
    barrier = threading.Barrier(many)

    def try_it(number: int) -> SyncRun | None:
        barrier.wait(30)
        try:
            return shelf.sync()
        except SyncRunning as error:
            refused.append(error)
            return None

    # The one that runs waits for all others to have tried.
    shelf.backend.before_page = lambda cursor: wait_until(lambda: len(refused) == many - 1, "all have tried")
    with ThreadPoolExecutor(many) as pool:
        tried = [run for run in pool.map(try_it, range(many)) if run is not None]
    assert len(tried) == 1
    assert len(refused) == many - 1
    assert shelf.backend.asked == [None, "2", "4"]


def test_a_run_that_is_begun_twice_or_rung_for_twice_is_worked_on_once(shelf: Shelf) -> None:
    rung: list[tuple[int, int]] = []
    house = dataclasses.replace(shelf.house, ring_sync=lambda c, r: rung.append((c, r)) is None)
    run = start_sync(house, shelf.company_id, shelf.connection_id, "items", cause=SyncCause.PERSON, by="ann")
    assert (run.state, run.lease_owner, rung) == ("running", None, [(shelf.company_id, run.id)])
    assert waiting_runs(house) == rung
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: work_on(house, shelf.company_id, run.id), range(2)))
    assert shelf.backend.asked == [None, "2", "4"]
    assert work_on(house, shelf.company_id, run.id).state == "done"
    assert waiting_runs(house) == []


def test_without_a_queue_it_is_done_at_once(shelf: Shelf) -> None:
    run = start_sync(shelf.house, shelf.company_id, shelf.connection_id, "items", cause=SyncCause.PERSON, by="ann")
    assert run.state == "done"


def test_a_run_that_no_worker_takes_up_is_rung_for_again_and_then_given_up(shelf: Shelf) -> None:
    rung: list[int] = []
    house = dataclasses.replace(shelf.house, ring_sync=lambda company_id, run_id: rung.append(run_id) is None)
    run = start_sync(house, shelf.company_id, shelf.connection_id, "items", cause=SyncCause.PERSON, by="ann")
    assert ring_syncs(house) == 1
    assert rung == [run.id, run.id]
    shelf.pass_lease()
    assert ring_syncs(house) == 0
    assert shelf.runs()[0].message.startswith("No worker took it up within five minutes.")
    assert work_on(house, shelf.company_id, run.id).state == "failed", "a late job changes nothing"
    assert shelf.backend.asked == []


def test_one_that_was_taken_for_dead_keeps_nothing_more(shelf: Shelf) -> None:
    """It was only slow: its lease ran out, and another read everything meanwhile."""

    def be_slow(cursor: str | None) -> None:
        if cursor == "2":
            shelf.backend.before_page = lambda cursor: None
            shelf.pass_lease()
            shelf.backend.items.pop()
            assert figures(shelf.sync()) == ("done", 4, 2, 0, 0)

    shelf.backend.before_page = be_slow
    slow = shelf.sync()
    assert slow.state == "failed"
    assert "Its worker died" in slow.message
    assert [item.is_gone for item in shelf.items()] == [False] * 4
    assert [run.state for run in shelf.runs()] == ["failed", "done"]


KILLED = """
import sys, time
from pathlib import Path
import sqlalchemy as sa
from partsemble_core.services.syncing import run_sync
from partsemble_core.store.database import open_engine
from tests.services.shelf import ShelfBackend
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.plugin_host import PluginHost
from partsemble_core.services.house import House
from partsemble_core.store.syncs import SyncCause
from partsemble_core.services import sources, syncing
from partsemble_core.vault import Vault
from partsemble_core.wiring import utc_now
from tests.faults.stage import KEY, settings_for
engine, folder = open_engine(sys.argv[1]), Path(sys.argv[2])
sources.PAGE = 2
backend, host = ShelfBackend(), PluginHost()
backend.before_page = lambda cursor: time.sleep(300) if cursor else None
host.add(backend, "qbo_stub")
house = House(settings=settings_for(engine, folder), engine=engine, host=host, vault=Vault(Secret(KEY)),
              clock=utc_now, ring=lambda company_id, export_id: None)
run_sync(house, int(sys.argv[3]), int(sys.argv[4]), "items", cause=SyncCause.COMMAND, by="ann")
"""


def test_a_killed_one_frees_itself(shelf: Shelf, tmp_path: Path) -> None:
    url = shelf.shop.engine.url.render_as_string(hide_password=False)
    arguments = [url, str(tmp_path), str(shelf.company_id), str(shelf.connection_id)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, PATHS))}
    process = subprocess.Popen([sys.executable, "-c", KILLED, *arguments], env=environment)
    try:
        wait_until(lambda: [run.records for run in shelf.runs()] == [2], "its first page is kept", seconds=60)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    with pytest.raises(SyncRunning):
        shelf.sync()
    shelf.pass_lease()
    assert figures(shelf.sync()) == ("done", 5, 3, 0, 0)
    assert [(run.state, run.message[:16]) for run in shelf.runs()] == [("failed", "Its worker died:"), ("done", "")]


@pytest.mark.parametrize(
    ("error", "state", "pauses"),
    [
        (RetryLater("Wait a while.", after=120, whole_organisation=True), "active", True),
        (RetryLater("Wait a while.", after=120), "active", False),
        (SignedOut("Sign in again."), "reconnect_needed", False),
        (NotPermitted("You may not read items."), "active", False),
        (BackendError("Something else."), "active", False),
    ],
)
def test_each_error_ends_the_run_and_acts_on_the_connection(
    shelf: Shelf, error: BackendError, state: str, pauses: bool
) -> None:
    shelf.update(sa.text("UPDATE connections SET state = 'active'"))  # type: ignore[arg-type]

    def fail(cursor: str | None) -> None:
        if cursor:
            raise error

    shelf.backend.before_page = fail
    run = shelf.sync()
    assert (run.state, run.message, run.records) == ("failed", str(error), 2)
    assert len(shelf.items()) == 2, "what was read is kept"
    connection = shelf.connection()
    assert connection.state == state
    assert connection.problem == (str(error) if state == "reconnect_needed" else "")
    assert (connection.paused_until is not None) == pauses
    shelf.backend.before_page = lambda cursor: None
    if pauses or state != "active":
        with pytest.raises(WrongState, match=r"(is left alone until|has ended\. Reconnect)"):
            shelf.sync()
        assert len(shelf.runs()) == 1
    else:
        assert figures(shelf.sync()) == ("done", 5, 3, 0, 0)


def test_books_that_no_longer_show_their_accounts_wait_for_a_person(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise NotPermitted("You may not.")

    shelf.update(sa.text("UPDATE connections SET state = 'active'"))  # type: ignore[arg-type]
    monkeypatch.setattr(shelf.house.host, "list_accounts", refuse)
    assert shelf.sync("accounts").state == "failed"
    assert (shelf.connection().state, shelf.connection().problem) == ("reconnect_needed", "You may not.")


def test_a_plugin_that_breaks_its_rules_ends_the_run(shelf: Shelf) -> None:
    def fail(cursor: str | None) -> None:
        raise RuntimeError("a plugin's fault")

    shelf.backend.before_page = fail
    run = shelf.sync()
    assert run.state == "failed"
    assert "report it to the plugin's author" in run.message


def test_a_fault_of_ours_frees_the_run_and_is_not_hidden(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(syncing, "keep", break_down)
    with pytest.raises(ZeroDivisionError):
        shelf.sync()
    assert [run.state for run in shelf.runs()] == ["failed"]


def test_books_without_an_end_are_given_up(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syncing, "PAGES", 2)
    run = shelf.sync()
    assert run.state == "failed"
    assert "2 pages of items were read, and there are more" in run.message


def test_bad_input_is_refused_and_nothing_written(shelf: Shelf, engine: sa.Engine) -> None:
    with pytest.raises(
        Invalid, match=r"'bills' can't be synced\. Use one of accounts, items, contacts, sales\."
    ) as refused:
        shelf.sync("bills")
    assert refused.value.field == "kind"
    stranger = dataclasses.replace(shelf, shop=a_shop(engine))
    with pytest.raises(NotFound):
        stranger.sync()
    shelf.update(sa.text("UPDATE connections SET state = 'disconnected'"))  # type: ignore[arg-type]
    with pytest.raises(WrongState, match="Connect it again"):
        shelf.sync()
    assert shelf.runs() == []


def test_begin_leaves_its_transaction_usable_when_another_was_faster(shelf: Shelf) -> None:
    def twice(session: object) -> int:
        begin(shelf.house, session, shelf.connection_id, "items", cause=SyncCause.HOOK, by="ann")  # type: ignore[arg-type]
        with pytest.raises(SyncRunning):
            begin(shelf.house, session, shelf.connection_id, "items", cause=SyncCause.HOOK, by="bob")  # type: ignore[arg-type]
        return 1

    assert shelf.shop.write(twice) == 1
    assert [run.started_by for run in shelf.runs()] == ["ann"]
