"""Pinpointing: a refusal of one line of many says which, by the name that people know it by, not by its index."""

from __future__ import annotations

from partsemble_core.errors import Invalid, say


def of_lot(error: Invalid, number: str, *, field: str) -> Invalid:
    """The refusal with the lot's number; ``field`` is what the caller sent."""
    return Invalid(field, say("Lot {number}: {problem}", number=number, problem=error.message))


def of_component(error: Invalid, sku: str) -> Invalid:
    """The refusal with the component's SKU."""
    return Invalid(error.field, say("{sku}: {problem}", sku=sku, problem=error.message))
