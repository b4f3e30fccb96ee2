"""What the sign-in doesn't allow, on the page of integrations: an alarm where it matters, else a hint."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.store.connections import TokenSet
from partsemble_xero.client import DEFAULTS
from partsemble_xero.sandbox.testing import RunningSandbox, start_sandbox
from tests.servers.databases import copy_of
from tests.web.people import Visitor, text_of
from tests.web.shop import Shop, open_shop
from tests.web.test_listening import connect_xero

Visit = Callable[[Shop, str], Visitor]
BALANCES = "accounting.reports.trialbalance.read"
USUAL = DEFAULTS["scopes"]


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[RunningSandbox]:
    with start_sandbox(tmp_path / "xero.sqlite") as running:
        yield running


@pytest.fixture
def open_with(migrated_sqlite: Path, tmp_path: Path, sandbox: RunningSandbox) -> Iterator[Callable[[str], Shop]]:
    """A shop that asks for these scopes, connected to the sandbox."""
    opened: list[Shop] = []

    def opening(scopes: str) -> Shop:
        settings = {
            **sandbox.plugin_settings,
            "xero_scopes": scopes,
        }
        shop = open_shop(copy_of(migrated_sqlite, tmp_path / "shop.sqlite3"), tmp_path, plugin_settings=settings)
        opened.append(shop)
        connect_xero(shop, sandbox)
        return shop

    yield opening
    for shop in opened:
        shop.house.engine.dispose()


def allow_only(shop: Shop, scopes: str) -> None:
    shop.write(lambda session, act: session.execute(sa.update(TokenSet).values(scope=scopes)))


def test_balances_that_nobody_asked_for_are_a_hint_and_no_alarm(open_with: Callable[[str], Shop], visit: Visit) -> None:
    shop = open_with(USUAL)
    page = visit(shop, "owner").get("/integrations")
    assert "The sign-in doesn’t allow" not in text_of(page)
    assert f"Account balances It isn't asked for: add {BALANCES} under Settings of Xero → Scopes" in text_of(page)
    assert "Connect again to allow it" not in page.text


def test_what_is_asked_for_is_allowed_by_connecting_again(open_with: Callable[[str], Shop], visit: Visit) -> None:
    shop = open_with(f"{USUAL} {BALANCES}")
    allow_only(shop, USUAL)
    page = visit(shop, "owner").get("/integrations")
    assert f"The sign-in doesn’t allow account balances ( {BALANCES} ). Connect again to allow it." in text_of(page)
    assert '<button class="btn btn-primary" type="submit">' in page.text.split("Connect again to allow it</button>")[0]


def test_what_is_not_asked_for_cant_be_allowed_by_connecting_again(
    open_with: Callable[[str], Shop], visit: Visit
) -> None:
    shop = open_with(USUAL.replace(" accounting.manualjournals", ""))
    page = visit(shop, "owner").get("/integrations")
    text = text_of(page)
    assert "The sign-in doesn’t allow journals ( accounting.manualjournals ). It isn't asked for: add" in text
    assert "Connect again to allow it" not in text
    button = page.text.split(" Reconnect</button>")[0].rpartition("<button")[2]
    assert 'class="btn "' in button
