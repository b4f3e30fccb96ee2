"""No change of what the audit log watches gets past it."""

from __future__ import annotations

import ast

from partsemble_core.store.base import Base
from partsemble_core.store.everything import metadata
from partsemble_core.store.watched import UNWATCHED, WATCHED
from tests.house.sources import name_of, product_files, tree_of

UNSEEN = {
    ("partsemble_core/services/claiming.py", "Export"): "gives a lease back",
    ("partsemble_core/services/connecting.py", "Export"): "makes what waited for a sign-in due",
    ("partsemble_core/services/janitor.py", "Export"): "notes that drafts were looked for",
}
"""Statements on watched tables that change nothing the log would tell."""


def models() -> dict[str, str]:
    """Table by the name of its class."""
    return {mapper.class_.__name__: str(mapper.local_table.name) for mapper in Base.registry.mappers}  # type: ignore[attr-defined]


def statements_past_the_log() -> set[tuple[str, str]]:
    """(file, class) of every UPDATE or DELETE statement in the product on a watched table."""
    tables = models()
    found = set()
    for path in product_files():
        for node in ast.walk(tree_of(path)):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="sa"), attr="update" | "delete"), args=[ast.Name(id=name), *_]
                ) if tables.get(name) in WATCHED:
                    found.add((name_of(path), name))
    return found


def test_every_table_is_watched_or_said_why_not() -> None:
    of_a_company = {table.name for table in metadata.sorted_tables if "company_id" in table.columns}
    assert of_a_company <= WATCHED.keys() | UNWATCHED.keys(), "say of these in store/watched.py what is told"
    assert WATCHED.keys() | UNWATCHED.keys() <= metadata.tables.keys()
    assert not WATCHED.keys() & UNWATCHED.keys()


def test_every_column_that_is_told_exists() -> None:
    for table, watched in WATCHED.items():
        columns = set(metadata.tables[table].columns.keys())
        assert {*watched.shows, *watched.hides, *watched.looks_up} <= columns, table
        for other, column in watched.looks_up.values():
            assert column in metadata.tables[other].columns


def test_what_is_sealed_or_hashed_is_never_told() -> None:
    for table, watched in WATCHED.items():
        telling = [name for name in watched.shows if any(word in name for word in ("sealed", "hash", "sha256", "url"))]
        assert telling == [], table


def test_no_statement_changes_watched_rows_past_the_log() -> None:
    assert statements_past_the_log() == set(UNSEEN), "change these rows as objects"
