"""The laws of days, recipes, counts and attempts as SQL: see `laws_of_stock`."""

from __future__ import annotations

from partsemble_core.store.laws_of_stock import Law


def _bears_its_day(name: str, table: str, kind: str, day: str, *, only: str = "") -> Law:
    """A document's entries bear its reference and, those of ``only``, its day."""
    return Law(
        name=name,
        sources="I10",
        table=table,
        rule="The entries of a document bear its reference and its day.",
        shown="{reference} of {document_day}: entry {entry_reference} of {entry_day}",
        sql=f"""
SELECT x.id, x.reference, x.{day} AS document_day, MIN(e.reference) AS entry_reference, MIN(e.effective_on) AS entry_day
FROM {table} x JOIN stock_entries e ON e.company_id = x.company_id AND e.document_kind = '{kind}'
  AND e.document_id = x.id
WHERE x.company_id = :company AND (e.reference <> x.reference
  OR ({only}(x.{day} IS NULL OR e.effective_on <> x.{day})))
GROUP BY x.id, x.reference, x.{day} ORDER BY x.id""",  # noqa: S608 - names from below, nobody's input
    )


DAY_LAWS = (
    _bears_its_day("receipt-day", "receipts", "receipt", "received_on"),
    # Under review, what was made or given back is dated when that was decided.
    _bears_its_day("build-day", "builds", "build", "built_on", only="(e.quantity < 0 OR x.reviewed_at IS NULL) AND "),
    _bears_its_day("adjustment-day", "adjustments", "adjustment", "adjusted_on"),
    _bears_its_day("reversal-day", "reversals", "reversal", "reversed_on"),
    Law(
        name="lot-day",
        sources="I7, I10",
        table="lots",
        rule="A lot came in on the day of what brought it, a split one with the lot that it was split from.",
        shown="lot {number}: {received_on}, its document {document_day}",
        sql="""
SELECT l.id, l.number, l.received_on,
  COALESCE(rc.received_on, a.adjusted_on, o.received_on, e.effective_on) AS document_day
FROM lots l
LEFT JOIN receipt_lines n ON n.company_id = l.company_id AND n.id = l.receipt_line_id
LEFT JOIN receipts rc ON rc.company_id = l.company_id AND rc.id = n.receipt_id
LEFT JOIN adjustments a ON a.company_id = l.company_id AND a.id = l.adjustment_id
LEFT JOIN lots o ON o.company_id = l.company_id AND o.id = l.split_from_id
LEFT JOIN stock_entries e ON e.company_id = l.company_id AND e.lot_id = l.id AND e.document_kind = 'build'
  AND e.document_id = l.build_id AND e.quantity > 0
WHERE l.company_id = :company
  AND l.received_on <> COALESCE(rc.received_on, a.adjusted_on, o.received_on, e.effective_on)
ORDER BY l.id""",
    ),
    Law(
        name="active-bom",
        sources="PRODUCT 5",
        table="products",
        rule="A product has one active BOM at most.",
        shown="{sku} has {versions}",
        sql="""
SELECT p.id, p.sku, CAST(COUNT(*) AS TEXT) AS versions FROM products p
JOIN boms b ON b.company_id = p.company_id AND b.product_id = p.id AND b.state = 'active'
WHERE p.company_id = :company GROUP BY p.id, p.sku HAVING COUNT(*) > 1 ORDER BY p.id""",
    ),
    Law(
        name="lot-number",
        sources="PRODUCT 7",
        table="products",
        rule="Two open lots of a product don't share a number.",
        shown="{sku}: {lots} open lots are numbered {number_key}",
        sql="""
SELECT p.id, p.sku, l.number_key, CAST(COUNT(*) AS TEXT) AS lots FROM products p
JOIN lots l ON l.company_id = p.company_id AND l.product_id = p.id AND l.state IN ('open', 'held')
WHERE p.company_id = :company GROUP BY p.id, p.sku, l.number_key HAVING COUNT(*) > 1 ORDER BY p.id""",
    ),
    Law(
        name="count-adjustment",
        sources="I14",
        table="stock_count_lines",
        rule="A confirmed count adjusted each lot by what was counted less what was expected.",
        shown="{reference}, lot {number}: {counted} counted, {expected} expected, {late} late, adjusted {adjusted}",
        sql="""
SELECT n.id, c.reference, l.number, n.counted, n.expected, COALESCE(s.late, 0) AS late,
  COALESCE(s.adjusted, 0) AS adjusted
FROM stock_counts c
JOIN stock_count_lines n ON n.company_id = c.company_id AND n.count_id = c.id
JOIN lots l ON l.company_id = n.company_id AND l.id = n.lot_id
LEFT JOIN (
  SELECT m.id, MAX(a.quantity) AS adjusted, MAX(CASE WHEN a.id IS NULL THEN 0 ELSE 1 END) AS is_adjusted,
    SUM(CASE WHEN e.id > m.through_entry_id AND e.effective_on < k.counted_on
      AND (x.id IS NULL OR e.id < x.id) THEN e.quantity ELSE 0 END) AS late,
    SUM(CASE WHEN e.id > m.through_entry_id AND e.effective_on < k.counted_on THEN 1 ELSE 0 END) AS late_entries
  FROM stock_count_lines m
  JOIN stock_counts k ON k.company_id = m.company_id AND k.id = m.count_id
  LEFT JOIN adjustments a ON a.company_id = m.company_id AND a.count_id = m.count_id AND a.lot_id = m.lot_id
  LEFT JOIN stock_entries x ON x.company_id = a.company_id AND x.document_kind = 'adjustment' AND x.document_id = a.id
  LEFT JOIN stock_entries e ON e.company_id = m.company_id AND e.lot_id = m.lot_id
  WHERE m.company_id = :company GROUP BY m.id
) s ON s.id = n.id
WHERE c.company_id = :company AND (
  (c.state = 'confirmed' AND n.counted IS NOT NULL AND s.is_adjusted = 1
    AND s.adjusted <> n.counted - n.expected - s.late)
  OR (c.state = 'confirmed' AND n.counted IS NOT NULL AND s.is_adjusted = 0 AND s.late_entries = 0
    AND n.counted <> n.expected)
  OR ((c.state <> 'confirmed' OR n.counted IS NULL) AND s.is_adjusted = 1))
ORDER BY n.id""",
    ),
    Law(
        name="export-attempt",
        sources="I10, I15",
        table="exports",
        rule="What the books took isn't waiting or given up, unless it is gone from them again.",
        shown="{reference} is {state}, yet a call made {external_id}",
        sql="""
SELECT x.id, x.reference, x.state, MIN(t.external_id) AS external_id FROM exports x
JOIN export_attempts t ON t.company_id = x.company_id AND t.export_id = x.id AND t.outcome = 'ok'
  AND t.step IN ('create', 'post') AND t.external_id IS NOT NULL
LEFT JOIN export_attempts g ON g.company_id = x.company_id AND g.export_id = x.id AND g.outcome = 'ok'
  AND g.step = 'discard' AND g.external_id = t.external_id
WHERE x.company_id = :company AND x.state IN ('pending', 'skipped', 'cancelled') AND g.id IS NULL
GROUP BY x.id, x.reference, x.state ORDER BY x.id""",
    ),
)
