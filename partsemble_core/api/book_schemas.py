"""What goes in and out of the routes of cautions and tracking."""

from __future__ import annotations

import marshmallow as ma

from partsemble_core.api.fields import Strict, Text

String, Nested = ma.fields.String, ma.fields.Nested


class CautionOut(Strict):
    code = String(required=True)
    text = String(required=True)


class CautionsOut(Strict):
    rows = ma.fields.List(Nested(CautionOut), required=True)


class TrackingOptionOut(Strict):
    id = String(required=True)
    name = String(required=True)


class TrackingCategoryOut(Strict):
    category_id = String(required=True)
    category = String(required=True)
    chosen = String(required=True, allow_none=True, metadata={"description": "Id of the option that lines carry."})
    is_usable = ma.fields.Boolean(required=True, metadata={"description": "False: the books would refuse it now."})
    options = ma.fields.List(Nested(TrackingOptionOut), required=True)


class TrackingOut(Strict):
    rows = ma.fields.List(Nested(TrackingCategoryOut), required=True)


class TrackingChoiceIn(Strict):
    option = Text(
        required=True, allow_none=True, longest=100, metadata={"description": "Id of an option, or null for none."}
    )
