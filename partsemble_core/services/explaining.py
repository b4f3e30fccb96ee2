"""Explaining: one document or lot with everything that its figures come from, for pages that show it whole."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from partsemble_core.domain.amounts import add, unit_cost
from partsemble_core.plugin_api.entries import entry_from_bytes
from partsemble_core.plugin_api.types import JournalEntry
from partsemble_core.store import builds, receipts
from partsemble_core.store.adjustments import Reversal, find_reversal
from partsemble_core.store.boms import BomVersion
from partsemble_core.store.builds import Build, BuildCostLine, BuildLine, get_build
from partsemble_core.store.connections import Connection, RemoteAccount, get_connection
from partsemble_core.store.exports import Export, ExportAttempt, find_for_document, get_export
from partsemble_core.store.lots import DocumentKind, DrawRow, Lot, ReturnRow, StockEntry, get_lot, holds_something
from partsemble_core.store.products import Product, get_product, products_by_id
from partsemble_core.store.receipts import Receipt, ReceiptCharge, ReceiptLine, Supplier, get_receipt
from partsemble_core.store.session import CompanySession


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What a document took from a lot. ``made`` is the product of a build, else None."""

    kind: DocumentKind
    document_id: int
    reference: str
    on: dt.date
    quantity: Decimal
    cost: Decimal
    made: Product | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LotStory:
    """A lot, what it came from, and all that was taken from it, oldest first.

    ``others`` are the movements beside those: adjustments, splits, reversals, and what rejected builds gave back.
    """

    lot: Lot
    product: Product
    receipt: Receipt | None
    supplier: Supplier | None
    build: Build | None
    split_from: Lot | None
    uses: tuple[Use, ...]
    others: Sequence[StockEntry]

    @property
    def unit_cost(self) -> Decimal:
        """What one unit cost when it came in."""
        return unit_cost(self.lot.cost_in, self.lot.quantity_in)


