"""Fixtures: a shop that is served, and somebody who is signed in to it with a real browser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page

from partsemble_xero.sandbox.testing import RunningSandbox, start_sandbox
from tests.journeys.serving import served_shop
from tests.servers.databases import copy_of
from tests.web.shop import PASSWORD, Shop


@dataclass(frozen=True, slots=True)
class Console:
    """A page at the console of a shop."""

    page: Page
    shop: Shop
    address: str

    def open(self, path: str) -> None:
        self.page.goto(self.address + path)

    def sign_in(self, name: str) -> None:
        self.open("/sign-in")
        self.page.get_by_label("E-mail").fill(f"{name}@lumen.example")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(f"{self.address}/")


@pytest.fixture
def console(migrated_sqlite: Path, tmp_path: Path, page: Page) -> Iterator[Console]:
    """Nobody has signed in yet, nothing has been bought."""
    with served_shop(copy_of(migrated_sqlite, tmp_path / "shop.sqlite3"), tmp_path) as (shop, address):
        yield Console(page, shop, address)
        leave(page)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[RunningSandbox]:
    with start_sandbox(tmp_path / "sandbox.sqlite3") as running:
        yield running


@pytest.fixture
def connectable(migrated_sqlite: Path, tmp_path: Path, page: Page, sandbox: RunningSandbox) -> Iterator[Console]:
    """A console whose Xero is the sandbox, at an address of its own."""
    yield from at_xero(migrated_sqlite, tmp_path, page, sandbox.plugin_settings)


def at_xero(migrated_sqlite: Path, tmp_path: Path, page: Page, settings: Mapping[str, str]) -> Iterator[Console]:
    database = copy_of(migrated_sqlite, tmp_path / "shop.sqlite3")
    with served_shop(database, tmp_path, plugin_settings=settings) as (shop, address):
        yield Console(page, shop, address)
        leave(page)


def leave(page: Page) -> None:
    """Closes what the test left open, before the server goes: what a page still loads would complain."""
    for each in page.context.pages:
        each.close()
