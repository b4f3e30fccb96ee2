"""The laws of the product as SQL over the real tables, in whole millionths: nothing of ours computes them."""

from __future__ import annotations

import sqlalchemy as sa

from partsemble_core.plugin_api.entries import entry_from_bytes
from tests.services.makers import Shop

BROKEN: dict[str, str] = {
    "1 lot: in = left + draws - returns + other ways out": """
        SELECT l.id FROM lots l LEFT JOIN (
          SELECT lot_id, SUM(quantity) AS quantity, SUM(cost) AS cost FROM (
            SELECT lot_id, quantity, cost FROM draws WHERE company_id = :c
            UNION ALL SELECT lot_id, -quantity, -cost FROM returns WHERE company_id = :c
            UNION ALL SELECT lot_id, -quantity, -cost FROM stock_entries
              WHERE company_id = :c AND document_kind = 'adjustment' AND quantity < 0
            UNION ALL SELECT lot_id, -quantity, -cost FROM stock_entries
              WHERE company_id = :c AND document_kind = 'reversal'
              AND id NOT IN (SELECT stock_entry_id FROM returns WHERE company_id = :c)) ways
          GROUP BY lot_id) went ON went.lot_id = l.id
        WHERE l.company_id = :c AND (l.quantity_in <> l.quantity_left + COALESCE(went.quantity, 0)
          OR l.cost_in <> l.cost_left + COALESCE(went.cost, 0))""",
    "1 lot: never below zero, and nothing left costs nothing": """
        SELECT id FROM lots WHERE company_id = :c
          AND (quantity_left < 0 OR cost_left < 0 OR (quantity_left = 0 AND cost_left <> 0))""",
    "1 lot: its state says what is left": """
        SELECT id FROM lots WHERE company_id = :c AND (state IN ('open', 'held')) <> (quantity_left > 0)""",
    "2 product: balance = its lots": """
        SELECT p.id FROM products p LEFT JOIN stock_balances b ON b.product_id = p.id WHERE p.company_id = :c AND (
          COALESCE(b.quantity, 0) <> COALESCE((SELECT SUM(l.quantity_left) FROM lots l WHERE l.product_id = p.id), 0)
          OR COALESCE(b.value, 0) <> COALESCE((SELECT SUM(l.cost_left) FROM lots l WHERE l.product_id = p.id), 0))""",
    "2 product: balance = its ledger": """
        SELECT p.id FROM products p LEFT JOIN stock_balances b ON b.product_id = p.id WHERE p.company_id = :c AND (
          COALESCE(b.quantity, 0) <> COALESCE(
            (SELECT SUM(e.quantity) FROM stock_entries e WHERE e.product_id = p.id), 0)
          OR COALESCE(b.value, 0) <> COALESCE(
            (SELECT SUM(e.cost) FROM stock_entries e WHERE e.product_id = p.id), 0))""",
    "2 product: a lot's ledger is what is left of it": """
        SELECT l.id FROM lots l WHERE l.company_id = :c AND (
          l.quantity_left <> COALESCE((SELECT SUM(e.quantity) FROM stock_entries e WHERE e.lot_id = l.id), 0)
          OR l.cost_left <> COALESCE((SELECT SUM(e.cost) FROM stock_entries e WHERE e.lot_id = l.id), 0))""",
    "2 product: what leaves by a build or a sale has its draw": """
        SELECT e.id FROM stock_entries e LEFT JOIN draws d ON d.stock_entry_id = e.id
        WHERE e.company_id = :c AND e.quantity < 0 AND e.document_kind NOT IN ('adjustment', 'split', 'reversal')
          AND (d.id IS NULL OR d.lot_id <> e.lot_id OR d.quantity <> -e.quantity OR d.cost <> -e.cost
          OR d.document_kind <> e.document_kind OR d.document_id <> e.document_id)""",
    "2 product: what comes back has its draw": """
        SELECT r.id FROM returns r JOIN stock_entries e ON e.id = r.stock_entry_id JOIN draws d ON d.id = r.draw_id
        WHERE r.company_id = :c AND (r.lot_id <> d.lot_id OR e.lot_id <> d.lot_id OR e.quantity <> r.quantity
          OR e.cost <> r.cost OR r.quantity > d.quantity OR r.cost > d.cost)""",
    "3 build: components + cost lines = the lot made": """
        SELECT b.id FROM builds b LEFT JOIN lots l ON l.build_id = b.id
        LEFT JOIN stock_entries e ON e.lot_id = l.id AND e.document_kind = 'build' AND e.document_id = b.id
        WHERE b.company_id = :c AND b.state IN ('completed', 'reversed')
          AND (e.id IS NULL OR e.quantity <> b.quantity OR e.cost <> b.components_cost + b.added_cost)""",
    "3 build: its cost is its draws and its cost lines": """
        SELECT b.id FROM builds b WHERE b.company_id = :c AND b.executed_at IS NOT NULL AND (
          b.components_cost <> COALESCE((SELECT SUM(d.cost) FROM draws d
            WHERE d.document_kind = 'build' AND d.document_id = b.id), 0)
          OR b.added_cost <> COALESCE((SELECT SUM(k.cost) FROM build_cost_lines k WHERE k.build_id = b.id), 0))""",
    "3 build: one lot each, if it was good": """
        SELECT b.id FROM builds b WHERE b.company_id = :c AND (SELECT COUNT(*) FROM lots l WHERE l.build_id = b.id)
          <> CASE WHEN b.state IN ('completed', 'reversed') THEN 1 ELSE 0 END""",
    "3 build: waste = what was drawn less what came back": """
        SELECT b.id FROM builds b WHERE b.company_id = :c AND b.state = 'rejected' AND b.waste_cost <>
          b.components_cost - COALESCE((SELECT SUM(r.cost) FROM returns r JOIN draws d ON d.id = r.draw_id
            WHERE d.document_kind = 'build' AND d.document_id = b.id), 0)""",
    "3 build: what was drawn is what its lines needed": """
        SELECT n.id FROM build_lines n JOIN builds b ON b.id = n.build_id
        WHERE n.company_id = :c AND NOT n.is_optional AND b.executed_at IS NOT NULL
          AND n.quantity_needed <> COALESCE((SELECT SUM(d.quantity) FROM draws d
            WHERE d.document_kind = 'build' AND d.document_id = n.build_id AND d.line = n.position - 1), 0)""",
    "5 export: posted - exact = rounding": """
        SELECT id FROM exports WHERE company_id = :c AND posted - exact <> rounding""",
    "numbers have no gaps": """
        SELECT 1 FROM (SELECT COUNT(*) AS n, COALESCE(MAX(number), 0) AS last FROM builds WHERE company_id = :c) x
        WHERE n <> last UNION ALL
        SELECT 2 FROM (SELECT COUNT(number) AS n, COALESCE(MAX(number), 0) AS last FROM receipts
          WHERE company_id = :c) y WHERE n <> last""",
    "stock was never below zero, on any day": """
        SELECT e.id FROM stock_entries e WHERE e.company_id = :c AND 0 > (
          SELECT SUM(f.quantity) FROM stock_entries f
          WHERE f.product_id = e.product_id AND f.effective_on <= e.effective_on)""",
}


