"""What goes in and out of the routes of events."""

from __future__ import annotations

import marshmallow as ma

from partsemble_core.api.fields import Flag, Strict, Text
from partsemble_core.services.dialling import URL_LENGTH

Integer, String, Time = ma.fields.Integer, ma.fields.String, ma.fields.DateTime
KINDS = ma.validate.Length(min=1, max=20)


class WebhookIn(Strict):
    url = Text(required=True, longest=URL_LENGTH)
    kinds = ma.fields.List(Text(), validate=KINDS, metadata={"description": "All of them if left out."})


class WebhookEdit(Strict):
    url = Text(longest=URL_LENGTH)
    kinds = ma.fields.List(Text(), validate=KINDS)
    is_active = Flag()


class WebhookOut(Strict):
    id = Integer(required=True)
    url = String(required=True)
    kinds = ma.fields.List(String(), required=True)
    is_active = ma.fields.Boolean(required=True)
    created_at = Time(required=True)
    created_by = String(required=True)


class WebhookWithSecret(WebhookOut):
    secret = String(required=True, metadata={"description": "Shown this once."})


class WebhooksOut(Strict):
    rows = ma.fields.List(ma.fields.Nested(WebhookOut), required=True)


class WebhookGone(Strict):
    url = String(required=True)


class DeliveryOut(Strict):
    id = Integer(required=True)
    webhook_id = Integer(required=True)
    event_id = String(required=True)
    kind = String(required=True)
    state = String(required=True)
    attempts = Integer(required=True)
    not_before = Time(required=True)
    last_status = Integer(required=True, allow_none=True)
    problem = String(required=True)
    created_at = Time(required=True)
    ended_at = Time(required=True, allow_none=True)
    payload = ma.fields.Dict(required=True, metadata={"description": "Exactly what is sent."})
