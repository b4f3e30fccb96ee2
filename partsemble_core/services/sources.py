"""Where syncs read records of a kind from, where they keep them, and what the sign-in has to allow for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from partsemble_core.plugin_api.sign_in import Feature
from partsemble_core.plugin_api.types import BackendContext, Page
from partsemble_core.services.house import House
from partsemble_core.services.keeping import Fields, RemoteTable, account_fields, contact_fields, item_fields
from partsemble_core.store.connections import RemoteAccount
from partsemble_core.store.syncs import RemoteContact, RemoteItem, SyncKind

PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where records of a kind come from and go to."""

    table: RemoteTable
    ask: Callable[[House, str, BackendContext, str | None], Page[Any]]
    fields: Callable[[Any], Fields]


FEATURES: Mapping[SyncKind, Feature] = {
    SyncKind.ACCOUNTS: Feature.SETTINGS,
    SyncKind.ITEMS: Feature.SETTINGS,
    SyncKind.CONTACTS: Feature.CONTACTS,
    SyncKind.SALES: Feature.SALES,
}
"""What the sign-in has to allow."""
SOURCES: Mapping[SyncKind, Source] = {
    SyncKind.ACCOUNTS: Source(
        table=RemoteAccount,
        ask=lambda house, backend, ctx, cursor: house.host.list_accounts(backend, ctx, cursor=cursor, limit=PAGE),
        fields=account_fields,
    ),
    SyncKind.ITEMS: Source(
        table=RemoteItem,
        ask=lambda house, backend, ctx, cursor: house.host.list_items(backend, ctx, cursor=cursor, limit=PAGE),
        fields=item_fields,
    ),
    SyncKind.CONTACTS: Source(
        table=RemoteContact,
        ask=lambda house, backend, ctx, cursor: (
            house.host.sync_contacts(backend, ctx, cursor=cursor, push=(), limit=PAGE).pulled
        ),
        fields=contact_fields,
    ),
}
