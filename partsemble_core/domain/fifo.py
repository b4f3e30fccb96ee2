"""First in, first out: which lots a quantity is taken from, and what cost goes with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from partsemble_core.domain.amounts import add, format_quantity, share
from partsemble_core.domain.lots import OpenLot
from partsemble_core.errors import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A quantity of one product that a document takes. What is optional never blocks: what is there is taken."""

    line: int
    product_id: int
    quantity: Decimal
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """A quantity and cost taken from one lot for one line of a document."""

    line: int
    product_id: int
    lot_id: int
    quantity: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    product_id: int
    needed: Decimal
    available: Decimal

    @property
    def missing(self) -> Decimal:
        return add([self.needed, -self.available])


class StockShort(Refused):
    """Stock doesn't reach. ``shortages`` lists every product that falls short, not only the first."""

    code = "stock-short"

    def __init__(self, shortages: Sequence[Shortage], names: Mapping[int, str] | None = None) -> None:
        known = names or {}
        listed = "; ".join(
            f"{known.get(s.product_id, f'product {s.product_id}')}: {format_quantity(s.needed)} needed, "
            f"{format_quantity(s.available)} in stock, {format_quantity(s.missing)} missing"
            for s in shortages
        )
        super().__init__(f"Stock doesn't reach. {listed}. Receive the missing goods or build less.")
        self.shortages = tuple(shortages)


def draw(need: Need, lots: Sequence[OpenLot]) -> tuple[Draw, ...]:
    """Takes as much of ``need`` as ``lots`` hold, oldest received first, then creation order (N1).

    ``lots`` are of the needed product, in any order. Returns fewer than needed rather than refusing: `draw_all` does.
    """
    taken: list[Draw] = []
    missing = need.quantity
    for lot in sorted(lots, key=lambda lot: (lot.received_on, lot.lot_id)):
        if missing <= 0:
            break
        if lot.quantity_left <= 0:
            continue
        quantity = min(missing, lot.quantity_left)
        cost = share(lot.cost_left, quantity, lot.quantity_left)
        taken.append(Draw(line=need.line, product_id=need.product_id, lot_id=lot.lot_id, quantity=quantity, cost=cost))
        missing = add([missing, -quantity])
    return tuple(taken)


def draw_all(
    needs: Iterable[Need], lots: Iterable[OpenLot], *, names: Mapping[int, str] | None = None
) -> tuple[Draw, ...]:
    """Draws every need from ``lots``, one after the other. Raises StockShort naming all that falls short."""
    draws, shortages = draw_what_is_there(needs, lots)
    if shortages:
        raise StockShort(shortages, names)
    return draws


def draw_what_is_there(needs: Iterable[Need], lots: Iterable[OpenLot]) -> tuple[tuple[Draw, ...], tuple[Shortage, ...]]:
    """Draws what there is, and says what is missing of what is required: a preview's view of it."""
    left: dict[int, list[OpenLot]] = {}
    for lot in lots:
        left.setdefault(lot.product_id, []).append(lot)
    draws: list[Draw] = []
    shortages: list[Shortage] = []
    for need in sorted(needs, key=lambda need: need.optional):  # what is required is served first
        mine = left.get(need.product_id, [])
        taken = draw(need, mine)
        left[need.product_id] = after(mine, taken)
        draws.extend(taken)
        got = add([d.quantity for d in taken])
        if got < need.quantity and not need.optional:
            shortages.append(Shortage(product_id=need.product_id, needed=need.quantity, available=got))
    return tuple(draws), tuple(shortages)


def after(lots: Sequence[OpenLot], draws: Iterable[Draw]) -> list[OpenLot]:
    """The lots as they stand once ``draws`` were taken from them."""
    left = {lot.lot_id: lot for lot in lots}
    for d in draws:
        if d.lot_id in left:  # more than one line may have drawn from it
            left[d.lot_id] = _less(left[d.lot_id], d)
    return list(left.values())


def _less(lot: OpenLot, taken: Draw) -> OpenLot:
    return OpenLot(
        lot_id=lot.lot_id,
        product_id=lot.product_id,
        received_on=lot.received_on,
        quantity_left=add([lot.quantity_left, -taken.quantity]),
        cost_left=add([lot.cost_left, -taken.cost]),
        number=lot.number,
    )
