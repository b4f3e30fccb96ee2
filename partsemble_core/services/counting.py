"""Counting: lots are put on a count, counted, and their differences become adjustments when it is confirmed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from partsemble_core.domain.adjustments import AdjustmentReason, CountState, parse_counted
from partsemble_core.domain.amounts import add, format_quantity
from partsemble_core.domain.lots import LotState
from partsemble_core.domain.products import clean_text, sku_key
from partsemble_core.errors import Conflict, Invalid, NotFound, Refused, Wording, WrongState, say, say_each, word
from partsemble_core.services.acting import Act, parse_day
from partsemble_core.services.adjusting import (
    NOTES,
    check_reopening,
    check_there_on,
    decide_change,
    write_adjustments,
)
from partsemble_core.services.closing import check_day_is_open
from partsemble_core.services.pinpointing import of_lot
from partsemble_core.store.adjustments import (
    Adjustment,
    AdjustmentState,
    StockCount,
    StockCountLine,
    count_for_update,
    count_lines_of,
    get_count,
)
from partsemble_core.store.companies import next_number
from partsemble_core.store.lots import DocumentKind, Lot, StockEntry, gates_for_update, get_lot, lots_for_update
from partsemble_core.store.products import products_by_id, products_by_sku
from partsemble_core.store.session import CompanySession


@dataclass(frozen=True, slots=True, kw_only=True)
class CountLine:
    """A lot on a count. ``expected`` is what the records said of the counted moment, ``late`` what was entered since
    for days before it; ``left`` is what the lot holds now. Not counted is not the same as nothing there."""

    lot: Lot
    sku: str
    expected: Decimal
    late: Decimal
    counted: Decimal | None
    left: Decimal

    @property
    def variance(self) -> Decimal | None:
        """What confirming changes; later movements don't touch it, for they happened after the count."""
        return None if self.counted is None else add([self.counted, -self.expected, -self.late])


class CountBelowZero(Refused):
    """So much was taken since that a variance would bring lots below zero. ``numbers`` lists all of those lots."""

    code = "count-below-zero"

    def __init__(self, lines: Sequence[CountLine]) -> None:
        listed = say_each((_told(line) for line in lines), between="; ")
        super().__init__(say("Lots would fall below zero: {listed}. Count them again on a new count.", listed=listed))
        self.field = "counted"
        self.numbers = tuple(line.lot.number for line in lines)


def _told(line: CountLine) -> Wording:
    left, variance = format_quantity(line.left), format_quantity(line.variance or Decimal(0))
    sku, lot = line.sku, line.lot.number
    return say("{sku} lot {lot} holds {left}, variance {variance}", sku=sku, lot=lot, left=left, variance=variance)


class CountOpen(Refused):
    """A lot is on another count that isn't confirmed, or was counted for a later day, listed as ``references``.

    One shortage would be booked twice.
    """

    code = "count-open"

    def __init__(self, message: str, references: Sequence[str], *, field: str) -> None:
        super().__init__(message)
        self.field = field
        self.references = tuple(references)


def start_count(
    session: CompanySession,
    act: Act,
    *,
    skus: Collection[str] | None = None,
    lot_ids: Collection[int] = (),
    counted_on: object = None,
    notes: object = "",
) -> StockCount:
    """A count ``PSB-CNT-0001`` of all lots in stock, or of those of ``skus``, or of ``lot_ids`` (used-up ones too).

    What is expected is fixed now, as the records stand for the day counted. Raises Invalid naming an unknown SKU or
    saying that there is nothing to count, or that a lot wasn't there on that day; CountOpen for lots that are on
    another count; NotFound for a lot, PeriodLocked.
    """
    day = parse_day(counted_on, field="counted_on", today=act.today)
    note = clean_text(notes, field="notes", length=NOTES, required=False)
    check_day_is_open(session, day, field="counted_on")
    lots = _chosen(session, skus, lot_ids, day, today=act.today)
    gates_for_update(session, {lot.product_id for lot in lots})
    _check_countable(session, lots, day, field="lot_ids" if lot_ids else "skus")
    number = next_number(session, "count")
    count = StockCount(
        number=number,
        reference=f"PSB-CNT-{number:04d}",
        state=CountState.DRAFT,
        counted_on=day,
        notes=note,
        created_at=act.at,
        created_by=act.by,
        confirmed_at=None,
        confirmed_by="",
    )
    session.add(count)
    session.flush()
    _put(session, count, lots)
    return count


