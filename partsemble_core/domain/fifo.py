"""Which lots a quantity is taken from, and what cost goes with it: first in first out, or first to expire."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from partsemble_core.domain.amounts import add, format_quantity, share
from partsemble_core.domain.lots import OpenLot
from partsemble_core.errors import Invalid, Refused, Wording, say, say_each, word

NOTHING = Decimal(0)


class DrawOrder(enum.StrEnum):
    """fifo: by day of receipt. fefo: what expires first goes first, what never expires last."""

    FIFO = "fifo"
    FEFO = "fefo"


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
class Choice:
    """A quantity that a person wants from a certain lot."""

    lot_id: int
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How lots are drawn from.

    ``chosen`` are lots picked by hand, by line, for all of the line. ``reserved`` stays for others, by product.
    ``kept`` is what optional needs, besides, leave for required ones that come later.
    """

    order: DrawOrder = DrawOrder.FIFO
    chosen: Mapping[int, Sequence[Choice]] = field(default_factory=dict)
    reserved: Mapping[int, Decimal] = field(default_factory=dict)
    kept: Mapping[int, Decimal] = field(default_factory=dict)


PLAIN = Terms()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """``available`` is what may be taken: stock less what is ``reserved`` for planned builds that come first.

    ``coming`` is what builds under way will bring of it, where all plans are looked at together; it isn't there yet.
    ``held`` is there, in lots on hold: releasing them is a cure, too.
    """

    product_id: int
    needed: Decimal
    available: Decimal
    reserved: Decimal = NOTHING
    coming: Decimal = NOTHING
    held: Decimal = NOTHING

    @property
    def missing(self) -> Decimal:
        return add([self.needed, -self.available])


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """Why less of a product may be taken than there is: expired, or come only after the build's ``day``."""

    expired: Decimal = NOTHING
    later: Decimal = NOTHING
    day: dt.date | None = None
    is_made: bool = False


class StockShort(Refused):
    """Stock doesn't reach. ``shortages`` lists every product that falls short, not only the first."""

    code = "stock-short"

    def __init__(
        self,
        shortages: Sequence[Shortage],
        names: Mapping[int, str] | None = None,
        whys: Mapping[int, Withheld] | None = None,
    ) -> None:
        called = {
            s.product_id: (names or {}).get(s.product_id, say("product {id}", id=s.product_id)) for s in shortages
        }
        why = {s.product_id: (whys or {}).get(s.product_id, Withheld()) for s in shortages}
        listed = say_each((_told(s, called[s.product_id], why[s.product_id]) for s in shortages), between="; ")
        made = [called[s.product_id] for s in shortages if why[s.product_id].is_made]
        super().__init__(
            say("Stock doesn't reach. {listed}. {cure}", listed=listed, cure=_cure(shortages, list(why.values()), made))
        )
        self.shortages = tuple(shortages)


def draw(
    need: Need, lots: Sequence[OpenLot], *, order: DrawOrder = DrawOrder.FIFO, at_most: Decimal | None = None
) -> tuple[Draw, ...]:
    """Takes as much of ``need`` as ``lots`` hold, oldest received first, then creation order (N1).

    ``lots`` are of the needed product, in any order. ``at_most`` caps what is taken in all. Returns fewer than
    needed rather than refusing: `draw_all` does.
    """
    taken: list[Draw] = []
    missing = need.quantity if at_most is None else min(need.quantity, at_most)
    for lot in in_order(lots, order):
        if missing <= 0:
            break
        if lot.quantity_free <= 0:
            continue
        quantity = min(missing, lot.quantity_free)
        taken.append(_taken(need, lot, quantity))
        missing = add([missing, -quantity])
    return tuple(taken)


def draw_chosen(need: Need, choices: Sequence[Choice], lots: Sequence[OpenLot]) -> tuple[Draw, ...]:
    """Takes exactly what was picked by hand.

    Raises Invalid naming the line: a lot that isn't among ``lots`` or holds too little, a lot named twice, or
    quantities that don't add up to the need.
    """
    name = f"lots[{need.line}]"
    there = {lot.lot_id: lot for lot in lots if lot.product_id == need.product_id}
    draws: list[Draw] = []
    for choice in choices:
        lot = there.get(choice.lot_id)
        if lot is None:
            raise Invalid(
                name,
                say("Lot {lot_id} can't be taken here. Choose an open lot of the component.", lot_id=choice.lot_id),
            )
        if any(d.lot_id == lot.lot_id for d in draws):
            raise Invalid(
                name, say("Lot {number} is named twice. Add its quantities up.", number=lot.number or str(lot.lot_id))
            )
        if not 0 < choice.quantity <= lot.quantity_free:
            raise Invalid(
                name,
                say(
                    "Lot {number} holds {quantity_free}, so {quantity} can't be taken from it. Choose more "
                    "than 0 and at most that.",
                    number=lot.number or str(lot.lot_id),
                    quantity_free=format_quantity(lot.quantity_free),
                    quantity=format_quantity(choice.quantity),
                ),
            )
        draws.append(_taken(need, lot, choice.quantity))
    chosen = add([d.quantity for d in draws])
    if chosen != need.quantity:
        raise Invalid(
            name,
            say(
                "The chosen lots give {chosen}, the line needs {quantity}. Choose lots for all of it, or for none.",
                chosen=format_quantity(chosen),
                quantity=format_quantity(need.quantity),
            ),
        )
    return tuple(draws)


