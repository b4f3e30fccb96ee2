"""What goes in and out of the routes of API tokens."""

from __future__ import annotations

import marshmallow as ma

from partsemble_core.api.fields import Strict, Text
from partsemble_core.api.schemas import Integer, String, Time


class TokenIn(Strict):
    name = Text(required=True, metadata={"description": "What it is for."})
    role = Text(allow_none=True, metadata={"description": "At most this role; the caller's own if left out."})
    days = ma.fields.Integer(strict=True, allow_none=True, metadata={"description": "It ends after so many; never."})


class TokenOut(Strict):
    id = Integer(required=True)
    name = String(required=True)
    role = String(required=True, allow_none=True, metadata={"description": "Null: whatever its member may."})
    created_at = Time(required=True)
    used_at = Time(required=True, allow_none=True)
    expires_at = Time(required=True, allow_none=True)
    revoked_at = Time(required=True, allow_none=True)


class TokenIssued(TokenOut):
    token = String(required=True)