def broken_laws(shop: Shop) -> dict[str, list[int]]:
    """Each law that the company's rows break, with the ids that break it; empty when all is well."""
    with shop.reading() as session:
        found = {
            law: list(session.execute(sa.text(sql), {"c": shop.company_id}).scalars()) for law, sql in BROKEN.items()
        }
        bodies = session.execute(
            sa.text("SELECT id, body FROM exports WHERE company_id = :c"), {"c": shop.company_id}
        ).all()
    found["4 journal: debits = credits"] = [key for key, body in bodies if is_unbalanced(bytes(body))]
    return {law: ids for law, ids in found.items() if ids}


def is_unbalanced(body: bytes) -> bool:
    """Whether the lines differ, or one isn't a whole number of minor units."""
    entry = entry_from_bytes(body)
    smallest = 10**entry.decimals
    return sum(line.amount for line in entry.lines) != 0 or any(line.amount * smallest % 1 for line in entry.lines)


def ledger_of(shop: Shop) -> dict[int, tuple[object, ...]]:
    """Every line of the company's ledger by id: law 6 says that what stood there stays."""
    with shop.reading() as session:
        rows = session.execute(sa.text("SELECT * FROM stock_entries WHERE company_id = :c"), {"c": shop.company_id})
        return {row.id: tuple(row) for row in rows}
