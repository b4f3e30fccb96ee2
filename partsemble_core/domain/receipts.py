"""Receipts: goods that arrived from a supplier."""

from __future__ import annotations

import datetime as dt
import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from partsemble_core.domain.amounts import (
    MILLION,
    add,
    check_limit,
    from_millionths,
    multiply,
    parse_cost,
    parse_decimal,
    parse_quantity,
    spread,
    to_millionths,
    unit_cost,
)
from partsemble_core.domain.lots import SUPPLIER_CODE
from partsemble_core.domain.products import clean_text
from partsemble_core.errors import Invalid, say, word

LINES = 2_000
CHARGES = 50
CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


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
        raise Invalid("lines", say("A receipt may have at most {lines} lines. Split it.", lines=LINES))
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
                raise Invalid(
                    f"{field}.lot_number",
                    say("Lot {lot_number} stands twice for one product.", lot_number=line.lot_number),
                )
            numbers.add((line.product_id, number))
    check_limit(total_cost(lines), field="lines", what="The receipt", cure="Split it.")


class SpreadBy(enum.StrEnum):
    """How freight and duty go over the lines of a receipt."""

    COST = "cost"
    QUANTITY = "quantity"
    WEIGHT = "weight"


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """Freight, duty or the like: part of what the goods cost to have."""

    label: str
    amount: Decimal
    spread_by: SpreadBy


def landed_costs(
    lines: Sequence[ReceiptLine], charges: Sequence[Charge], *, weights: Sequence[Decimal | None]
) -> list[Decimal]:
    """The cost of each line with its share of every charge: largest remainder in millionths, so nothing is lost.

    ``weights`` are of the whole lines. Raises Invalid naming the line that lacks a weight when a charge goes by weight,
    or the charge where all lines have none of what it goes by.
    """
    landed = [to_millionths(line.cost) for line in lines]
    for number, charge in enumerate(charges):
        over = _weights_of(lines, charge.spread_by, weights)
        if not any(over) and len(lines) > 1:
            raise Invalid(
                f"charges[{number}].spread_by",
                say(
                    "All lines have a {spread_by} of 0, so nothing can be spread by it. Spread by quantity.",
                    spread_by=word(charge.spread_by),
                ),
            )
        shares = spread(to_millionths(charge.amount), over)
        landed = [have + more for have, more in zip(landed, shares, strict=True)]
    return [from_millionths(units) for units in landed]


def _weights_of(lines: Sequence[ReceiptLine], by: SpreadBy, weights: Sequence[Decimal | None]) -> list[int]:
    if by == SpreadBy.COST:
        return [to_millionths(line.cost) for line in lines]
    if by == SpreadBy.QUANTITY:
        return [to_millionths(line.quantity) for line in lines]
    known = []
    for i, weight in enumerate(weights):
        if weight is None:
            raise Invalid(f"lines[{i}].weight", "A charge goes by weight: give the weight of every line.")
        known.append(to_millionths(weight))
    return known


def in_stock_units(quantity: Decimal, *, per_purchase_unit: Decimal, field: str) -> Decimal:
    """Purchase units in the product's own unit, exactly: 2 reels of 5,000 are 10,000. Raises Invalid if that rounds."""
    exact = to_millionths(quantity) * to_millionths(per_purchase_unit)
    if exact % MILLION:
        raise Invalid(field, "This doesn't come to a quantity of at most six decimals. Enter it in the stock unit.")
    return parse_quantity(from_millionths(exact // MILLION), field=field)


def in_base_currency(amount: Decimal, *, rate: Decimal) -> Decimal:
    """A foreign amount at ``rate`` units of base currency for one foreign unit, half-even to six decimals."""
    return multiply(amount, rate)


def parse_weight(value: object, *, field: str) -> Decimal:
    """Zero or more, in whatever unit all lines use. Raises Invalid."""
    weight = parse_decimal(value, field=field)
    if weight < 0:
        raise Invalid(field, "A weight can't be negative. Enter what the whole line weighs.")
    return weight


def parse_spread_by(value: object, *, field: str) -> SpreadBy:
    """Raises Invalid, listing the ways."""
    for way in SpreadBy:
        if value == way.value:
            return way
    raise Invalid(field, say("A charge is spread by one of {ways}.", ways=", ".join(SpreadBy)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """What a receipt is in: ``rate`` units of base currency for one of ``currency``."""

    currency: str
    rate: Decimal


def parse_money(currency: object, rate: object, *, base: str) -> Money:
    """The receipt's currency and rate; without a currency, the base. Raises Invalid.

    A foreign currency needs a rate above zero; the base's own is 1.
    """
    code = base if currency is None or currency == "" else currency
    if not isinstance(code, str) or not CURRENCY.fullmatch(code):
        raise Invalid("currency", "A currency is three capital letters, such as USD.")
    given = rate is not None and rate != ""
    if code != base and not given:
        raise Invalid(
            "rate",
            say("Give the rate: how many {base} one {code} is worth on the day of receipt.", base=base, code=code),
        )
    worth = parse_quantity(rate, field="rate") if given else Decimal(1)
    if code == base and worth != 1:
        raise Invalid("rate", say("{base} is the company's own currency: its rate is 1. Leave it empty.", base=base))
    return Money(currency=code, rate=worth)


def total_cost(lines: Sequence[ReceiptLine]) -> Decimal:
    """What the receipt is worth, exactly."""
    return add([line.cost for line in lines])


def check_supplier_code(code: str, *, field: str = "code") -> str:
    """2 to 4 capitals, the prefix of the supplier's lots. Raises Invalid."""
    if not SUPPLIER_CODE.fullmatch(code):
        raise Invalid(field, "A supplier code is 2 to 4 capital letters, such as ACM.")
    return code
