"""A sandbox of one's own for each test, or one for a whole file of tests that change nothing shared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from partsemble_xero.sandbox.testing import RunningSandbox, start_sandbox
from tests.plugins.xero.sandbox.client import App


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[RunningSandbox]:
    """A fresh sandbox whose clock stands still until it is moved."""
    with start_sandbox(tmp_path / "xero.sqlite", clock="fixed") as running:
        yield running


@pytest.fixture
def app(sandbox: RunningSandbox) -> App:
    """An app signed in to Demo Kits Ltd."""
    return App(sandbox)


@pytest.fixture(scope="module")
def shared_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An app on a sandbox that the tests of one file share: for those that only read or are refused."""
    with start_sandbox(tmp_path_factory.mktemp("shared") / "xero.sqlite", clock="fixed") as running:
        yield App(running)
