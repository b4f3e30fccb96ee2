"""One sandbox for each test, and a connection to its first organisation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from partsemble_core.plugin_host import PluginHost
from partsemble_xero import plugin
from partsemble_xero.sandbox.testing import RunningSandbox, start_sandbox
from tests.plugins.xero.xero_harness import REDIRECT, XeroHarness


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[RunningSandbox]:
    with start_sandbox(tmp_path / "xero.db", redirect_uris=[REDIRECT]) as running:
        yield running


@pytest.fixture
def harness(sandbox: RunningSandbox) -> Iterator[XeroHarness]:
    harness = XeroHarness(sandbox)
    yield harness
    harness.ctx.http.close()


@pytest.fixture
def host() -> PluginHost:
    host = PluginHost()
    host.add(plugin, "xero")
    return host
