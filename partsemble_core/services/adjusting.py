"""Adjusting: a lot holds more or less than the records say, or stock is there from before Partsemble."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from partsemble_core.domain.adjustments import (
    AdjustmentReason,
    LotAmounts,
    adjusted,
    adjustment_cost,
    parse_reason,
)
from partsemble_core.domain.amounts import check_limit, format_quantity, parse_cost, parse_quantity, unit_cost
from partsemble_core.domain.lots import LotState, automatic_number, state_of
from partsemble_core.domain.products import clean_text
from partsemble_core.errors import Conflict, Invalid, WrongState, say
from partsemble_core.services.acting import Act, parse_day, parse_iso_day
from partsemble_core.services.closing import check_day_is_open
from partsemble_core.services.exporting import queue_adjustment
from partsemble_core.services.telling import tell_low_stock
from partsemble_core.store.adjustments import Adjustment, AdjustmentState
from partsemble_core.store.companies import next_number
from partsemble_core.store.histories import least_left_from
from partsemble_core.store.lots import (
    DocumentKind,
    Lot,
    gates_for_update,
    get_lot,
    lots_for_update,
    lots_in_use,
    move_gates,
    numbers_taken,
    record_entries,
)
from partsemble_core.store.products import Product, StockBalance, get_product, named_product
from partsemble_core.store.session import CompanySession

NOTES = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of one lot as decided; ``quantity`` and ``cost`` are signed alike, ``after`` is what the lot then is."""

    lot: Lot
    quantity: Decimal
    cost: Decimal
    after: LotAmounts
    is_opening: bool = False


def adjust_lot(
    session: CompanySession,
    act: Act,
    lot_id: int,
    *,
    quantity: object,
    reason: object,
    notes: object = "",
    adjusted_on: object = None,
) -> Adjustment:
    """Changes a lot by a signed quantity, with the cost that goes with it, and queues the posting: one transaction.

    A held lot may be adjusted and stays on hold; a used-up lot opens again when something of it is found. Raises
    Invalid (zero, the wrong sign for the reason, below zero now or on the day given), WrongState for a reversed lot,
    Conflict if the lot's number is another one's by now, PeriodLocked, AccountNotSet, NotFound.
    """
    why = parse_reason(reason)
    day = parse_day(adjusted_on, field="adjusted_on", today=act.today)
    note = clean_text(notes, field="notes", length=NOTES, required=False)
    check_day_is_open(session, day, field="adjusted_on")
    product = get_product(session, get_lot(session, lot_id).product_id)
    gates = gates_for_update(session, [product.id])
    lot = lots_for_update(session, [lot_id])[lot_id]
    change = decide_change(lot, quantity, reason=why)
    check_reopening(session, [lot])
    check_there_on(session, [change], day)
    (adjustment,) = write_adjustments(
        session, act, [change], products={product.id: product}, gates=gates, reason=why, notes=note, day=day
    )
    return adjustment


def open_stock(
    session: CompanySession,
    act: Act,
    *,
    sku: str,
    quantity: object,
    total_cost: object,
    on: object = None,
    lot_number: object = "",
    expires_on: object = None,
    notes: object = "",
) -> Adjustment:
    """Opening stock: a lot that was there before Partsemble, opened by an adjustment (reason other).

    It isn't exported, for the books have its value already; with a connection its export is skipped, saying so. A lot
    number left empty is given: ``OPEN-20260404``. Raises Invalid, NotFound, Conflict for a number that is open already.
    """
    product = named_product(session, sku)
    if not product.is_active:
        raise Invalid("sku", say("{sku} is inactive. Activate it before opening stock of it.", sku=product.sku))
    amount, cost = _parse_opening(quantity, total_cost)
    day = parse_day(on, field="on", today=act.today)
    expires = parse_iso_day(expires_on, field="expires_on") if expires_on else None
    given = clean_text(lot_number, field="lot_number", length=64, required=False)
    note = clean_text(notes, field="notes", length=NOTES, required=False)
    check_day_is_open(session, day, field="on")
    gates = gates_for_update(session, [product.id])
    number = _free_number(session, product, day, given)
    lot = Lot(
        product_id=product.id,
        number=number,
        number_key=number.upper(),
        received_on=day,
        expires_on=expires,
        hold_reason="",
        created_at=act.at,
    )
    opened = LotAmounts(quantity_in=amount, cost_in=cost, quantity_left=amount, cost_left=cost)
    change = Change(lot=lot, quantity=amount, cost=cost, after=opened, is_opening=True)
    (adjustment,) = write_adjustments(
        session,
        act,
        [change],
        products={product.id: product},
        gates=gates,
        reason=AdjustmentReason.OTHER,
        notes=note,
        day=day,
    )
    return adjustment


def decide_change(lot: Lot, quantity: object, *, reason: AdjustmentReason, field: str = "quantity") -> Change:
    """What an adjustment makes of a lot; nothing is written. Raises Invalid, WrongState for a reversed lot."""
    if lot.state == LotState.REVERSED:
        raise WrongState(
            say(
                "Lot {number} was reversed: its goods never came. Leave it out, or receive them again.",
                number=lot.number,
            )
        )
    before = amounts_of(lot)
    change, cost = adjustment_cost(before, quantity, reason=reason, field=field)
    return Change(lot=lot, quantity=change, cost=cost, after=adjusted(before, change, cost, field=field))


