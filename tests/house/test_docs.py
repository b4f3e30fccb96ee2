"""The reference pages name everything there is and nothing else: a heading with its name in backticks."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.house.sources import ROOT

REFERENCE = ROOT / "docs/reference"
PACKAGES = (
    "partsemble_core",
    "partsemble_web",
    "partsemble_xero",
    "partsemble_csv_import",
    "partsemble_qbo_stub",
)
# Programs: importing them would run them.
NOT_IMPORTED = ("__main__", ".migrations")


def headings(page: str) -> set[str]:
    """The names in backticks in the headings of a page; the page's own title is left out."""
    path = REFERENCE / page
    if not path.exists():
        pytest.fail(f"docs/reference/{page} isn't written")
    lines = re.findall(r"^#{2,6} (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {name for line in lines for name in re.findall(r"`([^`]+)`", line)}


def assert_page_is_complete(page: str, names: set[str]) -> None:
    found = headings(page)
    assert sorted(names - found) == [], f"docs/reference/{page} lacks these headings"
    assert sorted(found - names) == [], f"docs/reference/{page} describes these, which don't exist"


def test_every_hook_is_described() -> None:
    hookspecs = importlib.import_module("partsemble_core.plugin_api.hookspecs")
    hooks = {name for name in vars(hookspecs.BackendSpec) if not name.startswith("_")}
    assert hooks, "the specification has hooks"
    assert_page_is_complete("hooks.md", hooks)


def test_every_setting_is_described() -> None:
    config = importlib.import_module("partsemble_core.config")
    assert_page_is_complete("settings.md", {setting.name for setting in config.SETTINGS})


def test_every_error_code_is_described() -> None:
    for package in PACKAGES:
        import_all(package)
    errors = importlib.import_module("partsemble_core.errors")
    ours = [found for found in errors.error_classes() if found.__module__.startswith("partsemble_")]
    assert_page_is_complete("errors.md", {found.code for found in ours})


def test_every_command_is_described() -> None:
    parser = importlib.import_module("partsemble_core.cli").build_parser()
    assert_page_is_complete("cli.md", set(commands_of(parser)))


def test_every_route_is_described(tmp_path: Path) -> None:
    config = importlib.import_module("partsemble_core.config")
    settings = config.load({}, data_dir=tmp_path)
    app = importlib.import_module("partsemble_web").create_app(settings)
    assert_page_is_complete("routes.md", set(routes_of(app)))


def import_all(package: str) -> None:
    root = importlib.import_module(package)
    for module in pkgutil.walk_packages(root.__path__, f"{package}."):
        if not any(part in module.name for part in NOT_IMPORTED):
            importlib.import_module(module.name)


def commands_of(parser: argparse.ArgumentParser, prefix: str = "partsemble") -> Iterator[str]:
    """``partsemble serve``, ``partsemble token create`` …: what can be typed, without options."""
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not groups:
        yield prefix
    for group in groups:
        names = {id(child): name for name, child in reversed(group.choices.items())}  # an alias comes after its name
        for name, child in ((name, child) for name, child in group.choices.items() if names[id(child)] == name):
            yield from commands_of(child, f"{prefix} {name}")


def routes_of(app: Any) -> Iterator[str]:
    """``GET /api/v1/products/{product_id}`` …: each method of each route, but for the files of ``static``."""
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            if not rule.endpoint.endswith("static"):
                yield f"{method} {path}"
