"""What goes in and out of the routes: the contract that ``openapi.json`` publishes."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
import sqlalchemy as sa

from partsemble_core.api.fields import Amount, Flag, Strict, Text
from partsemble_core.services.listing import MAX_PAGE_SIZE, Table
from partsemble_core.store.base import Millionths, UtcDateTime

Integer, String, Nested, Time = ma.fields.Integer, ma.fields.String, ma.fields.Nested, ma.fields.DateTime
LINES = ma.validate.Length(max=2_000)


class Shortage(Strict):
    product_id = Integer()
    needed = Amount()
    available = Amount()
    missing = Amount()
    held = Amount(metadata={"description": "In lots on hold: there, but not to be taken until they are released."})


class ErrorDetail(Strict):
    code = String(required=True)
    message = String(required=True)
    field = String(required=True, allow_none=True)
    shortages = ma.fields.List(Nested(Shortage))
    problems = ma.fields.List(String())
    references = ma.fields.List(String(), metadata={"description": "Documents that are in the way."})
    lots = ma.fields.List(String(), metadata={"description": "Numbers of the lots that would fall below zero."})


class ErrorBody(Strict):
    error = Nested(ErrorDetail, required=True)


class ProductIn(Strict):
    sku = Text(required=True)
    name = Text(required=True)
    kind = Text(load_default="component")
    unit = Text(load_default="each")
    reorder_point = Amount(load_default="0")
    notes = Text(load_default="")


class ProductEdit(Strict):
    sku = Text()
    name = Text()
    kind = Text()
    unit = Text()
    reorder_point = Amount()
    build_point = Amount(allow_none=True)
    build_target = Amount(allow_none=True)
    weight = Amount(allow_none=True, metadata={"description": "Of one unit."})
    notes = Text()
    is_active = Flag()


class ProductOut(Strict):
    id = Integer(required=True)
    sku = String(required=True)
    name = String(required=True)
    kind = String(required=True)
    unit = String(required=True)
    reorder_point = Amount(required=True)
    build_point = Amount(required=True, allow_none=True)
    build_target = Amount(required=True, allow_none=True)
    weight = Amount(required=True, allow_none=True)
    notes = String(required=True)
    is_active = Flag(required=True)
    stock = Amount(required=True)
    value = Amount(required=True)
    average_cost = Amount(required=True)


class SupplierIn(Strict):
    code = Text(required=True)
    name = Text(required=True)
    contact = Text(load_default="")
    email = Text(load_default="")
    phone = Text(load_default="")


class SupplierOut(Strict):
    id = Integer(required=True)
    code = String(required=True)
    name = String(required=True)
    contact = String(required=True)
    email = String(required=True)
    phone = String(required=True)
    is_active = Flag(required=True)


class ComponentIn(Strict):
    sku = Text(required=True)
    quantity = Amount(required=True)
    scrap_percent = Amount(load_default="0")
    optional = Flag(load_default=False)
    designators = ma.fields.List(Text(longest=100), load_default=list, validate=LINES)


class CostIn(Strict):
    kind = Text(required=True)
    label = Text(required=True)
    amount = Amount(load_default=None, allow_none=True)
    rate = Amount(load_default=None, allow_none=True)
    quantity = Amount(load_default=None, allow_none=True)


class BomIn(Strict):
    components = ma.fields.List(Nested(ComponentIn), required=True, validate=LINES)
    cost_lines = ma.fields.List(Nested(CostIn), load_default=list, validate=LINES)
    output_quantity = Amount(load_default="1")


class BomSaved(BomIn):
    based_on = ma.fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        metadata={"description": "The version that the edit began from, 0 for none: refused if another is active."},
    )


class ComponentOut(Strict):
    product_id = Integer(required=True)
    sku = String(required=True)
    name = String(required=True)
    unit = String(required=True)
    quantity = Amount(required=True)
    scrap_percent = Amount(required=True)
    optional = Flag(required=True)
    designators = ma.fields.List(String(), required=True)
    stock = Amount(required=True)
    average_cost = Amount(required=True)
    is_cost_known = Flag(required=True, metadata={"description": "False: never in stock, so it counts as nothing."})


class CostOut(Strict):
    kind = String(required=True)
    label = String(required=True)
    amount = Amount(required=True, allow_none=True)
    rate = Amount(required=True, allow_none=True)
    quantity = Amount(required=True, allow_none=True)


class BomOut(Strict):
    product_id = Integer(required=True)
    version = Integer(required=True)
    state = String(required=True)
    output_quantity = Amount(required=True)
    components = ma.fields.List(Nested(ComponentOut), required=True)
    cost_lines = ma.fields.List(Nested(CostOut), required=True)
    estimated_cost = Amount(required=True)
    rolled_up_cost = Amount(required=True)
    unknown_costs = Integer(required=True, metadata={"description": "Lines that count as nothing: never in stock."})
    buildable = Amount(required=True, allow_none=True)


class UsedInOut(Strict):
    product_id = Integer(required=True)
    sku = String(required=True)
    name = String(required=True)
    levels = Integer(required=True)
    bom_version = Integer(required=True)
    quantity = Amount(required=True, allow_none=True)


class WhereUsedOut(Strict):
    rows = ma.fields.List(Nested(UsedInOut), required=True)


class VersionOut(Strict):
    id = Integer(required=True)
    version = Integer(required=True)
    state = String(required=True)
    output_quantity = Amount(required=True)
    created_at = Time(required=True)
    created_by = String(required=True)
    changes = ma.fields.List(String(), required=True)


class VersionsOut(Strict):
    rows = ma.fields.List(Nested(VersionOut), required=True)


class QuantityQuery(Strict):
    quantity = Text(required=True, metadata={"description": "How many to make, such as 10."})


class ExplodedRow(Strict):
    product_id = Integer(required=True)
    sku = String(required=True)
    name = String(required=True)
    unit = String(required=True)
    quantity = Amount(required=True)


class Explosion(Strict):
    rows = ma.fields.List(Nested(ExplodedRow), required=True)


class UseOut(Strict):
    document_kind = String(required=True)
    document_id = Integer(required=True)
    reference = String(required=True)
    used_on = ma.fields.Date(required=True)
    quantity = Amount(required=True)
    cost = Amount(required=True)
    made_sku = String(required=True, allow_none=True)


class LotOut(Strict):
    id = Integer(required=True)
    number = String(required=True)
    product_id = Integer(required=True)
    sku = String(required=True)
    received_on = ma.fields.Date(required=True)
    expires_on = ma.fields.Date(required=True, allow_none=True)
    quantity_in = Amount(required=True)
    cost_in = Amount(required=True)
    quantity_left = Amount(required=True)
    cost_left = Amount(required=True)
    unit_cost = Amount(required=True)
    state = String(required=True)
    hold_reason = String(required=True)
    receipt_id = Integer(required=True, allow_none=True)
    build_id = Integer(required=True, allow_none=True)
    adjustment_id = Integer(required=True, allow_none=True)
    split_from_id = Integer(required=True, allow_none=True)
    source = String(required=True)
    draws = ma.fields.List(Nested(UseOut), required=True)


class AttemptOut(Strict):
    step = String(required=True)
    sent_at = Time(required=True)
    ended_at = Time(required=True, allow_none=True)
    outcome = String(required=True, allow_none=True)
    message = String(required=True)
    external_id = String(required=True, allow_none=True)


class ExportOut(Strict):
    id = Integer(required=True)
    reference = String(required=True)
    document_kind = String(required=True)
    document_id = Integer(required=True)
    connection_id = Integer(required=True)
    backend = String(required=True)
    state = String(required=True)
    label = String(required=True)
    doubt = String(required=True)
    exact = Amount(required=True)
    posted = Amount(required=True)
    rounding = Amount(required=True)
    problem = String(required=True)
    external_id = String(required=True, allow_none=True)
    created_at = Time(required=True)
    posted_at = Time(required=True, allow_none=True)
    payload = ma.fields.Dict(
        keys=String(), required=True, metadata={"description": "Exactly what is sent, frozen with the document."}
    )
    payload_sha256 = String(required=True)
    attempts = ma.fields.List(Nested(AttemptOut), required=True)


class RoleOut(Strict):
    role = String(required=True)
    label = String(required=True)
    is_required = Flag(required=True)
    account_code = String(required=True, allow_none=True)
    account_name = String(required=True, allow_none=True)


class ConnectionOut(Strict):
    id = Integer(required=True)
    backend = String(required=True)
    organisation_id = String(required=True)
    organisation_name = String(required=True)
    base_currency = String(required=True)
    state = String(required=True)
    inventory_mode = String(required=True)
    problem = String(required=True)
    roles = ma.fields.List(Nested(RoleOut), required=True)


class ConnectionsOut(Strict):
    rows = ma.fields.List(Nested(ConnectionOut), required=True)


class AccountChoice(Strict):
    code = Text(required=True, longest=64)


class CompanyOut(Strict):
    id = Integer(required=True)
    name = String(required=True)
    currency = String(required=True)
    decimals = Integer(required=True)
    timezone = String(required=True)


def page_schema(table: Table) -> type[ma.Schema]:
    """A page of the list: each row with what the table reads, typed as the database types it."""
    shown = {key: _field_of(expression) for key, expression in table.reads.items()}
    shown |= {column.key: Amount(required=True) for column in table.columns if column.key not in shown}
    shown |= {key: Amount(required=True, allow_none=True) for key in table.lacking}
    row = Strict.from_dict({"id": Integer(required=True), **shown}, name=f"{table.name.capitalize()}Row")
    return Strict.from_dict(
        {
            "rows": ma.fields.List(Nested(row), required=True),
            "page": Integer(required=True),
            "page_size": Integer(required=True),
            "pages": Integer(required=True),
            "total": Integer(required=True),
            "has_more": ma.fields.Boolean(
                required=True, metadata={"description": "A search finds more than `total` rows."}
            ),
        },
        name=f"{table.name.capitalize()}Page",
    )


def query_schema(table: Table, *, paged: bool = True) -> type[ma.Schema]:
    """What the list may be asked for: the same words as in its filters and columns."""
    keys = ", ".join(column.key for column in table.columns if column.sortable)
    known: dict[str, ma.fields.Field[Any]] = {
        "search": Text(metadata={"description": "Words that a row must hold, in any of its texts."}),
        "sort": Text(metadata={"description": f"One of {keys}; with - before it, descending."}),
    }
    if paged:
        known["page"] = Text(metadata={"description": "From 1.", "pattern": "^[0-9]{1,9}$"})
        known["page_size"] = Text(metadata={"description": f"1 to {MAX_PAGE_SIZE}.", "pattern": "^[0-9]{1,3}$"})
    return Strict.from_dict({**known, **{key: Text() for key in table.filters}}, name=f"{table.name}_query")


def _field_of(expression: Any) -> ma.fields.Field[Any]:
    match expression.type:
        case Millionths():
            return Amount(required=True)
        case UtcDateTime():
            return Time(required=True, allow_none=True)
        case sa.Date():
            return ma.fields.Date(required=True, allow_none=True)
        case sa.Integer():
            return Integer(required=True, allow_none=True)
        case _:
            return String(required=True)
