"""Imports every table, so that the metadata is whole whoever asks for it."""

from __future__ import annotations

from partsemble_core.store import boms, builds, companies, connections, exports, lots, products, receipts
from partsemble_core.store.base import Base

TABLES = (boms, builds, companies, connections, exports, lots, products, receipts)
metadata = Base.metadata
