"""What a workshop does besides receiving and building at once: it plans, reviews, and sets its options."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from partsemble_core.services import building, cataloguing, planning, reviewing
from partsemble_core.services.closing import DEFAULTS
from partsemble_core.store.builds import Build
from partsemble_core.store.companies import CompanyOptions
from partsemble_core.store.exports import Export
from partsemble_core.store.lots import DrawRow, Lot
from partsemble_core.store.products import Product
from partsemble_core.store.session import CompanySession
from tests.services.makers import Shop

CONSERVED: dict[str, str] = {
    "a lot's ledger is what is left of it": """
        SELECT l.id FROM lots l WHERE l.company_id = :c AND (
          l.quantity_left <> COALESCE((SELECT SUM(e.quantity) FROM stock_entries e WHERE e.lot_id = l.id), 0)
          OR l.cost_left <> COALESCE((SELECT SUM(e.cost) FROM stock_entries e WHERE e.lot_id = l.id), 0))""",
    "in = left + draws - returns": """
        SELECT l.id FROM lots l WHERE l.company_id = :c AND (
          l.quantity_in <> l.quantity_left + COALESCE((SELECT SUM(d.quantity) FROM draws d WHERE d.lot_id = l.id), 0)
            - COALESCE((SELECT SUM(r.quantity) FROM returns r WHERE r.lot_id = l.id), 0)
          OR l.cost_in <> l.cost_left + COALESCE((SELECT SUM(d.cost) FROM draws d WHERE d.lot_id = l.id), 0)
            - COALESCE((SELECT SUM(r.cost) FROM returns r WHERE r.lot_id = l.id), 0))""",
    "a product's balance is its lots": """
        SELECT b.id FROM stock_balances b WHERE b.company_id = :c AND (
          b.quantity <> COALESCE((SELECT SUM(l.quantity_left) FROM lots l WHERE l.product_id = b.product_id), 0)
          OR b.value <> COALESCE((SELECT SUM(l.cost_left) FROM lots l WHERE l.product_id = b.product_id), 0))""",
    "a completed build's lot costs what went in": """
        SELECT b.id FROM builds b WHERE b.company_id = :c AND b.state = 'completed' AND NOT EXISTS (
          SELECT 1 FROM lots l WHERE l.build_id = b.id AND l.quantity_in = b.quantity
            AND l.cost_in = b.components_cost + b.added_cost)""",
    "a rejected build's waste is what it took less what came back": """
        SELECT b.id FROM builds b WHERE b.company_id = :c AND b.state = 'rejected' AND b.waste_cost <>
          b.components_cost - COALESCE((SELECT SUM(r.cost) FROM returns r JOIN draws d ON d.id = r.draw_id
            WHERE d.document_kind = 'build' AND d.document_id = b.id), 0)""",
    "only a completed build has a lot": """
        SELECT b.id FROM builds b JOIN lots l ON l.build_id = b.id
        WHERE b.company_id = :c AND b.state <> 'completed'""",
    "stock was never below zero on any day": """
        SELECT e.id FROM stock_entries e WHERE e.company_id = :c AND 0 > (
          SELECT SUM(f.quantity) FROM stock_entries f WHERE f.lot_id = e.lot_id
            AND f.effective_on <= e.effective_on)""",
    "numbers have no gaps": """
        SELECT 1 FROM (SELECT COUNT(*) AS n, COALESCE(MAX(number), 0) AS last FROM builds WHERE company_id = :c) x
        WHERE n <> last""",
}


def unconserved(shop: Shop) -> dict[str, list[int]]:
    """Each law that the company's rows break, with what breaks it; empty when all is well."""
    with shop.reading() as session:
        found = {
            law: list(session.execute(sa.text(sql), {"c": shop.company_id}).scalars()) for law, sql in CONSERVED.items()
        }
    return {law: ids for law, ids in found.items() if ids}


def set_options(shop: Shop, **options: Any) -> None:
    """``qa_review=True`` and the like; what isn't named keeps its default."""

    def work(session: CompanySession) -> None:
        session.insert_missing(CompanyOptions, DEFAULTS, key=("company_id",))
        found = session.scalars(sa.select(CompanyOptions)).one()
        for name, value in options.items():
            setattr(found, name, value)

    shop.write(work)


def by(shop: Shop, who: str) -> Shop:
    """The same shop, another person."""
    return replace(shop, act=replace(shop.act, by=who))


def later(shop: Shop, days: int) -> Shop:
    """The same shop some days on."""
    delta = dt.timedelta(days=days)
    return replace(shop, act=replace(shop.act, at=shop.act.at + delta, today=shop.act.today + delta))


def build(shop: Shop, sku: str, quantity: object, **more: Any) -> Build:
    product_id = shop.find(sku).id
    return shop.write(
        lambda session: building.build_now(session, shop.act, product_id=product_id, quantity=quantity, **more)
    )


def preview(shop: Shop, sku: str, quantity: object, **more: Any) -> building.Preview:
    product_id = shop.find(sku).id
    with shop.reading() as session:
        return building.preview_build(
            session, product_id=product_id, quantity=quantity, built_on=shop.act.today, **more
        )


def plan(shop: Shop, sku: str, quantity: object, **more: Any) -> Build:
    product_id = shop.find(sku).id
    return shop.write(
        lambda session: planning.plan_build(session, shop.act, product_id=product_id, quantity=quantity, **more)
    )


def edit(shop: Shop, planned: Build, **changes: Any) -> Build:
    return shop.write(lambda session: planning.edit_planned(session, shop.act, planned.id, **changes))


def execute(shop: Shop, planned: Build, **more: Any) -> Build:
    return shop.write(lambda session: building.execute_planned(session, shop.act, planned.id, **more))


def approve(shop: Shop, pending: Build, note: str = "") -> Build:
    return shop.write(lambda session: reviewing.approve(session, shop.act, pending.id, note=note))


def reject(
    shop: Shop,
    pending: Build,
    recovery: str,
    *,
    reason: str = "quality_defect",
    recovered: Mapping[int, object] | None = None,
) -> Build:
    return shop.write(
        lambda session: reviewing.reject(
            session, shop.act, pending.id, reason=reason, recovery=recovery, recovered=recovered, note="Scratched"
        )
    )


def update(shop: Shop, of: str, **changes: Any) -> Product:
    """Changes the product with the SKU ``of``."""
    product_id = shop.find(of).id
    return shop.write(lambda session: cataloguing.update_product(session, shop.act, product_id, **changes))


def taken(shop: Shop, made: Build) -> list[tuple[int, str, Decimal, Decimal]]:
    """Line, lot number, quantity and cost of each taking, in the order of taking."""
    with shop.reading() as session:
        rows = session.execute(
            sa.select(DrawRow, Lot.number)
            .join(Lot, Lot.id == DrawRow.lot_id)
            .where(DrawRow.document_kind == "build", DrawRow.document_id == made.id)
            .order_by(DrawRow.id)
        )
        return [(row.line, number, row.quantity, row.cost) for row, number in rows]


def exports_of(shop: Shop) -> list[Export]:
    return shop.rows(sa.select(Export).order_by(Export.id))
