"""Sales from Xero."""

from __future__ import annotations

from partsemble_core.plugin_api import Page, SalesDocument, Unsupported


def fetch_sales() -> Page[SalesDocument]:
    """Raises Unsupported: reading invoices and credit notes isn't built."""
    raise Unsupported("Invoices and credit notes are not read from Xero yet; enter sales by hand.")
