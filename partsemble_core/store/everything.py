"""Imports every table, so that the metadata is whole whoever asks for it."""

from __future__ import annotations

from partsemble_core.store import (
    adjustments,
    boms,
    builds,
    companies,
    connections,
    events,
    exports,
    lots,
    month_ends,
    products,
    rates,
    receipts,
    syncs,
)
from partsemble_core.store.base import Base

TABLES = (
    adjustments,
    boms,
    builds,
    companies,
    connections,
    events,
    exports,
    lots,
    month_ends,
    products,
    rates,
    receipts,
    syncs,
)
metadata = Base.metadata
