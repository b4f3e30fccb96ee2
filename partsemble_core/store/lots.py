"""Lots, the append-only stock ledger, and the draws that say which lot fed which document line."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from partsemble_core.domain.amounts import LIMIT, add, unit_cost
from partsemble_core.domain.fifo import Draw
from partsemble_core.domain.lots import LotState, OpenLot
from partsemble_core.domain.quality import Return
from partsemble_core.errors import NotFound
from partsemble_core.store.base import Base, CompanyOwned, Id, link, one_of, owned, whole
from partsemble_core.store.products import StockBalance
from partsemble_core.store.session import CompanySession, LockRank


class DocumentKind(enum.StrEnum):
    """What can move stock, and what can be exported."""

    RECEIPT = "receipt"
    BUILD = "build"
    WASTE = "waste"
    ADJUSTMENT = "adjustment"
    SPLIT = "split"
    SALE = "sale"
    REVERSAL = "reversal"
    TRUE_UP = "true_up"


HIGHEST = LIMIT - Decimal("0.000001")
OPEN_ONLY = sa.text("state = 'open'")
NOT_ENDED = sa.text("state IN ('open', 'held')")
BUILT = sa.text("build_id IS NOT NULL")
SPLIT = sa.text("split_from_id IS NOT NULL")


class Lot(CompanyOwned, Base):
    """Never a stored unit cost: ``cost_left`` goes down with ``quantity_left``, and the last taking takes the rest.

    Law 1, for quantity and cost alike. An entry of the lot is *outgoing* when it has a draw or a return, belongs to a
    reversal, or is a negative entry of an adjustment; every other entry is *incoming*: receipts, outputs of builds,
    opening stock, upward adjustments, and both sides of splits. Then, at any time::

        in   = Σ incoming entries
        left = Σ all entries = in - Σ draws + Σ returns - Σ downward adjustments + Σ other entries of reversals

    So a reversal never changes what came in, while a split moves part of it to the new lot.
    """

    __tablename__ = "lots"
    product_id: Mapped[int] = mapped_column(Id)
    number: Mapped[str]
    number_key: Mapped[str]
    received_on: Mapped[dt.date]
    expires_on: Mapped[dt.date | None]
    quantity_in: Mapped[Decimal]
    cost_in: Mapped[Decimal]
    quantity_left: Mapped[Decimal]
    cost_left: Mapped[Decimal]
    state: Mapped[str]
    hold_reason: Mapped[str] = mapped_column(default="")
    """Kept while it is used up, so that what comes back to it is held still. Empty: not on hold."""
    split_from_id: Mapped[int | None] = mapped_column(Id)
    adjustment_id: Mapped[int | None] = mapped_column(Id)
    """The adjustment that opened it (opening stock)."""
    receipt_line_id: Mapped[int | None] = mapped_column(Id)
    build_id: Mapped[int | None] = mapped_column(Id)
    created_at: Mapped[dt.datetime]
    __table_args__ = owned(
        link("product_id", "products"),
        link("receipt_line_id", "receipt_lines"),
        link("build_id", "builds"),
        link("split_from_id", "lots"),
        link("adjustment_id", "adjustments"),
        one_of("state", LotState),
        *whole("quantity_in", at_least=1),
        *whole("cost_in", "quantity_left", "cost_left", at_least=0),
        sa.CheckConstraint("quantity_left <= quantity_in", name="quantity_left_in_lot"),
        sa.CheckConstraint("cost_left <= cost_in", name="cost_left_in_lot"),
        sa.CheckConstraint("quantity_left > 0 OR cost_left = 0", name="nothing_left_costs_nothing"),
        sa.CheckConstraint("(quantity_left > 0) = (state IN ('open', 'held'))", name="state_says_what_is_left"),
        sa.Index(
            "ix_lots_fifo", "company_id", "product_id", "received_on", "id",
            sqlite_where=OPEN_ONLY, postgresql_where=OPEN_ONLY,
        ),
        sa.Index("ix_lots_build", "company_id", "build_id", sqlite_where=BUILT, postgresql_where=BUILT),
        sa.Index("ix_lots_split_from", "company_id", "split_from_id", sqlite_where=SPLIT, postgresql_where=SPLIT),
        sa.Index(
            "uq_lots_open_number", "company_id", "product_id", "number_key", unique=True,
            sqlite_where=NOT_ENDED, postgresql_where=NOT_ENDED,
        ),
    )  # fmt: skip


class StockEntry(CompanyOwned, Base):
    """One line of the stock ledger. Never updated, never deleted: triggers on both databases refuse it."""

    __tablename__ = "stock_entries"
    product_id: Mapped[int] = mapped_column(Id)
    lot_id: Mapped[int] = mapped_column(Id)
    quantity: Mapped[Decimal]
    cost: Mapped[Decimal]
    document_kind: Mapped[str]
    document_id: Mapped[int] = mapped_column(Id)
    reference: Mapped[str]
    effective_on: Mapped[dt.date]
    recorded_at: Mapped[dt.datetime]
    recorded_by: Mapped[str]
    __table_args__ = owned(
        link("product_id", "products"),
        link("lot_id", "lots"),
        one_of("document_kind", DocumentKind),
        *whole("quantity", "cost"),
        sa.CheckConstraint("quantity <> 0", name="quantity_moves"),
        sa.Index("ix_stock_entries_product", "company_id", "product_id", "effective_on", "id"),
        sa.Index("ix_stock_entries_lot", "company_id", "lot_id"),
        sa.Index("ix_stock_entries_day", "company_id", "effective_on", "id"),
        # The rest is for the ledger's list, which may be long: each is a column that it is sorted by.
        sa.Index("ix_stock_entries_recorded", "company_id", "recorded_at", "id"),
        sa.Index("ix_stock_entries_reference", "company_id", "reference", "id"),
        sa.Index("ix_stock_entries_by", "company_id", "recorded_by", "id"),
        sa.Index("ix_stock_entries_quantity", "company_id", "quantity", "id"),
        sa.Index("ix_stock_entries_cost", "company_id", "cost", "id"),
        sa.Index("ix_stock_entries_kind", "company_id", "document_kind", "id"),
        sa.Index("ix_stock_entries_document", "company_id", "document_kind", "document_id"),
    )


class DrawRow(CompanyOwned, Base):
    """A quantity and cost taken from a lot for a line of a document: the one source for cost, trace and reversal."""

    __tablename__ = "draws"
    lot_id: Mapped[int] = mapped_column(Id)
    stock_entry_id: Mapped[int] = mapped_column(Id)
    document_kind: Mapped[str]
    document_id: Mapped[int] = mapped_column(Id)
    line: Mapped[int]
    quantity: Mapped[Decimal]
    cost: Mapped[Decimal]
    __table_args__ = owned(
        link("lot_id", "lots"),
        link("stock_entry_id", "stock_entries"),
        sa.UniqueConstraint("company_id", "stock_entry_id"),
        one_of("document_kind", DocumentKind),
        *whole("quantity", at_least=1),
        *whole("cost", at_least=0),
        sa.Index("ix_draws_lot", "company_id", "lot_id"),
        sa.Index("ix_draws_document", "company_id", "document_kind", "document_id", "line"),
    )


class ReturnRow(CompanyOwned, Base):
    """Part or all of a draw given back to its lot: by a rejected or a reversed build. Append-only, like draws."""

    __tablename__ = "returns"
    draw_id: Mapped[int] = mapped_column(Id)
    lot_id: Mapped[int] = mapped_column(Id)
    stock_entry_id: Mapped[int] = mapped_column(Id)
    document_kind: Mapped[str]
    document_id: Mapped[int] = mapped_column(Id)
    quantity: Mapped[Decimal]
    cost: Mapped[Decimal]
    __table_args__ = owned(
        link("draw_id", "draws"),
        link("lot_id", "lots"),
        link("stock_entry_id", "stock_entries"),
        sa.UniqueConstraint("company_id", "draw_id"),
        sa.UniqueConstraint("company_id", "stock_entry_id"),
        one_of("document_kind", DocumentKind),
        *whole("quantity", at_least=1),
        *whole("cost", at_least=0),
        sa.Index("ix_returns_lot", "company_id", "lot_id"),
        sa.Index("ix_returns_document", "company_id", "document_kind", "document_id"),
    )


def gates_for_update(session: CompanySession, product_ids: Iterable[int]) -> dict[int, StockBalance]:
    """Locks the products' gates in product order, made first where missing: what is locked always exists."""
    session.locking(LockRank.GATE)
    ids = sorted(set(product_ids))
    nothing = Decimal(0)
    session.insert_all_missing(
        StockBalance,
        [{"product_id": i, "quantity": nothing, "value": nothing, "last_unit_cost": nothing} for i in ids],
        key=("company_id", "product_id"),
    )
    found = session.scalars(
        sa.select(StockBalance)
        .where(StockBalance.product_id.in_(ids))
        .order_by(StockBalance.product_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {gate.product_id: gate for gate in found}


def open_lots_for_update(session: CompanySession, product_ids: Collection[int]) -> list[OpenLot]:
    """Locks the open lots of products whose gates are held, in FIFO order."""
    session.locking(LockRank.LOT)
    return _open_lots(session, _fifo(product_ids).with_for_update())


def open_lots(session: CompanySession, product_ids: Collection[int]) -> list[OpenLot]:
    """The same without locks, for a preview."""
    return _open_lots(session, _fifo(product_ids))


def take(session: CompanySession, lots: Sequence[OpenLot]) -> None:
    """Writes what is left of lots that were drawn from, in one bulk statement."""
    session.update_all(
        Lot,
        [
            {
                "id": lot.lot_id,
                "quantity_left": lot.quantity_left,
                "cost_left": lot.cost_left,
                "state": LotState.OPEN if lot.quantity_left else LotState.EXHAUSTED,
            }
            for lot in lots
        ],
    )


def record_draws(
    session: CompanySession,
    draws: Sequence[Draw],
    *,
    entry: Mapping[str, object],
    kind: DocumentKind,
    document_id: int,
) -> None:
    """Writes a ledger entry and a draw for each taking. ``entry`` holds the columns that all entries share."""
    document = {"document_kind": kind, "document_id": document_id}
    ids = record_entries(
        session,
        [
            {**document, "product_id": d.product_id, "lot_id": d.lot_id, "quantity": -d.quantity, "cost": -d.cost}
            for d in draws
        ],
        shared=entry,
    )
    session.insert_all(
        DrawRow,
        [
            {
                **document,
                "lot_id": d.lot_id,
                "stock_entry_id": entry_id,
                "line": d.line,
                "quantity": d.quantity,
                "cost": d.cost,
            }
            for d, entry_id in zip(draws, ids, strict=True)
        ],
    )


def record_returns(
    session: CompanySession,
    returns: Sequence[Return],
    *,
    entry: Mapping[str, object],
    kind: DocumentKind,
    document_id: int,
) -> None:
    """Writes a ledger entry and a return for each. The lots themselves are the caller's to change, as are the gates."""
    document = {"document_kind": kind, "document_id": document_id}
    ids = record_entries(
        session,
        [
            {**document, "product_id": r.product_id, "lot_id": r.lot_id, "quantity": r.quantity, "cost": r.cost}
            for r in returns
        ],
        shared=entry,
    )
    session.insert_all(
        ReturnRow,
        [
            {
                **document,
                "draw_id": r.draw_id,
                "lot_id": r.lot_id,
                "stock_entry_id": i,
                "quantity": r.quantity,
                "cost": r.cost,
            }
            for r, i in zip(returns, ids, strict=True)
        ],
    )


def record_entries(
    session: CompanySession, entries: Iterable[Mapping[str, object]], *, shared: Mapping[str, object]
) -> list[int]:
    """Writes lines of the ledger and returns their ids. ``shared`` holds the columns that all of them have."""
    return session.insert_all(StockEntry, [{**shared, **entry} for entry in entries])


def move_gates(
    session: CompanySession, gates: Mapping[int, StockBalance], moves: Iterable[tuple[int, Decimal, Decimal]]
) -> None:
    """Adds (product, quantity, cost) to the balances, in one bulk statement. The gates must be held."""
    sums: dict[int, tuple[Decimal, Decimal]] = {}
    for product_id, quantity, cost in moves:
        had = sums.get(product_id, (Decimal(0), Decimal(0)))
        sums[product_id] = (add([had[0], quantity]), add([had[1], cost]))
    rows = []
    for product_id, (quantity, cost) in sorted(sums.items()):
        gate = gates[product_id]
        session.stock_before.setdefault(product_id, gate.quantity)
        now = add([gate.quantity, quantity])
        value = add([gate.value, cost])
        average = min(unit_cost(value, now), HIGHEST) if now else gate.last_unit_cost
        rows.append({"id": gate.id, "quantity": now, "value": value, "last_unit_cost": average})
    session.update_all(StockBalance, rows)


def numbers_taken(session: CompanySession, product_ids: Collection[int], stem: str) -> dict[int, set[str]]:
    """Lot numbers of the products that begin with ``stem``, in upper case, ended lots too."""
    rows = session.execute(
        sa.select(Lot.product_id, Lot.number_key).where(
            Lot.product_id.in_(product_ids), Lot.number_key.startswith(stem.upper(), autoescape=True)
        )
    )
    taken: dict[int, set[str]] = {i: set() for i in product_ids}
    for product_id, number in rows:
        taken[product_id].add(number)
    return taken


def holds_something() -> sa.ColumnElement[bool]:
    """Whether anything is left in a lot, in the words of the index of such lots, so that it is used."""
    return Lot.state.in_([sa.literal_column(f"'{state}'") for state in (LotState.OPEN, LotState.HELD)])


def get_lot(session: CompanySession, lot_id: int) -> Lot:
    """Raises NotFound."""
    found = session.scalar(sa.select(Lot).where(Lot.id == lot_id))
    if found is None:
        raise NotFound("lot", lot_id)
    return found


def lots_for_update(session: CompanySession, lot_ids: Collection[int]) -> dict[int, Lot]:
    """Locks lots of any state, in FIFO order; the gates of their products must be held."""
    session.locking(LockRank.LOT)
    found = session.scalars(
        sa.select(Lot)
        .where(Lot.id.in_(lot_ids))
        .order_by(Lot.product_id, Lot.received_on, Lot.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {lot.id: lot for lot in found}


def lots_in_use(session: CompanySession, numbers: Collection[tuple[int, str]]) -> list[Lot]:
    """Open and held lots that have one of the (product, number key): a number is of one such lot at a time."""
    found = session.scalars(
        sa.select(Lot).where(
            Lot.product_id.in_({product for product, _ in numbers}),
            Lot.number_key.in_({key for _, key in numbers}),
            Lot.state.in_([LotState.OPEN, LotState.HELD]),
        )
    )
    return [lot for lot in found if (lot.product_id, lot.number_key) in numbers]


def _fifo(product_ids: Collection[int]) -> sa.Select[Lot]:
    return (
        sa.select(Lot)
        .where(Lot.product_id.in_(product_ids), Lot.state == LotState.OPEN)
        .order_by(Lot.product_id, Lot.received_on, Lot.id)
    )


def _open_lots(session: CompanySession, statement: sa.Select[Lot]) -> list[OpenLot]:
    return [
        OpenLot(
            lot_id=lot.id,
            product_id=lot.product_id,
            received_on=lot.received_on,
            quantity_left=lot.quantity_left,
            cost_left=lot.cost_left,
            number=lot.number,
            expires_on=lot.expires_on,
        )
        for lot in session.scalars(statement.execution_options(populate_existing=True))
    ]
