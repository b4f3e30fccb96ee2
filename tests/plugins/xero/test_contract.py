"""The Xero plugin keeps the contract, against the sandbox over HTTP; the sandbox's own books are the judge."""

from __future__ import annotations

from partsemble_core.plugin_testing.contract import BackendContract


class TestContract(BackendContract):
    """The fixture ``harness`` comes from conftest.py."""
