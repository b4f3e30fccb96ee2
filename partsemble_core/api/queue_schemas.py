"""What goes in and out of the routes of the queue, of decisions about many exports, and of a connection's health."""

from __future__ import annotations

import marshmallow as ma

from partsemble_core.api.fields import Number, Strict, Text
from partsemble_core.api.schemas import Integer, Nested, String, Time


class ForecastOut(Strict):
    calls = Integer(required=True, metadata={"description": "That the backlog takes."})
    per_minute = Integer(required=True, allow_none=True, metadata={"description": "At most; null: not limited."})
    seconds = Integer(required=True, metadata={"description": "Until all is through, about."})


class QueueOut(Strict):
    waiting = Integer(required=True)
    resting = Integer(required=True, metadata={"description": "Of those that wait: looked up or tried later."})
    rests_until = Time(required=True, allow_none=True)
    behind = Integer(required=True, metadata={"description": "Of those that wait: for their originals to be posted."})
    held = Integer(required=True)
    failed = Integer(required=True)
    posted = Integer(required=True)
    oldest_at = Time(required=True, allow_none=True)
    forecast = Nested(ForecastOut, required=True, allow_none=True)
    held_up = String(required=True, metadata={"description": "Why nothing moves now; empty where it does."})


class IdsIn(Strict):
    ids = ma.fields.List(Number(), required=True, validate=ma.validate.Length(min=1, max=1_000))


class SkipManyIn(Strict):
    ids = ma.fields.List(Number(), required=True, validate=ma.validate.Length(min=1, max=100))
    reason = Text(required=True, longest=500)


class LeftOutOut(Strict):
    export_id = Integer(required=True)
    reference = String(required=True)
    problem = String(required=True, metadata={"description": "Why it wasn't left out; empty where it was."})


class LeftOutsOut(Strict):
    rows = ma.fields.List(Nested(LeftOutOut), required=True)


class HealthOut(Strict):
    is_well = ma.fields.Boolean(required=True)
    last_call_at = Time(required=True, allow_none=True)
    last_posted_at = Time(required=True, allow_none=True)
    last_synced_at = Time(required=True, allow_none=True)
    signed_in_at = Time(required=True, allow_none=True)
    renewed_at = Time(required=True, allow_none=True)
    access_ends_at = Time(required=True, allow_none=True)
    renews_by = Time(required=True, allow_none=True)
    alarm_at = Time(required=True, allow_none=True)
    minute_used = Integer(required=True, allow_none=True)
    minute_limit = Integer(required=True, allow_none=True)
    day_used = Integer(required=True, allow_none=True)
    day_limit = Integer(required=True, allow_none=True)
    day_ends_at = Time(required=True, allow_none=True)
    waits_until = Time(required=True, allow_none=True)
    troubles = Integer(required=True, metadata={"description": "Calls in a row without a clear answer."})
