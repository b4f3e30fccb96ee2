"""One valid row of every table in plain SQL, which neither our types nor our session have touched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from partsemble_core.store.everything import metadata

APPEND_ONLY = ("stock_entries", "draws", "returns", "backend_records", "audit_entries", "reconcile_runs")
A_TIME = "2026-05-04 09:30:00+00:00"
KNOWN = {
    "account_mappings": {"role": "waste"},
    "audit_entries": {"door": "console", "action": "changed"},
    "adjustments": {"reason": "other", "state": "confirmed"},
    "bom_cost_lines": {"kind": "labour"},
    "boms": {"state": "active"},
    "build_cost_lines": {"kind": "labour"},
    "builds": {"state": "completed"},
    "company_options": {
        "draw_order": "fifo",
        "export_receipts": "automatic",
        "export_builds": "manual",
        "export_adjustments": "automatic",
    },
    "connections": {"state": "active", "inventory_mode": "journal_only"},
    "draws": {"document_kind": "build"},
    "event_deliveries": {"kind": "stock.low", "state": "delivered", "ended_at": A_TIME},
    "export_attempts": {"step": "create"},
    "exports": {"state": "pending", "doubt": "", "document_kind": "build", "is_replaced": False},
    "grants": {"state": "active"},
    "invitations": {"role": "viewer"},
    "heard_events": {"state": "waiting"},
    "lots": {"state": "open"},
    "memberships": {"role": "owner"},
    "products": {"kind": "component"},
    "receipt_charges": {"spread_by": "cost"},
    "receipts": {"state": "draft"},
    "reconcile_runs": {"verdict": "unknown"},
    "remote_sales": {"kind": "invoice", "status": "open"},
    "returns": {"document_kind": "build"},
    "reversals": {"document_kind": "build"},
    "stock_counts": {"state": "draft"},
    "stock_entries": {"document_kind": "build"},
    "supplier_contacts": {"state": "linked"},
    "sync_cursors": {"kind": "sales"},
    "sync_runs": {"kind": "items", "cause": "person", "state": "done", "ended_at": A_TIME},
    "sync_schedules": {"kind": "items", "every_minutes": 60},
    "token_sets": {"state": "current"},
}
"""Where not any text will do."""


def fill(engine: sa.Engine, *keys: int) -> None:
    """A company for each key, with one row in every table; company and rows all have that key as their id."""
    with engine.begin() as connection:
        for key in keys:
            for table in metadata.sorted_tables:
                insert(connection, table.name, key=key, company=key)
        if engine.dialect.name == "postgresql":  # SQLite counts on from the largest id by itself
            for name in metadata.tables:
                connection.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), 1000)")


def insert(
    connection: sa.Connection, table: str, *, key: int, company: int, changes: Mapping[str, Any] | None = None
) -> None:
    """A valid row with ``key`` as its id that points to the company's first rows, except for ``changes``."""
    row = valid_row(metadata.tables[table], key=key, company=company) | dict(changes or {})
    names = ", ".join(f'"{name}"' for name in row)
    values = ", ".join(f":{name}" for name in row)
    connection.execute(sa.text(f'INSERT INTO "{table}" ({names}) VALUES ({values})'), row)


def valid_row(table: sa.Table, *, key: int, company: int) -> dict[str, Any]:
    row = {column.name: value_for(column, key=key) for column in table.columns}
    for constraint in table.foreign_key_constraints:
        *_, last = constraint.columns
        if not last.nullable:
            row[last.name] = company
    return row | {"id": key} | KNOWN.get(table.name, {})


def value_for(column: sa.Column[Any], *, key: int) -> Any:
    if column.nullable:
        return None
    kinds = {
        sa.Boolean: True,
        sa.LargeBinary: b"{}",
        sa.JSON: "{}",
        sa.Date: "2026-05-04",
        sa.DateTime: A_TIME,
        sa.Integer: 1,
        sa.Text: f"{column.name}-{key}",
    }
    kind = getattr(column.type, "impl", column.type)
    return next(value for known, value in kinds.items() if isinstance(kind, known))
