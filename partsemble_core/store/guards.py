"""Guards: the triggers that keep tables append-only, and whether they are still on their posts."""

from __future__ import annotations

import sqlalchemy as sa

from partsemble_core.store.everything import metadata
from partsemble_core.store.session import CompanySession

APPEND_ONLY = ("stock_entries", "draws", "returns", "backend_records", "audit_entries", "reconcile_runs")
SUFFIXES = {"sqlite": ("no_update", "no_delete", "no_replace"), "postgresql": ("append_only", "not_emptied")}
KNOWN = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": """
SELECT t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND pg_table_is_visible(c.oid)""",
}


INDEXES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index'",
    "postgresql": """
SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indisvalid AND i.indisunique AND pg_table_is_visible(c.oid)""",
}


def missing_indexes(session: CompanySession) -> list[tuple[str, str]]:
    """(table, index) of every unique index of the schema that is missing, or not in use."""
    wanted = [
        (table.name, str(index.name)) for table in metadata.sorted_tables for index in table.indexes if index.unique
    ]
    there = set(session.connection().execute(sa.text(INDEXES[session.get_bind().dialect.name])).scalars())
    return sorted(found for found in wanted if found[1] not in there)


def missing_guards(session: CompanySession) -> list[tuple[str, str]]:
    """(table, trigger) of every guard of the schema that is missing or switched off."""
    dialect = session.get_bind().dialect.name
    wanted = [(table, f"{table}_{suffix}") for table in APPEND_ONLY for suffix in SUFFIXES[dialect]]
    wanted += [("exports", "exports_frozen"), ("exports", "exports_kept")]
    wanted += [("exports", "exports_no_replace")] if dialect == "sqlite" else []
    there = set(session.connection().execute(sa.text(KNOWN[dialect])).scalars())
    return [(table, name) for table, name in wanted if name not in there]
