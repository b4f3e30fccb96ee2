"""Every CHECK of the database, bitten once by a row that is wrong in nothing else."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from partsemble_core.store.base import BOUND, SUM_BOUND, Millionths
from partsemble_core.store.everything import metadata
from tests.store.rows import A_TIME, fill, insert

WRONG_STATES: dict[str, str] = {
    "account_mappings": "role",
    "api_tokens": "role",
    "adjustments": "reason state",
    "bom_cost_lines": "kind",
    "audit_entries": "door action",
    "boms": "state",
    "build_cost_lines": "kind",
    "builds": "state",
    "company_options": "draw_order export_receipts export_builds export_adjustments",
    "connections": "state inventory_mode",
    "draws": "document_kind",
    "event_deliveries": "kind state",
    "export_attempts": "step outcome",
    "exports": "state doubt document_kind",
    "grants": "state",
    "invitations": "role",
    "heard_events": "state",
    "lots": "state",
    "memberships": "role",
    "products": "kind",
    "receipt_charges": "spread_by",
    "receipts": "state",
    "reconcile_runs": "verdict",
    "remote_sales": "kind status",
    "returns": "document_kind",
    "reversals": "document_kind",
    "stock_counts": "state",
    "stock_entries": "document_kind",
    "sync_cursors": "kind",
    "sync_runs": "kind cause state",
    "supplier_contacts": "state",
    "sync_schedules": "kind",
    "token_sets": "state",
}
"""Columns that take only the words we know."""

SIGNED = {
    "adjustments.quantity",
    "adjustments.cost",
    "exports.exact",
    "exports.posted",
    "exports.rounding",
    "true_ups.amount",
    "reconcile_runs.stock",
    "reconcile_runs.posted",
    "reconcile_runs.books",
    "reconcile_runs.difference",
    "reconcile_runs.unexplained",
    "month_end_lots.quantity",
    "month_end_lots.cost",
    "month_ends.value",
    "stock_entries.quantity",
    "stock_entries.cost",
    "remote_sales.net",
    "remote_sale_lines.quantity",
    "remote_sale_lines.net",
}
SUMS = {
    "month_ends.value",
    "stock_balances.quantity",
    "stock_balances.value",
    "exports.exact",
    "exports.posted",
    "exports.rounding",
} | {
    "reconcile_runs.stock",
    "reconcile_runs.posted",
    "reconcile_runs.books",
    "reconcile_runs.difference",
    "reconcile_runs.unexplained",
    "remote_sales.net",
    "remote_sale_lines.quantity",
    "remote_sale_lines.net",
}
ABOVE_ZERO = {
    "boms.output_quantity",
    "bom_lines.quantity",
    "builds.quantity",
    "builds.output_quantity",
    "build_lines.quantity_needed",
    "build_lines.quantity_per_output",
    "receipts.rate",
    "receipt_lines.quantity",
    "receipt_lines.entered_quantity",
    "receipt_lines.per_purchase_unit",
    "supplier_parts.per_purchase_unit",
    "lots.quantity_in",
    "draws.quantity",
    "returns.quantity",
}
RULES: list[tuple[str, str, dict[str, Any]]] = [
    ("ck_lots_quantity_left_in_lot", "lots", {"quantity_left": 2}),
    ("ck_lots_cost_left_in_lot", "lots", {"cost_left": 2}),
    ("ck_lots_nothing_left_costs_nothing", "lots", {"quantity_left": 0, "state": "exhausted"}),
    ("ck_lots_state_says_what_is_left", "lots", {"quantity_left": 0, "cost_left": 0}),
    ("ck_lots_state_says_what_is_left", "lots", {"state": "exhausted"}),
    ("ck_lots_state_says_what_is_left", "lots", {"state": "reversed"}),
    ("ck_stock_entries_quantity_moves", "stock_entries", {"quantity": 0}),
    ("ck_adjustments_quantity_changes", "adjustments", {"quantity": 0}),
    ("ck_exports_posted_has_a_time", "exports", {"state": "posted", "external_id": "x"}),
    ("ck_exports_posted_has_a_time", "exports", {"posted_at": A_TIME}),
    ("ck_reconcile_runs_verdict_needs_books", "reconcile_runs", {"verdict": "agrees"}),
    ("ck_true_ups_amount_moves", "true_ups", {"amount": 0}),
    ("ck_exports_posted_has_an_id", "exports", {"state": "posted", "posted_at": A_TIME}),
    ("ck_exports_replaced_is_cancelled", "exports", {"is_replaced": True}),
    ("ck_event_deliveries_ended_has_a_time", "event_deliveries", {"state": "waiting"}),
    ("ck_supplier_contacts_linked_has_an_id", "supplier_contacts", {"external_id": ""}),
    ("ck_sync_runs_ended_has_a_time", "sync_runs", {"state": "running"}),
    ("ck_sync_schedules_every_minutes_sane", "sync_schedules", {"kind": "accounts", "every_minutes": 4}),
    ("ck_sync_schedules_every_minutes_sane", "sync_schedules", {"kind": "accounts", "every_minutes": 10081}),
    ("ck_companies_decimals_known", "companies", {"decimals": 5}),
    ("ck_companies_decimals_known", "companies", {"decimals": -1}),
]


def amount_columns() -> list[tuple[str, str]]:
    """Every column of money or quantity, so that a new one can't be forgotten."""
    return [
        (table.name, column.name)
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, Millionths)
    ]


