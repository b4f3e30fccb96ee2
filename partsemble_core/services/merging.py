"""Merging: contacts that were merged into others in the books, and the suppliers that were linked to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from partsemble_core.plugin_api.types import Contact
from partsemble_core.services.keeping import plain
from partsemble_core.store.session import CompanySession
from partsemble_core.store.supplier_contacts import LinkState, SupplierContact

HOPS = 20
"""A ring of merges has no end."""


def merges_of(contacts: Sequence[Contact]) -> dict[str, str]:
    """Which of the contacts have become which others."""
    return {plain(each.external_id or ""): plain(each.merged_into) for each in contacts if each.merged_into}


def follow_merges(session: CompanySession, connection_id: int, merged: Mapping[str, str]) -> int:
    """Links to contacts that were merged into others lead to those from now on. Returns how many did."""
    if not merged:
        return 0
    links = session.scalars(
        sa.select(SupplierContact).where(
            SupplierContact.connection_id == connection_id,
            SupplierContact.state == LinkState.LINKED,
            SupplierContact.external_id.in_(merged),
        )
    ).all()
    for link in links:
        for _ in range(HOPS):
            if link.external_id not in merged:
                break
            link.external_id = merged[link.external_id]
    return len(links)
