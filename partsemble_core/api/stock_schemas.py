"""What goes in and out of the routes of receipts, suppliers' parts, lots, adjustments and counts."""

from __future__ import annotations

import marshmallow as ma

from partsemble_core.api.fields import Amount, ByNumber, Day, Flag, Number, Strict, Text
from partsemble_core.api.schemas import LINES, Integer, LotOut, Nested, String, Time


class ReceiptLineIn(Strict):
    sku = Text(load_default="", metadata={"description": "May be left out where part_number names the product."})
    quantity = Amount(required=True)
    total_cost = Amount(load_default=None, allow_none=True)
    unit_cost = Amount(load_default=None, allow_none=True)
    lot_number = Text(load_default="")
    expires_on = Day(load_default=None, allow_none=True)
    part_number = Text(load_default="", metadata={"description": "The supplier's own number of the product."})
    purchase_unit = Text(load_default="", metadata={"description": "Such as reel: quantity and unit_cost are of it."})
    per_purchase_unit = Amount(load_default=None, allow_none=True)
    weight = Amount(load_default=None, allow_none=True, metadata={"description": "Of the whole line."})


class ChargeIn(Strict):
    label = Text(required=True)
    amount = Amount(required=True)
    spread_by = Text(load_default="cost", metadata={"description": "cost, quantity or weight."})


class ReceiptEdit(Strict):
    lines = ma.fields.List(Nested(ReceiptLineIn), required=True, validate=LINES)
    received_on = Day(load_default=None, allow_none=True)
    charges = ma.fields.List(Nested(ChargeIn), load_default=None, allow_none=True, validate=LINES)
    currency = Text(load_default=None, allow_none=True)
    rate = Amount(
        load_default=None,
        allow_none=True,
        metadata={"description": "Units of the company's currency for one of the receipt's."},
    )


class ReceiptIn(ReceiptEdit):
    supplier = Text(required=True, metadata={"description": "The supplier's code."})
    notes = Text(load_default="")


class ReceiptLineOut(Strict):
    position = Integer(required=True)
    product_id = Integer(required=True)
    sku = String(required=True)
    quantity = Amount(required=True)
    cost = Amount(required=True)
    unit_cost = Amount(required=True)
    lot_number = String(required=True)
    lot_id = Integer(required=True, allow_none=True)
    expires_on = ma.fields.Date(required=True, allow_none=True)
    entered_quantity = Amount(required=True)
    purchase_unit = String(required=True)
    per_purchase_unit = Amount(required=True)
    entered_cost = Amount(required=True)
    weight = Amount(required=True, allow_none=True)
    part_number = String(required=True)


class ChargeOut(Strict):
    label = String(required=True)
    amount = Amount(required=True)
    spread_by = String(required=True)


class ReceiptOut(Strict):
    id = Integer(required=True)
    reference = String(required=True)
    state = String(required=True)
    label = String(required=True)
    supplier = String(required=True)
    received_on = ma.fields.Date(required=True)
    notes = String(required=True)
    total_cost = Amount(required=True)
    currency = String(required=True)
    rate = Amount(required=True)
    charges = ma.fields.List(Nested(ChargeOut), required=True)
    export_id = Integer(required=True, allow_none=True)
    lines = ma.fields.List(Nested(ReceiptLineOut), required=True)


class PartIn(Strict):
    part_number = Text(required=True)
    purchase_unit = Text(load_default="")
    per_purchase_unit = Amount(load_default="1")


class PartOut(Strict):
    product_id = Integer(required=True)
    sku = String(required=True)
    part_number = String(required=True)
    purchase_unit = String(required=True)
    per_purchase_unit = Amount(required=True)


class PartsOut(Strict):
    rows = ma.fields.List(Nested(PartOut), required=True)


class Reason(Strict):
    reason = Text(required=True)


class ReversalIn(Reason):
    reversed_on = Day(load_default=None, allow_none=True)


class ReversalOut(Strict):
    id = Integer(required=True)
    reference = String(required=True)
    document_kind = String(required=True)
    document_id = Integer(required=True)
    reversed_reference = String(required=True)
    reason = String(required=True)
    reversed_on = ma.fields.Date(required=True)
    created_at = Time(required=True)
    created_by = String(required=True)


class AdjustmentIn(Reason):
    quantity = Amount(required=True, metadata={"description": "Signed: below zero takes away."})
    notes = Text(load_default="")
    adjusted_on = Day(load_default=None, allow_none=True)


class OpeningIn(Strict):
    sku = Text(required=True)
    quantity = Amount(required=True)
    total_cost = Amount(required=True)
    on = Day(load_default=None, allow_none=True)
    lot_number = Text(load_default="")
    expires_on = Day(load_default=None, allow_none=True)
    notes = Text(load_default="")


class AdjustmentOut(Strict):
    id = Integer(required=True)
    reference = String(required=True)
    state = String(required=True)
    product_id = Integer(required=True)
    lot_id = Integer(required=True, allow_none=True)
    quantity = Amount(required=True)
    cost = Amount(required=True)
    reason = String(required=True)
    notes = String(required=True)
    is_opening = Flag(required=True)
    count_id = Integer(required=True, allow_none=True)
    adjusted_on = ma.fields.Date(required=True)
    created_at = Time(required=True)
    created_by = String(required=True)


class SplitIn(Strict):
    quantity = Amount(required=True)


class SplitOut(Strict):
    stays = Nested(LotOut, required=True)
    moved = Nested(LotOut, required=True)


class CountIn(Strict):
    skus = ma.fields.List(Text(), load_default=None, allow_none=True, validate=LINES)
    lot_ids = ma.fields.List(Number(), load_default=list, validate=LINES)
    counted_on = Day(load_default=None, allow_none=True)
    notes = Text(load_default="")


class CountEntries(Strict):
    counted = ByNumber(
        Amount(allow_none=True),
        required=True,
        metadata={"description": "By lot id, what was counted; null takes an entry back."},
    )


class CountLineOut(Strict):
    lot_id = Integer(required=True)
    lot_number = String(required=True)
    sku = String(required=True)
    expected = Amount(required=True)
    late = Amount(required=True)
    counted = Amount(required=True, allow_none=True)
    variance = Amount(required=True, allow_none=True)
    quantity_left = Amount(required=True)


class CountOut(Strict):
    id = Integer(required=True)
    reference = String(required=True)
    state = String(required=True)
    counted_on = ma.fields.Date(required=True)
    notes = String(required=True)
    created_at = Time(required=True)
    created_by = String(required=True)
    confirmed_at = Time(required=True, allow_none=True)
    confirmed_by = String(required=True)
    lines = ma.fields.List(Nested(CountLineOut), required=True)
    adjustments = ma.fields.List(Nested(AdjustmentOut), required=True)
