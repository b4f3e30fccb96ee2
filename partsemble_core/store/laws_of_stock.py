"""The laws of lots, ledger and balances as SQL. Each statement names the rows of a company that break its law.

Amounts come back in millionths. Nothing here shares code with what writes the rows: that is what makes it a check.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """``sql`` takes :company and gives ``id`` of a row of ``table`` and figures for the sentence ``shown``.

    ``sources`` are the rules it checks: laws of the product by number, invariants as I1 to I20.
    """

    name: str
    sources: str
    table: str
    rule: str
    shown: str
    sql: str


STOCK_LAWS = (
    Law(
        name="lot-in",
        sources="1, I1, I2",
        table="lots",
        rule="What came into a lot is the sum of its incoming entries.",
        shown="lot {number}: {quantity_in} at {cost_in} on the lot, {quantity} at {cost} in the ledger",
        sql="""
SELECT l.id, l.number, l.quantity_in, l.cost_in, COALESCE(s.quantity, 0) AS quantity, COALESCE(s.cost, 0) AS cost
FROM lots l LEFT JOIN (
  SELECT e.lot_id, SUM(e.quantity) AS quantity, SUM(e.cost) AS cost
  FROM stock_entries e
  LEFT JOIN draws d ON d.company_id = e.company_id AND d.stock_entry_id = e.id
  LEFT JOIN returns r ON r.company_id = e.company_id AND r.stock_entry_id = e.id
  WHERE e.company_id = :company AND d.id IS NULL AND r.id IS NULL AND e.document_kind <> 'reversal'
    AND NOT (e.document_kind = 'adjustment' AND e.quantity < 0)
  GROUP BY e.lot_id) s ON s.lot_id = l.id
WHERE l.company_id = :company
  AND (l.quantity_in <> COALESCE(s.quantity, 0) OR l.cost_in <> COALESCE(s.cost, 0))
ORDER BY l.id""",
    ),
    Law(
        name="lot-left",
        sources="1, 2, I1, I2, I3",
        table="lots",
        rule="What is left of a lot is the sum of all its entries.",
        shown="lot {number}: {quantity_left} at {cost_left} on the lot, {quantity} at {cost} in the ledger",
        sql="""
SELECT l.id, l.number, l.quantity_left, l.cost_left, COALESCE(s.quantity, 0) AS quantity, COALESCE(s.cost, 0) AS cost
FROM lots l LEFT JOIN (
  SELECT e.lot_id, SUM(e.quantity) AS quantity, SUM(e.cost) AS cost FROM stock_entries e
  WHERE e.company_id = :company GROUP BY e.lot_id) s ON s.lot_id = l.id
WHERE l.company_id = :company
  AND (l.quantity_left <> COALESCE(s.quantity, 0) OR l.cost_left <> COALESCE(s.cost, 0))
ORDER BY l.id""",
    ),
    Law(
        name="lot-bounds",
        sources="1, I5",
        table="lots",
        rule="A lot holds between nothing and what came in, nothing costs nothing, and its state says which.",
        shown="lot {number}: {state}, {quantity_left} of {quantity_in} left at {cost_left} of {cost_in}",
        sql="""
SELECT l.id, l.number, l.state, l.quantity_left, l.quantity_in, l.cost_left, l.cost_in FROM lots l
WHERE l.company_id = :company AND (
  l.quantity_left < 0 OR l.quantity_left > l.quantity_in OR l.cost_left < 0 OR l.cost_left > l.cost_in
  OR (l.quantity_left = 0 AND l.cost_left <> 0)
  OR (l.quantity_left > 0) <> (l.state IN ('open', 'held'))
  OR (l.state = 'held' AND l.hold_reason = '') OR (l.state = 'open' AND l.hold_reason <> ''))
ORDER BY l.id""",
    ),
    Law(
        name="entry-product",
        sources="2, I17",
        table="stock_entries",
        rule="An entry is of the product that its lot is of.",
        shown="{reference}: product {product_id}, its lot {number} is of product {lot_product_id}",
        sql="""
SELECT e.id, e.reference, e.product_id, l.number, l.product_id AS lot_product_id
FROM stock_entries e JOIN lots l ON l.company_id = e.company_id AND l.id = e.lot_id
WHERE e.company_id = :company AND e.product_id <> l.product_id ORDER BY e.id""",
    ),
    Law(
        name="balance-lots",
        sources="2, I3, I4",
        table="products",
        rule="A product's balance is the sum of what is left of its lots.",
        shown="{sku}: balance {quantity} at {value}, lots {lots_quantity} at {lots_value}",
        sql="""
SELECT p.id, p.sku, COALESCE(b.quantity, 0) AS quantity, COALESCE(b.value, 0) AS value,
  COALESCE(s.quantity, 0) AS lots_quantity, COALESCE(s.value, 0) AS lots_value
