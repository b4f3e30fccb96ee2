"""The hooks. One backend is one plugin object without state; the core asks exactly one at a time.

A hook gets everything in ``ctx`` and returns a value of the stated type, never None, a generator or a coroutine.
It raises only the errors of ``plugin_api.errors``. How each is kept is told in ``docs/reference/hooks.md``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import pluggy

from partsemble_core.plugin_api.batches import BatchAnswer, BatchEntry
from partsemble_core.plugin_api.bom_files import BomFile
from partsemble_core.plugin_api.booked import BookedJournal
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.plugin_api.tracking import TrackingCategory
from partsemble_core.plugin_api.types import (
    Account,
    AccountBalance,
    BackendContext,
    BackendInfo,
    ConnectRequest,
    ConnectResult,
    Contact,
    ContactSync,
    Item,
    JournalEntry,
    JournalResult,
    JournalStep,
    Page,
    SalesDocument,
)
from partsemble_core.plugin_api.webhooks import Webhook

PROJECT = "partsemble"
ENTRY_POINT_GROUP = "partsemble.plugins"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class BackendSpec:
    """What an accounting backend implements. All but those called optional are required of every backend."""

    @hookspec
    def describe_backend(self) -> BackendInfo:  # type: ignore[empty-body]
        """Name, title, capabilities and wanted settings. Pure: the same answer every time, no I/O."""

    @hookspec(firstresult=True)
    def connect(self, ctx: BackendContext, request: ConnectRequest) -> ConnectResult:  # type: ignore[empty-body]
        """One step of connecting an organisation. Without sign-in, ``begin`` answers CHOOSE at once."""

    @hookspec(firstresult=True)
    def list_items(self, ctx: BackendContext, cursor: str | None, limit: int) -> Page[Item]:  # type: ignore[empty-body]
        """At most ``limit`` items. The same cursor gives the same or a newer page."""

    @hookspec(firstresult=True)
    def list_accounts(self, ctx: BackendContext, cursor: str | None, limit: int) -> Page[Account]:  # type: ignore[empty-body]
        """At most ``limit`` accounts, each saying whether a journal may use it, and why not."""

    @hookspec(firstresult=True)
    def post_journal(self, ctx: BackendContext, entry: JournalEntry, step: JournalStep) -> JournalResult:  # type: ignore[empty-body]
        """One step of posting one entry: at most one accounting event per ``entry.token``, for ever."""

    @hookspec(firstresult=True)
    def fetch_sales(self, ctx: BackendContext, cursor: str | None, limit: int) -> Page[SalesDocument]:  # type: ignore[empty-body]
        """Sales documents and later versions of them; drafts, voids and deletions come as a status.

        The last page's cursor goes on with what changes later. A document may come again, and none is left out.
        """

    @hookspec(firstresult=True)
    def sync_contacts(  # type: ignore[empty-body]
        self, ctx: BackendContext, cursor: str | None, push: Sequence[Contact], limit: int
    ) -> ContactSync:
        """Pulls contacts, and creates those pushed, each by itself: one bad name never fails the others.

        ``limit`` 0 pulls nothing. The same ``local_id`` pushed again is found, never created a second time.
        """

    @hookspec(firstresult=True)
    def find_journal(  # type: ignore[empty-body]
        self, ctx: BackendContext, entry: JournalEntry, external_id: str | None
    ) -> Sequence[JournalResult]:
        """Optional. Looks the entry up after doubt, by id if known, else by its token: all hits, drafts too."""

    @hookspec(firstresult=True)
    def discard_draft(self, ctx: BackendContext, entry: JournalEntry, external_id: str) -> JournalResult:  # type: ignore[empty-body]
        """Optional. Deletes a draft of ours that lost; refuses anything posted."""

    @hookspec(firstresult=True)
    def list_balances(self, ctx: BackendContext, on: dt.date) -> Sequence[AccountBalance]:  # type: ignore[empty-body]
        """Optional. Ledger balances at the end of the day ``on``, debit positive; an account left out has none."""

    @hookspec(firstresult=True)
    def list_journals(  # type: ignore[empty-body]
        self, ctx: BackendContext, cursor: str | None, limit: int
    ) -> Page[BookedJournal]:
        """Optional. Every journal in the books, ours and others', posted or not, with its lines."""

    @hookspec(firstresult=True)
    def list_tracking(self, ctx: BackendContext) -> Sequence[TrackingCategory]:  # type: ignore[empty-body]
        """Optional. The labels that a journal line may carry, archived ones too."""

    @hookspec(firstresult=True)
    def read_webhook(  # type: ignore[empty-body]
        self, settings: Mapping[str, str | Secret], headers: Mapping[str, str], body: bytes
    ) -> Webhook:
        """Optional. Verifies a message of theirs and reads it, pure. Raises NotGenuine."""

    @hookspec(firstresult=True)
    def post_journals(self, ctx: BackendContext, entries: Sequence[BatchEntry]) -> Sequence[BatchAnswer]:  # type: ignore[empty-body]
        """Optional. One step of many entries in one call, drafts first: an answer for each, in the order given."""

    @hookspec(firstresult=True)
    def find_journals(  # type: ignore[empty-body]
        self, ctx: BackendContext, entries: Sequence[JournalEntry], since: dt.datetime
    ) -> Sequence[Sequence[JournalResult]]:
        """Optional. Looks many entries up by their tokens, none of them sent before ``since``: all hits of each."""

    @hookspec(firstresult=True)
    def export_register(self, ctx: BackendContext) -> bytes:  # type: ignore[empty-body]
        """Optional. The journal register of a backend that keeps its own, as a UTF-8 CSV file."""

    @hookspec(firstresult=True)
    def read_bom_file(self, content: bytes, filename: str, mapping: Mapping[str, str]) -> BomFile:  # type: ignore[empty-body]
        """Optional. Reads a bill of materials from a file, pure: ``mapping`` names columns where given."""


BACKEND_HOOKS = ("connect", "list_items", "list_accounts", "post_journal", "fetch_sales", "sync_contacts")
OPTIONAL_HOOKS = (
    "find_journal",
    "discard_draft",
    "list_balances",
    "list_tracking",
    "read_webhook",
    "list_journals",
    "post_journals",
    "find_journals",
    "export_register",
    "read_bom_file",
)
