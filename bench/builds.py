"""Builds a second through the service, against the same rows written by the bare driver.

The floor replays what the service wrote: for every build one transaction with the same inserted rows and the same
changed rows, by ``sqlite3`` and ``psycopg`` alone, into a copy of the database as it was before the first build.
"""

from __future__ import annotations

import argparse
import datetime as dt
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).parents[1]))

from partsemble_core.services import building, cataloguing, receiving
from partsemble_core.services.acting import Act
from partsemble_core.services.admitting import found_company
from partsemble_core.services.cataloguing import ComponentInput
from partsemble_core.services.receiving import LineInput
from partsemble_core.store import database
from tests.servers.postgres import PostgresServer, running_postgres

COMPONENTS = 10
LOTS = 20
TAKEN_PER_BUILD = "3"
LOT_SIZE = 7
INSERTED = ("builds", "build_lines", "lots", "stock_entries", "draws")
NOW = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)
ACT = Act(by="bench", at=NOW, today=NOW.date())
Rows = dict[str, list[dict[str, Any]]]


def prepare(url: str, *, builds: int) -> tuple[sa.Engine, int, int]:
    """A company with a product of ten components, each with twenty open lots that last for all builds."""
    database.migrate(url)
    engine = database.open_engine(url)
    company, _ = database.write_anywhere(
        engine, lambda s: found_company(s, name="B", currency="NZD", email="b@example.com", password="b" * 12, now=NOW)
    )
    skus = [f"PART-{i:02d}" for i in range(COMPONENTS)]
    lot = str(max(LOT_SIZE, 3 * (builds + 1) * 2 // LOTS))

    def fill(session: Any) -> int:
        cataloguing.create_supplier(session, ACT, code="SUP", name="Supplier")
        for sku in skus:
            cataloguing.create_product(session, ACT, sku=sku, name=sku)
        made = cataloguing.create_product(session, ACT, sku="MADE", name="Made", kind="finished_good")
        parts = [ComponentInput(sku=sku, quantity=TAKEN_PER_BUILD) for sku in skus]
        cataloguing.save_bom(session, ACT, product_id=made.id, components=parts)
        return made.id

    product_id = database.write(engine, company.id, fill)
    for day in range(1, LOTS + 1):
        lines = [LineInput(sku=sku, quantity=lot, unit_cost=f"1.{day:02d}") for sku in skus]
        database.write(
            engine,
            company.id,
            lambda s, lines=lines, day=day: receiving.receive(
                s, ACT, supplier="SUP", lines=lines, received_on=f"2026-01-{day:02d}"
            ),
        )
    return engine, company.id, product_id


def run_service(engine: sa.Engine, company_id: int, product_id: int, *, builds: int) -> float:
    """Seconds for all builds."""
    start = time.perf_counter()
    for _ in range(builds):
        database.write(engine, company_id, lambda s: building.build_now(s, ACT, product_id=product_id, quantity="1"))
    return time.perf_counter() - start


def written_rows(engine: sa.Engine) -> list[Rows]:
    """What each build inserted, and the lots and balances it changed."""
    per_build: list[Rows] = []
    with engine.connect() as connection:
        for build in connection.execute(sa.text("SELECT id FROM builds ORDER BY id")).scalars().all():
            rows: Rows = {}
            where = {
                "builds": "id = :b",
                "build_lines": "build_id = :b",
                "lots": "build_id = :b",
                "stock_entries": "document_kind = 'build' AND document_id = :b",
                "draws": "document_kind = 'build' AND document_id = :b",
            }
            for table in INSERTED:
                statement = sa.text(f"SELECT * FROM {table} WHERE {where[table]} ORDER BY id")  # noqa: S608 - own names
                rows[table] = [dict(row) for row in connection.execute(statement, {"b": build}).mappings()]
            per_build.append(rows)
    return per_build


def run_floor(connection: Any, per_build: Sequence[Rows], *, mark: Callable[[str], str], begin: str) -> float:
    """Seconds for writing the same rows by the driver alone."""
    start = time.perf_counter()
    cursor = connection.cursor()
    for rows in per_build:
        cursor.execute(begin)
        for table in INSERTED:
            names = list(rows[table][0])
            listed, marks = ", ".join(names), ", ".join(mark(name) for name in names)
            values = [tuple(row[name] for name in names) for row in rows[table]]
            cursor.executemany(f"INSERT INTO {table} ({listed}) VALUES ({marks})", values)  # noqa: S608 - own names
        taken = [(draw["quantity"], draw["cost"], draw["lot_id"]) for draw in rows["draws"]]
        m = mark("")
        change = f"UPDATE lots SET quantity_left = quantity_left - {m}, cost_left = cost_left - {m}"  # noqa: S608
        left = f"state = CASE WHEN quantity_left = {m} THEN 'exhausted' ELSE state END"
        cursor.executemany(f"{change}, {left} WHERE id = {m}", [(q, c, q, i) for q, c, i in taken])
        moved = [(entry["quantity"], entry["cost"], entry["product_id"]) for entry in rows["stock_entries"]]
        gate = "INSERT INTO stock_balances (company_id, product_id, quantity, value, last_unit_cost)"
        cursor.execute(
            f"{gate} VALUES ({m}, {m}, 0, 0, 0) ON CONFLICT (company_id, product_id) DO NOTHING",
            (rows["builds"][0]["company_id"], rows["builds"][0]["product_id"]),
        )
        balance = f"UPDATE stock_balances SET quantity = quantity + {m}, value = value + {m} WHERE product_id = {m}"  # noqa: S608
        cursor.executemany(balance, moved)
        cursor.execute("UPDATE counters SET last = last + 1 WHERE name = 'build'")
        cursor.execute("COMMIT")
    return time.perf_counter() - start


def on_sqlite(*, builds: int) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        path, copy = Path(folder) / "service.sqlite3", Path(folder) / "floor.sqlite3"
        engine, company_id, product_id = prepare(f"sqlite:///{path}", builds=builds)
        with engine.begin() as connection:
            connection.exec_driver_sql("SELECT 1")
        with sqlite3.connect(path) as source, sqlite3.connect(copy) as target:
            source.backup(target)
        service = run_service(engine, company_id, product_id, builds=builds)
        rows = written_rows(engine)
        engine.dispose()
        raw = sqlite3.connect(copy, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            raw.execute(f"PRAGMA {pragma}")
        floor = run_floor(raw, rows, mark=lambda _: "?", begin="BEGIN IMMEDIATE")
        raw.close()
        shutil.rmtree(folder, ignore_errors=True)
        return service, floor


def on_postgresql(server: PostgresServer, *, builds: int) -> tuple[float, float]:
    with ExitStack() as stack:
        first = stack.enter_context(server.new_database())
        engine, company_id, product_id = prepare(first, builds=builds)
        engine.dispose()
        copy = stack.enter_context(server.new_database(template=first))
        service = run_service(engine, company_id, product_id, builds=builds)
        rows = written_rows(engine)
        engine.dispose()
        raw = psycopg.connect(copy.replace("postgresql+psycopg", "postgresql"), autocommit=True)
        floor = run_floor(raw, rows, mark=lambda _: "%s", begin="BEGIN")
        raw.close()
        return service, floor


def report(name: str, runs: Sequence[tuple[float, float]], *, builds: int) -> None:
    ratios = [service / floor for service, floor in runs]
    service = statistics.median(service for service, _ in runs)
    floor = statistics.median(floor for _, floor in runs)
    spread = f"{min(ratios):.1f} to {max(ratios):.1f}"
    print(
        f"{name:<11} {builds / service:7.0f} builds/s   floor {builds / floor:7.0f} builds/s   "
        f"ratio {statistics.median(ratios):.1f} ({spread}, {len(runs)} runs of {builds})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--builds", type=int, default=60)
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    print(f"{COMPONENTS} components, {LOTS} open lots each; service time over floor time, lower is better")
    report("SQLite", [on_sqlite(builds=asked.builds) for _ in range(asked.runs)], builds=asked.builds)
    with running_postgres() as server:
        report(
            "PostgreSQL", [on_postgresql(server, builds=asked.builds) for _ in range(asked.runs)], builds=asked.builds
        )


if __name__ == "__main__":
    main()
