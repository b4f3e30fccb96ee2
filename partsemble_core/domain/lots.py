"""Lots: a batch of one product that came in at one time and one cost."""

from __future__ import annotations

import datetime as dt
import enum
import re
from collections.abc import Container
from dataclasses import dataclass
from decimal import Decimal


class LotState(enum.StrEnum):
    OPEN = "open"
    HELD = "held"
    EXHAUSTED = "exhausted"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLot:
    """What FIFO needs to know. ``lot_id`` grows with creation, so (received_on, lot_id) is the order of taking."""

    lot_id: int
    product_id: int
    received_on: dt.date
    quantity_left: Decimal
    cost_left: Decimal
    number: str = ""


def automatic_number(prefix: str, received_on: dt.date, taken: Container[str]) -> str:
    """``ACM-20260404``, then ``ACM-20260404-002``, ``-003`` … (N13). ``taken`` holds numbers in upper case."""
    return first_free(f"{prefix}-{received_on:%Y%m%d}", taken)


def first_free(stem: str, taken: Container[str]) -> str:
    """``stem`` itself, else the first of ``stem-002``, ``-003`` … that isn't taken."""
    if stem.upper() not in taken:
        return stem
    count = 2
    while f"{stem}-{count:03d}".upper() in taken:
        count += 1
    return f"{stem}-{count:03d}"


SUPPLIER_CODE = re.compile(r"[A-Z]{2,4}", re.ASCII)
