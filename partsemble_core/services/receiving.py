"""Receiving: drafts are free to edit; a confirmed receipt opens lots and is locked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from partsemble_core.domain.amounts import parse_quantity
from partsemble_core.domain.lots import LotState, automatic_number
from partsemble_core.domain.products import clean_text, sku_key
from partsemble_core.domain.receipts import ReceiptLine as LineValues
from partsemble_core.domain.receipts import ReceiptState, check_lines, line_cost, total_cost
from partsemble_core.errors import Conflict, Invalid, WrongState
from partsemble_core.services.acting import Act, parse_day, parse_iso_day
from partsemble_core.services.exporting import queue_receipt
from partsemble_core.store.companies import next_number
from partsemble_core.store.lots import (
    DocumentKind,
    Lot,
    StockEntry,
    gates_for_update,
    move_gates,
    numbers_taken,
)
from partsemble_core.store.products import products_by_id, products_by_sku
from partsemble_core.store.receipts import (
    Receipt,
    ReceiptLine,
    Supplier,
    get_supplier,
    lines_of,
    receipt_for_update,
)
from partsemble_core.store.session import CompanySession, LockRank


@dataclass(frozen=True, slots=True, kw_only=True)
class LineInput:
    """A receipt line as typed: exactly one of total and unit cost."""

    sku: str
    quantity: object
    total_cost: object = None
    unit_cost: object = None
    lot_number: str = ""
    expires_on: object = None


def draft_receipt(
    session: CompanySession,
    act: Act,
    *,
    supplier: str,
    lines: Sequence[LineInput],
    received_on: object = None,
    notes: object = "",
) -> Receipt:
    """A new draft. It moves no stock. Raises Invalid naming the line, NotFound for the supplier's code."""
    found = get_supplier(session, supplier)
    day = parse_day(received_on, field="received_on", today=act.today)
    values = _values(session, lines, received_on=day)
    receipt = Receipt(
        number=None,
        reference="",
        supplier_id=found.id,
        received_on=day,
        state=ReceiptState.DRAFT,
        notes=clean_text(notes, field="notes", length=2000, required=False, many_lines=True),
        total_cost=total_cost(values),
        created_at=act.at,
        created_by=act.by,
        confirmed_at=None,
        confirmed_by="",
    )
    session.add(receipt)
    session.flush()
    _insert_lines(session, receipt.id, values)
    return receipt


def edit_receipt(
    session: CompanySession,
    receipt_id: int,
    *,
    lines: Sequence[LineInput],
    received_on: object = None,
    act: Act,
) -> Receipt:
    """Replaces a draft's lines and day. Raises WrongState once it is confirmed."""
    receipt = receipt_for_update(session, receipt_id)
    _must_be_draft(receipt)
    day = parse_day(received_on or receipt.received_on, field="received_on", today=act.today)
    values = _values(session, lines, received_on=day)
    session.execute(sa.delete(ReceiptLine).where(ReceiptLine.receipt_id == receipt.id))
    receipt.received_on = day
    receipt.total_cost = total_cost(values)
    _insert_lines(session, receipt.id, values)
    return receipt


def confirm_receipt(session: CompanySession, act: Act, receipt_id: int) -> Receipt:
    """Opens a lot a line, writes the ledger, gives the number and queues the export: one transaction.

    Raises WrongState for a receipt that isn't a draft, Conflict for a lot number that is open already.
    """
    receipt = receipt_for_update(session, receipt_id)
    _must_be_draft(receipt)
    lines = lines_of(session, receipt.id)
    supplier = session.get_one(Supplier, receipt.supplier_id)
    products = products_by_id(session, {line.product_id for line in lines})
    gates = gates_for_update(session, products)
    session.locking(LockRank.LOT)
    numbers = _lot_numbers(session, lines, prefix=supplier.code, received_on=receipt.received_on)
    lot_ids = _open_lots(session, lines, numbers, act=act, receipt=receipt)
    receipt.number = next_number(session, "receipt")
    receipt.reference = f"PSB-RCV-{receipt.number:04d}"
    _write_entries(session, receipt, lines, lot_ids, act)
    move_gates(session, gates, [(line.product_id, line.quantity, line.cost) for line in lines])
    receipt.state = ReceiptState.CONFIRMED
    receipt.confirmed_at = act.at
    receipt.confirmed_by = act.by
    queue_receipt(session, act, receipt, supplier=supplier, lines=lines, products=products)
    return receipt


def receive(
    session: CompanySession,
    act: Act,
    *,
    supplier: str,
    lines: Sequence[LineInput],
    received_on: object = None,
    notes: object = "",
) -> Receipt:
    """Draft and confirm at once."""
    receipt = draft_receipt(session, act, supplier=supplier, lines=lines, received_on=received_on, notes=notes)
    return confirm_receipt(session, act, receipt.id)


