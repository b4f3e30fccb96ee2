"""What the routes of sales documents give."""

from __future__ import annotations

import marshmallow as ma

from partsemble_core.api.fields import Amount, Strict

Integer, String, Nested = ma.fields.Integer, ma.fields.String, ma.fields.Nested


class SaleLineOut(Strict):
    position = Integer(required=True)
    item_id = String(required=True, metadata={"description": "Theirs; empty for a line without an item."})
    item_code = String(required=True)
    description = String(required=True)
    quantity = Amount(required=True)
    net = Amount(required=True, metadata={"description": "After discount and without tax, in the document's currency."})
    product_id = Integer(required=True, allow_none=True, metadata={"description": "The product of the same SKU."})
    product_sku = String(required=True, allow_none=True)


class SaleOut(Strict):
    id = Integer(required=True)
    connection_id = Integer(required=True)
    organisation = String(required=True)
    external_id = String(required=True)
    kind = String(required=True, metadata={"description": "invoice, receipt or credit."})
    state = String(required=True, metadata={"description": "draft, open, paid, voided or deleted."})
    number = String(required=True)
    date = ma.fields.Date(required=True)
    contact_id = String(required=True)
    contact_name = String(required=True)
    currency = String(required=True)
    rate = String(required=True, metadata={"description": "Units of its currency for one of the books'."})
    net = Amount(required=True, metadata={"description": "Negative for a credit."})
    problem = String(required=True)
    updated_at = ma.fields.DateTime(required=True, allow_none=True)
    synced_at = ma.fields.DateTime(required=True)
    lines = ma.fields.List(Nested(SaleLineOut), required=True)