def add_to_count(session: CompanySession, act: Act, count_id: int, *, lot_ids: Collection[int]) -> StockCount:
    """Puts more lots on a count that isn't confirmed: what they hold now is what is expected.

    Raises Conflict for a lot that is on it, CountOpen for one on another count, Invalid, NotFound, WrongState.
    """
    count = _draft(session, count_id)
    lots = _by_id(session, lot_ids)
    there = {line.lot_id for line in count_lines_of(session, count.id)}
    for lot in lots:
        if lot.id in there:
            number, on = lot.number, count.reference
            told = say("Lot {number} is on {count} already. Enter its count there.", number=number, count=on)
            raise Conflict(told, field="lot_ids")
    gates_for_update(session, {lot.product_id for lot in lots})
    _check_countable(session, lots, count.counted_on, field="lot_ids")
    _put(session, count, lots)
    return count


def enter_counts(session: CompanySession, act: Act, count_id: int, *, counted: Mapping[int, object]) -> StockCount:
    """Notes what was counted, by lot; None takes it back. May be called as often as it takes.

    Raises Invalid naming ``counted[LOT]``, WrongState once it is confirmed, NotFound.
    """
    count = _draft(session, count_id)
    lines = {line.lot_id: line for line in count_lines_of(session, count.id)}
    for lot_id, value in counted.items():
        field = f"counted[{lot_id}]"
        if lot_id not in lines:
            on = count.reference
            raise Invalid(field, say("Lot {id} isn't on {count}. Put it on the count first.", id=lot_id, count=on))
        try:
            lines[lot_id].counted = None if value is None or value == "" else parse_counted(value, field="counted")
        except Invalid as error:
            raise of_lot(error, get_lot(session, lot_id).number, field=field) from error
    return count


def cancel_count(session: CompanySession, act: Act, count_id: int) -> StockCount:
    """Gives up a count that isn't confirmed; its lots may be put on another. Raises WrongState, NotFound."""
    count = _draft(session, count_id)
    count.state = CountState.CANCELLED
    session.flush()
    return count


def view_count(session: CompanySession, count_id: int) -> tuple[CountLine, ...]:
    """The lines of a count with their variances. Raises NotFound."""
    return _view(session, get_count(session, count_id))


def confirm_count(session: CompanySession, act: Act, count_id: int) -> list[Adjustment]:
    """Makes an adjustment (count_correction, dated on the day counted) for each variance; what isn't counted stays.

    All or nothing. Raises CountBelowZero listing every such lot, Invalid if nothing was counted, WrongState for a
    count that is confirmed or a lot that was reversed, PeriodLocked, AccountNotSet.
    """
    count = _draft(session, count_id)
    check_day_is_open(session, count.counted_on, field="counted_on")
    lot_ids = [line.lot_id for line in count_lines_of(session, count.id)]
    products = products_by_id(session, {lot.product_id for lot in _by_id(session, lot_ids)})
    gates = gates_for_update(session, products)
    lots_for_update(session, lot_ids)
    lines = _view(session, count)
    if all(line.counted is None for line in lines):
        on = count.reference
        raise Invalid("counted", say("Nothing is counted on {count} yet. Enter what is there, then confirm.", count=on))
    differing = [line for line in lines if line.variance]
    if short := [line for line in differing if _goes_below_zero(line)]:
        raise CountBelowZero(short)
    reason = AdjustmentReason.COUNT_CORRECTION
    changes = [decide_change(line.lot, line.variance, reason=reason, field="counted") for line in differing]
    check_reopening(session, [change.lot for change in changes])
    check_there_on(session, changes, count.counted_on, field="counted_on")
    count.state, count.confirmed_at, count.confirmed_by = CountState.CONFIRMED, act.at, act.by
    return write_adjustments(
        session,
        act,
        changes,
        products=products,
        gates=gates,
        reason=reason,
        notes=count.reference,
        day=count.counted_on,
        count_id=count.id,
    )


