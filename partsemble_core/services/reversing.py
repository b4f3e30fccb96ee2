"""Reversing: a receipt, a build or an adjustment is undone by a document of its own, exactly, once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import sqlalchemy as sa

from partsemble_core.domain.adjustments import undone
from partsemble_core.domain.amounts import add
from partsemble_core.domain.builds import BuildState
from partsemble_core.domain.lots import LotState
from partsemble_core.domain.products import clean_text
from partsemble_core.domain.quality import Return, give_back
from partsemble_core.domain.receipts import ReceiptState
from partsemble_core.errors import Conflict, Invalid, InvariantBroken, Refused, Wording, WrongState, say, word
from partsemble_core.services.acting import Act, parse_day
from partsemble_core.services.adjusting import amounts_of, check_reopening, set_amounts, signature
from partsemble_core.services.closing import check_day_is_open
from partsemble_core.services.exporting import queue_reversal
from partsemble_core.services.restoring import restore_lots
from partsemble_core.services.telling import tell_low_stock
from partsemble_core.store.adjustments import (
    Adjustment,
    Reversal,
    adjustment_for_update,
    find_reversal,
)
from partsemble_core.store.builds import Build, build_for_update, taken_of
from partsemble_core.store.companies import next_number
from partsemble_core.store.exports import find_for_document
from partsemble_core.store.histories import Movement, family_of, last_moved_on, least_left_from, movements_of
from partsemble_core.store.lots import (
    DocumentKind,
    Lot,
    StockEntry,
    gates_for_update,
    lots_for_update,
    move_gates,
    record_entries,
    record_returns,
)
from partsemble_core.store.receipts import Receipt, ReceiptLine, receipt_for_update
from partsemble_core.store.session import CompanySession

REASON = 500
Document = Receipt | Build | Adjustment
Move = tuple[int, Decimal, Decimal]
"""Product, quantity, cost: as balances move."""

NOT_REVERSIBLE: Mapping[str, str] = {
    ReceiptState.DRAFT: "is a draft: nothing has happened yet. Edit it instead",
    BuildState.PLANNED: "is planned: nothing has happened yet. Change or cancel the plan instead",
    BuildState.PENDING_QA: "waits for review. Reject it, and choose full recovery to get every component back",
    BuildState.REJECTED: "was rejected, and what became of its components was settled then. Adjust lots instead",
    BuildState.CANCELLED: "was cancelled before anything happened. There is nothing to reverse",
}


class DocumentInUse(Refused):
    """Other documents rest on it. ``references`` lists every one of them, in the order in which they came.

    Of these, ``settled`` are rejected builds, which nothing undoes, and ``waiting`` those that wait for review.
    """

    code = "document-in-use"

    def __init__(
        self, reference: str, references: Sequence[str], *, settled: Sequence[str] = (), waiting: Sequence[str] = ()
    ) -> None:
        if len(references) == 1:
            why = say(
                "{reference} can't be reversed: {later} came after it and rests on it.",
                reference=reference,
                later=references[0],
            )
        else:
            why = say(
                "{reference} can't be reversed: {later} came after it and rest on it.",
                reference=reference,
                later=", ".join(references),
            )
        super().__init__(say("{why} {way}", why=why, way=_way_round(references, settled, waiting)))
        self.field = "document_id"
        self.references = tuple(references)


def _way_round(references: Sequence[str], settled: Sequence[str], waiting: Sequence[str]) -> Wording:
    if len(settled) == 1:
        return say("{build} was rejected, which can't be undone: adjust the lot instead.", build=settled[0])
    if settled:
        return say("{builds} were rejected, which can't be undone: adjust the lot instead.", builds=", ".join(settled))
    if waiting:
        return say(
            "Reject {builds} with full recovery and reverse any other first, or adjust the lot.",
            builds=", ".join(waiting),
        )
    if len(references) == 1:
        return word("Reverse it first, or adjust the lot.")
    return word("Reverse those first, or adjust the lot.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoing:
    """What a reversal does to stock. ``ends`` are lots that go altogether, ``returns`` what goes back to others."""

    reference: str
    day: dt.date
    kind: DocumentKind
    document_id: int
    ends: tuple[int, ...] = ()
    returns: tuple[Return, ...] = ()
    lot_id: int | None = None
    """The one lot of an adjustment that is taken back by (quantity, cost)."""
    quantity: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)

    @property
    def lot_ids(self) -> set[int]:
        single = () if self.lot_id is None else (self.lot_id,)
        return {*self.ends, *single, *(back.lot_id for back in self.returns)}


def reverse(
    session: CompanySession,
    act: Act,
    kind: object,
    document_id: int,
    *,
    reason: object,
    reversed_on: object = None,
) -> Reversal:
    """Undoes a receipt, build or adjustment: stock exactly as if it had not been, and the opposite posting queued.

    Components go back to the very lots they came from, at the cost they left with. It is dated ``reversed_on`` (today),
    whatever period the original lies in. Raises DocumentInUse listing all that is in the way, Conflict when it is
    reversed already, WrongState for a document that can't be, PeriodLocked, Invalid, NotFound.
    """
    why = clean_text(reason, field="reason", length=REASON)
    day = parse_day(reversed_on, field="reversed_on", today=act.today)
    document = _document_for_update(session, _parse_kind(kind), document_id)
    _check_state(session, document)
    check_day_is_open(session, day, field="reversed_on")
    undoing = _undoing(session, document)
    gates = gates_for_update(session, _products_of(session, undoing.lot_ids))
    undoing = replace(undoing, ends=tuple(family_of(session, undoing.ends)))  # nothing is split while gates are held
    lots = lots_for_update(session, undoing.lot_ids)
    _refuse_in_use(session, undoing, lots)
    _check_day(session, undoing, lots, day)
    reversal = _insert(session, act, undoing, reason=why, day=day)
    moves = _end_lots(session, act, reversal, undoing, lots)
    moves += _give_back(session, act, reversal, undoing, lots)
    moves += _take_back(session, act, reversal, undoing, lots)
    move_gates(session, gates, moves)
    document.state = "reversed"
    session.flush()
    queue_reversal(session, act, reversal, original=find_for_document(session, undoing.kind, undoing.document_id))
    tell_low_stock(session, act)
    return reversal


def _parse_kind(kind: object) -> DocumentKind:
    for known in (DocumentKind.RECEIPT, DocumentKind.BUILD, DocumentKind.ADJUSTMENT):
        if kind == known.value:
            return known
    raise Invalid("document_kind", "A receipt, a build or an adjustment can be reversed. Choose one of these.")


def _document_for_update(session: CompanySession, kind: DocumentKind, document_id: int) -> Document:
    if kind == DocumentKind.RECEIPT:
        return receipt_for_update(session, document_id)
    if kind == DocumentKind.BUILD:
        return build_for_update(session, document_id)
    return adjustment_for_update(session, document_id)


def _kind_of(document: Document) -> DocumentKind:
    if isinstance(document, Receipt):
        return DocumentKind.RECEIPT
    return DocumentKind.BUILD if isinstance(document, Build) else DocumentKind.ADJUSTMENT


def _check_state(session: CompanySession, document: Document) -> None:
    if document.state == "reversed":
        done = find_reversal(session, _kind_of(document), document.id)
        by = done.reference if done else word("another document")
        raise Conflict(
            say(
                "{reference} is already reversed by {by}. There is nothing left to undo.",
                reference=document.reference,
                by=by,
            )
        )
    if document.state not in (ReceiptState.CONFIRMED, BuildState.COMPLETED):
        raise WrongState(
            say(
                "{reference} {state}.",
                reference=document.reference or word("This receipt"),
                state=word(NOT_REVERSIBLE[document.state]),
            )
        )


def _undoing(session: CompanySession, document: Document) -> Undoing:
    if isinstance(document, Adjustment):
        return _undoing_adjustment(session, document)
    made = Lot.build_id == document.id
    if isinstance(document, Receipt):
        lines = sa.select(ReceiptLine.id).where(ReceiptLine.receipt_id == document.id)
        made = Lot.receipt_line_id.in_(lines)
    is_build = isinstance(document, Build)
    return Undoing(
        reference=document.reference,
        day=(document.built_on or dt.date.min) if isinstance(document, Build) else document.received_on,
        kind=_kind_of(document),
        document_id=document.id,
        ends=tuple(session.scalars(sa.select(Lot.id).where(made))),
        returns=give_back(taken_of(session, document.id)) if is_build else (),
    )


def _undoing_adjustment(session: CompanySession, adjustment: Adjustment) -> Undoing:
    if adjustment.lot_id is None:
        raise InvariantBroken(say("{reference} has no lot", reference=adjustment.reference))
    undoing = Undoing(
        reference=adjustment.reference,
        day=adjustment.adjusted_on,
        kind=DocumentKind.ADJUSTMENT,
        document_id=adjustment.id,
    )
    if adjustment.is_opening:
        return replace(undoing, ends=(adjustment.lot_id,))
    return replace(undoing, lot_id=adjustment.lot_id, quantity=adjustment.quantity, cost=adjustment.cost)


def _products_of(session: CompanySession, lot_ids: Collection[int]) -> list[int]:
    return list(session.scalars(sa.select(Lot.product_id).where(Lot.id.in_(lot_ids)).distinct()))


def _refuse_in_use(session: CompanySession, undoing: Undoing, lots: Mapping[int, Lot]) -> None:
    """Lists what moved the lots that end, or what came after an adjustment that can't be undone any more.

    The gates are held, so nothing can join meanwhile.
    """
    movers = _movers(session, undoing) if undoing.ends else _movers_since(session, undoing, lots)
    if movers:
        states = _build_states(session, movers)
        raise DocumentInUse(
            undoing.reference,
            [m.reference for m in movers],
            settled=[m.reference for m in movers if states.get(m.reference) == BuildState.REJECTED],
            waiting=[m.reference for m in movers if states.get(m.reference) == BuildState.PENDING_QA],
        )
    if undoing.lot_id is not None and undoing.quantity < 0:
        check_reopening(session, [lots[undoing.lot_id]])


def _build_states(session: CompanySession, movers: Sequence[Movement]) -> dict[str, str]:
    """By reference."""
    ids = [m.document_id for m in movers if m.kind == DocumentKind.BUILD]
    return {row[0]: row[1] for row in session.execute(sa.select(Build.reference, Build.state).where(Build.id.in_(ids)))}


def _movers(session: CompanySession, undoing: Undoing) -> list[Movement]:
    own = (undoing.kind, undoing.document_id)
    moved = movements_of(session, undoing.ends)
    return [m for m in moved if not m.is_undone and (m.kind, m.document_id) != own]


def _movers_since(session: CompanySession, undoing: Undoing, lots: Mapping[int, Lot]) -> list[Movement]:
    """Empty while an adjustment's quantity and cost can be taken back from what is left."""
    if undoing.lot_id is None or undone(amounts_of(lots[undoing.lot_id]), undoing.quantity, undoing.cost):
        return []
    entry_id = session.scalars(
        sa.select(StockEntry.id).where(
            StockEntry.document_kind == undoing.kind, StockEntry.document_id == undoing.document_id
        )
    ).one()
    since = movements_of(session, [undoing.lot_id], after_entry_id=entry_id)
    return [m for m in since if not m.is_undone]