def _must_be_draft(receipt: Receipt) -> None:
    if receipt.state != ReceiptState.DRAFT:
        raise WrongState(
            f"{receipt.reference or 'This receipt'} is {receipt.state} and locked. "
            "Correct it by reversing it and entering a new one."
        )


def _values(session: CompanySession, lines: Sequence[LineInput], *, received_on: dt.date) -> list[LineValues]:
    known = products_by_sku(session, [line.sku for line in lines])
    values = []
    for i, line in enumerate(lines):
        field = f"lines[{i}]"
        product = known.get(sku_key(line.sku))
        if product is None:
            raise Invalid(f"{field}.sku", f"There is no product with SKU {line.sku!r}. Create it first.")
        if not product.is_active:
            raise Invalid(f"{field}.sku", f"{product.sku} is inactive. Activate it before receiving it.")
        quantity = parse_quantity(line.quantity, field=f"{field}.quantity")
        expires = line.expires_on
        values.append(
            LineValues(
                product_id=product.id,
                quantity=quantity,
                cost=line_cost(quantity, total_cost=line.total_cost, unit_cost=line.unit_cost, field=field),
                lot_number=clean_text(line.lot_number, field=f"{field}.lot_number", length=64, required=False),
                expires_on=parse_iso_day(expires, field=f"{field}.expires_on") if expires else None,
            )
        )
    check_lines(values, received_on=received_on)
    return values


def _insert_lines(session: CompanySession, receipt_id: int, values: Sequence[LineValues]) -> None:
    session.insert_all(
        ReceiptLine,
        [
            {
                "receipt_id": receipt_id,
                "position": position,
                "product_id": line.product_id,
                "quantity": line.quantity,
                "cost": line.cost,
                "lot_number": line.lot_number,
                "expires_on": line.expires_on,
            }
            for position, line in enumerate(values, start=1)
        ],
    )


def _lot_numbers(
    session: CompanySession, lines: Sequence[ReceiptLine], *, prefix: str, received_on: dt.date
) -> list[str]:
    """The given numbers, and automatic ones where none was given. The gates are held, so they stay free."""
    taken = numbers_taken(session, {line.product_id for line in lines}, f"{prefix}-{received_on:%Y%m%d}")
    for line in lines:
        taken[line.product_id].add(line.lot_number.upper())
    numbers = []
    for line in lines:
        number = line.lot_number or automatic_number(prefix, received_on, taken[line.product_id])
        taken[line.product_id].add(number.upper())
        numbers.append(number)
    return numbers


def _open_lots(
    session: CompanySession,
    lines: Sequence[ReceiptLine],
    numbers: Sequence[str],
    *,
    act: Act,
    receipt: Receipt,
) -> list[int]:
    rows = [
        {
            "product_id": line.product_id,
            "number": number,
            "number_key": number.upper(),
            "received_on": receipt.received_on,
            "expires_on": line.expires_on,
            "quantity_in": line.quantity,
            "cost_in": line.cost,
            "quantity_left": line.quantity,
            "cost_left": line.cost,
            "state": LotState.OPEN,
            "receipt_line_id": line.id,
            "created_at": act.at,
        }
        for line, number in zip(lines, numbers, strict=True)
    ]
    _refuse_open_numbers(session, lines, numbers)
    return session.insert_all(Lot, rows)


def _refuse_open_numbers(session: CompanySession, lines: Sequence[ReceiptLine], numbers: Sequence[str]) -> None:
    pairs = {(line.product_id, number.upper()): i for i, (line, number) in enumerate(zip(lines, numbers, strict=True))}
    found = session.execute(
        sa.select(Lot.product_id, Lot.number_key, Lot.number).where(
            Lot.product_id.in_({p for p, _ in pairs}),
            Lot.number_key.in_({n for _, n in pairs}),
            Lot.state.in_([LotState.OPEN, LotState.HELD]),
        )
    )
    for product_id, key, number in found:
        if (product_id, key) in pairs:
            raise Conflict(
                f"Lot {number} is open already for this product. Use another number, or leave it empty.",
                field=f"lines[{pairs[product_id, key]}].lot_number",
            )


def _write_entries(
    session: CompanySession, receipt: Receipt, lines: Sequence[ReceiptLine], lot_ids: Sequence[int], act: Act
) -> None:
    session.insert_all(
        StockEntry,
        [
            {
                "product_id": line.product_id,
                "lot_id": lot_id,
                "quantity": line.quantity,
                "cost": line.cost,
                "document_kind": DocumentKind.RECEIPT,
                "document_id": receipt.id,
                "reference": receipt.reference,
                "effective_on": receipt.received_on,
                "recorded_at": act.at,
                "recorded_by": act.by,
            }
            for line, lot_id in zip(lines, lot_ids, strict=True)
        ],
    )
