"""Xero as an accounting backend: manual journals, drafted first and posted by id.

The core signs in and keeps the tokens; this plugin says where, and maps what goes over the wire.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from partsemble_core.plugin_api import (
    Account,
    AccountBalance,
    BackendContext,
    BackendInfo,
    BatchAnswer,
    BatchEntry,
    BookedJournal,
    Capabilities,
    ClosedPeriod,
    ConnectRequest,
    ConnectResult,
    Contact,
    ContactSync,
    Item,
    JournalEntry,
    JournalResult,
    JournalStep,
    LimitHeaders,
    Page,
    Posting,
    SalesDocument,
    Secret,
    SettingField,
    TrackingCategory,
    Webhook,
    hookimpl,
    word,
)
from partsemble_xero import (
    accounts,
    batches,
    books,
    connecting,
    contacts,
    items,
    posting,
    sales,
    tracking,
    webhooks,
)
from partsemble_xero.batches import BATCH_SIZE
from partsemble_xero.client import DEFAULTS
from partsemble_xero.journals import MAX_NARRATION, TOKEN_ROOM
from partsemble_xero.scopes import SCOPE_NEEDS

CAPABILITIES = Capabilities(
    posting=Posting.DRAFT_THEN_POST,
    inventory_mode_reason=word(
        "Xero has no interface to change quantities, so Partsemble keeps them and Xero gets journals."
    ),
    key_window=dt.timedelta(minutes=6),
    closed_period=ClosedPeriod.REFUSES,
    contacts_push=True,
    sales=True,
    webhooks=True,
    balances=True,
    max_narration=MAX_NARRATION - TOKEN_ROOM,
    batch_size=BATCH_SIZE,
    calls_per_minute=60,
    calls_at_once=5,
    calls_per_day=1_000,
    app_calls_per_minute=10_000,
    limit_headers=LimitHeaders(
        minute_left="X-MinLimit-Remaining",
        day_left="X-DayLimit-Remaining",
        app_minute_left="X-AppMinLimit-Remaining",
        problem="X-Rate-Limit-Problem",
    ),
)
SETTINGS = (
    SettingField(
        name="client_id",
        label="Client id",
        help="From your app at developer.xero.com, of the kind Web app.",
        required=True,
    ),
    SettingField(
        name="client_secret",
        label="Client secret",
        help="Shown once when you create it; it is kept sealed.",
        required=True,
        secret=True,
    ),
    SettingField(
        name="webhook_key",
        label="Webhook key",
        help="Shown where you set up webhooks at developer.xero.com. While you change it, both keys with a comma.",
        secret=True,
    ),
    SettingField(
        name="scopes",
        label="Scopes",
        help="What the app asks for. Apps made before March 2026 may need the older names.",
        default=DEFAULTS["scopes"],
    ),
    SettingField(
        name="daily_calls",
        label="Calls a day",
        help="What your app's tier at Xero allows for one organisation: 1000 on Starter, 5000 from Core on.",
        default="1000",
        whole_number=(10, 1_000_000),
    ),
    SettingField(
        name="authorize_url", label="Sign-in address", default=DEFAULTS["authorize_url"], environment_only=True
    ),
    SettingField(name="token_url", label="Token address", default=DEFAULTS["token_url"], environment_only=True),
    SettingField(name="revoke_url", label="Revocation address", default=DEFAULTS["revoke_url"], environment_only=True),
    SettingField(name="api_url", label="API address", default=DEFAULTS["api_url"], environment_only=True),
)


class XeroPlugin:
    """The plugin object: no state, every call finds all it needs in its context."""

    @hookimpl
    def describe_backend(self) -> BackendInfo:
        return BackendInfo(
            name="xero",
            title="Xero",
            version="0.1.0",
            capabilities=CAPABILITIES,
            settings=SETTINGS,
            scope_needs=SCOPE_NEEDS,
        )

    @hookimpl
    def connect(self, ctx: BackendContext, request: ConnectRequest) -> ConnectResult:
        return connecting.connect(ctx, request)

    @hookimpl
    def list_items(self, ctx: BackendContext, cursor: str | None, limit: int) -> Page[Item]:
        return items.list_items(ctx, cursor, limit)

    @hookimpl
    def list_accounts(self, ctx: BackendContext, cursor: str | None, limit: int) -> Page[Account]:
        return accounts.list_accounts(ctx, cursor, limit)

    @hookimpl
    def post_journal(self, ctx: BackendContext, entry: JournalEntry, step: JournalStep) -> JournalResult:
        return posting.post_journal(ctx, entry, step)

    @hookimpl
    def find_journal(
        self, ctx: BackendContext, entry: JournalEntry, external_id: str | None
    ) -> Sequence[JournalResult]:
        return posting.find_journal(ctx, entry, external_id)

    @hookimpl
    def post_journals(self, ctx: BackendContext, entries: Sequence[BatchEntry]) -> Sequence[BatchAnswer]:
        return batches.post_journals(ctx, entries)

    @hookimpl
    def find_journals(
        self, ctx: BackendContext, entries: Sequence[JournalEntry], since: dt.datetime
    ) -> Sequence[Sequence[JournalResult]]:
        return batches.find_journals(ctx, entries, since)

    @hookimpl
    def discard_draft(self, ctx: BackendContext, entry: JournalEntry, external_id: str) -> JournalResult:
        return posting.discard_draft(ctx, entry, external_id)

    @hookimpl
    def fetch_sales(self, ctx: BackendContext, cursor: str | None, limit: int) -> Page[SalesDocument]:
        return sales.fetch_sales(ctx, cursor, limit)

    @hookimpl
    def list_balances(self, ctx: BackendContext, on: dt.date) -> Sequence[AccountBalance]:
        return books.list_balances(ctx, on)

    @hookimpl
    def list_journals(self, ctx: BackendContext, cursor: str | None, limit: int) -> Page[BookedJournal]:
        return books.list_journals(ctx, cursor, limit)

    @hookimpl
    def list_tracking(self, ctx: BackendContext) -> Sequence[TrackingCategory]:
        return tracking.list_tracking(ctx)

    @hookimpl
    def read_webhook(self, settings: Mapping[str, str | Secret], headers: Mapping[str, str], body: bytes) -> Webhook:
        return webhooks.read_webhook(settings, headers, body)

    @hookimpl
    def sync_contacts(
        self, ctx: BackendContext, cursor: str | None, push: Sequence[Contact], limit: int
    ) -> ContactSync:
        return contacts.sync_contacts(ctx, cursor, push, limit)


plugin = XeroPlugin()