def draw_all(
    needs: Iterable[Need], lots: Iterable[OpenLot], *, names: Mapping[int, str] | None = None, terms: Terms = PLAIN
) -> tuple[Draw, ...]:
    """Draws every need from ``lots``, one after the other. Raises StockShort naming all that falls short."""
    draws, shortages = draw_what_is_there(needs, lots, terms=terms)
    if shortages:
        raise StockShort(shortages, names)
    return draws


def draw_what_is_there(
    needs: Iterable[Need], lots: Iterable[OpenLot], *, terms: Terms = PLAIN
) -> tuple[tuple[Draw, ...], tuple[Shortage, ...]]:
    """Draws what there is, and says what is missing of what is required: a preview's view of it.

    Raises Invalid for lots picked by hand that can't be taken.
    """
    left: dict[int, list[OpenLot]] = {}
    for lot in lots:
        left.setdefault(lot.product_id, []).append(lot)
    draws: list[Draw] = []
    shortages: list[Shortage] = []
    # What was picked by hand is served first, then what is required.
    for need in sorted(needs, key=lambda need: (need.line not in terms.chosen, need.optional)):
        mine = left.get(need.product_id, [])
        reserved = terms.reserved.get(need.product_id, NOTHING)
        available = free(add([lot.quantity_free for lot in mine]), reserved)
        taken = _draw_one(need, mine, terms, available)
        left[need.product_id] = after(mine, taken)
        draws.extend(taken)
        is_short = available < need.quantity
        if is_short and (not need.optional or need.line in terms.chosen):
            shortages.append(
                Shortage(product_id=need.product_id, needed=need.quantity, available=available, reserved=reserved)
            )
    return tuple(draws), tuple(shortages)


def held_by(lots: Iterable[OpenLot]) -> dict[int, Decimal]:
    """What may be taken of lots, by product."""
    quantities: dict[int, list[Decimal]] = {}
    for lot in lots:
        quantities.setdefault(lot.product_id, []).append(lot.quantity_free)
    return {product_id: add(held) for product_id, held in quantities.items()}


def free(there: Decimal, reserved: Decimal) -> Decimal:
    """What may be taken of ``there``: never below zero."""
    return max(add([there, -reserved]), NOTHING)


def in_order(lots: Iterable[OpenLot], order: DrawOrder) -> list[OpenLot]:
    """The order of taking: by day of receipt, then creation; under FEFO by expiry before that, the undated last."""
    if order == DrawOrder.FEFO:
        return sorted(lots, key=lambda lot: (lot.expires_on or dt.date.max, lot.received_on, lot.lot_id))
    return sorted(lots, key=lambda lot: (lot.received_on, lot.lot_id))


def after(lots: Sequence[OpenLot], draws: Iterable[Draw]) -> list[OpenLot]:
    """The lots as they stand once ``draws`` were taken from them."""
    left = {lot.lot_id: lot for lot in lots}
    for d in draws:
        if d.lot_id in left:  # more than one line may have drawn from it
            left[d.lot_id] = _less(left[d.lot_id], d)
    return list(left.values())


def _draw_one(need: Need, lots: Sequence[OpenLot], terms: Terms, available: Decimal) -> tuple[Draw, ...]:
    if need.line in terms.chosen:
        return draw_chosen(need, terms.chosen[need.line], lots)
    at_most = add([available, -terms.kept.get(need.product_id, NOTHING)]) if need.optional else available
    return draw(need, lots, order=terms.order, at_most=at_most)


def _taken(need: Need, lot: OpenLot, quantity: Decimal) -> Draw:
    cost = share(lot.cost_left, quantity, lot.quantity_left)
    return Draw(line=need.line, product_id=need.product_id, lot_id=lot.lot_id, quantity=quantity, cost=cost)


def _less(lot: OpenLot, taken: Draw) -> OpenLot:
    return replace(
        lot,
        quantity_left=add([lot.quantity_left, -taken.quantity]),
        cost_left=add([lot.cost_left, -taken.cost]),
    )


def _told(short: Shortage, name: str, why: Withheld) -> Wording:
    there = [_there(short, why)]
    if short.held:
        there.append(say("{quantity} on hold", quantity=format_quantity(short.held)))
    if why.expired:
        there.append(say("{quantity} expired", quantity=format_quantity(why.expired)))
    if why.later:
        there.append(say("{quantity} more since", quantity=format_quantity(why.later)))
    return say(
        "{name}: {needed} needed, {there}, {missing} missing",
        name=name,
        needed=format_quantity(short.needed),
        there=say_each(there),
        missing=format_quantity(short.missing),
    )


def _there(short: Shortage, why: Withheld) -> Wording:
    available = format_quantity(short.available)
    there = say("{quantity} available", quantity=available)
    if short.reserved and not (short.held or why.expired):
        there = say("{quantity} not reserved for planned builds", quantity=available)
    return say("{there} as of {day}", there=there, day=why.day) if why.later and why.day else there


def _cure(shortages: Sequence[Shortage], whys: Sequence[Withheld], made: Sequence[str]) -> Wording:
    """What can be done, by what is short."""
    is_held = any(short.held for short in shortages)
    ways: list[str] = [word("Release lots on hold")] if is_held else []
    if made:
        listed = say_each(made)
        ways.append(say("build {made} first", made=listed) if ways else say("Build {made} first", made=listed))
    if len(made) < len(shortages):
        ways.append(word("receive the missing goods") if ways else word("Receive the missing goods"))
    if any(why.later for why in whys):
        ways.append(word("use a later day"))
    ways.append(word("build less"))
    if any(short.reserved for short in shortages):
        ways.append(word("give the planned build a higher priority"))
    if len(ways) == 2:
        return say("{first} or {last}.", first=ways[0], last=ways[1])
    return say("{ways}, or {last}.", ways=say_each(ways[:-1]), last=ways[-1])
