"""Commands that hold stock against the books, and true up the rounding between them."""

from __future__ import annotations

import argparse
import time

import sqlalchemy as sa

from partsemble_core.cli.commands import REFUSED, Commands, add_command, add_group, add_json, add_yes
from partsemble_core.cli.opening import open_office
from partsemble_core.cli.output import Sheet, agreed, print_json, print_rows
from partsemble_core.domain.amounts import format_amount
from partsemble_core.domain.reconciliation import Verdict
from partsemble_core.errors import NotFound
from partsemble_core.services.acting import parse_day
from partsemble_core.services.listing import Column, Row
from partsemble_core.services.noting import reconcile_and_note
from partsemble_core.services.reconciling import Reconciliation, reconcile
from partsemble_core.services.tabulating import COLUMNS, reconciliation_listing, reconciliation_values
from partsemble_core.services.truing import list_true_ups, take_back, true_up
from partsemble_core.store.true_ups import TrueUp

CODES = {Verdict.AGREES: 0, Verdict.DIFFERS: 1, Verdict.UNKNOWN: 2}
NO_ANSWER = 3
"""The exit code where the command itself was refused, so that no script takes that for a difference."""
SHOWN = tuple(column for column in COLUMNS if column.key not in ("external_id", "note"))
TRUE_UPS = (
    Column("reference", "True-up"),
    Column("on", "Date", "date"),
    Column("amount", "Amount", "money"),
    Column("state", "State"),
    Column("reason", "Reason"),
)


def add_commands(commands: Commands) -> None:
    compare = add_command(commands, "reconcile", run_reconcile, about="Hold the value of stock against the books.")
    compare.add_argument("--on", default="", metavar="DATE", help="at the end of this day; today if left out")
    compare.add_argument("--offline", action="store_true", help="compare with what was posted; don't ask the books")
    add_json(compare)
    compare.set_defaults(refused=NO_ANSWER)
    group = add_group(commands, "true-ups", about="Journals that move rounding off the accounts of stock.")
    add_json(add_command(group, "list", show_true_ups, about="List true-ups, newest first."))
    make = add_command(group, "make", make_true_up, about="Post the rounding to its own account.")
    make.add_argument("--on", default="", metavar="DATE", help="of all that was posted through this day; today")
    add_yes(make)
    back = add_command(group, "reverse", reverse_true_up, about="Post the opposite of a true-up.")
    back.add_argument("reference", help="such as PSB-TRU-0001")
    back.add_argument("--reason", required=True, help="why; kept with it")
    add_yes(back)


def run_reconcile(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        day = parse_day(args.on, field="on", today=office.act.today)
        if args.offline:
            found = reconcile(office.house, office.company_id, on=day, offline=True)
        else:
            found = reconcile_and_note(office.house, office.act, office.company_id, on=day, wait=time.sleep)
        if args.json:
            print_json(reconciliation_values(found))
        else:
            print(Sheet(SHOWN, reconciliation_listing(found).rows, office.decimals))
            print(_summed_up(found, office.decimals))
    return CODES[found.verdict]


def _summed_up(found: Reconciliation, decimals: int) -> str:
    difference = format_amount(found.difference, decimals=decimals)
    if found.verdict == Verdict.AGREES:
        cancelling = f" {found.cancelling} lines cancel each other." if found.cancelling > 1 else ""
        return f"{found.organisation} agrees with stock at the end of {found.day}; rounding {difference}.{cancelling}"
    if found.verdict == Verdict.UNKNOWN:
        return f"Can't tell whether the books agree. {found.problem}"
    left = format_amount(found.unexplained, decimals=decimals)
    why = f" {found.why_no_journals}" if found.why_no_journals else ""
    return f"{found.organisation} differs from stock by {difference}, of which {left} isn't explained.{why}"


def show_true_ups(args: argparse.Namespace) -> int:
    with open_office(args) as office, office.reading() as session:
        rows: list[Row] = [
            {
                "reference": found.reference,
                "on": found.trued_up_on,
                "amount": found.amount,
                "state": export.state,
                "reason": found.reason,
            }
            for found, export in list_true_ups(session)
        ]
        print_rows(TRUE_UPS, rows, decimals=office.decimals, as_json=args.json)
    return 0


def make_true_up(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        if not agreed("Post the rounding to the account chosen for it?", yes=args.yes):
            print("Nothing was changed.")
            return REFUSED
        made = office.writing(lambda session: true_up(session, office.act, on=args.on))
        print(f"{made.reference} goes out: {format_amount(made.amount, decimals=office.decimals)} to stock.")
    return 0


def reverse_true_up(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        if not agreed(f"Post the opposite of {args.reference}?", yes=args.yes):
            print("Nothing was changed.")
            return REFUSED
        with office.reading() as session:
            known = session.scalar(sa.select(TrueUp.id).where(TrueUp.reference == args.reference.upper()))
        if known is None:
            raise NotFound("true-up", args.reference[:40])
        made = office.writing(lambda session: take_back(session, office.act, known, reason=args.reason))
    print(f"{made.reference} goes out and takes back {args.reference.upper()}.")
    return 0
