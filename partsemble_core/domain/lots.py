"""Lots: a batch of one product that came in at one time and one cost."""

from __future__ import annotations

import datetime as dt
import enum
import re
from collections.abc import Container
from dataclasses import dataclass
from decimal import Decimal

from partsemble_core.domain.amounts import add


class LotState(enum.StrEnum):
    OPEN = "open"
    HELD = "held"
    EXHAUSTED = "exhausted"
    REVERSED = "reversed"


def state_of(quantity_left: Decimal, *, hold_reason: str = "") -> LotState:
    """The state of a lot that wasn't reversed. One on hold that was used up is held again when something comes back."""
    if not quantity_left:
        return LotState.EXHAUSTED
    return LotState.HELD if hold_reason else LotState.OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLot:
    """What FIFO needs to know. ``lot_id`` grows with creation, so (received_on, lot_id) is the order of taking."""

    lot_id: int
    product_id: int
    received_on: dt.date
    quantity_left: Decimal
    cost_left: Decimal
    number: str = ""
    expires_on: dt.date | None = None
    withheld: Decimal = Decimal(0)
    """As much of what is left may not be taken: it wasn't there on the day. Its cost is still the whole lot's."""

    @property
    def quantity_free(self) -> Decimal:
        return add([self.quantity_left, -self.withheld])


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


def split_number(number: str, taken: Container[str], *, is_split: bool) -> str:
    """The number of what is split off: ``ACM-20260404-S2``, then ``-S3`` …, counted on when a part is split again."""
    stem = SPLIT_OFF.sub("", number) if is_split else number
    count = 2
    while f"{stem}-S{count}".upper() in taken:
        count += 1
    return f"{stem}-S{count}"


SPLIT_OFF = re.compile(r"-S[0-9]+$", re.ASCII)
SUPPLIER_CODE = re.compile(r"[A-Z]{2,4}", re.ASCII)
