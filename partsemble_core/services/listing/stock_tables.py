"""The lists of goods and documents: their columns, what they read, and what they can be filtered by."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, cast

import sqlalchemy as sa

from partsemble_core.domain.amounts import unit_cost
from partsemble_core.domain.builds import BuildState
from partsemble_core.domain.lots import LotState
from partsemble_core.domain.products import ProductKind
from partsemble_core.domain.receipts import ReceiptState
from partsemble_core.services.listing import labels
from partsemble_core.services.listing.asking import Column, Row
from partsemble_core.services.listing.paging import (
    Join,
    Match,
    Statement,
    Table,
    by_id,
    choice,
    same_company,
    since,
    until,
)
from partsemble_core.store.adjustments import Adjustment, Reversal
from partsemble_core.store.base import Millionths
from partsemble_core.store.builds import Build, places_of_planned
from partsemble_core.store.lots import DocumentKind, Lot, StockEntry
from partsemble_core.store.products import Product, StockBalance
from partsemble_core.store.receipts import Receipt, ReceiptLine, Supplier

ZERO = sa.literal(Decimal(0), Millionths())
WHOLE = sa.orm.aliased(Lot)
"""The lot that a part was split from."""
ACTIVITY = ("active", "inactive")


def _activity(is_active: Any) -> sa.ColumnElement[str]:
    return sa.case((is_active, "active"), else_="inactive")


def _with_unit_cost(row: Row, *, cost: str, quantity: str) -> Row:
    return {**row, "unit_cost": unit_cost(cast(Decimal, row[cost]), cast(Decimal, row[quantity]))}


def _lot_row(row: Row) -> Row:
    """What a unit of it costs: of what is left, and for a lot that is used up of what came in."""
    left = row["quantity_left"] != 0
    cost, quantity = ("cost_left", "quantity_left") if left else ("cost_in", "quantity_in")
    return _with_unit_cost(row, cost=cost, quantity=quantity)


def _build_row(row: Row) -> Row:
    """What was never executed cost nothing yet, which isn't 0.00."""
    if row["total_cost"] is None:
        return {**row, "unit_cost": None}
    return _with_unit_cost(row, cost="total_cost", quantity="quantity")


def _product_of(table: Any, *keys: str) -> Join:
    """The product that a row is about."""
    return Join(
        keys=frozenset(keys),
        add=lambda statement: statement.join(Product, same_company(table, table.product_id, Product)),
    )


def _source(add: Callable[[Statement], Statement], *keys: str) -> Join:
    """One of the documents that a lot may come from."""
    return Join(keys=frozenset({"source", *keys}), add=add)


BALANCES = Join(
    keys=frozenset({"stock", "average_cost", "value"}),
    add=lambda statement: statement.outerjoin(
        StockBalance,
        sa.and_(StockBalance.company_id == Product.company_id, StockBalance.product_id == Product.id),
    ),
)
LOT_SOURCES = (
    _source(
        lambda s: s.outerjoin(ReceiptLine, same_company(Lot, Lot.receipt_line_id, ReceiptLine)), "receipt", "receipt_id"
    ),
    _source(lambda s: s.outerjoin(Receipt, same_company(ReceiptLine, ReceiptLine.receipt_id, Receipt))),
    _source(lambda s: s.outerjoin(Build, same_company(Lot, Lot.build_id, Build))),
    _source(lambda s: s.outerjoin(Adjustment, same_company(Lot, Lot.adjustment_id, Adjustment))),
    _source(lambda s: s.outerjoin(WHOLE, same_company(Lot, Lot.split_from_id, WHOLE))),
)
SUPPLIER = Join(
    keys=frozenset({"supplier_code", "supplier_name"}),
    add=lambda statement: statement.join(Supplier, same_company(Receipt, Receipt.supplier_id, Supplier)),
)
LOT = Join(
    keys=frozenset({"lot_number"}),
    add=lambda statement: statement.join(Lot, same_company(StockEntry, StockEntry.lot_id, Lot)),
)


