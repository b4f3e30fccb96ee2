"""Receiving: drafts are free to edit; a confirmed receipt opens lots and is locked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from partsemble_core.domain.lots import LotState, automatic_number
from partsemble_core.domain.products import clean_text
from partsemble_core.domain.receipts import Charge, ReceiptState, SpreadBy, parse_money, total_cost
from partsemble_core.errors import Conflict, Invalid, WrongState, say, word
from partsemble_core.services.acting import Act, parse_day
from partsemble_core.services.closing import check_day_is_open
from partsemble_core.services.exporting import queue_receipt
from partsemble_core.services.landing import ChargeInput as ChargeInput
from partsemble_core.services.landing import EnteredLine, enter_lines, land, parse_charges
from partsemble_core.services.landing import LineInput as LineInput
from partsemble_core.services.noticing import clock_of
from partsemble_core.store.companies import get_company, next_number
from partsemble_core.store.lots import (
    DocumentKind,
    Lot,
    StockEntry,
    gates_for_update,
    lots_in_use,
    move_gates,
    numbers_taken,
)
from partsemble_core.store.products import products_by_id
from partsemble_core.store.receipts import (
    Receipt,
    ReceiptCharge,
    ReceiptLine,
    Supplier,
    charges_of,
    find_supplier,
    lines_of,
    receipt_for_update,
)
from partsemble_core.store.session import CompanySession, LockRank


def draft_receipt(
    session: CompanySession,
    act: Act,
    *,
    supplier: str,
    lines: Sequence[LineInput],
    received_on: object = None,
    notes: object = "",
    charges: Sequence[ChargeInput] = (),
    currency: object = None,
    rate: object = None,
) -> Receipt:
    """A new draft. It moves no stock. ``rate`` is in company currency for one ``currency`` (left out: the company's).

    Raises Invalid naming the line or charge, or a supplier that is inactive or unknown, PeriodLocked.
    """
    found = _active_supplier(session, supplier)
    day = parse_day(received_on, field="received_on", today=act.today)
    check_day_is_open(session, day, field="received_on")
    money = parse_money(currency, rate, base=get_company(session).currency)
    extra = parse_charges(charges)
    entered = land(enter_lines(session, lines, supplier_id=found.id, money=money), extra, money=money, received_on=day)
    receipt = Receipt(
        number=None,
        reference="",
        supplier_id=found.id,
        received_on=day,
        state=ReceiptState.DRAFT,
        notes=clean_text(notes, field="notes", length=2000, required=False, many_lines=True),
        total_cost=total_cost([line.values for line in entered]),
        currency=money.currency,
        rate=money.rate,
        created_at=act.at,
        created_by=act.by,
        confirmed_at=None,
        confirmed_by="",
    )
    session.add(receipt)
    session.flush()
    _insert_lines(session, receipt.id, entered)
    _insert_charges(session, receipt.id, extra)
    return receipt


def edit_receipt(
    session: CompanySession,
    receipt_id: int,
    *,
    lines: Sequence[LineInput],
    received_on: object = None,
    act: Act,
    charges: Sequence[ChargeInput] | None = None,
    currency: object = None,
    rate: object = None,
) -> Receipt:
    """Replaces a draft's lines and day; what of the rest is None stays. Raises WrongState once it is confirmed."""
    receipt = receipt_for_update(session, receipt_id)
    _must_be_draft(session, receipt)
    day = parse_day(received_on or receipt.received_on, field="received_on", today=act.today)
    check_day_is_open(session, day, field="received_on")
    base = get_company(session).currency
    keeps_currency = currency is None or currency == receipt.currency
    known_rate = receipt.rate if rate is None and keeps_currency else rate
    money = parse_money(receipt.currency if currency is None else currency, known_rate, base=base)
    extra = _charges(session, receipt.id) if charges is None else parse_charges(charges)
    found = enter_lines(session, lines, supplier_id=receipt.supplier_id, money=money)
    entered = land(found, extra, money=money, received_on=day)
    session.execute(sa.delete(ReceiptLine).where(ReceiptLine.receipt_id == receipt.id))
    session.execute(sa.delete(ReceiptCharge).where(ReceiptCharge.receipt_id == receipt.id))
    receipt.received_on = day
    receipt.currency, receipt.rate = money.currency, money.rate
    receipt.total_cost = total_cost([line.values for line in entered])
    session.watch.tell(receipt, "lines")
    _insert_lines(session, receipt.id, entered)
    _insert_charges(session, receipt.id, extra)
    return receipt


def confirm_receipt(session: CompanySession, act: Act, receipt_id: int) -> Receipt:
    """Opens a lot a line, writes the ledger, gives the number and queues the export: one transaction.

    Its rate and landed costs are frozen with it. Raises WrongState for a receipt that isn't a draft, Conflict for a lot
    number that is open already, PeriodLocked.
    """
    receipt = receipt_for_update(session, receipt_id)
    _must_be_draft(session, receipt)
    check_day_is_open(session, receipt.received_on, field="received_on")
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
    charges: Sequence[ChargeInput] = (),
    currency: object = None,
    rate: object = None,
) -> Receipt:
    """Draft and confirm at once."""
    receipt = draft_receipt(
        session,
        act,
        supplier=supplier,
        lines=lines,
        received_on=received_on,
        notes=notes,
        charges=charges,
        currency=currency,
        rate=rate,
    )
    return confirm_receipt(session, act, receipt.id)


