"""Very many products, written at once."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from partsemble_core.store.products import Product
from partsemble_core.store.session import CompanySession


def add_many(session: CompanySession, at: dt.datetime, count: int) -> list[int]:
    """Screws from ``SCREW-0000`` on, which were never in stock; their ids."""
    rows = [
        {
            "sku": f"SCREW-{number:04}",
            "sku_key": f"screw-{number:04}",
            "name": f"Screw of length {number}",
            "kind": "component",
            "unit": "each",
            "reorder_point": Decimal(0),
            "notes": "",
            "is_active": True,
            "created_at": at,
        }
        for number in range(count)
    ]
    return session.insert_all(Product, rows)
