"""What goes in and out of the routes of value, options, lock and doctor."""

from __future__ import annotations

import marshmallow as ma

from partsemble_core.api.fields import Amount, Day, Flag, Strict, Text
from partsemble_core.api.schemas import Integer, Nested, String, Time


class ValuationQuery(Strict):
    on = Text(metadata={"description": "At the end of this day; today if left out."})
    known_at = Text(metadata={"description": "As known then, such as 2026-04-30T17:00:00Z; as known now if left out."})


class HeldLotOut(Strict):
    lot_id = Integer(required=True)
    number = String(required=True)
    quantity = Amount(required=True)
    cost = Amount(required=True)


class ProductValueOut(Strict):
    product_id = Integer(required=True)
    sku = String(required=True)
    name = String(required=True)
    kind = String(required=True)
    unit = String(required=True)
    quantity = Amount(required=True)
    value = Amount(required=True)
    average_cost = Amount(required=True)
    lots = ma.fields.List(Nested(HeldLotOut), required=True)


class ValuationOut(Strict):
    day = ma.fields.Date(required=True)
    known_at = Time(required=True, allow_none=True)
    total = Amount(required=True)
    by_kind = ma.fields.Dict(keys=String(), values=Amount(), required=True)
    products = ma.fields.List(Nested(ProductValueOut), required=True)


class TrendPoint(Strict):
    day = ma.fields.Date(required=True)
    value = Amount(required=True)


class TrendOut(Strict):
    rows = ma.fields.List(Nested(TrendPoint), required=True)


class DoctorQuery(Strict):
    replay = Text(load_default="false", metadata={"description": "true: rebuild stock from the ledger, and compare."})


class FindingOut(Strict):
    law = String(required=True)
    table = String(required=True)
    ids = ma.fields.List(Integer(), required=True)
    message = String(required=True)


class DoctorOut(Strict):
    is_well = Flag(required=True)
    findings = ma.fields.List(Nested(FindingOut), required=True)


class CompanyIn(Strict):
    name = Text(required=True)
    timezone = Text(required=True, metadata={"description": "Such as Pacific/Auckland; decides which day it is."})


class FirstStepsOut(Strict):
    is_connected = Flag(required=True)
    has_accounts = Flag(required=True)
    has_suppliers = Flag(required=True)
    has_products = Flag(required=True)
    has_boms = Flag(required=True)
    has_receipts = Flag(required=True)
    has_builds = Flag(required=True)


class OptionsIn(Strict):
    qa_review = Flag()
    approver_differs = Flag()
    reserve_stock = Flag()
    block_expired = Flag()
    draw_order = Text(metadata={"description": "fifo, or fefo: first expired, first out."})
    export_receipts = Text(metadata={"description": "automatic, or manual: held until somebody posts it."})
    export_builds = Text(metadata={"description": "The same for builds and their waste."})
    export_adjustments = Text(metadata={"description": "The same for adjustments and counts."})


class OptionsOut(Strict):
    qa_review = Flag(required=True)
    approver_differs = Flag(required=True)
    reserve_stock = Flag(required=True)
    block_expired = Flag(required=True)
    draw_order = String(required=True)
    export_receipts = String(required=True)
    export_builds = String(required=True)
    export_adjustments = String(required=True)
    locked_through = ma.fields.Date(required=True, allow_none=True)
    proposed_lock_day = ma.fields.Date(required=True, allow_none=True)


class LockIn(Strict):
    locked_through = Day(required=True, allow_none=True)
