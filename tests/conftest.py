"""What every test has at hand, the one thing that none may do (reach the world outside), and what keeps a run short."""

from __future__ import annotations

import gc

import pytest

pytest_plugins = ["tests.servers.network", "tests.servers.databases", "tests.servers.browser"]
COLLECT_AFTER = (20_000, 20, 50)
"""How much is made before rubbish is looked for. Python's own, much less, looks for a tenth of a run's time."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests come first, so that no process of the run is left alone with one at its end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """What was imported stays: looking through it for rubbish, again and again, finds none."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