FROM products p
LEFT JOIN stock_balances b ON b.company_id = p.company_id AND b.product_id = p.id
LEFT JOIN (SELECT l.product_id, SUM(l.quantity_left) AS quantity, SUM(l.cost_left) AS value FROM lots l
  WHERE l.company_id = :company GROUP BY l.product_id) s ON s.product_id = p.id
WHERE p.company_id = :company AND (COALESCE(b.quantity, 0) <> COALESCE(s.quantity, 0)
  OR COALESCE(b.value, 0) <> COALESCE(s.value, 0))
ORDER BY p.id""",
    ),
    Law(
        name="balance-ledger",
        sources="2, I3",
        table="products",
        rule="A product's balance is the sum of its entries.",
        shown="{sku}: balance {quantity} at {value}, ledger {ledger_quantity} at {ledger_value}",
        sql="""
SELECT p.id, p.sku, COALESCE(b.quantity, 0) AS quantity, COALESCE(b.value, 0) AS value,
  COALESCE(s.quantity, 0) AS ledger_quantity, COALESCE(s.value, 0) AS ledger_value
FROM products p
LEFT JOIN stock_balances b ON b.company_id = p.company_id AND b.product_id = p.id
LEFT JOIN (SELECT e.product_id, SUM(e.quantity) AS quantity, SUM(e.cost) AS value FROM stock_entries e
  WHERE e.company_id = :company GROUP BY e.product_id) s ON s.product_id = p.id
WHERE p.company_id = :company AND (COALESCE(b.quantity, 0) <> COALESCE(s.quantity, 0)
  OR COALESCE(b.value, 0) <> COALESCE(s.value, 0))
ORDER BY p.id""",
    ),
    Law(
        name="draw-entry",
        sources="1, 2, I1, I2",
        table="draws",
        rule="A draw and its entry say the same of the same lot and document.",
        shown="draw of {quantity} at {cost}, its entry {entry_id} moves {entry_quantity} at {entry_cost}",
        sql="""
SELECT d.id, d.quantity, d.cost, e.id AS entry_id, e.quantity AS entry_quantity, e.cost AS entry_cost
FROM draws d LEFT JOIN stock_entries e ON e.company_id = d.company_id AND e.id = d.stock_entry_id
WHERE d.company_id = :company AND (e.id IS NULL OR e.lot_id <> d.lot_id OR e.quantity <> -d.quantity
  OR e.cost <> -d.cost OR e.document_kind <> d.document_kind OR e.document_id <> d.document_id)
ORDER BY d.id""",
    ),
    Law(
        name="build-entry",
        sources="2, I10",
        table="stock_entries",
        rule="What a build takes has a draw; what comes to it is its output or a return.",
        shown="{reference}: entry of {quantity} at {cost} stands alone",
        sql="""
SELECT e.id, e.reference, e.quantity, e.cost FROM stock_entries e
LEFT JOIN draws d ON d.company_id = e.company_id AND d.stock_entry_id = e.id
LEFT JOIN returns r ON r.company_id = e.company_id AND r.stock_entry_id = e.id
LEFT JOIN lots l ON l.company_id = e.company_id AND l.id = e.lot_id AND l.build_id = e.document_id
WHERE e.company_id = :company AND e.document_kind = 'build' AND (
  (e.quantity < 0 AND d.id IS NULL) OR (e.quantity > 0 AND r.id IS NULL AND l.id IS NULL))
ORDER BY e.id""",
    ),
    Law(
        name="return-draw",
        sources="6, I11, I20",
        table="returns",
        rule="A return gives a lot back at most what was drawn, at the cost it left with, and has its entry.",
        shown="{quantity} at {cost} came back of a draw of {drawn} at {drawn_cost}",
        sql="""
SELECT r.id, r.quantity, r.cost, d.quantity AS drawn, d.cost AS drawn_cost
FROM returns r
LEFT JOIN draws d ON d.company_id = r.company_id AND d.id = r.draw_id
LEFT JOIN stock_entries e ON e.company_id = r.company_id AND e.id = r.stock_entry_id
WHERE r.company_id = :company AND (d.id IS NULL OR e.id IS NULL OR r.lot_id <> d.lot_id
  OR r.quantity > d.quantity OR r.cost > d.cost OR (r.quantity = d.quantity AND r.cost <> d.cost)
  OR e.lot_id <> r.lot_id OR e.quantity <> r.quantity OR e.cost <> r.cost
  OR e.document_kind <> r.document_kind OR e.document_id <> r.document_id)
ORDER BY r.id""",
    ),
    Law(
        name="negative-stock",
        sources="1, I6",
        table="stock_entries",
        rule="At the end of every day a lot held nothing or more.",
        shown="lot {number} held {held} at the end of {on_day}",
        sql="""
SELECT s.last_id AS id, l.number, CAST(s.effective_on AS TEXT) AS on_day, s.held
FROM (SELECT e.lot_id, e.effective_on, MAX(e.id) AS last_id,
    SUM(SUM(e.quantity)) OVER (PARTITION BY e.lot_id ORDER BY e.effective_on) AS held
  FROM stock_entries e WHERE e.company_id = :company GROUP BY e.lot_id, e.effective_on) s
