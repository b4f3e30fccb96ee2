"""What goes in and out of the routes of syncs, schedules and hooks."""

from __future__ import annotations

import marshmallow as ma

from partsemble_core.api.fields import Strict, Text

Integer, String, Nested, Time = ma.fields.Integer, ma.fields.String, ma.fields.Nested, ma.fields.DateTime


class SyncIn(Strict):
    kind = Text(required=True, metadata={"description": "accounts, items, contacts or sales."})


class SyncOut(Strict):
    id = Integer(required=True)
    connection_id = Integer(required=True)
    kind = String(required=True)
    state = String(required=True, metadata={"description": "running, done or failed."})
    cause = String(required=True, metadata={"description": "person, schedule, hook or command."})
    started_by = String(required=True)
    started_at = Time(required=True)
    ended_at = Time(required=True, allow_none=True)
    records = Integer(required=True, metadata={"description": "Read so far."})
    added = Integer(required=True)
    changed = Integer(required=True)
    gone = Integer(required=True)
    message = String(required=True)


class ScheduleIn(Strict):
    every = Text(required=True, longest=20, metadata={"description": "5m to 7d, such as 90m, 6h or 1d."})


class ScheduleOut(Strict):
    connection_id = Integer(required=True)
    kind = String(required=True)
    every_minutes = Integer(required=True)
    next_at = Time(required=True)


class SchedulesOut(Strict):
    rows = ma.fields.List(Nested(ScheduleOut), required=True)


class HookOut(Strict):
    hook = String(required=True)
    exports = ma.fields.List(Integer(), required=True, metadata={"description": "Ids of the exports that were due."})
    sync = Nested(SyncOut, required=True, allow_none=True)
