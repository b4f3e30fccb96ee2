"""Tagging: what stands on the label of a lot, and its two codes drawn as vectors, for paper of any size.

The QR code holds the address of the scan page with the lot's number and SKU, so that a phone's camera opens the lot.
The bars (Code 128) hold the lot's number alone, for a scanner that types. Both are drawn one unit a module: whoever
shows them chooses the size.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

import segno
import sqlalchemy as sa
from barcode.charsets import code128
from barcode.codex import Code128

from partsemble_core.errors import NotFound
from partsemble_core.services.scanning import lot_address
from partsemble_core.store.lots import Lot
from partsemble_core.store.products import Product
from partsemble_core.store.receipts import Receipt, ReceiptLine, Supplier
from partsemble_core.store.session import CompanySession

QR_QUIET = 4
BARS_QUIET = 10
"""Modules of white that readers need around a code, by the codes' own standards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Black on white: ``path`` is what an SVG's ``d`` takes, in a box of ``width`` × ``height`` modules."""

    path: str
    width: int
    height: int

    @property
    def box(self) -> str:
        return f"0 0 {self.width} {self.height}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """What a lot's label says. ``quantity`` is what is left of it; ``supplier`` is empty for what was made here."""

    lot_id: int
    number: str
    sku: str
    name: str
    quantity: Decimal
    unit: str
    received_on: dt.date
    expires_on: dt.date | None
    supplier: str
    is_made: bool
    address: str
    qr: Drawing
    bars: Drawing | None
    """None for a number that Code 128 can't hold: it has letters beyond ASCII."""


def tags_of(session: CompanySession, lot_ids: Collection[int], *, base_url: str) -> list[Tag]:
    """The labels of the lots, in the order asked for, by one statement. Raises NotFound."""
    wanted = list(dict.fromkeys(lot_ids))
    rows = session.execute(
        sa.select(Lot, Product.sku, Product.name, Product.unit, Supplier.name)
        .join(Product, sa.and_(Product.id == Lot.product_id, Product.company_id == Lot.company_id))
        .outerjoin(
            ReceiptLine, sa.and_(ReceiptLine.id == Lot.receipt_line_id, ReceiptLine.company_id == Lot.company_id)
        )
        .outerjoin(Receipt, sa.and_(Receipt.id == ReceiptLine.receipt_id, Receipt.company_id == Lot.company_id))
        .outerjoin(Supplier, sa.and_(Supplier.id == Receipt.supplier_id, Supplier.company_id == Lot.company_id))
        .where(Lot.id.in_(wanted))
    )
    found = {lot.id: (lot, sku, name, unit, supplier) for lot, sku, name, unit, supplier in rows}
    for lot_id in wanted:
        if lot_id not in found:
            raise NotFound("lot", lot_id)
    return [_tag(*found[lot_id], base_url=base_url) for lot_id in wanted]


def lots_of_receipt(session: CompanySession, receipt_id: int) -> list[int]:
    """The lots that a receipt opened and that have something left, in the order of its lines."""
    return list(
        session.scalars(
            sa.select(Lot.id)
            .join(ReceiptLine, sa.and_(ReceiptLine.id == Lot.receipt_line_id, ReceiptLine.company_id == Lot.company_id))
            .where(ReceiptLine.receipt_id == receipt_id, Lot.quantity_left > 0)
            .order_by(ReceiptLine.id)
        )
    )


def lots_of_build(session: CompanySession, build_id: int) -> list[int]:
    """The lot that a build made; none while it waits, or if it was rejected."""
    return list(
        session.scalars(sa.select(Lot.id).where(Lot.build_id == build_id, Lot.split_from_id.is_(None)).order_by(Lot.id))
    )


def draw_qr(text: str) -> Drawing:
    """A QR code of at least medium error correction, with its margin."""
    code = segno.make_qr(text, error="m")
    rows = [[bool(cell) for cell in row] for row in code.matrix]
    size = len(rows) + 2 * QR_QUIET
    path = "".join(
        f"M{QR_QUIET + start} {QR_QUIET + y}h{length}v1h-{length}z"
        for y, row in enumerate(rows)
        for start, length in _runs(row)
    )
    return Drawing(path=path, width=size, height=size)


def draw_bars(text: str) -> Drawing | None:
    """Code 128 with its margins, a module high; None for a text that it can't hold."""
    if not text or any(letter not in code128.ALL or ord(letter) > 126 for letter in text):
        return None
    modules = [module == "1" for module in Code128(text).build()[0]]
    path = "".join(f"M{BARS_QUIET + start} 0h{length}v1h-{length}z" for start, length in _runs(modules))
    return Drawing(path=path, width=len(modules) + 2 * BARS_QUIET, height=1)


def _runs(row: list[bool]) -> list[tuple[int, int]]:
    """Where the black begins, and how long it goes on."""
    runs: list[tuple[int, int]] = []
    for at, is_black in enumerate(row):
        if not is_black:
            continue
        if runs and sum(runs[-1]) == at:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((at, 1))
    return runs


def _tag(lot: Lot, sku: str, name: str, unit: str, supplier: str | None, *, base_url: str) -> Tag:
    address = lot_address(base_url, number=lot.number, sku=sku)
    return Tag(
        lot_id=lot.id,
        number=lot.number,
        sku=sku,
        name=name,
        quantity=lot.quantity_left,
        unit=unit,
        received_on=lot.received_on,
        expires_on=lot.expires_on,
        supplier=supplier or "",
        is_made=lot.build_id is not None,
        address=address,
        qr=draw_qr(address),
        bars=draw_bars(lot.number),
    )
