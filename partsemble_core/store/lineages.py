"""Lineages: which lots came of which, in both directions, by one recursive statement each.

Every step carries the company, and UNION (without ALL) visits a lot once, so that even a ring would end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from partsemble_core.store.base import Millionths
from partsemble_core.store.session import CompanySession

UP = """
up(lot_id) AS (
  SELECT l.id FROM lots l WHERE l.company_id = :company AND l.id = :lot
  UNION
  SELECT COALESCE(l.split_from_id, d.lot_id)
  FROM up
  JOIN lots l ON l.company_id = :company AND l.id = up.lot_id
  LEFT JOIN draws d ON d.company_id = :company AND d.document_kind = 'build' AND d.document_id = l.build_id
    AND l.split_from_id IS NULL
  WHERE COALESCE(l.split_from_id, d.lot_id) IS NOT NULL
)"""
"""The lot and all that it was made of or split from."""

DOWN = """
down(lot_id) AS (
  SELECT l.id FROM lots l WHERE l.company_id = :company AND l.id = :lot
  UNION
  SELECT COALESCE(made.id, part.id)
  FROM down
  CROSS JOIN (SELECT 0 AS way UNION ALL SELECT 1) ways
  LEFT JOIN draws d ON ways.way = 0 AND d.company_id = :company AND d.lot_id = down.lot_id
    AND d.document_kind = 'build'
  LEFT JOIN lots made ON made.company_id = :company AND made.build_id = d.document_id AND made.split_from_id IS NULL
  LEFT JOIN lots part ON ways.way = 1 AND part.company_id = :company AND part.split_from_id = down.lot_id
  WHERE COALESCE(made.id, part.id) IS NOT NULL
)"""
"""The lot and all that was made of it or split off."""

FEEDS = """
SELECT b.id AS build_id, b.quantity, b.state, b.reference, b.product_id, b.built_on, o.id AS made_id, d.line, d.lot_id,
  SUM(d.quantity - COALESCE(r.quantity, 0)) AS fed
FROM {builds} x CROSS JOIN builds b CROSS JOIN draws d
LEFT JOIN lots o ON o.company_id = :company AND o.build_id = b.id AND o.split_from_id IS NULL
LEFT JOIN returns r ON r.company_id = :company AND r.draw_id = d.id
WHERE b.company_id = :company AND b.id = x.build_id
  AND d.company_id = :company AND d.document_kind = 'build' AND d.document_id = b.id
GROUP BY b.id, b.quantity, b.state, b.reference, b.product_id, b.built_on, o.id, d.line, d.lot_id
ORDER BY b.id, d.line, d.lot_id"""
"""CROSS JOIN with its conditions in WHERE keeps SQLite from starting at the far end, with all draws of the company."""
BUILDS_UP = """(SELECT DISTINCT l.build_id FROM up CROSS JOIN lots l
  WHERE l.company_id = :company AND l.id = up.lot_id AND l.build_id IS NOT NULL AND l.split_from_id IS NULL)"""
BUILDS_DOWN = """(SELECT DISTINCT u.document_id AS build_id FROM down CROSS JOIN draws u
  WHERE u.company_id = :company AND u.lot_id = down.lot_id AND u.document_kind = 'build')"""
FEED_TYPES: dict[str, Any] = {
    "quantity": Millionths(),
    "fed": Millionths(),
    "built_on": sa.Date(),
}
FEEDS_UP = sa.text("WITH RECURSIVE" + UP + FEEDS.format(builds=BUILDS_UP)).columns(**FEED_TYPES)
FEEDS_DOWN = sa.text("WITH RECURSIVE" + DOWN + FEEDS.format(builds=BUILDS_DOWN)).columns(**FEED_TYPES)

LOTS = sa.text(
    "WITH RECURSIVE"  # noqa: S608 - texts of ours
    + UP
    + ","
    + DOWN
    + """
SELECT l.id AS lot_id, l.number, l.received_on, l.expires_on, l.state, l.quantity_left, l.cost_left, l.split_from_id,
  l.build_id, p.id AS product_id, p.sku, p.name, p.kind, p.unit, s.code AS supplier_code, s.name AS supplier_name,
  rc.id AS receipt_id, rc.reference AS receipt, rl.supplier_part_number, b.reference AS build, a.reference AS opening,
  v.quantity AS split_quantity, COALESCE(f.quantity, 0) AS found