@dataclass(frozen=True, slots=True, kw_only=True)
class LotDraw:
    """A quantity and cost taken from one lot."""

    lot: Lot
    quantity: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPart:
    """One line of a build with the lots that it was filled from; ``returned`` of it came back."""

    line: BuildLine
    product: Product
    draws: tuple[LotDraw, ...]
    returned: Decimal

    @property
    def taken(self) -> Decimal:
        return add([draw.quantity for draw in self.draws])

    @property
    def cost(self) -> Decimal:
        return add([draw.cost for draw in self.draws])


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildStory:
    """A build: what it took from where, what it cost, what came out, and how far its posting is."""

    build: Build
    product: Product
    bom: BomVersion
    parts: tuple[BuildPart, ...]
    cost_lines: Sequence[BuildCostLine]
    outputs: Sequence[Lot]
    export: Export | None
    waste_export: Export | None
    reversal: Reversal | None

    @property
    def total(self) -> Decimal:
        return add([self.build.components_cost, self.build.added_cost])

    @property
    def unit_cost(self) -> Decimal:
        return unit_cost(self.total, self.build.quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptPart:
    """One line of a receipt; ``lot`` once it is confirmed."""

    line: ReceiptLine
    product: Product
    lot: Lot | None

    @property
    def unit_cost(self) -> Decimal:
        return unit_cost(self.line.cost, self.line.quantity)

    @property
    def was_converted(self) -> bool:
        """Whether it was bought in units of its own, such as reels."""
        return bool(self.line.purchase_unit) or self.line.per_purchase_unit != 1

    @property
    def entered_unit_cost(self) -> Decimal:
        """Of one unit as it was bought, in the receipt's currency, without charges."""
        return unit_cost(self.line.entered_cost, self.line.entered_quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptStory:
    receipt: Receipt
    supplier: Supplier
    parts: tuple[ReceiptPart, ...]
    charges: Sequence[ReceiptCharge]
    export: Export | None
    reversal: Reversal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportStory:
    """An export with the journal exactly as it was frozen, and every attempt at it, oldest first."""

    export: Export
    connection: Connection
    entry: JournalEntry
    attempts: Sequence[ExportAttempt]
    account_names: Mapping[str, str]
    """By their id, as last read from the books."""

    @property
    def debit(self) -> Decimal:
        """The sum of the debits; the credits are the same, or the journal could not have been made."""
        return add([line.amount for line in self.entry.lines if line.amount > 0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A line of the stock ledger with the number of its lot."""

    entry: StockEntry
    lot_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductStory:
    """A product's first lots in the order in which they will be taken, of how many, and its last movements."""

    product: Product
    lots: Sequence[Lot]
    lot_count: int
    movements: tuple[Movement, ...]


def explain_lot(session: CompanySession, lot_id: int) -> LotStory:
    """Raises NotFound."""
    lot = get_lot(session, lot_id)
    receipt, supplier = _origin(session, lot)
    return LotStory(
        lot=lot,
        product=get_product(session, lot.product_id),
        receipt=receipt,
        supplier=supplier,
        build=get_build(session, lot.build_id) if lot.build_id is not None else None,
        split_from=get_lot(session, lot.split_from_id) if lot.split_from_id is not None else None,
        uses=_uses(session, lot.id),
        others=_others(session, lot),
    )


def explain_build(session: CompanySession, build_id: int) -> BuildStory:
    """Raises NotFound."""
    build = get_build(session, build_id)
    lines = builds.lines_of(session, build.id)
    draws = _draws(session, DocumentKind.BUILD, build.id)
    returned = _returned(session, DocumentKind.BUILD, build.id)
    products = products_by_id(session, {build.product_id, *(line.product_id for line in lines)})
    parts = [
        BuildPart(
            line=line,
            product=products[line.product_id],
            draws=tuple(draws.get(line.position - 1, ())),  # draws count lines from 0, people from 1
            returned=returned.get(line.position - 1, Decimal(0)),
        )
        for line in lines
    ]
    return BuildStory(
        build=build,
        product=products[build.product_id],
        bom=session.scalars(sa.select(BomVersion).where(BomVersion.id == build.bom_id)).one(),
        parts=tuple(parts),
        cost_lines=builds.cost_lines_of(session, build.id),
        outputs=session.scalars(sa.select(Lot).where(Lot.build_id == build.id).order_by(Lot.id)).all(),
        export=find_for_document(session, DocumentKind.BUILD, build.id),
        waste_export=find_for_document(session, DocumentKind.WASTE, build.id) if build.waste_cost else None,
        reversal=find_reversal(session, DocumentKind.BUILD, build.id) if build.state == "reversed" else None,
    )


def exports_of_builds(session: CompanySession, build_ids: Collection[int]) -> dict[int, str]:
    """By build: the state of its export, where it has one."""
    rows = session.execute(
        sa.select(Export.document_id, Export.state).where(
            Export.document_kind == DocumentKind.BUILD, Export.document_id.in_(build_ids)
        )
    )
    return {row[0]: row[1] for row in rows}


def explain_receipt(session: CompanySession, receipt_id: int) -> ReceiptStory:
    """Raises NotFound."""
    receipt = get_receipt(session, receipt_id)
    lines = receipts.lines_of(session, receipt.id)
    products = products_by_id(session, {line.product_id for line in lines})
    lots = _lots_of_lines(session, [line.id for line in lines])
    parts = [ReceiptPart(line=line, product=products[line.product_id], lot=lots.get(line.id)) for line in lines]
    return ReceiptStory(
        receipt=receipt,
        supplier=session.scalars(sa.select(Supplier).where(Supplier.id == receipt.supplier_id)).one(),
        parts=tuple(parts),
        charges=receipts.charges_of(session, receipt.id),
        export=find_for_document(session, DocumentKind.RECEIPT, receipt.id),
        reversal=find_reversal(session, DocumentKind.RECEIPT, receipt.id) if receipt.state == "reversed" else None,
    )


def explain_export(session: CompanySession, export_id: int) -> ExportStory:
    """Raises NotFound."""
    export = get_export(session, export_id)
    entry = entry_from_bytes(export.body)
    attempts = session.scalars(
        sa.select(ExportAttempt).where(ExportAttempt.export_id == export.id).order_by(ExportAttempt.id)
    )
    return ExportStory(
        export=export,
        connection=get_connection(session, export.connection_id),
        entry=entry,
        attempts=attempts.all(),
        account_names=_account_names(session, export.connection_id, {line.account_id for line in entry.lines}),
    )


def explain_product(session: CompanySession, product_id: int, *, movements: int = 10, lots: int = 25) -> ProductStory:
    """With the last ``movements`` ledger lines and the first ``lots`` that hold something. Raises NotFound."""
    product = get_product(session, product_id)
    there = Lot.product_id == product_id, holds_something()
    first = sa.select(Lot).where(*there).order_by(Lot.received_on, Lot.id).limit(lots)
    rows = session.execute(
        sa.select(StockEntry, Lot.number)
        .join(Lot, sa.and_(Lot.id == StockEntry.lot_id, Lot.company_id == StockEntry.company_id))
        .where(StockEntry.product_id == product_id)
        .order_by(StockEntry.id.desc())
        .limit(movements)
    )
    return ProductStory(
        product=product,
        lots=session.scalars(first).all(),
        lot_count=session.scalar(sa.select(sa.func.count(Lot.id)).where(*there)) or 0,
        movements=tuple(Movement(entry=entry, lot_number=number) for entry, number in rows),
    )


def _origin(session: CompanySession, lot: Lot) -> tuple[Receipt | None, Supplier | None]:
    if lot.receipt_line_id is None:
        return None, None
    same_receipt = sa.and_(Receipt.id == ReceiptLine.receipt_id, Receipt.company_id == ReceiptLine.company_id)
    same_supplier = sa.and_(Supplier.id == Receipt.supplier_id, Supplier.company_id == Receipt.company_id)
    row = session.execute(
        sa.select(Receipt, Supplier)
        .select_from(ReceiptLine)
        .join(Receipt, same_receipt)
        .join(Supplier, same_supplier)
        .where(ReceiptLine.id == lot.receipt_line_id)
    ).one()
    return row[0], row[1]


def _uses(session: CompanySession, lot_id: int) -> tuple[Use, ...]:
    rows = session.execute(
        sa.select(DrawRow, StockEntry.reference, StockEntry.effective_on, Build.product_id)
        .join(
            StockEntry,
            sa.and_(StockEntry.id == DrawRow.stock_entry_id, StockEntry.company_id == DrawRow.company_id),
        )
        .outerjoin(
            Build,
            sa.and_(
                DrawRow.document_kind == DocumentKind.BUILD,
                Build.id == DrawRow.document_id,
                Build.company_id == DrawRow.company_id,
            ),
        )
        .where(DrawRow.lot_id == lot_id)
        .order_by(DrawRow.id)
    ).all()
    made = products_by_id(session, {row[3] for row in rows if row[3]})  # what is no build has none
    return tuple(
        Use(
            kind=DocumentKind(draw.document_kind),
            document_id=draw.document_id,
            reference=reference,
            on=on,
            quantity=draw.quantity,
            cost=draw.cost,
            made=made.get(product_id),
        )
        for draw, reference, on, product_id in rows
    )


def _others(session: CompanySession, lot: Lot) -> Sequence[StockEntry]:
    """Movements that neither drew for a document nor brought the lot with its receipt or build, oldest first."""
    drawn = sa.select(DrawRow.stock_entry_id).where(DrawRow.lot_id == lot.id)
    came = sa.and_(StockEntry.document_kind == DocumentKind.RECEIPT, StockEntry.quantity > 0)
    if lot.build_id is not None:
        made = sa.and_(StockEntry.document_kind == DocumentKind.BUILD, StockEntry.document_id == lot.build_id)
        came = sa.or_(came, made)
    return session.scalars(
        sa.select(StockEntry)
        .where(StockEntry.lot_id == lot.id, StockEntry.id.not_in(drawn), sa.not_(came))
        .order_by(StockEntry.id)
    ).all()


def _returned(session: CompanySession, kind: DocumentKind, document_id: int) -> dict[int, Decimal]:
    """What came back of a document's draws, by line."""
    rows = session.execute(
        sa.select(DrawRow.line, ReturnRow.quantity)
        .join(ReturnRow, sa.and_(ReturnRow.draw_id == DrawRow.id, ReturnRow.company_id == DrawRow.company_id))
        .where(DrawRow.document_kind == kind, DrawRow.document_id == document_id)
    )
    returned: dict[int, Decimal] = {}
    for line, quantity in rows:
        returned[line] = add([returned.get(line, Decimal(0)), quantity])
    return returned


def _draws(session: CompanySession, kind: DocumentKind, document_id: int) -> dict[int, list[LotDraw]]:
    """By line of the document, in the order in which they were taken."""
    rows = session.execute(
        sa.select(DrawRow, Lot)
        .join(Lot, sa.and_(Lot.id == DrawRow.lot_id, Lot.company_id == DrawRow.company_id))
        .where(DrawRow.document_kind == kind, DrawRow.document_id == document_id)
        .order_by(DrawRow.line, DrawRow.id)
    )
    draws: dict[int, list[LotDraw]] = {}
    for draw, lot in rows:
        draws.setdefault(draw.line, []).append(LotDraw(lot=lot, quantity=draw.quantity, cost=draw.cost))
    return draws


def _lots_of_lines(session: CompanySession, line_ids: Collection[int]) -> dict[int, Lot]:
    found = session.scalars(sa.select(Lot).where(Lot.receipt_line_id.in_(line_ids)))
    return {lot.receipt_line_id: lot for lot in found if lot.receipt_line_id is not None}


def _account_names(session: CompanySession, connection_id: int, external_ids: Collection[str]) -> dict[str, str]:
    found = session.execute(
        sa.select(RemoteAccount.external_id, RemoteAccount.name).where(
            RemoteAccount.connection_id == connection_id, RemoteAccount.external_id.in_(external_ids)
        )
    )
    return {row.external_id: row.name for row in found}
