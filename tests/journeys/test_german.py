"""The console in German: every page fits a phone, and no text of ours is left in English."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.house.catalogue import is_translated, read_catalogue
from tests.journeys.conftest import Console
from tests.journeys.serving import served_shop
from tests.journeys.test_everybody import PAGES, fill
from tests.journeys.test_speaking import sign_in
from tests.servers.databases import copy_of

TEXTS = """() => {
  const seen = [document.title.split(" · ")[0]];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.parentElement.closest("script, style, template")) seen.push(node.textContent);
  }
  for (const name of ["title", "aria-label", "placeholder", "data-label"]) {
    for (const element of document.querySelectorAll(`[${name}]`)) seen.push(element.getAttribute(name));
  }
  return seen.map(text => text.replace(/\\s+/g, " ").trim()).filter(Boolean);
}"""
"""Everything that a page says, to the eye and to a screen reader."""
OF_PEOPLE = frozenset({"each", "Assembly", "Delivery", "waste", "Accountant", "Admin", "Builder", "Viewer"})
"""What the people of this shop wrote themselves: units, cost lines, names; and the role that the audit log names."""


def english() -> frozenset[str]:
    """Texts that read otherwise in German; one that is a German text too can't be told apart."""
    pairs = [
        (message.id, message.string)
        for message in read_catalogue("de")
        if message.id and isinstance(message.id, str) and is_translated(message.string)
    ]
    return frozenset(text for text, _ in pairs) - frozenset(said for _, said in pairs) - OF_PEOPLE


@pytest.fixture
def german(migrated_sqlite: Path, tmp_path: Path, browser: Browser) -> Iterator[Console]:
    """A phone that asks for German; the shop is filled."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, timezone_id="UTC", locale="de-DE")
    with served_shop(copy_of(migrated_sqlite, tmp_path / "shop.sqlite3"), tmp_path) as (shop, address):
        console = Console(context.new_page(), shop, address)
        fill(console)
        yield console
    context.close()


def test_every_page_is_german_and_fits_a_phone(german: Console) -> None:
    page = sign_in(german)
    ours, left, wide = english(), {}, []
    for path in PAGES:
        german.open(path)
        found = sorted(ours.intersection(page.evaluate(TEXTS)))
        if found:
            left[path] = found
        if page.evaluate("document.documentElement.scrollWidth - innerWidth") > 0:
            wide.append(path)
    assert left == {}
    assert wide == []


@pytest.mark.parametrize(("text", "is_english"), [("Stock ledger", True), ("Lagerbuch", False), ("SKU", False)])
def test_what_counts_as_english(text: str, is_english: bool) -> None:
    assert (text in english()) is is_english