def check_reopening(session: CompanySession, lots: list[Lot]) -> None:
    """Used-up lots may open again only under a number that no other open lot has. Raises Conflict."""
    ended = {(lot.product_id, lot.number_key) for lot in lots if lot.state == LotState.EXHAUSTED}
    for lot in lots_in_use(session, ended) if ended else []:
        raise Conflict(
            say(
                "Lot {number} was used up, and its number is that of newer goods. Adjust the lot that is open.",
                number=lot.number,
            ),
            field="lot_id",
        )


def check_there_on(
    session: CompanySession, changes: Sequence[Change], day: dt.date, *, field: str = "adjusted_on"
) -> None:
    """Nothing is taken that a lot didn't hold on that day and ever since, or found before it came. Raises Invalid."""
    least = least_left_from(session, [change.lot.id for change in changes], day)
    for change in changes:
        lot, held = change.lot, least[change.lot.id]
        if day < lot.received_on:
            raise Invalid(
                field,
                say(
                    "Lot {number} came in on {received_on} only. Use that day or a later one.",
                    number=lot.number,
                    received_on=lot.received_on,
                ),
            )
        if -change.quantity > held:
            raise Invalid(
                field,
                say(
                    "From {day} on, lot {number} once held only {held}. Use a later day, or take less.",
                    day=day,
                    number=lot.number,
                    held=format_quantity(held),
                ),
            )


def write_adjustments(
    session: CompanySession,
    act: Act,
    changes: Sequence[Change],
    *,
    products: Mapping[int, Product],
    gates: Mapping[int, StockBalance],
    reason: AdjustmentReason,
    notes: str,
    day: dt.date,
    count_id: int | None = None,
) -> list[Adjustment]:
    """Documents, lots, ledger entries, balances and exports. The gates must be held and the lots locked."""
    written = []
    for change in changes:
        number = next_number(session, "adjustment")
        adjustment = Adjustment(
            number=number,
            reference=f"PSB-ADJ-{number:04d}",
            product_id=change.lot.product_id,
            lot_id=change.lot.id,
            quantity=change.quantity,
            cost=change.cost,
            reason=reason,
            notes=notes,
            is_opening=change.is_opening,
            count_id=count_id,
            adjusted_on=day,
            state=AdjustmentState.CONFIRMED,
            created_at=act.at,
            created_by=act.by,
        )
        written.append(adjustment)
    session.add_all(written)
    session.flush()
    _write_lots(session, changes, written)
    for adjustment in written:
        _write_entry(session, act, adjustment)
    move_gates(session, gates, [(a.product_id, a.quantity, a.cost) for a in written])
    for adjustment in written:
        queue_adjustment(session, act, adjustment, product=products[adjustment.product_id])
    tell_low_stock(session, act)
    return written


def _write_lots(session: CompanySession, changes: Sequence[Change], adjustments: Sequence[Adjustment]) -> None:
    """Opening stock gets its lot only now: it is the adjustment that opens it."""
    for change, adjustment in zip(changes, adjustments, strict=True):
        set_amounts(change.lot, change.after)
        if adjustment.is_opening:
            change.lot.adjustment_id = adjustment.id
            session.add(change.lot)
            session.flush()
            adjustment.lot_id = change.lot.id
    session.flush()


def _write_entry(session: CompanySession, act: Act, adjustment: Adjustment) -> None:
    entry = {
        "product_id": adjustment.product_id,
        "lot_id": adjustment.lot_id,
        "quantity": adjustment.quantity,
        "cost": adjustment.cost,
        "document_kind": DocumentKind.ADJUSTMENT,
        "document_id": adjustment.id,
    }
    record_entries(session, [entry], shared=signature(act, adjustment.reference, adjustment.adjusted_on))


def amounts_of(lot: Lot) -> LotAmounts:
    """A lot's amounts as the domain takes them."""
    return LotAmounts(
        quantity_in=lot.quantity_in, cost_in=lot.cost_in, quantity_left=lot.quantity_left, cost_left=lot.cost_left
    )


def set_amounts(lot: Lot, after: LotAmounts) -> None:
    """Writes a lot's amounts, and the state that goes with them."""
    lot.quantity_in, lot.cost_in = after.quantity_in, after.cost_in
    lot.quantity_left, lot.cost_left = after.quantity_left, after.cost_left
    lot.state = state_of(after.quantity_left, hold_reason=lot.hold_reason)


def signature(act: Act, reference: str, day: dt.date) -> dict[str, object]:
    """What all ledger entries of one document have in common."""
    return {"reference": reference, "effective_on": day, "recorded_at": act.at, "recorded_by": act.by}


def _parse_opening(quantity: object, total_cost: object) -> tuple[Decimal, Decimal]:
    amount = parse_quantity(quantity)
    cost = parse_cost(total_cost, field="total_cost")
    each = unit_cost(cost, amount)
    check_limit(each, field="total_cost", what="The cost of one unit", cure="Check cost and quantity.")
    return amount, cost


def _free_number(session: CompanySession, product: Product, day: dt.date, given: str) -> str:
    if not given:
        taken = numbers_taken(session, [product.id], f"OPEN-{day:%Y%m%d}")[product.id]
        return automatic_number("OPEN", day, taken)
    if lots_in_use(session, {(product.id, given.upper())}):
        raise Conflict(
            say(
                "Lot {number} is open already for {sku}. Use another number, or leave it empty.",
                number=given,
                sku=product.sku,
            ),
            field="lot_number",
        )
    return given
