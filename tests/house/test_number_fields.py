"""Every field for a number is one that the console reads in the person's own way."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from partsemble_web.forms import NUMBERS
from tests.house.catalogue import TEMPLATES

PREFIXES = ("", "line_")
"""What ``{{ prefix }}`` stands for in rows that several forms share."""
TAG = re.compile(r'<input\b[^>]*\bname="([^"]+)"[^>]*\binputmode="decimal"')
CALL = re.compile(r'\binput\([^"\n]*"(\w+)",[^\n]*?\bmode="decimal"')


@pytest.mark.parametrize(
    "path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.relative_to(TEMPLATES).as_posix()
)
def test_fields_of_numbers_are_known(path: Path) -> None:
    found = fields_of(path.read_text(encoding="utf-8"))
    assert found <= NUMBERS, "add these to NUMBERS in forms.py"


@pytest.mark.parametrize(
    "path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.relative_to(TEMPLATES).as_posix()
)
def test_addresses_hold_plain_numbers(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        for name in NUMBERS:
            for value in re.findall(rf"url_for\([^()\n]*\b{name}=([\w.|\[\]]+)", line):
                assert value.isdigit() or value.endswith("|exact"), (
                    f"{name}={value} changes with its reader: use |exact"
                )


def fields_of(source: str) -> set[str]:
    """The names of the fields that a tablet shows a keyboard of digits for."""
    plain = re.sub(r"\{\{\s*prefix\s*\}\}", "PREFIX", source)
    names = TAG.findall(re.sub(r"\{%.*?%\}", "", plain)) + [
        name for line in plain.splitlines() for name in CALL.findall(line)
    ]
    return {name.replace("PREFIX", prefix) for name in names for prefix in PREFIXES if "{" not in name}


def test_fields_are_found() -> None:
    source = '<input name="a" value="{{ x }}" inputmode="decimal">{{ input(form, wrong, "b", _("B"), mode="decimal") }}'
    assert fields_of(source) == {"a", "b"}
