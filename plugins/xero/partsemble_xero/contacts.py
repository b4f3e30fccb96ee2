"""Contacts in Xero."""

from __future__ import annotations

from partsemble_core.plugin_api import ContactSync, Unsupported


def sync_contacts() -> ContactSync:
    """Raises Unsupported: reading and creating contacts isn't built."""
    raise Unsupported("Contacts are not synchronised with Xero yet; enter suppliers by hand.")
