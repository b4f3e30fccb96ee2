"""Restoring: what a document took goes back to the lots that it took it from, exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from partsemble_core.domain.amounts import add
from partsemble_core.domain.lots import LotState, first_free, state_of
from partsemble_core.domain.quality import Return
from partsemble_core.errors import InvariantBroken, say
from partsemble_core.store.lots import Lot, lots_in_use, numbers_taken
from partsemble_core.store.session import CompanySession

RETURNED = "-R"


def restore_lots(session: CompanySession, lots: Mapping[int, Lot], returns: Sequence[Return]) -> None:
    """Adds returns to their lots and opens again what was used up; a lot on hold stays on hold.

    A number is of one open lot at a time. Where newer goods have taken a used-up lot's number meanwhile, the lot comes
    back as ``NUMBER-R`` (then ``-R-002`` …): refusing would leave goods that are there without a lot. The lots must be
    locked and their gates held; ledger entries and balances are the caller's.
    """
    for back in returns:
        lot = lots[back.lot_id]
        if lot.state == LotState.REVERSED:
            raise InvariantBroken(say("Lot {number} was reversed while a build had drawn from it.", number=lot.number))
        lot.quantity_left = add([lot.quantity_left, back.quantity])
        lot.cost_left = add([lot.cost_left, back.cost])
    reopened = [lot for lot in lots.values() if lot.state == LotState.EXHAUSTED and lot.quantity_left]
    _keep_numbers_apart(session, reopened)
    for lot in lots.values():
        lot.state = state_of(lot.quantity_left, hold_reason=lot.hold_reason)
    session.flush()


def _keep_numbers_apart(session: CompanySession, reopened: Sequence[Lot]) -> None:
    with session.no_autoflush:  # a lot that holds something and isn't open yet is no state to be written
        in_use = {(lot.product_id, lot.number_key) for lot in lots_in_use(session, _numbers(reopened))}
        for lot in reopened:
            if (lot.product_id, lot.number_key) in in_use:
                stem = f"{lot.number}{RETURNED}"
                lot.number = first_free(stem, numbers_taken(session, [lot.product_id], stem)[lot.product_id])
                lot.number_key = lot.number.upper()
            in_use.add((lot.product_id, lot.number_key))


def _numbers(lots: Sequence[Lot]) -> set[tuple[int, str]]:
    return {(lot.product_id, lot.number_key) for lot in lots}
