"""What syncs bring, as lists show it, and from a real backend over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.plugin_api import Item
from partsemble_core.services.listing import ListQuery, list_contacts, list_items, list_syncs
from partsemble_core.services.syncing import run_sync
from partsemble_core.store.connections import ConnectionState
from partsemble_core.store.syncs import SyncCause, SyncRun
from tests.faults.stage import an_engine
from tests.faults.xero_stage import a_xero_stage
from tests.services.shelf import Shelf, a_shelf


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    with an_engine(database_url) as opened:
        yield opened


@pytest.fixture
def shelf(engine: sa.Engine, tmp_path: Path) -> Shelf:
    return a_shelf(engine, tmp_path)


def test_lists_show_matches_warnings_and_runs(shelf: Shelf) -> None:
    shelf.shop.products("item-1", "PUMP")
    shelf.backend.items += [
        Item(external_id="11", code="PUMP", name="Pump", is_tracked=True),
        Item(external_id="12", code="FOUNTAIN", name="Fountain", is_tracked=True),
        Item(external_id="13", code="", name="No code"),
    ]
    shelf.sync()
    with shelf.shop.reading() as session:
        found = list_items(session, ListQuery(sort="code"))
        tracked = list_items(session, ListQuery(filters={"matched": "matched", "tracked": "tracked"}))
        runs = list_syncs(session, ListQuery(search="ann", filters={"kind": "items", "state": "done"}))
        assert list_contacts(session, ListQuery()).total == 0
    rows = {row["name"]: (row["matched"], row["product_sku"], row["warning"]) for row in found.rows}
    twice = "The books keep its stock too: its cost of goods would be counted twice. Turn tracking off there."
    assert rows["Item 1"] == ("matched", "item-1", "")
    assert rows["Pump"] == ("matched", "PUMP", twice)
    assert rows["Fountain"] == ("not matched", "", "")
    assert rows["No code"] == ("not matched", "", "")
    assert [row["code"] for row in tracked.rows] == ["PUMP"]
    assert [(row["records"], row["state"], row["organisation"]) for row in runs.rows] == [
        (8, "done", "Sandbox Kits (US)")
    ]


def test_items_and_accounts_come_from_xero(engine: sa.Engine, tmp_path: Path) -> None:
    with a_xero_stage(engine, tmp_path) as stage:
        connection = stage.connect()

        def sync(kind: str) -> SyncRun:
            return run_sync(stage.house, stage.company_id, connection.id, kind, cause=SyncCause.COMMAND, by="ann")

        stage.age()  # a token that has expired is renewed on the way
        stage.advance(minutes=40)
        items = sync("items")
        assert (items.state, items.message) == ("done", "")
        assert items.records == items.added > 0
        accounts = sync("accounts")
        assert (accounts.state, accounts.added, accounts.changed, accounts.gone) == ("done", 0, 0, 0)
        contacts = sync("contacts")
        assert (contacts.state, contacts.message, contacts.records, contacts.added) == ("done", "", 6, 5)
        assert stage.connection().state == ConnectionState.ACTIVE
