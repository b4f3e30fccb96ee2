"""What goes in and out of the routes of people."""

from __future__ import annotations

import marshmallow as ma

from partsemble_core.api.fields import Strict, Text

Integer, String, Time = ma.fields.Integer, ma.fields.String, ma.fields.DateTime


class MemberOut(Strict):
    id = Integer(required=True)
    email = String(required=True)
    name = String(required=True)
    role = String(required=True)
    is_active = ma.fields.Boolean(required=True)
    second_factor_since = Time(required=True, allow_none=True)


class RoleIn(Strict):
    role = Text(required=True, longest=20)


class HeirIn(Strict):
    password = Text(required=True, longest=128, metadata={"description": "Of the owner whose token this is."})


class SignInsEnded(Strict):
    ended = Integer(required=True)


class SignInOut(Strict):
    id = Integer(required=True)
    email = String(required=True)
    begun_at = Time(required=True)
    seen_at = Time(required=True)
    ends_at = Time(required=True)
    ended_at = Time(required=True, allow_none=True)
    address = String(required=True)
    agent = String(required=True)


class InvitationIn(Strict):
    email = Text(required=True, longest=254)
    role = Text(required=True, longest=20)


class InvitationOut(Strict):
    id = Integer(required=True)
    email = String(required=True)
    role = String(required=True)
    invited_by = String(required=True)
    invited_at = Time(required=True)
    expires_at = Time(required=True)
    accepted_at = Time(required=True, allow_none=True)
    revoked_at = Time(required=True, allow_none=True)


class InvitationMade(InvitationOut):
    is_mailed = ma.fields.Boolean(required=True)
    link = String(
        required=True,
        allow_none=True,
        metadata={"description": "To pass on, shown this once; null where it was mailed."},
    )


class PermissionOut(Strict):
    rule = String(required=True)
    title = String(required=True)
    text = String(required=True)
    roles = ma.fields.List(String(), required=True)


class PermissionsOut(Strict):
    rows = ma.fields.List(ma.fields.Nested(PermissionOut), required=True)