def _check_day(session: CompanySession, undoing: Undoing, lots: Mapping[int, Lot], day: dt.date) -> None:
    """A reversal isn't dated before what it undoes, nor on a day when lots held less than it takes. Raises Invalid."""
    if day < undoing.day:
        raise Invalid(
            "reversed_on",
            say(
                "{reference} is of {day}. Reverse it on that day or later.",
                reference=undoing.reference,
                day=undoing.day,
            ),
        )
    takes = {lot_id: lots[lot_id].quantity_left for lot_id in undoing.ends}
    if undoing.lot_id is not None and undoing.quantity > 0:
        takes[undoing.lot_id] = undoing.quantity
    least = least_left_from(session, takes, day)
    if any(least[lot_id] < quantity for lot_id, quantity in takes.items()):
        first = last_moved_on(session, takes)
        raise Invalid(
            "reversed_on",
            say("The goods were elsewhere on {day}. Reverse on {first} or later.", day=day, first=str(first)),
        )


def _insert(session: CompanySession, act: Act, undoing: Undoing, *, reason: str, day: dt.date) -> Reversal:
    number = next_number(session, "reversal")
    reversal = Reversal(
        number=number,
        reference=f"PSB-REV-{number:04d}",
        document_kind=undoing.kind,
        document_id=undoing.document_id,
        reversed_reference=undoing.reference,
        reason=reason,
        reversed_on=day,
        created_at=act.at,
        created_by=act.by,
    )
    session.add(reversal)
    session.flush()
    return reversal


