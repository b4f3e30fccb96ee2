"""Things of the domain with dull defaults: a test names only what it is about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal

from partsemble_core.domain.boms import Bom, ComponentLine, CostKind, CostLine
from partsemble_core.domain.fifo import Need
from partsemble_core.domain.journals import Journal, Part, make_journal
from partsemble_core.domain.lots import OpenLot
from partsemble_core.domain.receipts import ReceiptLine

Amount = Decimal | int | str
DAY_ONE = dt.date(2026, 4, 1)


def exact(value: Amount) -> Decimal:
    """``"34.50"`` → the decimal."""
    return Decimal(value)


def a_day(number: int) -> dt.date:
    """Day 1 is 1 April 2026."""
    return DAY_ONE + dt.timedelta(days=number - 1)


def a_lot(
    quantity: Amount = 10,
    *,
    cost: Amount | None = None,
    at: Amount = "1.00",
    lot_id: int = 1,
    product_id: int = 1,
    day: int = 1,
) -> OpenLot:
    """An open lot. ``cost`` is of the whole lot; left out, it is ``quantity`` at the price ``at``."""
    worth = exact(quantity) * exact(at) if cost is None else exact(cost)
    return OpenLot(
        lot_id=lot_id,
        product_id=product_id,
        received_on=a_day(day),
        quantity_left=exact(quantity),
        cost_left=worth,
    )


def some_lots(*of: tuple[Amount, Amount], product_id: int = 1, first_id: int = 1) -> list[OpenLot]:
    """Lots of one product, one a day, from pairs of quantity and unit price."""
    return [
        a_lot(quantity, at=price, lot_id=first_id + i, product_id=product_id, day=1 + i)
        for i, (quantity, price) in enumerate(of)
    ]


def a_need(quantity: Amount = 1, *, product_id: int = 1, line: int = 0, optional: bool = False) -> Need:
    return Need(line=line, product_id=product_id, quantity=exact(quantity), optional=optional)


def a_component(
    product_id: int = 1,
    *,
    quantity: Amount = 1,
    scrap: Amount = 0,
    optional: bool = False,
) -> ComponentLine:
    return ComponentLine(product_id=product_id, quantity=exact(quantity), scrap_percent=exact(scrap), optional=optional)


def a_fixed_cost(amount: Amount = "2.00", *, label: str = "Packaging") -> CostLine:
    return CostLine(kind=CostKind.OTHER, label=label, amount=exact(amount))


def a_timed_cost(*, rate: Amount = "25.00", quantity: Amount = "0.5", label: str = "Labour") -> CostLine:
    return CostLine(kind=CostKind.LABOUR, label=label, rate=exact(rate), quantity=exact(quantity))


def a_bom(
    *components: ComponentLine,
    costs: Iterable[CostLine] = (),
    makes: Amount = 1,
    product_id: int = 100,
) -> Bom:
    """A BOM of product 100; without components it takes one unit of product 1."""
    return Bom(
        product_id=product_id,
        components=components or (a_component(),),
        cost_lines=tuple(costs),
        output_quantity=exact(makes),
    )


def boms_of(recipes: Mapping[int, Mapping[int, Amount]]) -> dict[int, Bom]:
    """``{100: {1: 3}}`` → product 100 takes three of product 1."""
    return {
        made: a_bom(*(a_component(p, quantity=q) for p, q in recipe.items()), product_id=made)
        for made, recipe in recipes.items()
    }


def a_receipt_line(
    quantity: Amount = 10,
    *,
    cost: Amount = "5.00",
    product_id: int = 1,
    lot_number: str = "",
    expires_on: dt.date | None = None,
) -> ReceiptLine:
    return ReceiptLine(
        product_id=product_id,
        quantity=exact(quantity),
        cost=exact(cost),
        lot_number=lot_number,
        expires_on=expires_on,
    )


def a_part(amount: Amount = "10.00", *, account: str = "630", says: str = "Bracket × 10") -> Part:
    return Part(account=account, amount=exact(amount), description=says)


def a_journal(*, debit: Part, credits: Iterable[Part], decimals: int = 2) -> Journal:
    return make_journal(
        reference="PSB-000123",
        date=DAY_ONE,
        narration="Build of 10 brackets",
        decimals=decimals,
        debit=debit,
        credits=list(credits),
    )
