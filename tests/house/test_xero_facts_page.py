"""The page of facts about Xero leaves no pitfall out, and each row names a test that exists."""

from __future__ import annotations

import pytest

from tests.house.sources import ROOT
from tests.house.test_faults_page import is_there, named

PAGE = ROOT / "docs/reference/xero-facts.md"
NUMBERED = [f"T{number}" for number in range(1, 11)] + [f"P{number}" for number in range(1, 21)]
KEPT = "| fact | how Partsemble keeps it | held by |"


def rows() -> list[str]:
    """The rows of all tables of facts; that of what isn't known has another heading, and no tests."""
    found: list[str] = []
    for table in PAGE.read_text(encoding="utf-8").split(KEPT)[1:]:
        lines = table.strip().splitlines()
        found += [line for line in lines[1 : next((n for n, each in enumerate(lines) if not each), len(lines))] if line]
    return found


@pytest.mark.parametrize("name", NUMBERED)
def test_every_pitfall_is_there(name: str) -> None:
    assert [row for row in rows() if row.startswith(f"| {name} ")], f"{name} isn't on the page"


def test_every_fact_names_its_test() -> None:
    assert len(rows()) > 100
    assert [row for row in rows() if not named(row) or row.count(" | ") != 2] == []


def test_every_test_on_the_page_exists() -> None:
    missing = [f"{path}::{name}" for path, name in named(PAGE.read_text(encoding="utf-8")) if not is_there(path, name)]
    assert missing == []