def _goes_below_zero(line: CountLine) -> bool:
    """Of a reversed lot it is said that it was reversed, which is the better reason."""
    after = add([line.left, line.variance or Decimal(0)])
    return after < 0 and line.lot.state != LotState.REVERSED


def _draft(session: CompanySession, count_id: int) -> StockCount:
    count = count_for_update(session, count_id)
    if count.state != CountState.DRAFT:
        reference, state = count.reference, word(count.state)
        raise WrongState(say("{reference} is {state} and locked. Start a new count.", reference=reference, state=state))
    return count


def _chosen(
    session: CompanySession, skus: Collection[str] | None, lot_ids: Collection[int], day: dt.date, *, today: dt.date
) -> list[Lot]:
    if lot_ids:
        return _by_id(session, lot_ids)
    statement = sa.select(Lot).where(_in_stock(session, day, today=today)).order_by(Lot.product_id, Lot.id)
    if skus is not None:
        statement = statement.where(Lot.product_id.in_(_product_ids(session, skus)))
    found = list(session.scalars(statement))
    if not found:
        raise Invalid("skus", "There is no stock to count. Choose products that have some, or name lots.")
    return found


def _in_stock(session: CompanySession, day: dt.date, *, today: dt.date) -> sa.ColumnElement[bool]:
    """Lots that hold something, or, for a count entered later, that held something on its day."""
    now = sa.and_(Lot.state.in_([LotState.OPEN, LotState.HELD]), Lot.received_on <= day)
    if day == today:
        return now
    then = (
        sa.select(StockEntry.lot_id)
        .where(StockEntry.company_id == session.company_id, StockEntry.effective_on <= day)
        .group_by(StockEntry.lot_id)
        .having(sa.func.sum(StockEntry.quantity) > 0)
    )
    return sa.or_(now, sa.and_(Lot.id.in_(then), Lot.state != LotState.REVERSED))


def _product_ids(session: CompanySession, skus: Collection[str]) -> list[int]:
    known = products_by_sku(session, skus)
    for sku in skus:
        if sku_key(sku) not in known:
            raise Invalid("skus", say("There is no product with SKU {sku!r}. Correct it.", sku=sku))
    return [product.id for product in known.values()]


def _by_id(session: CompanySession, lot_ids: Collection[int]) -> list[Lot]:
    found = list(session.scalars(sa.select(Lot).where(Lot.id.in_(lot_ids)).order_by(Lot.product_id, Lot.id)))
    for lot_id in set(lot_ids) - {lot.id for lot in found}:
        raise NotFound("lot", lot_id)
    return found


def _check_countable(session: CompanySession, lots: Sequence[Lot], day: dt.date, *, field: str) -> None:
    """With their gates held: of two started at once, the second finds the first. They were chosen by ``field``."""
    ids = [lot.id for lot in lots]
    for lot in session.scalars(sa.select(Lot).where(Lot.id.in_(ids)).execution_options(populate_existing=True)):
        if lot.state == LotState.REVERSED:
            raise Invalid(
                field, say("Lot {number} was reversed: its goods never came. Leave it out.", number=lot.number)
            )
        if day < lot.received_on:
            raise Invalid(
                "counted_on",
                say(
                    "Lot {number} came in on {received_on} only. Count it on that day or later, or leave it out.",
                    number=lot.number,
                    received_on=lot.received_on,
                ),
            )
    found = session.execute(
        sa.select(StockCount.reference, StockCount.state, StockCount.counted_on, Lot.number)
        .join(StockCountLine, StockCountLine.count_id == StockCount.id)
        .join(Lot, Lot.id == StockCountLine.lot_id)
        .where(StockCountLine.lot_id.in_(ids), _overlaps(day))
        .order_by(StockCount.id, StockCountLine.id)
    ).all()
    if not found:
        return
    reference, state, counted_on, number = found[0]
    told = say(
        "Lot {number} was counted by {reference} for {counted_on}. Count it as of that day or later.",
        number=number,
        reference=reference,
        counted_on=counted_on,
    )
    if state == CountState.DRAFT:
        told = say(
            "Lot {number} is on {reference}, which isn't confirmed. Confirm or cancel that count first.",
            number=number,
            reference=reference,
        )
    raise CountOpen(told, list(dict.fromkeys(row.reference for row in found)), field=field)