FROM (SELECT lot_id FROM up UNION SELECT lot_id FROM down) x CROSS JOIN lots l
JOIN products p ON p.company_id = :company AND p.id = l.product_id
LEFT JOIN receipt_lines rl ON rl.company_id = :company AND rl.id = l.receipt_line_id
LEFT JOIN receipts rc ON rc.company_id = :company AND rc.id = rl.receipt_id
LEFT JOIN suppliers s ON s.company_id = :company AND s.id = rc.supplier_id
LEFT JOIN builds b ON b.company_id = :company AND b.id = l.build_id
LEFT JOIN adjustments a ON a.company_id = :company AND a.id = l.adjustment_id
LEFT JOIN stock_entries v ON v.company_id = :company AND v.document_kind = 'split' AND v.document_id = l.id
  AND v.lot_id = l.id AND l.split_from_id IS NOT NULL
LEFT JOIN (
  SELECT u.lot_id, SUM(u.quantity) AS quantity FROM adjustments u
  WHERE u.company_id = :company AND u.quantity > 0 AND NOT u.is_opening AND u.state = 'confirmed'
  GROUP BY u.lot_id) f ON f.lot_id = l.id
WHERE l.company_id = :company AND l.id = x.lot_id
ORDER BY l.id"""
).columns(
    found=Millionths(),
    received_on=sa.Date(),
    expires_on=sa.Date(),
    quantity_left=Millionths(),
    cost_left=Millionths(),
    split_quantity=Millionths(),
)

MOVES = sa.text(
    "WITH RECURSIVE"  # noqa: S608 - texts of ours
    + DOWN
    + """
SELECT m.lot_id, m.way, m.reference, SUM(m.quantity) AS quantity
FROM (
  SELECT e.id, e.lot_id, e.quantity,
    CASE WHEN d.id IS NOT NULL OR r.id IS NOT NULL THEN 'drawn'
      WHEN v.document_kind = 'adjustment' AND NOT a.is_opening THEN 'adjustment'
      WHEN l.adjustment_id = e.document_id AND e.document_kind = 'adjustment' THEN 'opening'
      ELSE e.document_kind END AS way,
    CASE WHEN d.id IS NOT NULL OR r.id IS NOT NULL THEN ''
      WHEN v.document_kind = 'adjustment' AND NOT a.is_opening THEN v.reversed_reference
      ELSE e.reference END AS reference
  FROM down x CROSS JOIN lots l CROSS JOIN stock_entries e
  LEFT JOIN draws d ON d.company_id = :company AND d.stock_entry_id = e.id
  LEFT JOIN returns r ON r.company_id = :company AND r.stock_entry_id = e.id
  LEFT JOIN reversals v ON v.company_id = :company AND e.document_kind = 'reversal' AND v.id = e.document_id
  LEFT JOIN adjustments a ON a.company_id = :company AND v.document_kind = 'adjustment' AND a.id = v.document_id
  WHERE l.company_id = :company AND l.id = x.lot_id AND e.company_id = :company AND e.lot_id = x.lot_id
) m
GROUP BY m.lot_id, m.way, m.reference
ORDER BY MIN(m.id)"""
).columns(quantity=Millionths())


def feeds_up(session: CompanySession, lot_id: int) -> Sequence[sa.RowMapping]:
    """All draws, less returns, of every build that the lot came of, directly or not."""
    return _rows(session, FEEDS_UP, lot_id)


def feeds_down(session: CompanySession, lot_id: int) -> Sequence[sa.RowMapping]:
    """All draws, less returns, of every build that took of the lot or of something made of it, from other lots too."""
    return _rows(session, FEEDS_DOWN, lot_id)


def lots_around(session: CompanySession, lot_id: int) -> Sequence[sa.RowMapping]:
    """The lot, all before and all after it, in order of creation, with where each came from."""
    return _rows(session, LOTS, lot_id)


def moves_down(session: CompanySession, lot_id: int) -> Sequence[sa.RowMapping]:
    """What each document moved in the lot and all after it; all draws of a lot, less returns, are one row.

    ``way``: drawn, opening, else the document's kind. What undoes an adjustment counts to that, so
    ``reversal`` is left for what undoes receipts, builds and openings.
    """
    return _rows(session, MOVES, lot_id)


def _rows(session: CompanySession, statement: Any, lot_id: int) -> Sequence[sa.RowMapping]:
    session.flush()
    return session.connection().execute(statement, {"company": session.company_id, "lot": lot_id}).mappings().all()
