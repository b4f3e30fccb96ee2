"""Commands for single lots: adjusting, opening stock, holding, releasing, splitting, tracing."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict

from partsemble_core.cli.commands import REFUSED, Commands, Run, add_command, add_json, add_yes
from partsemble_core.cli.finding import find_lot
from partsemble_core.cli.opening import Office, open_office
from partsemble_core.cli.output import Sheet, agreed, print_json
from partsemble_core.domain.adjustments import AdjustmentReason
from partsemble_core.domain.amounts import format_amount, format_quantity
from partsemble_core.services.adjusting import adjust_lot, open_stock
from partsemble_core.services.downloading import to_csv
from partsemble_core.services.holding import hold, release, split
from partsemble_core.services.listing import Column, Listing, ListQuery, Row
from partsemble_core.services.tracing import TraceReport, recall_rows, trace_lot
from partsemble_core.store.lots import Lot
from partsemble_core.store.products import get_product

RECALL = (
    Column("what", "What"),
    Column("level", "Level", "number"),
    Column("sku", "Product"),
    Column("name", "Name"),
    Column("lot", "Lot"),
    Column("supplier", "Supplier"),
    Column("reference", "Document"),
    Column("received_on", "Received", "date"),
    Column("state", "State"),
    Column("unit", "Unit"),
    Column("quantity_left", "Left", "quantity"),
    Column("least", "At least", "quantity"),
    Column("most", "At most", "quantity"),
)
NARROW = tuple(column for column in RECALL if column.key not in ("name", "state", "received_on"))


def add_commands(commands: Commands) -> None:
    adjust = _add_lot_command(commands, "adjust", adjust_one, about="Change what a lot holds: it was more or less.")
    adjust.add_argument("quantity", help="signed: -3 takes three away, 2 adds two")
    adjust.add_argument("--reason", required=True, help=f"one of {', '.join(AdjustmentReason)}")
    adjust.add_argument("--notes", default="")
    adjust.add_argument("--on", default="", metavar="DATE", help="day of the adjustment; today if left out")
    add_yes(adjust)
    opening = add_command(commands, "opening", open_one, about="Enter stock that was there before Partsemble.")
    opening.add_argument("sku")
    opening.add_argument("quantity")
    opening.add_argument("--cost", required=True, metavar="AMOUNT", help="of all of it together")
    opening.add_argument("--on", default="", metavar="DATE", help="its day; today if left out")
    opening.add_argument("--lot", default="", metavar="NUMBER", help="its lot number; given if left out")
    opening.add_argument("--expires", default="", metavar="DATE")
    opening.add_argument("--notes", default="")
    held = _add_lot_command(commands, "hold", hold_one, about="Set a lot aside: nothing takes of it.")
    held.add_argument("--reason", required=True)
    _add_lot_command(commands, "release", release_one, about="Let a held lot be taken from again.")
    parted = _add_lot_command(commands, "split", split_one, about="Move a quantity of a lot into a lot of its own.")
    parted.add_argument("quantity")
    trace = _add_lot_command(commands, "trace", trace_one, about="Show where a lot came from and where it went.")
    trace.add_argument("--csv", action="store_true", help="write the recall report as CSV")
    add_json(trace)


def adjust_one(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        lot, sku = _lot_of(office, args)
        holds = f"Lot {lot.number} of {sku} holds {format_quantity(lot.quantity_left)}."
        if not agreed(f"{holds} Change it by {args.quantity}?", yes=args.yes):
            print("Nothing was changed.")
            return REFUSED
        done = office.writing(
            lambda session: adjust_lot(
                session,
                office.act,
                lot.id,
                quantity=args.quantity,
                reason=args.reason,
                notes=args.notes,
                adjusted_on=args.on or None,
            )
        )
        cost = format_amount(done.cost, decimals=office.decimals)
    print(f"{done.reference}: lot {lot.number} of {sku} is changed by {format_quantity(done.quantity)}, cost {cost}.")
    return 0


def open_one(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        done = office.writing(
            lambda session: open_stock(
                session,
                office.act,
                sku=args.sku,
                quantity=args.quantity,
                total_cost=args.cost,
                on=args.on or None,
                lot_number=args.lot,
                expires_on=args.expires or None,
                notes=args.notes,
            )
        )
        with office.reading() as session:
            lot = session.get_one(Lot, done.lot_id)
            sku = get_product(session, lot.product_id).sku
        cost = format_amount(done.cost, decimals=office.decimals)
    print(f"{done.reference}: lot {lot.number} opens with {format_quantity(done.quantity)} × {sku}, cost {cost}.")
    return 0


def hold_one(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        lot, sku = _lot_of(office, args)
        office.writing(lambda session: hold(session, office.act, lot.id, reason=args.reason))
    print(f"Lot {lot.number} of {sku} is on hold: nothing takes of it.")
    return 0


def release_one(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        lot, sku = _lot_of(office, args)
        office.writing(lambda session: release(session, office.act, lot.id))
    print(f"Lot {lot.number} of {sku} is released.")
    return 0


def split_one(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        lot, sku = _lot_of(office, args)
        part = office.writing(lambda session: split(session, office.act, lot.id, quantity=args.quantity))
        cost = format_amount(part.cost_left, decimals=office.decimals)
    quantity = format_quantity(part.quantity_left)
    print(f"{quantity} of lot {lot.number} of {sku} are lot {part.number} now, cost {cost}.")
    return 0


def trace_one(args: argparse.Namespace) -> int:
    with open_office(args) as office, office.reading() as session:
        lot = find_lot(session, args.lot, sku=args.product)
        report = trace_lot(session, lot.id)
    if args.json:
        balance = {**asdict(report.balance), "difference": report.balance.difference}
        print_json({"rows": recall_rows(report), "balance": balance, "problems": report.problems})
    elif args.csv:
        sys.stdout.write(_as_csv(report))
    else:
        _print_trace(report)
    return 0


def _add_lot_command(commands: Commands, name: str, run: Run, *, about: str) -> argparse.ArgumentParser:
    command = add_command(commands, name, run, about=about)
    command.add_argument("lot", help="number of the lot")
    command.add_argument("--product", metavar="SKU", help="whose lot, where several products have that number")
    return command


def _lot_of(office: Office, args: argparse.Namespace) -> tuple[Lot, str]:
    """The lot that the command names, and its product's SKU. Raises NotFound, Invalid."""
    with office.reading() as session:
        lot = find_lot(session, args.lot, sku=args.product)
        return lot, get_product(session, lot.product_id).sku


def _as_csv(report: TraceReport) -> str:
    rows: list[Row] = list(recall_rows(report))
    listing = Listing(
        name="recall", title="Recall report", columns=RECALL, rows=rows, total=len(rows), query=ListQuery()
    )
    return to_csv(listing).decode("utf-8-sig")


def _print_trace(report: TraceReport) -> None:
    print(Sheet(NARROW, recall_rows(report)))
    balance = report.balance
    named = {
        "drawn": balance.drawn,
        "split off": balance.split_off,
        "adjusted": balance.adjusted,
        "reversed": balance.reversed,
        "sold": balance.sold,
        "on hand": balance.on_hand,
    }
    ends = " + ".join(f"{format_quantity(quantity)} {name}" for name, quantity in named.items() if quantity)
    print(f"Balance: {format_quantity(balance.came_in)} in = {ends or 0}")
    for problem in report.problems:
        print(f"Problem: {problem}")
