"""Money and quantity: exact decimals of at most six places. The only file that rounds.

A quantity is in the product's own unit; money is in units of the company's currency. Inside, every sum is done on
whole millionths, so no context precision and no binary float can touch a value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from partsemble_core.errors import Invalid, say, word

PLACES = 6
MILLION: int = 10**PLACES
LIMIT = Decimal(10) ** 9
"""Every value stays below this (|x| < 10^15 millionths), so that sums of thousands of rows fit 64 bits."""

_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?", re.ASCII)


class Misread(str):
    """A text that is no number in the way its writer writes numbers, though it may look like one in ours: refused."""

    __slots__ = ()

    def strip(self, chars: str | None = None) -> Misread:
        """As it is, so that nobody makes a number of it by the way."""
        return self


def parse_decimal(value: object, *, field: str) -> Decimal:
    """The exact decimal that ``value`` states: a string of plain digits, an int or a finite Decimal.

    Refuses (Invalid) floats, booleans, NaN, infinities, exponents, digit groups, other scripts' digits, more than
    six decimals and anything of 10^9 or more.
    """
    if isinstance(value, Misread):
        raise _misread(field, value)
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise Invalid(
            field, say("{label} must be written as a plain decimal number, such as 12.50.", label=word(_label(field)))
        )
    if isinstance(value, str):
        text = value.strip(" ")
        if not text:
            raise Invalid(field, say("{label} is missing. Fill it in.", label=word(_label(field))))
        if not _NUMBER.fullmatch(text):
            shown = text if len(text) <= 40 else text[:37] + "…"
            raise Invalid(
                field,
                say(
                    "{label} {shown!r} isn't a plain decimal number. Write it as 12.50.",
                    label=word(_label(field)),
                    shown=shown,
                ),
            )
        number = Decimal(text)
    elif isinstance(value, int):
        number = Decimal(value) if abs(value) < 10**30 else LIMIT
    else:
        number = value
    if not number.is_finite():
        raise Invalid(field, say("{label} must be a finite number.", label=word(_label(field))))
    if not -LIMIT < number < LIMIT:  # abs() would round to the context's precision first
        raise Invalid(field, say("{label} must be smaller than 1,000,000,000.", label=word(_label(field))))
    if not _is_whole_millionths(number):
        raise Invalid(
            field, say("{label} may have at most {places} decimals.", label=word(_label(field)), places=PLACES)
        )
    return from_millionths(to_millionths(number))


def parse_quantity(value: object, *, field: str = "quantity") -> Decimal:
    """A quantity above zero. Raises Invalid."""
    number = parse_decimal(value, field=field)
    if number <= 0:
        raise Invalid(field, say("{label} must be greater than zero.", label=word(_label(field))))
    return number


def parse_cost(value: object, *, field: str = "cost") -> Decimal:
    """A cost of zero or more (goods may be free). Raises Invalid."""
    number = parse_decimal(value, field=field)
    if number < 0:
        raise Invalid(
            field, say("{label} must not be negative. Use 0 for goods that cost nothing.", label=word(_label(field)))
        )
    return number


def to_millionths(value: Decimal) -> int:
    """The whole number of millionths; raises ValueError where that would round."""
    top, bottom = value.as_integer_ratio()  # exact, whatever the decimal context
    whole, rest = divmod(top * MILLION, bottom)
    if rest:
        raise ValueError(f"{value} has more than {PLACES} decimals")
    return whole


def from_millionths(units: int) -> Decimal:
    """The decimal of ``units`` millionths, without trailing zeros and without exponent."""
    sign = "-" if units < 0 else ""
    whole, part = divmod(abs(units), MILLION)
    digits = f"{part:06d}".rstrip("0")
    return Decimal(f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}")


def add(values: Sequence[Decimal]) -> Decimal:
    """The exact sum."""
    return from_millionths(sum(to_millionths(value) for value in values))


def share(cost: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """The cost that goes with ``part`` of ``whole``: half-even to six decimals; all of it takes all of the cost.

    Taking in any order therefore gives away exactly the cost that came in (PRODUCT 3).
    """
    if not 0 <= part <= whole or whole <= 0:
        raise ValueError(f"can't take {part} of {whole}")
    if part == whole:
        return cost
    return from_millionths(_divide(to_millionths(cost) * to_millionths(part), to_millionths(whole)))


def multiply(value: Decimal, factor: Decimal) -> Decimal:
    """``value × factor``, half-even to six decimals."""
    return from_millionths(_divide(to_millionths(value) * to_millionths(factor), MILLION))


def scale(value: Decimal, *, times: Decimal, over: Decimal, percent_more: Decimal = Decimal(0)) -> Decimal:
    """``value × times ÷ over``, raised by ``percent_more`` per cent, rounded once, half-even to six decimals."""
    top = to_millionths(value) * to_millionths(times) * (100 * MILLION + to_millionths(percent_more))
    return from_millionths(_divide(top, to_millionths(over) * 100 * MILLION))


def unit_cost(cost: Decimal, quantity: Decimal) -> Decimal:
    """Cost for one unit, for showing only, half-even to six decimals; zero where there is no quantity."""
    if quantity == 0:
        return Decimal(0)
    return from_millionths(_divide(to_millionths(cost) * MILLION, to_millionths(quantity)))


def to_minor(amount: Decimal, *, decimals: int) -> int:
    """Whole minor units of a currency with ``decimals`` places (2 for most, 0 and 3 exist), half-even."""
    return _divide(to_millionths(amount) * 10**decimals, MILLION)


def from_minor(units: int, *, decimals: int) -> Decimal:
    """The amount that ``units`` minor units are, with exactly ``decimals`` places."""
    sign = "-" if units < 0 else ""
    whole, part = divmod(abs(units), 10**decimals)
    return Decimal(f"{sign}{whole}.{part:0{decimals}d}" if decimals else f"{sign}{whole}")


def spread(total: int, weights: Sequence[int]) -> list[int]:
    """``total`` in whole units over ``weights`` by largest remainder, ties to the earlier: the parts add up exactly.

    With all weights zero the first part takes everything. Raises ValueError for no or negative weights.
    """
    if not weights or min(weights) < 0:
        raise ValueError("weights must be given and not be negative")
    whole = sum(weights)
    if whole == 0:
        return [total] + [0] * (len(weights) - 1)
    sign, size = (-1, -total) if total < 0 else (1, total)
    parts = [size * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(size * weights[i] % whole), i))
    for i in by_remainder[: size - sum(parts)]:
        parts[i] += 1
    return [sign * part for part in parts]


def check_limit(value: Decimal, *, field: str, what: str, cure: str) -> Decimal:
    """``value`` if it can be kept; sums and products have the limit of what is typed in. Raises Invalid."""
    if abs(value) >= LIMIT:
        raise Invalid(field, say("{what} comes to 1,000,000,000 or more. {cure}", what=word(what), cure=word(cure)))
    return value


def format_unit_cost(cost: Decimal, *, decimals: int) -> str:
    """A cost for one unit as people read it: to the minor unit from 1 upwards (N3: 5.33), all six places below."""
    if cost < 1:
        return format_amount(cost, decimals=decimals)
    return format_amount(from_minor(to_minor(cost, decimals=decimals), decimals=decimals), decimals=decimals)


def format_amount(value: Decimal, *, decimals: int) -> str:
    """Money as people read it: grouped by thousands, at least ``decimals`` places and more only where they matter."""
    text = f"{value:,f}"
    whole, _, part = text.partition(".")
    part = part.rstrip("0").ljust(decimals, "0")
    return f"{whole}.{part}" if part else whole


def format_quantity(value: Decimal) -> str:
    """A quantity as people read it: grouped by thousands, without trailing zeros."""
    return format_amount(value, decimals=0)


def _is_whole_millionths(number: Decimal) -> bool:
    _, digits, exponent = number.as_tuple()  # normalize() would round to the context's precision first
    if not isinstance(exponent, int):
        return False
    surplus = -PLACES - exponent
    return surplus <= 0 or not any(digits[-surplus:])


def _divide(top: int, bottom: int) -> int:
    """Integer division, half to even."""
    quotient, rest = divmod(top, bottom)
    twice = 2 * rest
    return quotient + (1 if twice > bottom or (twice == bottom and quotient % 2) else 0)


def _misread(field: str, text: str) -> Invalid:
    shown = str(text) if len(text) <= 40 else text[:37] + "…"
    message = say(
        "{label} {shown!r} isn't a plain decimal number. Write it as {example}.",
        label=word(_label(field)),
        shown=shown,
        example=Decimal("12.50"),
    )
    return Invalid(field, message)


def _label(field: str) -> str:
    return field.split(".")[-1].replace("_", " ").capitalize()
