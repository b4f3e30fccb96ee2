"""Landing: what is typed on a receipt becomes stock units and landed cost in the company's currency."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from partsemble_core.domain.amounts import multiply, parse_cost, parse_quantity
from partsemble_core.domain.products import clean_text, sku_key
from partsemble_core.domain.receipts import (
    CHARGES,
    Charge,
    Money,
    check_lines,
    in_base_currency,
    in_stock_units,
    landed_costs,
    line_cost,
    parse_spread_by,
    parse_weight,
)
from partsemble_core.domain.receipts import ReceiptLine as LineValues
from partsemble_core.errors import Invalid, say
from partsemble_core.services.acting import parse_iso_day
from partsemble_core.services.supplying import PART_NUMBER, UNIT
from partsemble_core.store.products import Product, products_by_id, products_by_sku
from partsemble_core.store.receipts import SupplierPart, supplier_parts_of
from partsemble_core.store.session import CompanySession


@dataclass(frozen=True, slots=True, kw_only=True)
class LineInput:
    """A receipt line as typed, in the receipt's currency: exactly one of total and unit cost.

    The product is named by ``sku`` or by the supplier's ``part_number``. With a ``purchase_unit``, or by part number
    alone, quantity and unit cost are of purchase units: ``per_purchase_unit`` stock units each, given here or known of
    the supplier's part. Otherwise they are of stock units. ``weight`` is of the whole line.
    """

    sku: str = ""
    quantity: object
    total_cost: object = None
    unit_cost: object = None
    lot_number: str = ""
    expires_on: object = None
    part_number: str = ""
    purchase_unit: str = ""
    per_purchase_unit: object = None
    weight: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeInput:
    """Freight, duty or the like as typed, in the receipt's currency."""

    label: str
    amount: object
    spread_by: object = "cost"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnteredLine:
    """A line understood. ``values`` is what its lot comes in at; the rest is kept as it was entered."""

    values: LineValues
    entered_quantity: Decimal
    per_purchase_unit: Decimal
    purchase_unit: str
    entered_cost: Decimal
    weight: Decimal | None
    part_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What products can be called by in one receipt."""

    by_sku: Mapping[str, Product]
    by_part_number: Mapping[str, SupplierPart]
    part_of: Mapping[int, SupplierPart]
    products: Mapping[int, Product]


def parse_charges(charges: Sequence[ChargeInput]) -> list[Charge]:
    """In the receipt's currency. Raises Invalid naming the charge."""
    if len(charges) > CHARGES:
        raise Invalid("charges", say("A receipt may have at most {charges} charges. Add some up.", charges=CHARGES))
    return [
        Charge(
            label=clean_text(charge.label, field=f"charges[{i}].label", length=100),
            amount=parse_cost(charge.amount, field=f"charges[{i}].amount"),
            spread_by=parse_spread_by(charge.spread_by, field=f"charges[{i}].spread_by"),
        )
        for i, charge in enumerate(charges)
    ]


def enter_lines(
    session: CompanySession, lines: Sequence[LineInput], *, supplier_id: int, money: Money
) -> list[EnteredLine]:
    """The lines with quantities in stock units and costs in base currency, as yet without charges. Raises Invalid."""
    names = _names(session, lines, supplier_id=supplier_id)
    return [_enter(line, names, money, field=f"lines[{i}]") for i, line in enumerate(lines)]


def land(
    lines: Sequence[EnteredLine], charges: Sequence[Charge], *, money: Money, received_on: dt.date
) -> list[EnteredLine]:
    """The lines with their shares of the charges, exactly. Raises Invalid naming the line or the charge."""
    check_lines([line.values for line in lines], received_on=received_on)
    in_base = [
        replace(c, amount=_in_base(c.amount, money, field=f"charges[{i}].amount")) for i, c in enumerate(charges)
    ]
    costs = landed_costs([line.values for line in lines], in_base, weights=[line.weight for line in lines])
    landed = [replace(line, values=replace(line.values, cost=cost)) for line, cost in zip(lines, costs, strict=True)]
    check_lines([line.values for line in landed], received_on=received_on)
    return landed


def _in_base(cost: Decimal, money: Money, *, field: str) -> Decimal:
    """What costs something doesn't come in for nothing. Raises Invalid."""
    in_base = in_base_currency(cost, rate=money.rate)
    if cost and not in_base:
        raise Invalid(
            field,
            say(
                "At the rate {rate:f} this comes to nothing in the company's currency. Check the rate and the "
                "cost, or enter a cost of 0.",
                rate=money.rate,
            ),
        )
    return in_base