JOIN lots l ON l.company_id = :company AND l.id = s.lot_id
WHERE s.held < 0 ORDER BY s.last_id""",
    ),
    Law(
        name="split-pair",
        sources="1, I14",
        table="stock_entries",
        rule="What a split takes off one lot comes into the other, of the same product.",
        shown="{reference}: the entries of the split come to {quantity} at {cost}",
        sql="""
SELECT MIN(e.id) AS id, MIN(e.reference) AS reference, SUM(e.quantity) AS quantity, SUM(e.cost) AS cost
FROM stock_entries e
LEFT JOIN lots l ON l.company_id = e.company_id AND l.id = e.lot_id
  AND (l.id = e.document_id OR l.id = (SELECT x.split_from_id FROM lots x
    WHERE x.company_id = e.company_id AND x.id = e.document_id))
WHERE e.company_id = :company AND e.document_kind = 'split'
GROUP BY e.document_id
HAVING SUM(e.quantity) <> 0 OR SUM(e.cost) <> 0 OR COUNT(*) <> 2 OR COUNT(l.id) <> 2
  OR COUNT(DISTINCT e.product_id) <> 1
ORDER BY 1""",
    ),
    Law(
        name="locked-period",
        sources="I12",
        table="stock_entries",
        rule="Nothing was added to a locked period after it was locked.",
        shown="{reference} is dated {on_day}, locked through {locked}",
        sql="""
SELECT e.id, e.reference, CAST(e.effective_on AS TEXT) AS on_day, CAST(o.locked_through AS TEXT) AS locked
FROM company_options o JOIN stock_entries e ON e.company_id = o.company_id
WHERE o.company_id = :company AND e.id > o.locked_after_entry_id AND e.effective_on <= o.locked_through
ORDER BY e.id""",
    ),
    Law(
        name="month-end",
        sources="I3, I18",
        table="month_ends",
        rule="A month end that is used says what the ledger says.",
        shown="{on_day}: there it says {quantity} at {cost} more than the ledger of a lot",
        sql="""
WITH good AS (
  SELECT m.id, m.month_end_on, LEAD(m.month_end_on) OVER (ORDER BY m.month_end_on) AS next_on
  FROM month_ends m WHERE m.company_id = :company AND NOT EXISTS (SELECT 1 FROM stock_entries e
    WHERE e.company_id = m.company_id AND e.id > m.through_entry_id
      AND COALESCE(e.effective_on, m.month_end_on) <= m.month_end_on)),
moved AS (
  SELECT s.lot_id, g.month_end_on, s.quantity, s.cost
  FROM good g JOIN month_end_lots s ON s.company_id = :company AND s.month_end_id = g.id
  UNION ALL
  SELECT s.lot_id, g.next_on, -s.quantity, -s.cost
  FROM good g JOIN month_end_lots s ON s.company_id = :company AND s.month_end_id = g.id WHERE g.next_on IS NOT NULL
  UNION ALL
  SELECT e.lot_id, (SELECT MIN(m.month_end_on) FROM month_ends m WHERE m.company_id = :company
    AND m.month_end_on >= e.effective_on), -e.quantity, -e.cost
  FROM stock_entries e WHERE e.company_id = :company),
summed AS (
  SELECT lot_id, month_end_on, SUM(quantity) AS quantity, SUM(cost) AS cost FROM moved
  WHERE month_end_on IS NOT NULL GROUP BY lot_id, month_end_on),
off AS (
  SELECT month_end_on, SUM(quantity) OVER (PARTITION BY lot_id ORDER BY month_end_on) AS quantity,
    SUM(cost) OVER (PARTITION BY lot_id ORDER BY month_end_on) AS cost
  FROM summed)
SELECT g.id, CAST(g.month_end_on AS TEXT) AS on_day, MAX(o.quantity) AS quantity, MAX(o.cost) AS cost
FROM off o JOIN good g ON g.month_end_on = o.month_end_on
WHERE o.quantity <> 0 OR o.cost <> 0
GROUP BY g.id, g.month_end_on ORDER BY g.id""",
    ),
    Law(
        name="month-end-value",
        sources="I3, I18",
        table="month_ends",
        rule="The value of a month end that is used is the sum of its lots.",
        shown="{on_day}: {cost} more than its lots",
        sql="""
SELECT m.id, CAST(m.month_end_on AS TEXT) AS on_day, m.value - COALESCE(SUM(s.cost), 0) AS cost
FROM month_ends m LEFT JOIN month_end_lots s ON s.company_id = m.company_id AND s.month_end_id = m.id
WHERE m.company_id = :company AND NOT EXISTS (SELECT 1 FROM stock_entries e
  WHERE e.company_id = m.company_id AND e.id > m.through_entry_id
    AND COALESCE(e.effective_on, m.month_end_on) <= m.month_end_on)
GROUP BY m.id, m.month_end_on, m.value
HAVING m.value <> COALESCE(SUM(s.cost), 0)
ORDER BY m.id""",
    ),
)
