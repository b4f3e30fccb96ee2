"""The value of stock at a past day among a million ledger entries, against the plainest sum that gives the same figure.

The floor is one SUM over all entries dated up to the day, by the bare driver, in the same database and run. It answers
with one number; the service answers with quantity and value of every product and lot.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).parents[1]))

from partsemble_core.domain.amounts import from_millionths
from partsemble_core.services import valuing
from partsemble_core.services.admitting import found_company
from partsemble_core.store import database

FIRST = dt.date(2021, 1, 1)
DAYS = 5 * 365
PRODUCTS = 500
TAKINGS = 19
"""Of each lot, after it came in: a lot has twenty entries."""
QUESTIONS = 5
NOW = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)

PRODUCT = """INSERT INTO products (id, company_id, sku, sku_key, name, kind, unit, reorder_point, notes, is_active,
  created_at) VALUES (?, ?, ?, ?, 'Part', 'component', 'each', 0, '', 1, '2021-01-01 00:00:00')"""
LOT = """INSERT INTO lots (id, company_id, product_id, number, number_key, received_on, quantity_in, cost_in,
  quantity_left, cost_left, state, hold_reason, created_at)
  VALUES (?, ?, ?, ?, ?, ?, 19000000, 57000000, 0, 0, 'exhausted', '', '2021-01-01 00:00:00')"""
ENTRY = """INSERT INTO stock_entries (company_id, product_id, lot_id, quantity, cost, document_kind, document_id,
  reference, effective_on, recorded_at, recorded_by) VALUES (?, ?, ?, ?, ?, 'receipt', 1, 'R', ?, ?, 'bench')"""
FLOOR = "SELECT SUM(cost) FROM stock_entries WHERE company_id = ? AND effective_on <= ?"
PLAIN_SUM = "SELECT SUM(cost) FROM stock_entries"


def fill(path: Path, *, company: int, entries: int) -> None:
    """Lots of nineteen pieces at 3.00: each comes in on a day, and a piece goes every nine days after that.

    So there are always some that are half used up. Lots that would outlive the last day keep what is left.
    """
    lots = entries // (TAKINGS + 1)
    rows: list[tuple[dt.date, int, int, int, int]] = []
    for lot in range(1, lots + 1):
        came = FIRST + dt.timedelta(days=lot * DAYS // lots)
        product = lot % PRODUCTS + 1
        rows.append((came, product, lot, 19_000_000, 57_000_000))
        rows += [(came + dt.timedelta(days=9 * k), product, lot, -1_000_000, -3_000_000) for k in range(1, TAKINGS + 1)]
    rows.sort()
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA synchronous=OFF")
        raw.execute("BEGIN")
        raw.executemany(PRODUCT, [(i, company, f"P{i}", f"P{i}") for i in range(1, PRODUCTS + 1)])
        came_on = "2021-01-01"
        raw.executemany(LOT, [(i, company, i % PRODUCTS + 1, f"L{i}", f"L{i}", came_on) for i in range(1, lots + 1)])
        raw.executemany(
            ENTRY, [(company, p, lot, q, c, f"{day}", f"{day} 12:00:00.000000") for day, p, lot, q, c in rows]
        )
        raw.execute("COMMIT")


def seconds(work: Callable[[], object]) -> float:
    """The median of a few runs, after one that warms up."""
    work()
    taken = []
    for _ in range(QUESTIONS):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.sqlite3"
        url = f"sqlite:///{path}"
        database.migrate(url)
        engine = database.open_engine(url)
        company, _ = database.write_anywhere(
            engine,
            lambda s: found_company(s, name="B", currency="NZD", email="b@example.com", password="b" * 12, now=NOW),
        )
        fill(path, company=company.id, entries=asked.entries)
        measure(engine, path, company.id)
        engine.dispose()


def measure(engine: sa.Engine, path: Path, company: int) -> None:
    day = FIRST + dt.timedelta(days=DAYS * 4 // 5 + 17)
    today = FIRST + dt.timedelta(days=DAYS + 9 * TAKINGS + 1)
    known_at = dt.datetime.combine(day, dt.time(18), dt.UTC)

    def ask(**more: dt.datetime) -> valuing.StockValue:
        with database.reading(engine, company) as session:
            return valuing.stock_at(session, day, **more)

    def trend() -> object:
        with database.reading(engine, company) as session:
            return valuing.monthly_trend(session, today=today)

    with closing(sqlite3.connect(path)) as raw:
        floor = seconds(lambda: raw.execute(FLOOR, (company, f"{day}")).fetchone())
        plain = seconds(lambda: raw.execute(PLAIN_SUM).fetchone())
        exact = from_millionths(raw.execute(FLOOR, (company, f"{day}")).fetchone()[0])
    print(f"floor: SUM over all entries {plain * 1000:.0f} ms; over those up to the day {floor * 1000:.0f} ms")
    report("without month ends", seconds(ask), plain)
    start = time.perf_counter()
    written = database.write(engine, company, lambda s: valuing.refresh_month_ends(s, today=today))
    print(f"writing {len(written)} month ends: {time.perf_counter() - start:.1f} s, once")
    again = seconds(lambda: database.write(engine, company, lambda s: valuing.refresh_month_ends(s, today=today)))
    print(f"looking after them with nothing new: {again * 1000:.0f} ms")
    assert ask().total == exact == ask(known_at=known_at).total
    print(f"{len(ask().products)} products, {sum(len(p.lots) for p in ask().products)} lots held something on {day}")
    report("as known now", seconds(ask), plain)
    report("as known then", seconds(lambda: ask(known_at=known_at)), plain)
    report("trend of 12 months", seconds(trend), plain)


def report(name: str, taken: float, floor: float) -> None:
    print(f"{name:<20} {taken * 1000:6.0f} ms   ratio to the sum over all {taken / floor:.2f}")


if __name__ == "__main__":
    main()
