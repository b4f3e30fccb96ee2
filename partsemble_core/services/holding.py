"""Holding: a lot is set aside, let go again, or split in two."""

from __future__ import annotations

from partsemble_core.domain.adjustments import LotAmounts, split_lot
from partsemble_core.domain.lots import LotState, split_number
from partsemble_core.domain.products import clean_text
from partsemble_core.errors import WrongState, say, word
from partsemble_core.services.acting import Act
from partsemble_core.services.adjusting import amounts_of, set_amounts, signature
from partsemble_core.services.closing import check_day_is_open
from partsemble_core.store.lots import (
    DocumentKind,
    Lot,
    gates_for_update,
    get_lot,
    lots_for_update,
    numbers_taken,
    record_entries,
)
from partsemble_core.store.session import CompanySession

REASON = 500


def clean_reason(reason: object) -> str:
    """The reason of a hold as it is kept. Raises Invalid."""
    return clean_text(reason, field="reason", length=REASON)


def hold(session: CompanySession, act: Act, lot_id: int, *, reason: object) -> Lot:
    """Sets an open lot aside: it stays in stock and value, and nothing takes of it.

    Raises Invalid without a reason, WrongState for a lot that isn't open, NotFound.
    """
    why = clean_reason(reason)
    lot = _locked(session, lot_id)
    if lot.state == LotState.HELD:
        raise WrongState(
            say(
                "Lot {number} is on hold already: {hold_reason}. Release it first.",
                number=lot.number,
                hold_reason=lot.hold_reason,
            )
        )
    if lot.state != LotState.OPEN:
        raise WrongState(
            say(
                "Lot {number} is {state}. Only an open lot can be put on hold.",
                number=lot.number,
                state=word(lot.state),
            )
        )
    lot.state, lot.hold_reason = LotState.HELD, why
    return lot


def release(session: CompanySession, act: Act, lot_id: int) -> Lot:
    """Lets a held lot go: it is taken from again, in its old place. Raises WrongState if it isn't held, NotFound."""
    lot = _locked(session, lot_id)
    if lot.state != LotState.HELD:
        raise WrongState(
            say(
                "Lot {number} is {state}, not on hold. Only a held lot can be released.",
                number=lot.number,
                state=word(lot.state),
            )
        )
    lot.state, lot.hold_reason = LotState.OPEN, ""
    return lot


def split(session: CompanySession, act: Act, lot_id: int, *, quantity: object) -> Lot:
    """Moves a quantity into a lot of its own and returns that: same days, same hold, its cost carried exactly.

    What was taken stays with the first. Raises Invalid unless the quantity lies between nothing and all that is
    left, WrongState for a lot that ended, NotFound.
    """
    lot = _locked(session, lot_id)
    if lot.state not in (LotState.OPEN, LotState.HELD):
        raise WrongState(
            say(
                "Lot {number} is {state}. Only a lot that holds something can be split.",
                number=lot.number,
                state=word(lot.state),
            )
        )
    check_day_is_open(session, act.today, field="quantity")
    stays, moves = split_lot(amounts_of(lot), quantity)
    part = _insert_part(session, act, lot, moves)
    set_amounts(lot, stays)
    session.flush()
    shared = signature(act, part.number, act.today) | {
        "product_id": lot.product_id,
        "document_kind": DocumentKind.SPLIT,
        "document_id": part.id,
    }
    record_entries(
        session,
        [
            {"lot_id": lot.id, "quantity": -moves.quantity_left, "cost": -moves.cost_left},
            {"lot_id": part.id, "quantity": moves.quantity_left, "cost": moves.cost_left},
        ],
        shared=shared,
    )
    return part


def _insert_part(session: CompanySession, act: Act, lot: Lot, amounts: LotAmounts) -> Lot:
    is_split = lot.split_from_id is not None
    taken = numbers_taken(session, [lot.product_id], lot.number.rpartition("-S")[0] if is_split else lot.number)
    number = split_number(lot.number, taken[lot.product_id], is_split=is_split)
    part = Lot(
        product_id=lot.product_id,
        number=number,
        number_key=number.upper(),
        received_on=lot.received_on,
        expires_on=lot.expires_on,
        hold_reason=lot.hold_reason,
        split_from_id=lot.id,
        created_at=act.at,
    )
    set_amounts(part, amounts)
    session.add(part)
    session.flush()
    return part


def _locked(session: CompanySession, lot_id: int) -> Lot:
    gates_for_update(session, [get_lot(session, lot_id).product_id])
    return lots_for_update(session, [lot_id])[lot_id]