def _active_supplier(session: CompanySession, code: str) -> Supplier:
    """Raises Invalid. Only new drafts ask: what was begun before may still be edited and confirmed."""
    found = find_supplier(session, code)
    if found is None:
        raise Invalid("supplier", say("There is no supplier with code {code!r}. Add it first.", code=code))
    if not found.is_active:
        text = say("{code} is inactive. Activate it before receiving from it.", code=found.code)
        raise Invalid("supplier", text)
    return found


def _must_be_draft(session: CompanySession, receipt: Receipt) -> None:
    if receipt.state != ReceiptState.DRAFT:
        raise WrongState(
            say(
                "{reference} was confirmed by {by} on {at} and is locked. "
                "Correct it by reversing it and entering a new one.",
                reference=receipt.reference or word("This receipt"),
                by=receipt.confirmed_by,
                at=clock_of(session, receipt.confirmed_at),
            )
        )


def _insert_lines(session: CompanySession, receipt_id: int, lines: Sequence[EnteredLine]) -> None:
    session.insert_all(
        ReceiptLine,
        [
            {
                "receipt_id": receipt_id,
                "position": position,
                "product_id": line.values.product_id,
                "quantity": line.values.quantity,
                "cost": line.values.cost,
                "entered_quantity": line.entered_quantity,
                "per_purchase_unit": line.per_purchase_unit,
                "purchase_unit": line.purchase_unit,
                "entered_cost": line.entered_cost,
                "weight": line.weight,
                "supplier_part_number": line.part_number,
                "lot_number": line.values.lot_number,
                "expires_on": line.values.expires_on,
            }
            for position, line in enumerate(lines, start=1)
        ],
    )


def _insert_charges(session: CompanySession, receipt_id: int, charges: Sequence[Charge]) -> None:
    session.insert_all(
        ReceiptCharge,
        [
            {
                "receipt_id": receipt_id,
                "position": position,
                "label": charge.label,
                "amount": charge.amount,
                "spread_by": charge.spread_by,
            }
            for position, charge in enumerate(charges, start=1)
        ],
    )


def _charges(session: CompanySession, receipt_id: int) -> list[Charge]:
    return [
        Charge(label=row.label, amount=row.amount, spread_by=SpreadBy(row.spread_by))
        for row in charges_of(session, receipt_id)
    ]


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
    for lot in lots_in_use(session, pairs):
        raise Conflict(
            say(
                "Lot {number} is open already for this product. Use another number, or leave it empty.",
                number=lot.number,
            ),
            field=f"lines[{pairs[lot.product_id, lot.number_key]}].lot_number",
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
