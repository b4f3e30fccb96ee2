"""Receipts: goods that arrived from a supplier."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from partsemble_core.domain.amounts import add, check_limit, multiply, parse_cost, parse_quantity, unit_cost
from partsemble_core.domain.lots import SUPPLIER_CODE
from partsemble_core.domain.products import clean_text
from partsemble_core.errors import Invalid

LINES = 2_000


class ReceiptState(enum.StrEnum):
    DRAFT = "draft"
    CONFIRMED = "confirmed"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptLine:
    """``cost`` is of the whole line. A lot number left empty is given automatically."""

    product_id: int
    quantity: Decimal
    cost: Decimal
    lot_number: str = ""
    expires_on: dt.date | None = None


def line_cost(
    quantity: Decimal, *, total_cost: object = None, unit_cost: object = None, field: str = "lines[0]"
) -> Decimal:
    """The cost of a line from exactly one of total and unit cost. Raises Invalid."""
    if (total_cost is None) == (unit_cost is None):
        raise Invalid(f"{field}.total_cost", "Give either the total cost of the line or its unit cost.")
    if total_cost is not None:
        return parse_cost(total_cost, field=f"{field}.total_cost")
    return parse_cost(
        multiply(quantity, parse_cost(unit_cost, field=f"{field}.unit_cost")), field=f"{field}.total_cost"
    )


def check_lines(lines: Sequence[ReceiptLine], *, received_on: dt.date) -> None:
    """Raises Invalid naming the line; the same lot number twice for one product is refused too."""
    if not lines:
        raise Invalid("lines", "A receipt needs at least one line. Add what arrived.")
    if len(lines) > LINES:
        raise Invalid("lines", f"A receipt may have at most {LINES} lines. Split it.")
    numbers: set[tuple[int, str]] = set()
    for i, line in enumerate(lines):
        field = f"lines[{i}]"
        parse_quantity(line.quantity, field=f"{field}.quantity")
        parse_cost(line.cost, field=f"{field}.total_cost")
        each = unit_cost(line.cost, line.quantity)
        check_limit(each, field=f"{field}.total_cost", what="The cost of one unit", cure="Check cost and quantity.")
        if line.expires_on and line.expires_on < received_on:
            raise Invalid(f"{field}.expires_on", "The expiry date lies before the day of receipt. Check the year.")
        if line.lot_number:
            number = clean_text(line.lot_number, field=f"{field}.lot_number", length=64).upper()
            if (line.product_id, number) in numbers:
                raise Invalid(f"{field}.lot_number", f"Lot {line.lot_number} stands twice for one product.")
            numbers.add((line.product_id, number))
    check_limit(total_cost(lines), field="lines", what="The receipt", cure="Split it.")


def total_cost(lines: Sequence[ReceiptLine]) -> Decimal:
    """What the receipt is worth, exactly."""
    return add([line.cost for line in lines])


def check_supplier_code(code: str, *, field: str = "code") -> str:
    """2 to 4 capitals, the prefix of the supplier's lots. Raises Invalid."""
    if not SUPPLIER_CODE.fullmatch(code):
        raise Invalid(field, "A supplier code is 2 to 4 capital letters, such as ACM.")
    return code
