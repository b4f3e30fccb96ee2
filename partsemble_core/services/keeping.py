"""Keeping: what was read from the books, page by page, and what is no longer there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from partsemble_core.domain.products import sku_key
from partsemble_core.plugin_api.types import Account, Contact, Item
from partsemble_core.store.connections import RemoteAccount
from partsemble_core.store.session import CompanySession
from partsemble_core.store.syncs import RemoteContact, RemoteItem
from partsemble_core.store.tracking import RemoteTracking

RemoteTable = type[RemoteAccount] | type[RemoteItem] | type[RemoteContact] | type[RemoteTracking]
Fields = dict[str, object]
AT_ONCE = 500
"""Rows of one statement: databases take so many values and no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How many were new, and how many no longer as they had been."""

    added: int
    changed: int


def account_fields(account: Account) -> Fields:
    return {
        "code": plain(account.code),
        "name": plain(account.name),
        "classification": account.classification.value,
        "native_type": plain(account.native_type),
        "is_usable": account.usable and account.active,
        "why_not": plain(account.why_not),
        "warning": plain(account.warning),
    }


def item_fields(item: Item) -> Fields:
    code = plain(item.code)
    return {
        "code": code,
        "code_key": sku_key(code),
        "name": plain(item.name),
        "is_tracked": item.is_tracked,
        "tracked_in": plain("\n".join(item.tracked_in)),
    }


def contact_fields(contact: Contact) -> Fields:
    return {
        "name": plain(contact.name),
        "email": plain(contact.email),
        "is_supplier": contact.is_supplier,
        "is_customer": contact.is_customer,
    }


def keep(
    session: CompanySession, table: RemoteTable, connection_id: int, found: Mapping[str, Fields], now: dt.datetime
) -> Kept:
    """Writes records by their external id. One that was gone and is there again counts as changed."""
    known: dict[str, Any] = {}
    ids = list(found)
    for first in range(0, len(ids), AT_ONCE):
        some = ids[first : first + AT_ONCE]
        rows: Iterable[Any] = session.scalars(
            sa.select(table).where(table.connection_id == connection_id, table.external_id.in_(some))
        )
        known |= {row.external_id: row for row in rows}
    changed = 0
    for external_id, row in known.items():
        fresh: Fields = {**found[external_id], "is_gone": False}
        if any(getattr(row, name) != value for name, value in fresh.items()):
            changed += 1
        for name, value in fresh.items():
            setattr(row, name, value)
        row.synced_at = now
    added = [
        {"connection_id": connection_id, "external_id": key, **found[key], "is_gone": False, "synced_at": now}
        for key in ids
        if key not in known
    ]
    for first in range(0, len(added), AT_ONCE):
        # Somebody who reads the same at the same time may have been faster: theirs is as good.
        session.insert_all_missing(
            table, added[first : first + AT_ONCE], key=("company_id", "connection_id", "external_id")
        )
    return Kept(added=len(added), changed=changed)


def mark_gone(session: CompanySession, table: RemoteTable, connection_id: int, seen: Collection[str]) -> int:
    """Marks what all pages together didn't hold. Nothing is deleted: older documents may still name it."""
    there = sa.select(table).where(table.connection_id == connection_id, table.is_gone.is_(False))
    rows: Iterable[Any] = session.scalars(there)
    gone = [row for row in rows if row.external_id not in seen]
    for row in gone:
        row.is_gone = True
    return len(gone)


def plain(text: str) -> str:
    """Without what a database can't keep: NUL, and halves of characters."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
