"""What a shop does with lots beyond receiving and building, each call one committed transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from partsemble_core.services import adjusting, closing, counting, holding, receiving, reversing
from partsemble_core.services.counting import CountLine
from partsemble_core.services.reconciling import DocumentProof, prove_documents
from partsemble_core.services.supplying import save_supplier_part
from partsemble_core.store.adjustments import Adjustment, Reversal, StockCount
from partsemble_core.store.exports import Export
from partsemble_core.store.lots import Lot
from partsemble_core.store.receipts import Receipt, SupplierPart
from partsemble_core.store.session import CompanySession
from tests.services.makers import TODAY, Shop

Posting = dict[str, Decimal]
"""Account role → amount, above zero for debit."""


def days_ago(days: int) -> dt.date:
    return TODAY - dt.timedelta(days=days)


def later(shop: Shop, *, days: int) -> Shop:
    """The same shop some days on."""
    at = shop.act.at + dt.timedelta(days=days)
    return replace(shop, act=replace(shop.act, at=at, today=at.date()))


def the_lot(shop: Shop, sku: str, number: int = 0) -> Lot:
    """The product's lot by order of creation."""
    return shop.lots(sku)[number]


def adjust(shop: Shop, lot: Lot, quantity: object, *, reason: object = "other", **more: Any) -> Adjustment:
    return shop.write(lambda s: adjusting.adjust_lot(s, shop.act, lot.id, quantity=quantity, reason=reason, **more))


def open_stock(shop: Shop, sku: str, quantity: object, total_cost: object, **more: Any) -> Adjustment:
    return shop.write(
        lambda s: adjusting.open_stock(s, shop.act, sku=sku, quantity=quantity, total_cost=total_cost, **more)
    )


def hold(shop: Shop, lot: Lot, reason: object = "Waits for a certificate") -> Lot:
    return shop.write(lambda s: holding.hold(s, shop.act, lot.id, reason=reason))


def release(shop: Shop, lot: Lot) -> Lot:
    return shop.write(lambda s: holding.release(s, shop.act, lot.id))


def split(shop: Shop, lot: Lot, quantity: object) -> Lot:
    return shop.write(lambda s: holding.split(s, shop.act, lot.id, quantity=quantity))


def start_count(shop: Shop, *skus: str, lots: Collection[Lot] = (), **more: Any) -> StockCount:
    """Of some products, of some lots, or of everything."""
    chosen = list(skus) or None
    ids = [lot.id for lot in lots]
    return shop.write(lambda s: counting.start_count(s, shop.act, skus=chosen, lot_ids=ids, **more))


def enter(shop: Shop, count: StockCount, counted: Mapping[Lot, object]) -> StockCount:
    by_id = {lot.id: value for lot, value in counted.items()}
    return shop.write(lambda s: counting.enter_counts(s, shop.act, count.id, counted=by_id))


def view_count(shop: Shop, count: StockCount) -> tuple[CountLine, ...]:
    with shop.reading() as session:
        return counting.view_count(session, count.id)


def confirm_count(shop: Shop, count: StockCount) -> list[Adjustment]:
    return shop.write(lambda s: counting.confirm_count(s, shop.act, count.id))


def cancel_count(shop: Shop, count: StockCount) -> StockCount:
    return shop.write(lambda s: counting.cancel_count(s, shop.act, count.id))


def undo(
    shop: Shop, kind: object, document: Any, *, reason: object = "Entered by mistake", on: object = None
) -> Reversal:
    return shop.write(lambda s: reversing.reverse(s, shop.act, kind, document.id, reason=reason, reversed_on=on))


def lock(shop: Shop, through: dt.date | None) -> None:
    shop.write(lambda s: closing.lock_through(s, through, today=shop.act.today))


def receive_with(shop: Shop, *lines: receiving.LineInput, **more: Any) -> Receipt:
    """A receipt with charges or in another currency."""
    return shop.write(lambda s: receiving.receive(s, shop.act, supplier="ACM", lines=lines, **more))


def supplier_part(shop: Shop, sku: str, part_number: object, **more: Any) -> SupplierPart:
    return shop.write(lambda s: save_supplier_part(s, supplier="ACM", sku=sku, part_number=part_number, **more))


def left_of(shop: Shop, sku: str) -> list[tuple[str, Decimal, Decimal, str]]:
    """Number, quantity left, cost left and state of each lot."""
    return [(lot.number, lot.quantity_left, lot.cost_left, lot.state) for lot in shop.lots(sku)]


def exports(shop: Shop) -> list[Export]:
    return shop.rows(sa.select(Export).order_by(Export.id))


def proofs(shop: Shop) -> dict[str, DocumentProof]:
    """By reference."""
    with shop.reading() as session:
        return {proof.reference: proof for proof in prove_documents(session)}


def lines_of(proof: DocumentProof) -> Posting:
    """Account code → amount."""
    return {line.account_code: line.amount for line in proof.entry.lines}


def set_export(shop: Shop, export_id: int, **values: Any) -> None:
    """As if a worker had been at it."""

    def change(session: CompanySession) -> None:
        export = session.get_one(Export, export_id)
        for name, value in values.items():
            setattr(export, name, value)

    shop.write(change)
