"""The page of faults leaves none out, and each test that it names exists."""

from __future__ import annotations

import re

import pytest

from tests.house.sources import ROOT

PAGE = ROOT / "docs/reference/faults.md"
NUMBERED = [f"F{number}" for number in range(1, 23)] + [f"C{number}" for number in range(1, 11)]


@pytest.mark.parametrize("name", NUMBERED)
def test_every_fault_and_count_has_a_test(name: str) -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith(f"| {name} ")]
    assert rows, f"{name} isn't on the page"
    assert all(named(row) for row in rows), f"{name} names no test"


def test_every_test_on_the_page_exists() -> None:
    found = named(PAGE.read_text(encoding="utf-8"))
    assert len(found) > len(NUMBERED)
    missing = [f"{path}::{name}" for path, name in found if not is_there(path, name)]
    assert missing == []


def named(text: str) -> list[tuple[str, str]]:
    return re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", text)


def is_there(path: str, name: str) -> bool:
    file = ROOT / path
    return file.exists() and re.search(rf"^def {name}\(", file.read_text(encoding="utf-8"), re.MULTILINE) is not None
