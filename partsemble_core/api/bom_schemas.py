"""What goes in and out of the routes about BOMs as they are edited, and about many products at once."""

from __future__ import annotations

import marshmallow as ma

from partsemble_core.api.fields import Amount, Flag, Number, Strict, Text
from partsemble_core.api.schemas import CostOut, Integer, Nested, String

MOST = ma.validate.Length(min=1, max=500)


class EstimatedLine(Strict):
    product_id = Integer(required=True, allow_none=True)
    sku = String(required=True)
    name = String(required=True)
    stock = Amount(required=True)
    average_cost = Amount(required=True)
    needed = Amount(required=True, allow_none=True, metadata={"description": "For one output quantity, with scrap."})
    cost = Amount(required=True, allow_none=True)
    rolled_up_cost = Amount(required=True, allow_none=True)
    is_made = Flag(required=True)
    is_cost_known = Flag(required=True, metadata={"description": "False: never in stock, so it counts as nothing."})


class ProblemOut(Strict):
    field = String(required=True)
    code = String(required=True)
    message = String(required=True)


class EstimateOut(Strict):
    product_id = Integer(required=True)
    output_quantity = Amount(required=True, allow_none=True)
    components = ma.fields.List(Nested(EstimatedLine), required=True)
    cost_lines = ma.fields.List(Amount(allow_none=True), required=True)
    estimated_cost = Amount(required=True)
    rolled_up_cost = Amount(required=True)
    unknown_costs = Integer(required=True, metadata={"description": "Lines that count as nothing: never in stock."})
    rolled_up_unknown_costs = Integer(required=True)
    buildable = Amount(required=True, allow_none=True)
    problems = ma.fields.List(Nested(ProblemOut), required=True)


class BomPart(Strict):
    product_id = Integer(required=True)
    sku = String(required=True)
    name = String(required=True)
    unit = String(required=True)
    quantity = Amount(required=True)
    unit_cost = Amount(required=True)
    cost = Amount(required=True, allow_none=True)
    is_made = Flag(required=True)
    is_cost_known = Flag(required=True, metadata={"description": "False: never in stock, so it counts as nothing."})


class PartCost(Strict):
    label = String(required=True)
    cost = Amount(required=True)


class BomParts(Strict):
    product_id = Integer(required=True)
    quantity = Amount(required=True)
    parts = ma.fields.List(Nested(BomPart), required=True)
    cost_lines = ma.fields.List(Nested(PartCost), required=True)
    cost = Amount(required=True)


class DifferenceQuery(Strict):
    before = Text(load_default="", metadata={"description": "A version's number; by itself the one before `after`."})
    after = Text(load_default="", metadata={"description": "A version's number; by itself the active one."})


class LineContent(Strict):
    quantity = Amount(required=True)
    scrap_percent = Amount(required=True)
    optional = Flag(required=True)
    designators = ma.fields.List(String(), required=True)


class ComponentChange(Strict):
    product_id = Integer(required=True)
    sku = String(required=True)
    difference = String(required=True, metadata={"description": "added, removed or changed"})
    before = Nested(LineContent, required=True, allow_none=True)
    after = Nested(LineContent, required=True, allow_none=True)


class CostChange(Strict):
    label = String(required=True)
    difference = String(required=True)
    before = Nested(CostOut, required=True, allow_none=True)
    after = Nested(CostOut, required=True, allow_none=True)


class CostPair(Strict):
    before = Amount(required=True)
    after = Amount(required=True)
    effect = Amount(required=True)


class DifferenceOut(Strict):
    product_id = Integer(required=True)
    before = Integer(required=True)
    after = Integer(required=True)
    output_quantity = ma.fields.List(Amount(), required=True, allow_none=True)
    components = ma.fields.List(Nested(ComponentChange), required=True)
    cost_lines = ma.fields.List(Nested(CostChange), required=True)
    unit_cost = Nested(CostPair, required=True)
    rolled_up_unit_cost = Nested(CostPair, required=True, allow_none=True)
    unknown_cost_skus = ma.fields.List(
        String(), required=True, metadata={"description": "Never in stock: `unit_cost` counts them as nothing."}
    )
    rolled_up_unknown_cost_skus = ma.fields.List(String(), required=True)


class StockDayOut(Strict):
    day = ma.fields.Date(required=True)
    quantity = Amount(required=True)
    value = Amount(required=True)


class StockHistory(Strict):
    rows = ma.fields.List(Nested(StockDayOut), required=True)


class PlannedNeedOut(Strict):
    build_id = Integer(required=True)
    reference = String(required=True)
    product_id = Integer(required=True)
    sku = String(required=True)
    target_on = ma.fields.Date(required=True, allow_none=True)
    quantity = Amount(required=True)
    optional = Flag(required=True)


class PlannedNeeds(Strict):
    rows = ma.fields.List(Nested(PlannedNeedOut), required=True)


class ProductIds(Strict):
    ids = ma.fields.List(Number(), required=True, validate=MOST)


class ReorderPoints(ProductIds):
    reorder_point = Amount(required=True)


class ProductsChanged(Strict):
    ids = ma.fields.List(Integer(), required=True)
