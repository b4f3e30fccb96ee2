"""Commands for counting stock: a count is started, counted quantities are entered, and confirming it adjusts."""

from __future__ import annotations

import argparse

from partsemble_core.cli.cataloguing import pair_of
from partsemble_core.cli.commands import REFUSED, Commands, add_command, add_group, add_json, add_yes
from partsemble_core.cli.finding import find_document
from partsemble_core.cli.opening import open_office
from partsemble_core.cli.output import agreed, counted, print_rows
from partsemble_core.domain.amounts import add, format_amount
from partsemble_core.errors import Invalid, say
from partsemble_core.services.counting import (
    CountLine,
    cancel_count,
    confirm_count,
    enter_counts,
    start_count,
    view_count,
)
from partsemble_core.services.listing import Column, Row
from partsemble_core.store.adjustments import StockCount, count_lines_of

LINES = (
    Column("sku", "Product"),
    Column("lot", "Lot"),
    Column("expected", "Expected", "quantity"),
    Column("late", "Entered late", "quantity"),
    Column("counted", "Counted", "quantity"),
    Column("variance", "Variance", "quantity"),
)


def add_commands(commands: Commands) -> None:
    counts = add_group(commands, "count", about="Stock counts.")
    start = add_command(counts, "start", start_one, about="Start a count of all lots in stock, or of some products'.")
    start.add_argument("skus", nargs="*", metavar="SKU")
    start.add_argument("--on", default="", metavar="DATE", help="the day counted; today if left out")
    start.add_argument("--notes", default="")
    enter = add_command(counts, "enter", enter_one, about="Enter what was counted.")
    enter.add_argument("reference")
    enter.add_argument("counted", nargs="+", metavar="LOT=QTY", help="or SKU:LOT=QTY; LOT=- takes it back")
    show = add_command(counts, "show", show_one, about="Show a count with its variances.")
    show.add_argument("reference")
    add_json(show)
    confirm = add_command(counts, "confirm", confirm_one, about="Adjust every lot that was counted differently.")
    confirm.add_argument("reference")
    add_yes(confirm)
    cancel = add_command(counts, "cancel", cancel_one, about="Give up a count that isn't confirmed.")
    cancel.add_argument("reference")
    add_yes(cancel)


def start_one(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        count = office.writing(
            lambda session: start_count(
                session, office.act, skus=args.skus or None, counted_on=args.on or None, notes=args.notes
            )
        )
        with office.reading() as session:
            lots = len(count_lines_of(session, count.id))
    print(f"{count.reference} is started: {counted(lots, 'lot')} to count, as of {count.counted_on}.")
    return 0


def enter_one(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        with office.reading() as session:
            count = find_document(session, StockCount, args.reference)
            lines = view_count(session, count.id)
        entered = dict(_entered(text, lines) for text in args.counted)
        office.writing(lambda session: enter_counts(session, office.act, count.id, counted=entered))
    print(f"{count.reference}: {counted(len(entered), 'lot')} entered.")
    return 0


def show_one(args: argparse.Namespace) -> int:
    with open_office(args) as office, office.reading() as session:
        count = find_document(session, StockCount, args.reference)
        rows = [_row(line) for line in view_count(session, count.id)]
        if not args.json:
            print(f"{count.reference}  {count.state}  counted on {count.counted_on}")
        print_rows(LINES, rows, decimals=office.decimals, as_json=args.json)
    return 0


def confirm_one(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        with office.reading() as session:
            count = find_document(session, StockCount, args.reference)
            lines = view_count(session, count.id)
        differing = [_row(line) for line in lines if line.variance]
        print_rows(LINES, differing, decimals=office.decimals, as_json=False)
        missing = sum(line.counted is None for line in lines)
        if missing:
            print(f"Not counted, and left as they are: {counted(missing, 'lot')}.")
        if not agreed(f"Adjust {counted(len(differing), 'lot')}?", yes=args.yes):
            print("Nothing was changed.")
            return REFUSED
        written = office.writing(lambda session: confirm_count(session, office.act, count.id))
        cost = format_amount(add([adjustment.cost for adjustment in written]), decimals=office.decimals)
    print(f"{count.reference} is confirmed: {counted(len(written), 'adjustment')}, cost {cost}.")
    return 0


def cancel_one(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        with office.reading() as session:
            count = find_document(session, StockCount, args.reference)
        if not agreed(f"Give up {count.reference}?", yes=args.yes):
            print("Nothing was changed.")
            return REFUSED
        office.writing(lambda session: cancel_count(session, office.act, count.id))
    print(f"{count.reference} is cancelled. Nothing was adjusted.")
    return 0


def _entered(text: str, lines: tuple[CountLine, ...]) -> tuple[int, object]:
    """``LOT=QTY`` or ``SKU:LOT=QTY``, the lot being one of the count's. Raises Invalid."""
    name, quantity = pair_of(text)
    key = name.strip().upper()
    found = [line for line in lines if key in (line.lot.number_key, f"{line.sku}:{line.lot.number}".upper())]
    if len(found) != 1:
        message = say("No lot {name!r} is on the count. Write it as SKU:LOT=QTY, as shown.", name=name)
        if found:
            message = say("More than one lot {name!r} is on the count. Write it as SKU:LOT=QTY, as shown.", name=name)
        raise Invalid("counted", message)
    return found[0].lot.id, None if quantity == "-" else quantity


def _row(line: CountLine) -> Row:
    return {
        "sku": line.sku,
        "lot": line.lot.number,
        "expected": line.expected,
        "late": line.late,
        "counted": line.counted,
        "variance": line.variance,
    }
