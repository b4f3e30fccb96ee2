"""What goes out of the recall report of a lot."""

from __future__ import annotations

import marshmallow as ma

from partsemble_core.api.fields import Amount, Strict
from partsemble_core.api.schemas import Integer, Nested, String


class ShareOut(Strict):
    least = Amount(required=True)
    most = Amount(required=True)


class TracedLotOut(Strict):
    lot_id = Integer(required=True)
    number = String(required=True)
    product_id = Integer(required=True)
    sku = String(required=True)
    name = String(required=True)
    unit = String(required=True)
    state = String(required=True)
    received_on = ma.fields.Date(required=True)
    quantity_left = Amount(required=True)
    supplier = String(required=True)
    receipt_id = Integer(required=True, allow_none=True)
    build_id = Integer(required=True, allow_none=True)
    split_from_id = Integer(required=True, allow_none=True)
    origin = String(required=True)


class SourceOut(Strict):
    lot = Nested(TracedLotOut, required=True)
    level = Integer(required=True)
    quantity = Nested(ShareOut, required=True)


class MadeOut(SourceOut):
    on_hand = Nested(ShareOut, required=True)


class PlaceOut(Strict):
    kind = String(required=True)
    reference = String(required=True)
    lot = Nested(TracedLotOut, required=True, allow_none=True)
    moved = Amount(required=True)
    quantity = Nested(ShareOut, required=True)


class BalanceOut(Strict):
    came_in = Amount(required=True)
    drawn = Amount(required=True)
    split_off = Amount(required=True)
    adjusted = Amount(required=True)
    reversed = Amount(required=True)
    sold = Amount(required=True)
    on_hand = Amount(required=True)
    difference = Amount(required=True)


class StepOut(Strict):
    from_id = Integer(required=True)
    into_id = Integer(required=True, allow_none=True)
    reference = String(required=True)


class TraceOut(Strict):
    lot = Nested(TracedLotOut, required=True)
    sources = ma.fields.List(Nested(SourceOut), required=True)
    suppliers = ma.fields.List(Nested(SourceOut), required=True)
    products = ma.fields.List(Nested(MadeOut), required=True)
    places = ma.fields.List(Nested(PlaceOut), required=True)
    customers = ma.fields.List(Nested(PlaceOut), required=True)
    steps = ma.fields.List(Nested(StepOut), required=True)
    balance = Nested(BalanceOut, required=True)
    accounted = Nested(ShareOut, required=True)
    problems = ma.fields.List(String(), required=True)
