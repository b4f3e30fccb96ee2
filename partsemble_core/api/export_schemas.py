"""What goes in and out of the routes where a person decides about exports."""

from __future__ import annotations

import marshmallow as ma

from partsemble_core.api.fields import Amount, Day, Number, Strict, Text
from partsemble_core.api.schemas import ExportOut, Integer, Nested, String


class ExportsIn(Strict):
    ids = ma.fields.List(Number(), required=True, validate=ma.validate.Length(min=1, max=1_000))
    digest = Text(
        load_default=None,
        allow_none=True,
        longest=64,
        metadata={"description": "Of one export's dry run: only exactly that is posted."},
    )


class ExportsOut(Strict):
    rows = ma.fields.List(Nested(ExportOut), required=True)


class ReasonIn(Strict):
    reason = Text(required=True, longest=500)


class CancelIn(Strict):
    reason = Text(required=True, longest=500)
    reversed_on = Day(load_default=None, allow_none=True)


class AdoptIn(Strict):
    external_id = Text(required=True, longest=200)


class DryRunLine(Strict):
    account_id = String(required=True)
    account_code = String(required=True)
    account_name = String(required=True)
    debit = Amount(required=True, allow_none=True)
    credit = Amount(required=True, allow_none=True)
    description = String(required=True)
    tracking = String(required=True)


class DryRunOut(Strict):
    export_id = Integer(required=True)
    reference = String(required=True)
    state = String(required=True)
    label = String(required=True)
    organisation = String(required=True)
    date = ma.fields.Date(required=True)
    currency = String(required=True)
    narration = String(required=True)
    source_url = String(required=True)
    token = String(required=True)
    lines = ma.fields.List(Nested(DryRunLine), required=True)
    total = Amount(required=True)
    rounding = Amount(required=True)
    digest = String(required=True)