def _names(session: CompanySession, lines: Sequence[LineInput], *, supplier_id: int) -> Names:
    known = products_by_sku(session, [line.sku for line in lines])
    needed = any(line.part_number or line.purchase_unit for line in lines)
    parts = supplier_parts_of(session, supplier_id) if needed else []
    products = products_by_id(session, {part.product_id for part in parts})
    return Names(
        by_sku=known,
        by_part_number={sku_key(part.part_number): part for part in parts},
        part_of={part.product_id: part for part in parts},
        products=products | {product.id: product for product in known.values()},
    )


def _enter(line: LineInput, names: Names, money: Money, *, field: str) -> EnteredLine:
    number = clean_text(line.part_number, field=f"{field}.part_number", length=PART_NUMBER, required=False)
    product = _product(line, number, names, field=field)
    unit, holds = _unit(line, names.part_of.get(product.id), field=field)
    entered = parse_quantity(line.quantity, field=f"{field}.quantity")
    quantity = in_stock_units(entered, per_purchase_unit=holds, field=f"{field}.quantity")
    cost = line_cost(entered, total_cost=line.total_cost, unit_cost=line.unit_cost, field=field)
    by = "unit_cost" if line.total_cost is None or line.total_cost == "" else "total_cost"
    expires = line.expires_on
    values = LineValues(
        product_id=product.id,
        quantity=quantity,
        cost=_in_base(cost, money, field=f"{field}.{by}"),
        lot_number=clean_text(line.lot_number, field=f"{field}.lot_number", length=64, required=False),
        expires_on=parse_iso_day(expires, field=f"{field}.expires_on") if expires else None,
    )
    return EnteredLine(
        values=values,
        entered_quantity=entered,
        per_purchase_unit=holds,
        purchase_unit=unit,
        entered_cost=cost,
        weight=_weight(line, product, quantity, field=f"{field}.weight"),
        part_number=number,
    )


def _product(line: LineInput, number: str, names: Names, *, field: str) -> Product:
    """By SKU, else by the supplier's part number; where both are given they must mean the same."""
    part = names.by_part_number.get(sku_key(number)) if number else None
    if not line.sku and number:
        if part is None:
            raise Invalid(
                f"{field}.part_number",
                say("The supplier has no part {number!r}. Save it as a supplier part, or give the SKU.", number=number),
            )
        product = names.products[part.product_id]
    else:
        found = names.by_sku.get(sku_key(line.sku))
        if found is None:
            raise Invalid(f"{field}.sku", say("There is no product with SKU {sku!r}. Create it first.", sku=line.sku))
        product = found
    if part is not None and part.product_id != product.id:
        other = names.products[part.product_id].sku
        raise Invalid(
            f"{field}.part_number",
            say(
                "{part_number} is the supplier's number of {other}. Correct one.",
                part_number=part.part_number,
                other=other,
            ),
        )
    if not product.is_active:
        raise Invalid(f"{field}.sku", say("{sku} is inactive. Activate it before receiving it.", sku=product.sku))
    return product


def _unit(line: LineInput, part: SupplierPart | None, *, field: str) -> tuple[str, Decimal]:
    """The purchase unit's name and what it holds in stock units; ("", 1) for a line in stock units."""
    unit = clean_text(line.purchase_unit, field=f"{field}.purchase_unit", length=UNIT, required=False)
    given = line.per_purchase_unit
    if given is not None and given != "":
        return unit, parse_quantity(given, field=f"{field}.per_purchase_unit")
    by_number_alone = bool(line.part_number) and not line.sku
    if not unit and not by_number_alone:
        return "", Decimal(1)
    if part is None or (unit and sku_key(unit) != sku_key(part.purchase_unit)):
        raise Invalid(
            f"{field}.per_purchase_unit",
            say("How many stock units are in one {unit}? Give it here or with the part.", unit=unit),
        )
    return part.purchase_unit, part.per_purchase_unit


def _weight(line: LineInput, product: Product, quantity: Decimal, *, field: str) -> Decimal | None:
    """Of the whole line: as typed, else from the product's own weight, else not known."""
    if line.weight is not None and line.weight != "":
        return parse_weight(line.weight, field=field)
    return None if product.weight is None else parse_weight(multiply(product.weight, quantity), field=field)
