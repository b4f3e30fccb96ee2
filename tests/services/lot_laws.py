"""Law 1 and its kin as SQL over the real tables, in whole millionths, with every way that a lot can change."""

from __future__ import annotations

import sqlalchemy as sa

from tests.services.makers import Shop

OUTGOING = """(
  EXISTS (SELECT 1 FROM draws d WHERE d.stock_entry_id = e.id AND d.company_id = e.company_id)
  OR EXISTS (SELECT 1 FROM returns r WHERE r.stock_entry_id = e.id AND r.company_id = e.company_id)
  OR e.document_kind = 'reversal' OR (e.document_kind = 'adjustment' AND e.quantity < 0))"""


def _sum(column: str, where: str) -> str:
    mine = "e.company_id = l.company_id AND e.lot_id = l.id"
    return f"COALESCE((SELECT SUM(e.{column}) FROM stock_entries e WHERE {mine} AND {where}), 0)"


def _of_product(column: str, table: str) -> str:
    return f"COALESCE((SELECT SUM(x.{column}) FROM {table} x WHERE x.company_id = :c AND x.product_id = p.id), 0)"


BROKEN: dict[str, str] = {
    "in = what came in": f"""SELECT l.id FROM lots l WHERE l.company_id = :c AND (
        l.quantity_in <> {_sum("quantity", f"NOT {OUTGOING}")} OR l.cost_in <> {_sum("cost", f"NOT {OUTGOING}")})""",
    "left = its whole ledger": f"""SELECT l.id FROM lots l WHERE l.company_id = :c AND (
        l.quantity_left <> {_sum("quantity", "1 = 1")} OR l.cost_left <> {_sum("cost", "1 = 1")})""",
    "0 <= left <= in, and nothing left costs nothing": """SELECT id FROM lots WHERE company_id = :c AND (
        quantity_left < 0 OR cost_left < 0 OR quantity_left > quantity_in OR cost_left > cost_in
        OR (quantity_left = 0 AND cost_left <> 0))""",
    "state says what is left": """SELECT id FROM lots WHERE company_id = :c AND (
        (state IN ('open', 'held')) <> (quantity_left > 0) OR (state = 'held' AND hold_reason = ''))""",
    "balance = lots": f"""
        SELECT p.id FROM products p LEFT JOIN stock_balances b ON b.product_id = p.id WHERE p.company_id = :c AND (
          COALESCE(b.quantity, 0) <> {_of_product("quantity_left", "lots")}
          OR COALESCE(b.value, 0) <> {_of_product("cost_left", "lots")})""",
    "balance = ledger": f"""
        SELECT p.id FROM products p LEFT JOIN stock_balances b ON b.product_id = p.id WHERE p.company_id = :c AND (
          COALESCE(b.quantity, 0) <> {_of_product("quantity", "stock_entries")}
          OR COALESCE(b.value, 0) <> {_of_product("cost", "stock_entries")})""",
    "a lot was never below zero, on any day": """
        SELECT e.id FROM stock_entries e WHERE e.company_id = :c AND 0 > (
          SELECT SUM(f.quantity) FROM stock_entries f
          WHERE f.company_id = :c AND f.lot_id = e.lot_id AND f.effective_on <= e.effective_on)""",
    "what comes back is what was drawn": """
        SELECT r.id FROM returns r JOIN draws d ON d.id = r.draw_id WHERE r.company_id = :c
          AND (r.lot_id <> d.lot_id OR r.quantity > d.quantity OR r.cost > d.cost)""",
    "splits carry everything": """
        SELECT MIN(e.id) FROM stock_entries e WHERE e.company_id = :c AND e.document_kind = 'split'
        GROUP BY e.document_id HAVING SUM(e.quantity) <> 0 OR SUM(e.cost) <> 0 OR COUNT(*) <> 2""",
    "a receipt is worth its lines": """
        SELECT r.id FROM receipts r WHERE r.company_id = :c
          AND r.total_cost <> (SELECT SUM(n.cost) FROM receipt_lines n WHERE n.receipt_id = r.id)""",
    "a reversal is the exact negative": """
        SELECT v.id FROM reversals v WHERE v.company_id = :c AND EXISTS (
          SELECT e.lot_id FROM stock_entries e JOIN lots l ON l.id = e.lot_id
          WHERE e.company_id = :c AND l.split_from_id IS NULL
            AND NOT EXISTS (SELECT 1 FROM lots part WHERE part.company_id = :c AND part.split_from_id = l.id)
            AND ((e.document_kind = 'reversal' AND e.document_id = v.id)
              OR (e.document_kind = v.document_kind AND e.document_id = v.document_id))
          GROUP BY e.lot_id HAVING SUM(e.quantity) <> 0 OR SUM(e.cost) <> 0)""",
    "posted - exact = rounding": """
        SELECT id FROM exports WHERE company_id = :c AND posted - exact <> rounding""",
}


def broken_lot_laws(shop: Shop) -> dict[str, list[int]]:
    """Each law that the company's rows break, with the ids that break it; empty when all is well."""
    with shop.reading() as session:
        found = {
            law: list(session.execute(sa.text(sql), {"c": shop.company_id}).scalars()) for law, sql in BROKEN.items()
        }
    return {law: ids for law, ids in found.items() if ids}