def too_much_and_too_little(dialect: str) -> list[tuple[str, str, dict[str, Any]]]:
    suffix = "whole" if dialect == "sqlite" else "bounded"
    violations = []
    for table, column in amount_columns():
        name = f"{table}.{column}"
        high = SUM_BOUND if name in SUMS else BOUND
        low = -high if name in SIGNED else 0 if name in ABOVE_ZERO else -1
        wrong: list[Any] = [high, low, 2**62]
        if dialect == "sqlite":  # PostgreSQL's own type refuses text, and what isn't whole never gets there
            wrong += ["abc", 0.5, "1e400", b"1"]
        with_it = {"cost_left": 0, "state": "exhausted"} if column == "quantity_left" else {}
        violations += [(f"ck_{table}_{column}_{suffix}", table, {**with_it, column: value}) for value in wrong]
    return violations


def unknown_words() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (f"ck_{table}_{column}_known", table, {column: word})
        for table, columns in WRONG_STATES.items()
        for column in columns.split()
        for word in ("nonsense", column.upper())
    ]


def find_refusal(engine: sa.Engine, table: str, changes: dict[str, Any]) -> str | None:
    """What the database says to the row; None when it takes it. Nothing is kept."""
    with engine.connect() as connection:
        transaction = connection.begin()
        try:
            insert(connection, table, key=2, company=1, changes=changes | unique_again(table))
        except DBAPIError as error:
            return str(error.orig)
        finally:
            transaction.rollback()
    return None


def unique_again(table: str) -> dict[str, Any]:
    """What a second row has to say differently where the first one's numbers are taken."""
    if table == "companies":
        return {}
    columns = metadata.tables[table].columns.keys()
    return {name: 2 for name in ("position", "version", "number", "document_id", "sequence") if name in columns}


def test_every_check_refuses_the_row_that_it_is_there_for(engine: sa.Engine) -> None:
    fill(engine, 1)
    violations = [*RULES, *unknown_words(), *too_much_and_too_little(engine.dialect.name)]
    for name, table, changes in violations:
        said = find_refusal(engine, table, changes)
        assert said is not None, f"{table} took {changes}"
        assert name in said, f"{table} refused {changes} for another reason: {said}"
    seen = sa.inspect(engine)
    kept = {check["name"] for table in metadata.tables for check in seen.get_check_constraints(table)}
    assert kept == {name for name, _, _ in violations}, "a CHECK that no row here bites"


