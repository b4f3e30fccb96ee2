"""What goes in and out of the routes of builds, planned or executed."""

from __future__ import annotations

import marshmallow as ma

from partsemble_core.api.fields import Amount, ByNumber, Day, Flag, Number, Strict, Text
from partsemble_core.api.schemas import LINES, ComponentIn, Integer, Nested, Shortage, String, Time

PICKS = ma.validate.Length(min=1, max=2_000, error="Pick 1 to 2000 lots, or leave the line out.")


class PickIn(Strict):
    lot_id = Number(required=True)
    quantity = Amount(required=True)


class ExecuteAsk(Strict):
    built_on = Day(load_default=None, allow_none=True)
    lots = ByNumber(
        ma.fields.List(Nested(PickIn), validate=PICKS),
        load_default=dict,
        metadata={"description": "Lots picked by hand, by component line counted from 0: for all of that line."},
    )
    build_subassemblies = Flag(load_default=False)


class BuildAsk(ExecuteAsk):
    sku = Text(required=True)
    quantity = Amount(required=True)


class BuildIn(BuildAsk):
    notes = Text(load_default="")


class PlanIn(Strict):
    sku = Text(required=True)
    quantity = Amount(required=True)
    target_on = Day(load_default=None, allow_none=True)
    assignee = Text(load_default="")
    notes = Text(load_default="")


class PlanEdit(Strict):
    quantity = Amount()
    components = ma.fields.List(
        Nested(ComponentIn),
        validate=LINES,
        metadata={
            "description": "Replaces all lines. Each quantity is for output_quantity units of the product, as GET "
            "answers it, and not the total of the build (quantity_needed)."
        },
    )
    target_on = Day(allow_none=True)
    assignee = Text()
    notes = Text()


class OrderIn(Strict):
    build_ids = ma.fields.List(Number(), required=True, validate=LINES)


class MoveIn(Strict):
    to = Text(load_default=None, allow_none=True, metadata={"description": "top, up, down or bottom; or leave it out."})
    after = Number(
        load_default=None,
        allow_none=True,
        metadata={"description": "The id of the build that comes right before it; 0: it is the first."},
    )


class ManyIn(Strict):
    build_ids = ma.fields.List(Number(), required=True, validate=LINES)
    action = Text(required=True, metadata={"description": "cancel, refresh or set."})
    target_on = Day(load_default=None, allow_none=True)
    assignee = Text(load_default=None, allow_none=True)


class ApprovalIn(Strict):
    note = Text(load_default="")


class RejectionIn(Strict):
    reason = Text(required=True)
    recovery = Text(required=True, metadata={"description": "full, partial or total_loss."})
    recovered = ByNumber(
        Amount(),
        load_default=None,
        allow_none=True,
        metadata={"description": "For partial: by component line counted from 0, how much comes back."},
    )
    note = Text(load_default="")


class DrawOut(Strict):
    lot_id = Integer(required=True, allow_none=True, metadata={"description": "Null for a lot that is built first."})
    lot_number = String(required=True)
    quantity = Amount(required=True)
    cost = Amount(required=True)


class BuildPartOut(Strict):
    product_id = Integer(required=True)
    sku = String(required=True)
    quantity_needed = Amount(
        required=True, metadata={"description": "For the whole build, in the component's own unit, scrap included."}
    )
    optional = Flag(required=True)
    cost = Amount(required=True)
    draws = ma.fields.List(Nested(DrawOut), required=True)


class BuiltPartOut(BuildPartOut):
    quantity = Amount(
        required=True,
        metadata={"description": "For output_quantity units of the product, as PUT takes it; without scrap."},
    )
    scrap_percent = Amount(required=True)


class BuildCostOut(Strict):
    kind = String(required=True)
    label = String(required=True)
    cost = Amount(required=True)


class Costed(Strict):
    sku = String(required=True)
    product_id = Integer(required=True)
    quantity = Amount(required=True)
    bom_version = Integer(required=True)
    components = ma.fields.List(Nested(BuildPartOut), required=True)
    cost_lines = ma.fields.List(Nested(BuildCostOut), required=True)
    components_cost = Amount(required=True)
    added_cost = Amount(required=True)
    total_cost = Amount(required=True)
    unit_cost = Amount(required=True)


