"""What goes in and out of the routes of a person's own account."""

from __future__ import annotations

import marshmallow as ma

from partsemble_core.api.fields import Strict, Text

String = ma.fields.String


class LocaleIn(Strict):
    locale = Text(required=True, allow_none=True, longest=20)


class AccountOut(Strict):
    email = String(required=True)
    name = String(required=True)
    role = String(required=True)
    locale = String(
        required=True,
        allow_none=True,
        metadata={"description": "Language and formats of the console, such as de-CH; null as the browser asks."},
    )
