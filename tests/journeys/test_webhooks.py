"""Xero's sandbox calls a console that is served: over real HTTP, well and oddly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.store.connections import Connection
from partsemble_core.store.database import reading_anywhere
from partsemble_core.store.hearing import HeardEvent, HeardMessage
from partsemble_xero.sandbox.testing import RunningSandbox, start_sandbox
from tests.journeys.serving import served_shop
from tests.servers.databases import copy_of
from tests.servers.waiting import wait_until
from tests.web.shop import Shop
from tests.web.test_listening import BOOKS, connect_xero


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[RunningSandbox]:
    with start_sandbox(tmp_path / "xero.sqlite", clock="fixed") as running:
        yield running


@pytest.fixture
def heard(migrated_sqlite: Path, tmp_path: Path, sandbox: RunningSandbox) -> Iterator[Shop]:
    """A shop that is connected, and whose address is entered at Xero."""
    settings = {
        **sandbox.plugin_settings,
        "xero_webhook_key": sandbox.webhook_key,
    }
    database = copy_of(migrated_sqlite, tmp_path / "shop.sqlite3")
    with served_shop(database, tmp_path, plugin_settings=settings) as (shop, address):
        connect_xero(shop, sandbox)
        assert sandbox.set_up_webhook(f"{address}/webhooks/xero") == "ENABLED", "it tells right from wrong"
        yield shop


def events(shop: Shop) -> list[str]:
    with shop.house.reading(shop.company_id) as session:
        return list(session.scalars(sa.select(HeardEvent.resource_id).order_by(HeardEvent.id)))


def messages(shop: Shop) -> int:
    with reading_anywhere(shop.house.engine) as session:
        return session.scalar(sa.select(sa.func.count(HeardMessage.id)).where(HeardMessage.events > 0)) or 0


def calls(sandbox: RunningSandbox, kind: str) -> list[bool]:
    """How each call of a kind went."""
    return [call["good"] for call in sandbox.webhooks()["calls"] if call["kind"] == kind]


def tell(sandbox: RunningSandbox, resource_id: str, *, category: str = "CONTACT") -> None:
    sandbox.announce(BOOKS, category=category, resource_id=resource_id)
    wait_until(lambda: sandbox.webhooks()["waiting"] == 0, "it was sent")


def test_what_happens_there_is_heard_here(heard: Shop, sandbox: RunningSandbox) -> None:
    for number, category in enumerate(("CONTACT", "INVOICE", "CREDITNOTE", "SUBSCRIPTION", "PREPAYMENT")):
        tell(sandbox, f"c-{number}", category=category)
    assert events(heard) == [f"c-{number}" for number in range(5)]
    assert set(calls(sandbox, "event")) == {True}
    with heard.house.reading(heard.company_id) as session:
        assert session.scalars(sa.select(Connection.heard_since)).one() is not None


def test_twice_late_forged_and_old_messages_change_nothing(heard: Shop, sandbox: RunningSandbox) -> None:
    for number, oddity in enumerate(("duplicate", "forged")):
        sandbox.admin("POST", "webhooks/oddity", {"kind": oddity})
        tell(sandbox, f"c-{number}")
    wait_until(lambda: calls(sandbox, "duplicate") == [True], "it was sent twice, and taken")
    sandbox.admin("POST", "webhooks/oddity", {"kind": "replay"})
    wait_until(lambda: calls(sandbox, "replay") == [True], "an old one was sent, and taken")
    sandbox.admin("POST", "webhooks/oddity", {"kind": "reorder"})
    sandbox.announce(BOOKS, category="CONTACT", resource_id="c-2")
    tell(sandbox, "c-3")
    assert calls(sandbox, "forged") == [True], "it was refused"
    told = events(heard)
    assert sorted(each for each in told if each.startswith("c-")) == ["c-0", "c-1", "c-2", "c-3"]
    assert set(told) - {"c-0", "c-1", "c-2", "c-3"} <= {"contacts", "sales"}, "what a gap has us read"
    assert messages(heard) == 4


def test_strangers_books_are_none_of_ours(heard: Shop, sandbox: RunningSandbox) -> None:
    fields = {"tenant_id": "nobody", "is_stranger": True, "category": "CONTACT", "resource_id": "x"}
    sandbox.admin("POST", "webhooks/announce", fields)
    wait_until(lambda: sandbox.webhooks()["waiting"] == 0, "it was sent")
    assert events(heard) == []
    assert messages(heard) == 1