def test_an_amount_is_a_number_or_the_row_is_refused(engine: sa.Engine) -> None:
    fill(engine, 1)
    nullable = {
        (table.name, column.name) for table in metadata.sorted_tables for column in table.columns if column.nullable
    }
    for value in (None, "abc", "NaN", float("nan"), float("inf")):
        for table, column in amount_columns():
            if (table, column) in nullable and (value is None or value != value):
                continue  # SQLite keeps a NaN as NULL, and these may be empty
            assert find_refusal(engine, table, {column: value}) is not None, f"{table}.{column} took {value}"


def test_the_rows_that_the_checks_are_tried_on_are_valid_themselves(engine: sa.Engine) -> None:
    fill(engine, 1)
    alone = {
        "boms": {"state": "archived"},
        "connections": {"state": "disconnected"},
        "month_ends": {"month_end_on": "2026-06-30"},
    }
    unique = {
        "account_mappings", "company_options", "draws", "memberships", "month_end_lots", "returns", "stock_balances",
        "stock_count_lines", "supplier_contacts", "supplier_parts", "sync_cursors", "sync_schedules",
    }  # fmt: skip
    refusals = {table: find_refusal(engine, table, alone.get(table, {})) for table in {*metadata.tables} - unique}
    assert {table: said for table, said in refusals.items() if said} == {}


def test_one_bom_of_a_product_is_active_and_any_number_archived(engine: sa.Engine) -> None:
    fill(engine, 1)
    assert find_refusal(engine, "boms", {"state": "archived"}) is None
    assert "boms" in (find_refusal(engine, "boms", {"state": "active"}) or "")


def test_one_connection_of_a_company_is_live(engine: sa.Engine) -> None:
    fill(engine, 1)
    assert find_refusal(engine, "connections", {"state": "disconnected"}) is None
    assert "connections" in (find_refusal(engine, "connections", {"state": "setup"}) or "")


def test_a_lot_number_is_free_again_once_its_lot_has_ended(engine: sa.Engine) -> None:
    fill(engine, 1)
    same = {"number_key": "number_key-1"}
    for state in ("open", "held"):
        assert "lots" in (find_refusal(engine, "lots", {**same, "state": state}) or "")
    ended = {"state": "exhausted", "quantity_left": 0, "cost_left": 0}
    assert find_refusal(engine, "lots", {**same, **ended}) is None


def test_one_sync_of_a_kind_runs_at_a_time(engine: sa.Engine) -> None:
    fill(engine, 1)
    running = {"state": "running", "ended_at": None}
    with engine.begin() as connection:
        insert(connection, "sync_runs", key=5, company=1, changes=running)
    assert "sync_runs" in (find_refusal(engine, "sync_runs", running) or "")
    assert find_refusal(engine, "sync_runs", {**running, "kind": "accounts"}) is None


def test_one_export_of_a_document_counts_and_any_number_was_replaced(engine: sa.Engine) -> None:
    fill(engine, 1)
    with engine.begin() as connection:
        insert(connection, "exports", key=5, company=1, changes={"document_id": 2})
    assert "exports" in (find_refusal(engine, "exports", {}) or "")
    assert find_refusal(engine, "exports", {"is_replaced": True, "state": "cancelled"}) is None


def test_the_largest_amounts_there_are_fit(engine: sa.Engine) -> None:
    fill(engine, 1)
    table = metadata.tables["stock_entries"]
    row = {
        "company_id": 1, "product_id": 1, "lot_id": 1, "document_kind": "build", "document_id": 1,
        "reference": "x", "effective_on": dt.date(2026, 5, 4),
        "recorded_at": dt.datetime(2026, 5, 4, tzinfo=dt.UTC), "recorded_by": "x",
    }  # fmt: skip
    most = Decimal("999999999.999999")
    with engine.begin() as connection:
        for key, value in ((2, most), (3, -most)):
            connection.execute(table.insert(), {**row, "id": key, "quantity": value, "cost": value})
        kept = connection.execute(sa.select(table.c.cost).where(table.c.id > 1).order_by(table.c.id)).scalars()
        assert kept.all() == [most, -most]
        raw = connection.exec_driver_sql("SELECT quantity FROM stock_entries WHERE id > 1 ORDER BY id")
        assert raw.scalars().all() == [BOUND - 1, 1 - BOUND]
