"""How values travel in JSON: amounts as strings, days as ISO text, and nothing guessed."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import marshmallow as ma

AMOUNT = r"^-?[0-9]{1,9}(\.[0-9]{1,6})?$"
TEXT_LENGTH = 4000
LARGEST_ID = 2**63 - 1
NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)


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


class Number(ma.fields.Integer):
    """An id in a body: a whole number that a database can hold, and no text for it."""

    def __init__(self, **options: Any) -> None:
        within = ma.validate.Range(min=1, max=LARGEST_ID, error="There is no such id. Send one that a route gave.")
        super().__init__(strict=True, validate=within, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        if not isinstance(value, int) or isinstance(value, bool):
            raise ma.ValidationError("Send an id as a whole number.")
        return value


class ByNumber(ma.fields.Dict):
    """An object whose keys are line numbers or ids: ``{"0": "1.5"}``. What is wrong with a value is told by its key."""

    def __init__(self, values: ma.fields.Field[Any], **options: Any) -> None:
        super().__init__(keys=ma.fields.String(), values=values, validate=ma.validate.Length(max=2_000), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> dict[int, Any]:
        if isinstance(value, dict):
            for key in value:
                if not NUMBER.fullmatch(key):
                    raise ma.ValidationError("Name each by its number, in digits.")
            if len({int(key) for key in value}) < len(value):
                raise ma.ValidationError("A number is named twice. Name each once.")
        try:
            found: dict[str, Any] = super()._deserialize(value, attr, data, **options)  # type: ignore[no-untyped-call]
        except ma.ValidationError as error:
            if isinstance(error.messages, dict):
                raise ma.ValidationError({key: said["value"] for key, said in error.messages.items()}) from error
            raise
        return {int(key): each for key, each in found.items()}