def _overlaps(day: dt.date) -> sa.ColumnElement[bool]:
    """Counts not confirmed, and confirmed ones of a later day, whose adjustments found the same shortage already."""
    undone = sa.select(Adjustment.id).where(
        Adjustment.company_id == StockCount.company_id,
        Adjustment.count_id == StockCount.id,
        Adjustment.lot_id == StockCountLine.lot_id,
        Adjustment.state == AdjustmentState.REVERSED,
    )
    later = sa.and_(
        StockCount.state == CountState.CONFIRMED,
        StockCount.counted_on > day,
        StockCountLine.counted.is_not(None),
        ~undone.exists(),
    )
    return sa.or_(StockCount.state == CountState.DRAFT, later)


def _put(session: CompanySession, count: StockCount, lots: Sequence[Lot]) -> None:
    """Lines for lots whose gates are held: nothing can come between what is expected and the mark in the ledger."""
    held = sa.func.sum(StockEntry.quantity).filter(StockEntry.effective_on <= count.counted_on)
    rows = session.execute(
        sa.select(StockEntry.lot_id, sa.func.max(StockEntry.id), held)
        .where(StockEntry.lot_id.in_([lot.id for lot in lots]))
        .group_by(StockEntry.lot_id)
    )
    marks = {lot_id: (last, expected or Decimal(0)) for lot_id, last, expected in rows}
    session.insert_all(
        StockCountLine,
        [
            {
                "count_id": count.id,
                "lot_id": lot.id,
                "through_entry_id": marks[lot.id][0],
                "expected": marks[lot.id][1],
            }
            for lot in lots
        ],
    )


def _view(session: CompanySession, count: StockCount) -> tuple[CountLine, ...]:
    lines = count_lines_of(session, count.id)
    lots = {lot.id: lot for lot in _by_id(session, [line.lot_id for line in lines])}
    products = products_by_id(session, {lot.product_id for lot in lots.values()})
    late = _late_quantities(session, count)
    return tuple(
        CountLine(
            lot=lots[line.lot_id],
            sku=products[lots[line.lot_id].product_id].sku,
            expected=line.expected,
            late=late.get(line.lot_id, Decimal(0)),
            counted=line.counted,
            left=lots[line.lot_id].quantity_left,
        )
        for line in lines
    )


def _late_quantities(session: CompanySession, count: StockCount) -> dict[int, Decimal]:
    """By lot: what was entered after the lot was put on the count, for days before the one counted, or by other counts.

    Such a movement had happened when people counted, or is the same difference found twice: it explains a variance,
    it doesn't add to it.
    """
    by_count = sa.select(Adjustment.id).where(
        Adjustment.company_id == session.company_id,
        Adjustment.count_id != count.id,
        Adjustment.state == AdjustmentState.CONFIRMED,
    )
    counted = sa.and_(StockEntry.document_kind == DocumentKind.ADJUSTMENT, StockEntry.document_id.in_(by_count))
    rows = session.execute(
        sa.select(StockEntry.lot_id, sa.func.sum(StockEntry.quantity))
        .join(StockCountLine, StockCountLine.lot_id == StockEntry.lot_id)
        .where(
            StockCountLine.count_id == count.id,
            StockEntry.id > StockCountLine.through_entry_id,
            sa.or_(StockEntry.effective_on < count.counted_on, counted),
        )
        .group_by(StockEntry.lot_id)
    )
    return {row[0]: row[1] for row in rows}