def _end_lots(
    session: CompanySession, act: Act, reversal: Reversal, undoing: Undoing, lots: Mapping[int, Lot]
) -> list[Move]:
    """All that a document brought goes: its lots and what was split off them hold nothing and are reversed."""
    ended = [lots[lot_id] for lot_id in undoing.ends]
    _check_whole(session, undoing, ended)
    changes = [(lot, -lot.quantity_left, -lot.cost_left) for lot in ended if lot.quantity_left]
    _record(session, act, reversal, changes)
    for lot in ended:
        lot.quantity_left = lot.cost_left = Decimal(0)
        lot.state, lot.hold_reason = LotState.REVERSED, ""
    return [(lot.product_id, quantity, cost) for lot, quantity, cost in changes]


def _check_whole(session: CompanySession, undoing: Undoing, ended: Sequence[Lot]) -> None:
    """The same thing said twice: with nothing in the way, the lots hold exactly what the document brought."""
    brought = session.execute(
        sa.select(StockEntry.quantity, StockEntry.cost).where(
            StockEntry.document_kind == undoing.kind,
            StockEntry.document_id == undoing.document_id,
            StockEntry.lot_id.in_(undoing.ends),
        )
    ).all()
    held = (add([lot.quantity_left for lot in ended]), add([lot.cost_left for lot in ended]))
    if ended and held != (add([q for q, _ in brought]), add([c for _, c in brought])):
        raise InvariantBroken(
            say("{reference} brought something else than its lots hold.", reference=undoing.reference)
        )


