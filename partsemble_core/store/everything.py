"""Imports every table, so that the metadata is whole whoever asks for it."""

from __future__ import annotations

from partsemble_core.store import (
    adjustments,
    audits,
    backend_settings,
    boms,
    builds,
    companies,
    connections,
    events,
    exports,
    hearing,
    lots,
    month_ends,
    people,
    products,
    rates,
    receipts,
    reconcile_runs,
    remote_sales,
    supplier_contacts,
    syncs,
    tracking,
    true_ups,
)
from partsemble_core.store.base import Base

TABLES = (
    adjustments,
    backend_settings,
    audits,
    boms,
    builds,
    companies,
    connections,
    events,
    exports,
    hearing,
    lots,
    month_ends,
    people,
    products,
    rates,
    receipts,
    reconcile_runs,
    supplier_contacts,
    remote_sales,
    syncs,
    tracking,
    true_ups,
)
metadata = Base.metadata
