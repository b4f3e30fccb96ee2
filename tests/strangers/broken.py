"""Six plugins that must not get in, each broken in its own way."""

from __future__ import annotations

import dataclasses
from typing import Any

from partsemble_core.plugin_api import BackendInfo, JournalResult, hookimpl
from tests.strangers.good import PaperLedger


class Misspelt(PaperLedger):
    """Its hook has a name that nobody will ever call."""

    @hookimpl
    def post_jurnal(self, ctx: Any) -> None:
        """Never called."""


class AsksTooMuch(PaperLedger):
    """Asks for an argument that the hook doesn't have."""

    @hookimpl
    def list_balances(self, ctx: Any, database: Any) -> None:
        """Never called."""


class FromTheFuture(PaperLedger):
    """Made for a later version of the hooks."""

    @hookimpl
    def describe_backend(self) -> BackendInfo:
        return dataclasses.replace(super().describe_backend(), name="from_the_future", spec_version=(1, 99))


class Impostor(PaperLedger):
    """Calls itself by another's name."""

    @hookimpl
    def describe_backend(self) -> BackendInfo:
        return dataclasses.replace(super().describe_backend(), name="xero")


class Speechless(PaperLedger):
    """Breaks while it describes itself."""

    @hookimpl
    def describe_backend(self) -> BackendInfo:
        raise LookupError("my configuration file is missing")


class Nameless:
    """Takes part in posting without saying what it is: it would see other backends' entries."""

    @hookimpl
    def post_journal(self, ctx: Any, entry: Any) -> JournalResult | None:
        return None


misspelt = Misspelt()
asks_too_much = AsksTooMuch()
from_the_future = FromTheFuture()
impostor = Impostor()
speechless = Speechless()
nameless = Nameless()
NAMES = ("misspelt", "asks_too_much", "from_the_future", "impostor", "speechless", "nameless")
