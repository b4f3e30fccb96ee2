"""Bills of materials as they are read from a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BomFileLine:
    """One component of an imported bill of materials. ``quantity`` is for one unit of the product."""

    part_number: str
    name: str
    quantity: Decimal
    designators: tuple[str, ...] = ()
    manufacturer: str = ""
    row_numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BomFileSkip:
    row_number: int
    designator: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BomFile:
    """A bill of materials as read from a file: nothing is written yet. ``problems`` not empty = it can't be applied."""

    lines: tuple[BomFileLine, ...]
    skipped: tuple[BomFileSkip, ...] = ()
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    mapping: Mapping[str, str] = field(default_factory=dict)
    """Which column was taken for what: ``{"part_number": "Field2", …}``."""
    rows: int = 0
