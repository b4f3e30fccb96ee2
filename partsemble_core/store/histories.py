"""What has happened to lots: how much they held on which day, what was split off, which documents moved them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from partsemble_core.domain.amounts import add
from partsemble_core.store.adjustments import Reversal
from partsemble_core.store.lots import DocumentKind, Lot, StockEntry
from partsemble_core.store.session import CompanySession

Key = tuple[str, int]
"""Kind and id of a document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """What one document, less its reversal if it has one, moved in some lots altogether."""

    kind: DocumentKind
    document_id: int
    reference: str
    quantity: Decimal
    cost: Decimal

    @property
    def is_undone(self) -> bool:
        return not self.quantity and not self.cost


def least_left_from(session: CompanySession, lot_ids: Collection[int], day: dt.date) -> dict[int, Decimal]:
    """The least that each lot held at the end of ``day`` or of any day since: what can be taken of it on that day.

    Of a lot that came in later, or that was empty in between, nothing can be taken, whatever it holds now.
    """
    rows = session.execute(
        sa.select(StockEntry.lot_id, StockEntry.effective_on, sa.func.sum(StockEntry.quantity))
        .where(StockEntry.lot_id.in_(lot_ids))
        .group_by(StockEntry.lot_id, StockEntry.effective_on)
        .order_by(StockEntry.effective_on)
    )
    moved: dict[int, list[tuple[dt.date, Decimal]]] = {lot_id: [] for lot_id in lot_ids}
    for lot_id, on, quantity in rows:
        moved[lot_id].append((on, quantity))
    return {lot_id: _least(moves, day) for lot_id, moves in moved.items()}


def last_moved_on(session: CompanySession, lot_ids: Collection[int]) -> dt.date | None:
    """The latest day that any entry of the lots is dated."""
    return session.scalar(sa.select(sa.func.max(StockEntry.effective_on)).where(StockEntry.lot_id.in_(lot_ids)))


def family_of(session: CompanySession, lot_ids: Collection[int]) -> list[int]:
    """The lots and all that was split off them, and off that, in order of creation: one recursive statement."""
    mine = Lot.company_id == session.company_id
    family = sa.select(Lot.id.label("id")).where(mine, Lot.id.in_(lot_ids)).cte("family", recursive=True)
    part = aliased(Lot)
    family = family.union(
        sa.select(part.id).join(family, part.split_from_id == family.c.id).where(part.company_id == session.company_id)
    )
    return list(session.scalars(sa.select(family.c.id).order_by(family.c.id)))


def movements_of(session: CompanySession, lot_ids: Collection[int], *, after_entry_id: int = 0) -> list[Movement]:
    """Each document that moved the lots, in order of its first entry, its own reversal counted to it.

    Both sides of a split within the lots cancel out, and so does what a rejected build gave back in full.
    """
    entries = session.scalars(
        sa.select(StockEntry)
        .where(StockEntry.lot_id.in_(lot_ids), StockEntry.id > after_entry_id)
        .order_by(StockEntry.id)
    ).all()
    reversed_keys = _reversed_keys(session, entries)
    grouped: dict[Key, list[StockEntry]] = {}
    for entry in entries:
        grouped.setdefault(_key_of(entry, reversed_keys), []).append(entry)
    return [
        Movement(
            kind=DocumentKind(kind),
            document_id=document_id,
            reference=f"split {rows[0].reference}" if kind == DocumentKind.SPLIT else rows[0].reference,
            quantity=add([row.quantity for row in rows]),
            cost=add([row.cost for row in rows]),
        )
        for (kind, document_id), rows in grouped.items()
    ]


def _least(moves: Sequence[tuple[dt.date, Decimal]], day: dt.date) -> Decimal:
    """``moves`` in order of days."""
    held = add([quantity for on, quantity in moves if on <= day])
    least = held
    for on, quantity in moves:
        if on > day:
            held = add([held, quantity])
            least = min(least, held)
    return least


def _key_of(entry: StockEntry, reversed_keys: dict[int, Key]) -> Key:
    """The document that an entry counts to: a reversal's to what it undid, waste to its build."""
    if entry.document_kind == DocumentKind.REVERSAL:
        return reversed_keys[entry.document_id]
    kind = DocumentKind.BUILD if entry.document_kind == DocumentKind.WASTE else entry.document_kind
    return kind, entry.document_id


def _reversed_keys(session: CompanySession, entries: Sequence[StockEntry]) -> dict[int, Key]:
    ids = {entry.document_id for entry in entries if entry.document_kind == DocumentKind.REVERSAL}
    rows = session.execute(
        sa.select(Reversal.id, Reversal.document_kind, Reversal.document_id).where(Reversal.id.in_(ids))
    )
    return {reversal_id: (kind, document_id) for reversal_id, kind, document_id in rows}
