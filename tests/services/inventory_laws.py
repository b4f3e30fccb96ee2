"""Laws 1 to 4 and 6 of the product as SQL over the real tables, in whole millionths, for everything that lots can meet.

An entry of a lot goes *out* when it has a draw or a return, belongs to a reversal, or is a negative one of an
adjustment; every other entry comes *in*.
"""

from __future__ import annotations

import json
from fractions import Fraction

import sqlalchemy as sa

from tests.services.makers import Shop

Ledger = dict[int, tuple[object, ...]]

LAWS: dict[str, str] = {
    "1 lot: in = all that came in": """
        SELECT l.id FROM lots l LEFT JOIN (
          SELECT e.lot_id, SUM(e.quantity) AS quantity, SUM(e.cost) AS cost FROM stock_entries e
          WHERE e.company_id = :c AND e.document_kind <> 'reversal'
            AND NOT (e.document_kind = 'adjustment' AND e.quantity < 0)
            AND e.id NOT IN (SELECT stock_entry_id FROM draws WHERE company_id = :c)
            AND e.id NOT IN (SELECT stock_entry_id FROM returns WHERE company_id = :c)
          GROUP BY e.lot_id) came ON came.lot_id = l.id
        WHERE l.company_id = :c
          AND (l.quantity_in <> COALESCE(came.quantity, 0) OR l.cost_in <> COALESCE(came.cost, 0))""",
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
        SELECT id FROM lots WHERE company_id = :c AND (quantity_left < 0 OR cost_left < 0
          OR quantity_left > quantity_in OR cost_left > cost_in OR (quantity_left = 0 AND cost_left <> 0))""",
    "2 lot: left = its ledger": """
        SELECT l.id FROM lots l LEFT JOIN (SELECT lot_id, SUM(quantity) AS quantity, SUM(cost) AS cost
          FROM stock_entries WHERE company_id = :c GROUP BY lot_id) e ON e.lot_id = l.id
        WHERE l.company_id = :c
          AND (l.quantity_left <> COALESCE(e.quantity, 0) OR l.cost_left <> COALESCE(e.cost, 0))""",
    "2 product: balance = Σ lots": """
        SELECT b.id FROM stock_balances b LEFT JOIN (
          SELECT product_id, SUM(quantity_left) AS quantity, SUM(cost_left) AS cost
          FROM lots WHERE company_id = :c GROUP BY product_id) l ON l.product_id = b.product_id
        WHERE b.company_id = :c AND (b.quantity <> COALESCE(l.quantity, 0) OR b.value <> COALESCE(l.cost, 0))""",
    "2 product: balance = Σ ledger": """
        SELECT e.product_id FROM (SELECT product_id, SUM(quantity) AS quantity, SUM(cost) AS cost
          FROM stock_entries WHERE company_id = :c GROUP BY product_id) e
        LEFT JOIN stock_balances b ON b.company_id = :c AND b.product_id = e.product_id
        WHERE COALESCE(b.quantity, 0) <> e.quantity OR COALESCE(b.value, 0) <> e.cost""",
    "2 product: never below zero on any evening": """
        SELECT id FROM (SELECT id, lot_id, SUM(quantity) OVER (PARTITION BY lot_id ORDER BY effective_on) AS held
          FROM stock_entries WHERE company_id = :c) evenings WHERE held < 0""",
    "3 build: components + cost lines = the lot made": """
        SELECT b.id FROM builds b
        LEFT JOIN lots l ON l.company_id = b.company_id AND l.build_id = b.id
        LEFT JOIN stock_entries e ON e.company_id = b.company_id AND e.lot_id = l.id
          AND e.document_kind = 'build' AND e.document_id = b.id
        WHERE b.company_id = :c AND b.state IN ('completed', 'reversed') AND (l.id IS NULL OR e.id IS NULL
          OR e.quantity <> b.quantity OR e.cost <> b.added_cost + COALESCE((SELECT SUM(d.cost) FROM draws d
            WHERE d.company_id = :c AND d.document_kind = 'build' AND d.document_id = b.id), 0))""",
    "3 build: its cost lines are its added cost": """
        SELECT b.id FROM builds b WHERE b.company_id = :c AND b.executed_at IS NOT NULL
          AND b.added_cost <> COALESCE((SELECT SUM(k.cost) FROM build_cost_lines k
            WHERE k.company_id = :c AND k.build_id = b.id), 0)""",
    "3 build: waste = what was drawn less what came back": """
        SELECT b.id FROM builds b WHERE b.company_id = :c AND b.state = 'rejected' AND b.waste_cost <>
          COALESCE((SELECT SUM(d.cost - COALESCE(r.cost, 0)) FROM draws d
            LEFT JOIN returns r ON r.company_id = :c AND r.draw_id = d.id
            WHERE d.company_id = :c AND d.document_kind = 'build' AND d.document_id = b.id), 0)""",
    "3 build: only what is good has a lot": """
        SELECT b.id FROM builds b JOIN lots l ON l.company_id = b.company_id AND l.build_id = b.id
        WHERE b.company_id = :c AND b.state NOT IN ('completed', 'reversed')""",
    "5 export: posted - exact = rounding": """
        SELECT id FROM exports WHERE company_id = :c AND posted - exact <> rounding""",
    "6 a reversal is the exact negative, of quantity and cost": """
        SELECT v.id FROM reversals v WHERE v.company_id = :c AND (
          (SELECT SUM(e.quantity) FROM stock_entries e WHERE e.company_id = :c AND (
            (e.document_kind = 'reversal' AND e.document_id = v.id)
            OR (e.document_kind = v.document_kind AND e.document_id = v.document_id))) <> 0
          OR (SELECT SUM(e.cost) FROM stock_entries e WHERE e.company_id = :c AND (
            (e.document_kind = 'reversal' AND e.document_id = v.id)
            OR (e.document_kind = v.document_kind AND e.document_id = v.document_id))) <> 0)""",
}
# One statement, made once: they are asked after every step of every history.
ALL_LAWS = sa.text(" UNION ALL ".join(f"SELECT '{law}' AS law, x.* FROM ({sql}) x" for law, sql in LAWS.items()))
BODIES = sa.text("SELECT id, body FROM exports WHERE company_id = :c")
ENTRIES = sa.text("SELECT * FROM stock_entries WHERE company_id = :c")


def broken_laws(shop: Shop) -> dict[str, list[int]]:
    """Each law that the company's rows break, with the ids that break it; empty when all is well."""
    company = {"c": shop.company_id}
    found: dict[str, list[int]] = {law: [] for law in LAWS}
    with shop.reading() as session:
        for law, key in session.execute(ALL_LAWS, company):
            found[law].append(key)
        bodies = session.execute(BODIES, company).all()
    found["4 journal: debits = credits, in whole minor units"] = [key for key, body in bodies if _is_odd(bytes(body))]
    return {law: ids for law, ids in found.items() if ids}


def _is_odd(body: bytes) -> bool:
    """Read as plain JSON: nothing of ours takes part."""
    entry = json.loads(body)
    amounts = [Fraction(line["amount"]) for line in entry["lines"]]
    return sum(amounts) != 0 or any(amount * 10 ** entry["decimals"] % 1 for amount in amounts)


def ledger_of(shop: Shop) -> Ledger:
    """Every line of the company's ledger by id: what stood there must stay."""
    with shop.reading() as session:
        rows = session.execute(ENTRIES, {"c": shop.company_id})
        return {row.id: tuple(row) for row in rows}