def _entries_of_document(match: Match) -> sa.ColumnElement[bool]:
    """By the documents that moved stock: fewer than what they moved. A split goes by the number of its part."""
    part = sa.select(Lot.number).where(Lot.split_from_id.is_not(None), match(Lot.number))
    documents = [sa.select(one.reference).where(match(one.reference)) for one in (Receipt, Build, Adjustment, Reversal)]
    return StockEntry.reference.in_(sa.union_all(*documents, part))


def _entries_of_product(match: Match) -> sa.ColumnElement[bool]:
    return StockEntry.product_id.in_(sa.select(Product.id).where(match(Product.sku)))


def _entries_of_lot(match: Match) -> sa.ColumnElement[bool]:
    return StockEntry.lot_id.in_(sa.select(Lot.id).where(match(Lot.number)))


def _entries_by_person(match: Match) -> sa.ColumnElement[bool]:
    """Few people record very many entries: each name is found once, from the one before it in the index."""
    first = sa.select(sa.func.min(StockEntry.recorded_by).label("name"))
    names = first.cte(recursive=True)
    then = sa.select(sa.func.min(StockEntry.recorded_by)).where(StockEntry.recorded_by > names.c.name)
    names = names.union_all(sa.select(then.correlate(names).scalar_subquery()).where(names.c.name.is_not(None)))
    return StockEntry.recorded_by.in_(sa.select(names.c.name).where(match(names.c.name)))


def _lots_of_product(match: Match) -> sa.ColumnElement[bool]:
    """By its SKU and its name, which are read together."""
    return Lot.product_id.in_(sa.select(Product.id).where(sa.or_(match(Product.sku), match(Product.name))))


def _lots_of_source(match: Match) -> sa.ColumnElement[bool]:
    """By the first of the documents that a lot may come from, as the column shows it."""
    split = sa.select(Lot.split_from_id).where(Lot.split_from_id.is_not(None))
    received = sa.select(ReceiptLine.id).join(Receipt, same_company(ReceiptLine, ReceiptLine.receipt_id, Receipt))
    ways = (
        (Lot.receipt_line_id, received.where(match(Receipt.reference))),
        (Lot.build_id, sa.select(Build.id).where(match(Build.reference))),
        (Lot.adjustment_id, sa.select(Adjustment.id).where(match(Adjustment.reference))),
        (Lot.split_from_id, sa.select(WHOLE.id).where(WHOLE.id.in_(split), match(WHOLE.number))),
    )
    return sa.or_(
        *(
            sa.and_(key.in_(ids), *(before.is_(None) for before, _ in ways[:place]))
            for place, (key, ids) in enumerate(ways)
        )
    )


