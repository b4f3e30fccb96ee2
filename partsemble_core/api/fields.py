"""How values travel in JSON: amounts as strings, days as ISO text, and nothing guessed."""

from __future__ import annotations

import unicodedata
from typing import Any

import marshmallow as ma

AMOUNT = r"^-?[0-9]{1,9}(\.[0-9]{1,6})?$"
TEXT_LENGTH = 4000


class Strict(ma.Schema):
    """Refuses what it doesn't know: a misspelt field is never dropped in silence."""

    class Meta:
        unknown = ma.RAISE


class Text(ma.fields.String):
    """Text without control characters or halves of characters, which one database or reader or another can't take."""

    def __init__(self, *, longest: int = TEXT_LENGTH, **options: Any) -> None:
        super().__init__(validate=ma.validate.Length(max=longest), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        text = super()._deserialize(value, attr, data, **options)
        if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text):
            raise ma.ValidationError("The text holds characters that can't be kept. Type it again.")
        return text


class Amount(ma.fields.String):
    """A decimal as a JSON string, such as ``"12.50"``. What it may be is checked by the service that takes it."""

    def __init__(self, **options: Any) -> None:
        metadata = {"pattern": AMOUNT, **options.pop("metadata", {})}
        super().__init__(metadata=metadata, **options)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **options: Any) -> str | None:
        return value if value is None or isinstance(value, str) else f"{value:f}"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> str:
        if not isinstance(value, str):
            raise ma.ValidationError('Send a decimal as a string, such as "12.50".')
        return value


class Flag(ma.fields.Boolean):
    """``true`` or ``false``, and no word or number for it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> bool:
        if not isinstance(value, bool):
            raise ma.ValidationError("Send true or false.")
        return value


class Day(ma.fields.Date):
    """A calendar day, ``2026-04-30``. Taken as text: the service says what is wrong with it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        if not isinstance(value, str):
            raise ma.ValidationError('Send a day as a string, such as "2026-04-30".')
        return value
