"""The lists of what corrects the records: stock counts and adjustments."""

from __future__ import annotations

import sqlalchemy as sa

from partsemble_core.domain.adjustments import AdjustmentReason, CountState
from partsemble_core.services.listing.asking import Column
from partsemble_core.services.listing.paging import Statement, Table, by_id, choice, same_company, since, until
from partsemble_core.store.adjustments import Adjustment, AdjustmentState, StockCount, StockCountLine
from partsemble_core.store.lots import Lot
from partsemble_core.store.products import Product


def _lines(*conditions: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    """How many lots of a count fulfil the conditions."""
    return (
        sa.select(sa.func.count(StockCountLine.id))
        .where(
            StockCountLine.company_id == StockCount.company_id, StockCountLine.count_id == StockCount.id, *conditions
        )
        .correlate(StockCount)
        .scalar_subquery()
    )


def _adjustments(statement: Statement) -> Statement:
    return (
        statement.select_from(Adjustment)
        .join(Product, same_company(Adjustment, Adjustment.product_id, Product))
        .outerjoin(Lot, same_company(Adjustment, Adjustment.lot_id, Lot))
    )


COUNTS = Table(
    name="counts",
    title="Stock counts",
    columns=(
        Column("reference", "Count"),
        Column("counted_on", "Counted on", "date"),
        Column("state", "State", "state"),
        Column("lots", "Lots", "number"),
        Column("counted", "Counted", "number"),
        Column("created_by", "By"),
        Column("notes", "Notes"),
    ),
    row_id=StockCount.id,
    reads={
        "reference": StockCount.reference,
        "counted_on": StockCount.counted_on,
        "state": StockCount.state,
        "lots": _lines(),
        "counted": _lines(StockCountLine.counted.is_not(None)),
        "created_by": StockCount.created_by,
        "notes": StockCount.notes,
    },
    join=lambda statement: statement.select_from(StockCount),
    searched=("reference", "created_by", "notes"),
    order="reference",
    descending=True,
    filters={
        "state": choice(StockCount.state, CountState, key="state"),
        "from": since(StockCount.counted_on, key="from"),
        "to": until(StockCount.counted_on, key="to"),
    },
)
ADJUSTMENTS = Table(
    name="adjustments",
    title="Adjustments",
    columns=(
        Column("reference", "Adjustment"),
        Column("adjusted_on", "Day", "date"),
        Column("product_sku", "Product"),
        Column("lot_number", "Lot"),
        Column("quantity", "Quantity", "quantity"),
        Column("cost", "Cost", "money"),
        Column("reason", "Reason", "state"),
        Column("state", "State", "state"),
        Column("notes", "Notes"),
        Column("created_by", "By"),
    ),
    row_id=Adjustment.id,
    reads={
        "reference": Adjustment.reference,
        "adjusted_on": Adjustment.adjusted_on,
        "product_sku": Product.sku,
        "lot_number": Lot.number,
        "quantity": Adjustment.quantity,
        "cost": Adjustment.cost,
        "reason": Adjustment.reason,
        "state": Adjustment.state,
        "notes": Adjustment.notes,
        "created_by": Adjustment.created_by,
        "product_id": Adjustment.product_id,
        "lot_id": Adjustment.lot_id,
        "count_id": Adjustment.count_id,
    },
    join=_adjustments,
    searched=("reference", "product_sku", "lot_number", "notes", "created_by"),
    order="reference",
    descending=True,
    filters={
        "product": by_id(Adjustment.product_id, key="product"),
        "lot": by_id(Adjustment.lot_id, key="lot"),
        "count": by_id(Adjustment.count_id, key="count"),
        "reason": choice(Adjustment.reason, AdjustmentReason, key="reason"),
        "state": choice(Adjustment.state, AdjustmentState, key="state"),
        "from": since(Adjustment.adjusted_on, key="from"),
        "to": until(Adjustment.adjusted_on, key="to"),
    },
)