PRODUCTS = Table(
    name="products",
    title="Products",
    columns=(
        Column("sku", "SKU"),
        Column("name", "Name"),
        Column("kind", "Kind", "state"),
        Column("unit", "Unit"),
        Column("stock", "Stock", "quantity"),
        Column("average_cost", "Average cost", "money"),
        Column("value", "Value", "money"),
        Column("reorder_point", "Reorder point", "quantity"),
        Column("state", "State", "state"),
    ),
    row_id=Product.id,
    reads={
        "sku": Product.sku,
        "name": Product.name,
        "kind": Product.kind,
        "unit": Product.unit,
        "stock": sa.func.coalesce(StockBalance.quantity, ZERO),
        # The last unit cost follows every movement, so it is the average while there is stock (N3).
        "average_cost": sa.func.coalesce(StockBalance.last_unit_cost, ZERO),
        "value": sa.func.coalesce(StockBalance.value, ZERO),
        "reorder_point": Product.reorder_point,
        "state": _activity(Product.is_active),
    },
    join=lambda statement: statement.select_from(Product),
    joins=(BALANCES,),
    sorts={"sku": Product.sku_key},
    searched=("sku", "name"),
    order="sku",
    filters={
        "kind": choice(Product.kind, ProductKind, key="kind"),
        "state": choice(_activity(Product.is_active), ACTIVITY, key="state"),
    },
)
LOTS = Table(
    name="lots",
    title="Lots",
    columns=(
        Column("number", "Lot"),
        Column("product_sku", "Product"),
        Column("product_name", "Name"),
        Column("received_on", "Received", "date"),
        Column("expires_on", "Expires", "date"),
        Column("quantity_in", "Quantity in", "quantity"),
        Column("quantity_left", "Quantity left", "quantity"),
        Column("cost_left", "Cost left", "money"),
        Column("unit_cost", "Unit cost", "money", sortable=False),
        Column("state", "State", "state"),
        Column("source", "Source"),
    ),
    row_id=Lot.id,
    reads={
        "number": Lot.number,
        "product_sku": Product.sku,
        "product_name": Product.name,
        "received_on": Lot.received_on,
        "expires_on": Lot.expires_on,
        "quantity_in": Lot.quantity_in,
        "cost_in": Lot.cost_in,
        "quantity_left": Lot.quantity_left,
        "cost_left": Lot.cost_left,
        "state": Lot.state,
        "source": sa.func.coalesce(Receipt.reference, Build.reference, Adjustment.reference, WHOLE.number, ""),
        "product_id": Lot.product_id,
        "receipt_id": ReceiptLine.receipt_id,
        "build_id": Lot.build_id,
    },
    join=lambda statement: statement.select_from(Lot),
    joins=(_product_of(Lot, "product_sku", "product_name"), *LOT_SOURCES),
    sorts={"number": Lot.number_key, "product_sku": Product.sku_key},
    finds={
        "product_sku": _lots_of_product,
        "product_name": _lots_of_product,
        "source": _lots_of_source,
    },
    searched=("number", "product_sku", "product_name", "source"),
    order="received_on",
    descending=True,
    filters={
        "product": by_id(Lot.product_id, key="product"),
        "receipt": by_id(ReceiptLine.receipt_id, key="receipt"),
        "state": choice(Lot.state, LotState, key="state"),
        "from": since(Lot.received_on, key="from"),
        "to": until(Lot.received_on, key="to"),
    },
    finish=_lot_row,
)
RECEIPTS = Table(
    name="receipts",
    title="Receipts",
    columns=(
        Column("reference", "Receipt"),
        Column("supplier_code", "Supplier"),
        Column("supplier_name", "Name"),
        Column("received_on", "Received", "date"),
        Column("total_cost", "Total cost", "money"),
        Column("state", "State", "state"),
        Column("label", "Status", "state"),
    ),
    row_id=Receipt.id,
    reads={
        "reference": Receipt.reference,
        "supplier_code": Supplier.code,
        "supplier_name": Supplier.name,
        "received_on": Receipt.received_on,
        "total_cost": Receipt.total_cost,
        "state": Receipt.state,
        "label": labels.receipt_label_sql(),
        "supplier_id": Receipt.supplier_id,
        "created_at": Receipt.created_at,
    },
    join=lambda statement: statement.select_from(Receipt),
    joins=(SUPPLIER,),
    searched=("reference", "supplier_code", "supplier_name"),
    order="received_on",
    descending=True,
    filters={
        "supplier": by_id(Receipt.supplier_id, key="supplier"),
        "state": choice(Receipt.state, ReceiptState, key="state"),
        "label": choice(labels.receipt_label_sql(), labels.LABELS, key="label"),
        "from": since(Receipt.received_on, key="from"),
        "to": until(Receipt.received_on, key="to"),
    },
)
PLACES = places_of_planned()
BUILDS = Table(
    name="builds",
    title="Builds",
    columns=(
        Column("reference", "Build"),
        Column("place", "No.", "number"),
        Column("product_sku", "Product"),
        Column("product_name", "Name"),
        Column("quantity", "Quantity", "quantity"),
        Column("built_on", "Built", "date"),
        Column("total_cost", "Total cost", "money"),
        Column("unit_cost", "Unit cost", "money", sortable=False),
        Column("state", "State", "state"),
        Column("label", "Status", "state"),
        Column("executed_by", "By"),
        Column("target_on", "Target day", "date"),
        Column("assignee", "For"),
    ),
    row_id=Build.id,
    reads={
        "reference": Build.reference,
        "place": PLACES.c.place,
        "product_sku": Product.sku,
        "product_name": Product.name,
        "quantity": Build.quantity,
        "built_on": Build.built_on,
        "total_cost": sa.type_coerce(
            sa.case((Build.executed_at.is_not(None), Build.components_cost + Build.added_cost)), Millionths()
        ),
        "state": Build.state,
        "label": labels.build_label_sql(),
        "executed_by": Build.executed_by,
        "target_on": Build.target_on,
        "assignee": Build.assignee,
        "product_id": Build.product_id,
    },
    join=lambda statement: statement.select_from(Build),
    joins=(
        _product_of(Build, "product_sku", "product_name"),
        Join(
            keys=frozenset({"place"}),
            add=lambda statement: statement.outerjoin(
                PLACES, sa.and_(PLACES.c.company_id == Build.company_id, PLACES.c.id == Build.id)
            ),
        ),
    ),
    sorts={"product_sku": Product.sku_key},
    lacking=frozenset({"total_cost", "unit_cost"}),
    searched=("reference", "product_sku", "product_name", "executed_by", "assignee"),
    order="reference",
    descending=True,
    filters={
        "product": by_id(Build.product_id, key="product"),
        "state": choice(Build.state, BuildState, key="state"),
        "label": choice(labels.build_label_sql(), labels.LABELS, key="label"),
        "from": since(Build.built_on, key="from"),
        "to": until(Build.built_on, key="to"),
    },
    finish=_build_row,
)
ENTRIES = Table(
    name="entries",
    title="Stock ledger",
    columns=(
        Column("effective_on", "Day", "date"),
        Column("reference", "Document"),
        Column("kind", "Kind", "state"),
        Column("product_sku", "Product"),
        Column("lot_number", "Lot"),
        Column("quantity", "Quantity", "quantity"),
        Column("cost", "Cost", "money"),
        Column("recorded_at", "Recorded", "time"),
        Column("recorded_by", "By"),
    ),
    row_id=StockEntry.id,
    reads={
        "effective_on": StockEntry.effective_on,
        "reference": StockEntry.reference,
        "kind": StockEntry.document_kind,
        "product_sku": Product.sku,
        "lot_number": Lot.number,
        "quantity": StockEntry.quantity,
        "cost": StockEntry.cost,
        "recorded_at": StockEntry.recorded_at,
        "recorded_by": StockEntry.recorded_by,
        "product_id": StockEntry.product_id,
        "lot_id": StockEntry.lot_id,
        "document_id": StockEntry.document_id,
    },
    join=lambda statement: statement.select_from(StockEntry),
    joins=(_product_of(StockEntry, "product_sku"), LOT),
    sorts={
        "reference": StockEntry.reference,  # of our own making, so all in one case
        "recorded_by": StockEntry.recorded_by,
        "product_sku": Product.sku_key,
        "lot_number": Lot.number_key,
    },
    finds={
        "reference": _entries_of_document,
        "product_sku": _entries_of_product,
        "lot_number": _entries_of_lot,
        "recorded_by": _entries_by_person,
    },
    searched=("reference", "product_sku", "lot_number", "recorded_by"),
    order="recorded_at",
    descending=True,
    filters={
        "product": by_id(StockEntry.product_id, key="product"),
        "lot": by_id(StockEntry.lot_id, key="lot"),
        "kind": choice(StockEntry.document_kind, DocumentKind, key="kind"),
        "from": since(StockEntry.effective_on, key="from"),
        "to": until(StockEntry.effective_on, key="to"),
    },
)