class ShortOut(Shortage):
    sku = String(required=True)


class LackOut(ShortOut):
    coming = Amount(
        required=True,
        metadata={"description": "What planned builds, and those that wait for review, will bring. Not there yet."},
    )


class ShortagesOut(Strict):
    rows = ma.fields.List(Nested(LackOut), required=True)


class FirstOut(Strict):
    product_id = Integer(required=True)
    sku = String(required=True)
    quantity = Amount(required=True)
    total_cost = Amount(required=True)


class PreviewOut(Costed):
    shortages = ma.fields.List(Nested(ShortOut), required=True)
    built_first = ma.fields.List(Nested(FirstOut), required=True)


class BuildOut(Costed):
    components = ma.fields.List(Nested(BuiltPartOut), required=True)
    output_quantity = Amount(
        required=True, metadata={"description": "The units of the product that each component's quantity is for."}
    )
    id = Integer(required=True)
    reference = String(required=True)
    state = String(required=True)
    label = String(required=True)
    built_on = ma.fields.Date(required=True, allow_none=True)
    executed_at = Time(required=True, allow_none=True)
    executed_by = String(required=True)
    target_on = ma.fields.Date(required=True, allow_none=True)
    assignee = String(required=True)
    priority = Integer(required=True)
    is_modified = Flag(required=True)
    is_automatic = Flag(required=True)
    planned_by = String(required=True)
    reviewed_at = Time(required=True, allow_none=True)
    reviewed_by = String(required=True)
    review_note = String(required=True)
    reject_reason = String(required=True)
    recovery = String(required=True)
    waste_cost = Amount(required=True)
    notes = String(required=True)
    lot_id = Integer(required=True, allow_none=True)
    export_id = Integer(required=True, allow_none=True)


class CostRow(Strict):
    level = Integer(required=True, metadata={"description": "1: what the build itself took or added."})
    product_id = Integer(required=True, allow_none=True)
    sku = String(required=True, allow_none=True)
    lot_id = Integer(required=True, allow_none=True)
    lot_number = String(required=True, allow_none=True)
    made_by = String(required=True, allow_none=True, metadata={"description": "The build that the lot came from."})
    label = String(required=True, metadata={"description": "Of a cost line; such a row has no product."})
    quantity = Amount(required=True, allow_none=True)
    unit_cost = Amount(required=True, allow_none=True)
    cost = Amount(required=True)


class CostTreeOut(Strict):
    total_cost = Amount(required=True)
    is_cut = Flag(required=True, metadata={"description": "There are more rows than are answered."})
    rows = ma.fields.List(Nested(CostRow), required=True)


class PlannedOut(Strict):
    id = Integer(required=True)
    reference = String(required=True)
    product_id = Integer(required=True)
    sku = String(required=True)
    quantity = Amount(required=True)
    target_on = ma.fields.Date(required=True, allow_none=True)
    assignee = String(required=True)
    priority = Integer(required=True)
    is_modified = Flag(required=True)
    is_automatic = Flag(required=True)
    newer_bom_version = Integer(required=True, allow_none=True)
    shortages = ma.fields.List(
        Nested(ShortOut),
        required=True,
        metadata={
            "description": "What it would lack today; with reservation, of what the builds before it leave over."
        },
    )
    notes = String(required=True)


class PlannedList(Strict):
    rows = ma.fields.List(Nested(PlannedOut), required=True)


class SuggestionOut(Strict):
    product_id = Integer(required=True)
    sku = String(required=True)
    stock = Amount(required=True)
    coming = Amount(required=True)
    quantity = Amount(required=True)
    alert = String(required=True)


class SuggestionsOut(Strict):
    rows = ma.fields.List(Nested(SuggestionOut), required=True)


class BuildableOut(Strict):
    product_id = Integer(required=True)
    sku = String(required=True)
    quantity = Amount(required=True, allow_none=True)


class BuildablesOut(Strict):
    rows = ma.fields.List(Nested(BuildableOut), required=True)


class ReorderOut(Strict):
    product_id = Integer(required=True)
    sku = String(required=True)
    stock = Amount(required=True)
    reorder_point = Amount(required=True)


class ReorderAlertsOut(Strict):
    rows = ma.fields.List(Nested(ReorderOut), required=True)
