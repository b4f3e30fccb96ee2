"""The laws of receipts, builds, adjustments, reversals, numbers and exports as SQL: see `laws_of_stock`."""

from __future__ import annotations

from partsemble_core.store.laws_of_stock import Law

DOCUMENT_LAWS = (
    Law(
        name="entry-document",
        sources="I10",
        table="stock_entries",
        rule="An entry belongs to a document that is there.",
        shown="{reference}: there is no {document_kind} {document_id}",
        sql="""
SELECT e.id, e.reference, e.document_kind, e.document_id FROM stock_entries e
LEFT JOIN receipts rc ON e.document_kind = 'receipt' AND rc.company_id = e.company_id AND rc.id = e.document_id
  AND rc.state <> 'draft'
LEFT JOIN builds b ON e.document_kind IN ('build', 'waste') AND b.company_id = e.company_id AND b.id = e.document_id
  AND b.state NOT IN ('planned', 'cancelled')
LEFT JOIN adjustments a ON e.document_kind = 'adjustment' AND a.company_id = e.company_id AND a.id = e.document_id
LEFT JOIN reversals v ON e.document_kind = 'reversal' AND v.company_id = e.company_id AND v.id = e.document_id
LEFT JOIN lots l ON e.document_kind = 'split' AND l.company_id = e.company_id AND l.id = e.document_id
WHERE e.company_id = :company AND e.document_kind <> 'sale'
  AND rc.id IS NULL AND b.id IS NULL AND a.id IS NULL AND v.id IS NULL AND l.id IS NULL
ORDER BY e.id""",
    ),
    Law(
        name="receipt-line",
        sources="2, I10, I14",
        table="receipt_lines",
        rule="A confirmed receipt line opened one lot by one entry, at its quantity and landed cost.",
        shown="{reference}: {quantity} at {cost} on the line, {moved} at {moved_cost} in the ledger",
        sql="""
SELECT n.id, rc.reference, n.quantity, n.cost, COALESCE(s.quantity, 0) AS moved, COALESCE(s.cost, 0) AS moved_cost
FROM receipts rc JOIN receipt_lines n ON n.company_id = rc.company_id AND n.receipt_id = rc.id
LEFT JOIN (
  SELECT l.receipt_line_id, COUNT(e.id) AS entries, SUM(e.quantity) AS quantity, SUM(e.cost) AS cost,
    MIN(e.document_id) AS first_id, MAX(e.document_id) AS last_id
  FROM lots l LEFT JOIN stock_entries e ON e.company_id = l.company_id AND e.lot_id = l.id
    AND e.document_kind = 'receipt'
  WHERE l.company_id = :company AND l.receipt_line_id IS NOT NULL GROUP BY l.receipt_line_id
) s ON s.receipt_line_id = n.id
WHERE rc.company_id = :company AND ((rc.state = 'draft' AND s.receipt_line_id IS NOT NULL)
  OR (rc.state <> 'draft' AND (COALESCE(s.entries, 0) <> 1 OR s.quantity <> n.quantity OR s.cost <> n.cost
    OR s.first_id <> rc.id OR s.last_id <> rc.id)))
ORDER BY n.id""",
    ),
    Law(
        name="receipt-total",
        sources="I14",
        table="receipts",
        rule="A receipt costs what its lines cost together.",
        shown="{reference}: {total_cost} in all, lines {lines_cost}",
        sql="""
SELECT rc.id, rc.reference, rc.total_cost, COALESCE(SUM(n.cost), 0) AS lines_cost
FROM receipts rc LEFT JOIN receipt_lines n ON n.company_id = rc.company_id AND n.receipt_id = rc.id
WHERE rc.company_id = :company AND rc.state <> 'draft'
GROUP BY rc.id, rc.reference, rc.total_cost HAVING rc.total_cost <> COALESCE(SUM(n.cost), 0) ORDER BY rc.id""",
    ),
    Law(
        name="build-cost",
        sources="3, I19",
        table="builds",
        rule="A build costs what was drawn for it and its cost lines; waste is what was drawn and didn't come back.",
        shown="{reference}: components {components_cost}, drawn {drawn}, added {added_cost}, lines {lines_cost}, "
        "waste {waste_cost}, came back {returned}",
        sql="""
SELECT b.id, b.reference, b.components_cost, COALESCE(d.cost, 0) AS drawn, b.added_cost,
  COALESCE(k.cost, 0) AS lines_cost, b.waste_cost, COALESCE(d.returned, 0) AS returned
FROM builds b
LEFT JOIN (SELECT x.document_id, SUM(x.cost) AS cost, SUM(COALESCE(r.cost, 0)) AS returned
  FROM draws x LEFT JOIN returns r ON r.company_id = x.company_id AND r.draw_id = x.id
  WHERE x.company_id = :company AND x.document_kind = 'build' GROUP BY x.document_id) d ON d.document_id = b.id
LEFT JOIN (SELECT y.build_id, SUM(y.cost) AS cost FROM build_cost_lines y
  WHERE y.company_id = :company GROUP BY y.build_id) k ON k.build_id = b.id
WHERE b.company_id = :company AND (b.components_cost <> COALESCE(d.cost, 0)
  OR (b.state NOT IN ('planned', 'cancelled') AND b.added_cost <> COALESCE(k.cost, 0))
  OR (b.state IN ('planned', 'cancelled') AND b.added_cost <> 0)
  OR (b.state = 'rejected' AND b.waste_cost <> COALESCE(d.cost, 0) - COALESCE(d.returned, 0))
  OR (b.state <> 'rejected' AND b.waste_cost <> 0)
  OR (b.state IN ('completed', 'pending_qa') AND COALESCE(d.returned, 0) <> 0))
ORDER BY b.id""",
    ),
    Law(
        name="build-output",
        sources="3, I19",
        table="builds",
        rule="A completed build made one lot of its product by one entry, at its whole cost; no other build did.",
        shown="{reference} is {state}: {quantity} at {cost}, made {made} at {made_cost} in {lots} lots",
        sql="""
SELECT b.id, b.reference, b.state, b.quantity, b.components_cost + b.added_cost AS cost,
  COALESCE(s.quantity, 0) AS made, COALESCE(s.cost, 0) AS made_cost, CAST(COALESCE(s.lots, 0) AS TEXT) AS lots
FROM builds b LEFT JOIN (
  SELECT l.build_id, COUNT(DISTINCT l.id) AS lots, COUNT(e.id) AS entries, SUM(e.quantity) AS quantity,
    SUM(e.cost) AS cost, MIN(l.product_id) AS product_id
  FROM lots l LEFT JOIN stock_entries e ON e.company_id = l.company_id AND e.lot_id = l.id
    AND e.document_kind = 'build' AND e.document_id = l.build_id AND e.quantity > 0
  WHERE l.company_id = :company AND l.build_id IS NOT NULL GROUP BY l.build_id) s ON s.build_id = b.id
WHERE b.company_id = :company AND (
  (b.state IN ('completed', 'reversed') AND (COALESCE(s.lots, 0) <> 1 OR s.entries <> 1 OR s.quantity <> b.quantity
    OR s.cost <> b.components_cost + b.added_cost OR s.product_id <> b.product_id))
  OR (b.state NOT IN ('completed', 'reversed') AND s.build_id IS NOT NULL))
ORDER BY b.id""",
    ),
    Law(
        name="build-line",
        sources="I14, I19",
        table="build_lines",
        rule="An executed build drew of each line's product what the line needed, of an optional one at most that.",
        shown="{reference}: line {position} needed {quantity_needed}, {drawn} drawn",
        sql="""
SELECT n.id, b.reference, CAST(n.position AS TEXT) AS position, n.quantity_needed, COALESCE(d.quantity, 0) AS drawn
FROM builds b JOIN build_lines n ON n.company_id = b.company_id AND n.build_id = b.id
LEFT JOIN (SELECT x.document_id, x.line, SUM(x.quantity) AS quantity, MIN(l.product_id) AS least_id,
    MAX(l.product_id) AS most_id
  FROM draws x JOIN lots l ON l.company_id = x.company_id AND l.id = x.lot_id
  WHERE x.company_id = :company AND x.document_kind = 'build' GROUP BY x.document_id, x.line
) d ON d.document_id = b.id AND d.line = n.position - 1
WHERE b.company_id = :company AND (
  (b.state IN ('planned', 'cancelled') AND d.document_id IS NOT NULL)
  OR (b.state NOT IN ('planned', 'cancelled') AND (COALESCE(d.quantity, 0) > n.quantity_needed
    OR (NOT n.is_optional AND COALESCE(d.quantity, 0) <> n.quantity_needed)
    OR d.least_id <> n.product_id OR d.most_id <> n.product_id)))
ORDER BY n.id""",
    ),
    Law(
        name="adjustment-entry",
        sources="I10, I14",
        table="adjustments",
        rule="An adjustment moved its lot by one entry, exactly as it says.",
        shown="{reference}: {quantity} at {cost}, ledger {moved} at {moved_cost}",
        sql="""
SELECT a.id, a.reference, a.quantity, a.cost, COALESCE(s.quantity, 0) AS moved, COALESCE(s.cost, 0) AS moved_cost
FROM adjustments a LEFT JOIN (
  SELECT e.document_id, COUNT(*) AS entries, SUM(e.quantity) AS quantity, SUM(e.cost) AS cost, MIN(e.lot_id) AS lot_id
  FROM stock_entries e WHERE e.company_id = :company AND e.document_kind = 'adjustment' GROUP BY e.document_id
) s ON s.document_id = a.id
WHERE a.company_id = :company AND (COALESCE(s.entries, 0) <> 1 OR s.quantity <> a.quantity OR s.cost <> a.cost
  OR a.lot_id IS NULL OR s.lot_id <> a.lot_id)
ORDER BY a.id""",
    ),
    Law(
        name="reversal-exact",
        sources="6, I11",
        table="reversals",
        rule="A reversal takes back exactly what its document did to each product, and that document is reversed.",
        shown="{reference}: with {reversed_reference} it comes to {quantity} at {cost} of a product",
        sql="""
SELECT v.id, v.reference, v.reversed_reference, MAX(COALESCE(s.quantity, 0)) AS quantity,
  MAX(COALESCE(s.cost, 0)) AS cost
FROM reversals v
LEFT JOIN receipts rc ON v.document_kind = 'receipt' AND rc.company_id = v.company_id AND rc.id = v.document_id
LEFT JOIN builds b ON v.document_kind = 'build' AND b.company_id = v.company_id AND b.id = v.document_id
LEFT JOIN adjustments a ON v.document_kind = 'adjustment' AND a.company_id = v.company_id AND a.id = v.document_id
LEFT JOIN (
  SELECT t.reversal_id, t.product_id, SUM(t.quantity) AS quantity, SUM(t.cost) AS cost FROM (
    SELECT e.document_id AS reversal_id, e.product_id, e.quantity, e.cost FROM stock_entries e
    WHERE e.company_id = :company AND e.document_kind = 'reversal'
    UNION ALL
    SELECT w.id, e.product_id, e.quantity, e.cost FROM reversals w JOIN stock_entries e
      ON e.company_id = w.company_id AND e.document_kind = w.document_kind AND e.document_id = w.document_id
    WHERE w.company_id = :company
  ) t GROUP BY t.reversal_id, t.product_id
) s ON s.reversal_id = v.id
WHERE v.company_id = :company
GROUP BY v.id, v.reference, v.reversed_reference, rc.state, b.state, a.state
HAVING COALESCE(rc.state, b.state, a.state, '') <> 'reversed' OR COUNT(s.product_id) = 0
  OR SUM(CASE WHEN s.quantity <> 0 OR s.cost <> 0 THEN 1 ELSE 0 END) > 0
ORDER BY v.id""",
    ),
    Law(
        name="reversed-receipt",
        sources="6, I11",
        table="receipts",
        rule="A reversed receipt has its reversal.",
        shown="{reference}",
        sql="""
SELECT x.id, x.reference FROM receipts x LEFT JOIN reversals v ON v.company_id = x.company_id
  AND v.document_kind = 'receipt' AND v.document_id = x.id
WHERE x.company_id = :company AND x.state = 'reversed' AND v.id IS NULL ORDER BY x.id""",
    ),
    Law(
        name="reversed-build",
        sources="6, I11",
        table="builds",
        rule="A reversed build has its reversal.",
        shown="{reference}",
        sql="""
SELECT x.id, x.reference FROM builds x LEFT JOIN reversals v ON v.company_id = x.company_id
  AND v.document_kind = 'build' AND v.document_id = x.id
WHERE x.company_id = :company AND x.state = 'reversed' AND v.id IS NULL ORDER BY x.id""",
    ),
    Law(
        name="reversed-adjustment",
        sources="6, I11",
        table="adjustments",
        rule="A reversed adjustment has its reversal.",
        shown="{reference}",
        sql="""
SELECT x.id, x.reference FROM adjustments x LEFT JOIN reversals v ON v.company_id = x.company_id
  AND v.document_kind = 'adjustment' AND v.document_id = x.id
WHERE x.company_id = :company AND x.state = 'reversed' AND v.id IS NULL ORDER BY x.id""",
    ),
    Law(
        name="lot-origin",
        sources="2, I10",
        table="lots",
        rule="A lot came from one receipt line, build, opening or split, and is reversed if and only if that is.",
        shown="lot {number} is {state}, its document {document_state}",
        sql="""
SELECT l.id, l.number, l.state, COALESCE(rc.state, b.state, a.state, o.state, 'missing') AS document_state
FROM lots l
LEFT JOIN receipt_lines n ON n.company_id = l.company_id AND n.id = l.receipt_line_id
LEFT JOIN receipts rc ON rc.company_id = l.company_id AND rc.id = n.receipt_id
LEFT JOIN builds b ON b.company_id = l.company_id AND b.id = l.build_id
LEFT JOIN adjustments a ON a.company_id = l.company_id AND a.id = l.adjustment_id
LEFT JOIN lots o ON o.company_id = l.company_id AND o.id = l.split_from_id
WHERE l.company_id = :company AND (
  (CASE WHEN rc.id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN b.id IS NULL THEN 0 ELSE 1 END)
    + (CASE WHEN a.id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN o.id IS NULL THEN 0 ELSE 1 END) <> 1
  OR (l.state = 'reversed') <> (COALESCE(rc.state, b.state, a.state, o.state) = 'reversed'))
ORDER BY l.id""",
    ),
    Law(
        name="number-gap",
        sources="PRODUCT 6",
        table="counters",
        rule="Document numbers run from 1 without a gap up to the counter.",
        shown="{name}: counter {last_number}, {used} documents up to number {highest}",
        sql="""
SELECT COALESCE(c.id, 0) AS id, s.name, CAST(COALESCE(c.last, 0) AS TEXT) AS last_number,
  CAST(s.used AS TEXT) AS used, CAST(s.highest AS TEXT) AS highest
FROM (
  SELECT 'receipt' AS name, COUNT(number) AS used, COALESCE(MAX(number), 0) AS highest FROM receipts
  WHERE company_id = :company
  UNION ALL SELECT 'build', COUNT(number), COALESCE(MAX(number), 0) FROM builds WHERE company_id = :company
  UNION ALL SELECT 'adjustment', COUNT(number), COALESCE(MAX(number), 0) FROM adjustments WHERE company_id = :company
  UNION ALL SELECT 'count', COUNT(number), COALESCE(MAX(number), 0) FROM stock_counts WHERE company_id = :company
  UNION ALL SELECT 'true-up', COUNT(number), COALESCE(MAX(number), 0) FROM true_ups WHERE company_id = :company
  UNION ALL SELECT 'reversal', COUNT(number), COALESCE(MAX(number), 0) FROM reversals WHERE company_id = :company
) s LEFT JOIN counters c ON c.company_id = :company AND c.name = s.name
WHERE COALESCE(c.last, 0) <> s.used OR COALESCE(c.last, 0) <> s.highest ORDER BY 1""",
    ),
    Law(
        name="true-up",
        sources="5, I9",
        table="true_ups",
        rule="A true-up is posted as rounding alone, at its own amount, and what takes it back is its opposite.",
        shown="{reference}: {amount}, posted {posted} with rounding {rounding}, takes back {taken_back}",
        sql="""
SELECT t.id, t.reference, t.amount, COALESCE(x.posted, 0) AS posted, COALESCE(x.rounding, 0) AS rounding,
  COALESCE(o.amount, 0) AS taken_back
FROM true_ups t
LEFT JOIN exports x ON x.company_id = t.company_id AND x.document_kind = 'true_up' AND x.document_id = t.id
LEFT JOIN true_ups o ON o.company_id = t.company_id AND o.id = t.reverses_id
WHERE t.company_id = :company AND (x.id IS NULL OR x.exact <> 0 OR x.posted <> t.amount OR x.rounding <> t.amount
  OR (o.id IS NOT NULL AND o.amount <> -t.amount))
ORDER BY t.id""",
    ),
    Law(
        name="export-rounding",
        sources="5, I9",
        table="exports",
        rule="An export's exact amount is its document's, and what is posted differs from it by the recorded rounding.",
        shown="{reference}: exact {exact}, posted {posted}, rounding {rounding}, the document {document}",
        sql="""
SELECT x.id, x.reference, x.exact, x.posted, x.rounding,
  COALESCE(rc.total_cost, b.components_cost + b.added_cost, w.waste_cost, ABS(a.cost), -o.exact, 0) AS document
FROM exports x
JOIN companies c ON c.id = x.company_id
LEFT JOIN receipts rc ON x.document_kind = 'receipt' AND rc.company_id = x.company_id AND rc.id = x.document_id
LEFT JOIN builds b ON x.document_kind = 'build' AND b.company_id = x.company_id AND b.id = x.document_id
LEFT JOIN builds w ON x.document_kind = 'waste' AND w.company_id = x.company_id AND w.id = x.document_id
LEFT JOIN adjustments a ON x.document_kind = 'adjustment' AND a.company_id = x.company_id AND a.id = x.document_id
LEFT JOIN reversals v ON x.document_kind = 'reversal' AND v.company_id = x.company_id AND v.id = x.document_id
LEFT JOIN exports o ON o.company_id = v.company_id AND o.connection_id = x.connection_id
  AND o.document_kind = v.document_kind AND o.document_id = v.document_id
WHERE x.company_id = :company AND x.document_kind NOT IN ('sale', 'true_up') AND (x.posted - x.exact <> x.rounding
  OR x.exact <> COALESCE(rc.total_cost, b.components_cost + b.added_cost, w.waste_cost, ABS(a.cost), -o.exact,
    x.exact + 1)
  OR ABS(x.rounding) * 2 > CASE c.decimals WHEN 0 THEN 1000000 WHEN 1 THEN 100000 WHEN 2 THEN 10000 WHEN 3 THEN 1000
    ELSE 100 END)
ORDER BY x.id""",
    ),
    Law(
        name="export-once",
        sources="I10, I15",
        table="exports",
        rule="A document is posted once, and what is posted was sent and has an id in the books.",
        shown="{reference} is {state}, {siblings} live exports of the document, {sent} calls",
        sql="""
SELECT x.id, x.reference, x.state, CAST(s.siblings AS TEXT) AS siblings, CAST(COALESCE(t.sent, 0) AS TEXT) AS sent
FROM exports x
JOIN (SELECT y.document_kind, y.document_id,
    SUM(CASE WHEN y.state IN ('skipped', 'cancelled') THEN 0 ELSE 1 END) AS siblings
  FROM exports y WHERE y.company_id = :company GROUP BY y.document_kind, y.document_id
) s ON s.document_kind = x.document_kind AND s.document_id = x.document_id
LEFT JOIN (SELECT z.export_id, COUNT(*) AS sent FROM export_attempts z WHERE z.company_id = :company
  GROUP BY z.export_id) t ON t.export_id = x.id
WHERE x.company_id = :company AND ((s.siblings > 1 AND x.state NOT IN ('skipped', 'cancelled'))
  OR (x.state = 'posted' AND (x.external_id IS NULL OR x.posted_at IS NULL OR t.sent IS NULL)))
ORDER BY x.id""",
    ),
)
