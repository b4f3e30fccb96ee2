"""What every test has at hand, and the one thing that none may do: reach the world outside."""

from __future__ import annotations

pytest_plugins = ["tests.servers.network", "tests.servers.databases", "tests.servers.browser"]