def _give_back(
    session: CompanySession, act: Act, reversal: Reversal, undoing: Undoing, lots: Mapping[int, Lot]
) -> list[Move]:
    """Every component to the lot that it came from."""
    restore_lots(session, {back.lot_id: lots[back.lot_id] for back in undoing.returns}, undoing.returns)
    record_returns(
        session,
        undoing.returns,
        entry=signature(act, reversal.reference, reversal.reversed_on),
        kind=DocumentKind.REVERSAL,
        document_id=reversal.id,
    )
    return [(back.product_id, back.quantity, back.cost) for back in undoing.returns]


def _take_back(
    session: CompanySession, act: Act, reversal: Reversal, undoing: Undoing, lots: Mapping[int, Lot]
) -> list[Move]:
    """An adjustment of a lot, the other way round."""
    if undoing.lot_id is None:
        return []
    lot = lots[undoing.lot_id]
    after = undone(amounts_of(lot), undoing.quantity, undoing.cost)
    if after is None:
        raise InvariantBroken(
            say("{reference} can't be taken back, yet nothing was in the way.", reference=undoing.reference)
        )
    set_amounts(lot, after)
    _record(session, act, reversal, [(lot, -undoing.quantity, -undoing.cost)])
    return [(lot.product_id, -undoing.quantity, -undoing.cost)]


def _record(
    session: CompanySession, act: Act, reversal: Reversal, changes: Sequence[tuple[Lot, Decimal, Decimal]]
) -> None:
    document = {"document_kind": DocumentKind.REVERSAL, "document_id": reversal.id}
    record_entries(
        session,
        [
            {**document, "product_id": lot.product_id, "lot_id": lot.id, "quantity": quantity, "cost": cost}
            for lot, quantity, cost in changes
        ],
        shared=signature(act, reversal.reference, reversal.reversed_on),
    )
