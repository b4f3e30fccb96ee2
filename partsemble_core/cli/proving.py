"""Commands that look over everything: the doctor, the value of stock on any day, options and the period lock."""

from __future__ import annotations

import argparse
import datetime as dt
import re
from functools import partial
from zoneinfo import ZoneInfo

from partsemble_core.cli.commands import REFUSED, Commands, add_command, add_group, add_json, add_yes
from partsemble_core.cli.opening import open_office
from partsemble_core.cli.output import agreed, counted, print_json, print_rows
from partsemble_core.domain.amounts import format_amount
from partsemble_core.errors import Invalid, say
from partsemble_core.services.acting import parse_day, parse_iso_day
from partsemble_core.services.closing import lock_through, proposed_lock_day
from partsemble_core.services.comparing import DAYS, compare_with_books
from partsemble_core.services.doctoring import examine, report_lines
from partsemble_core.services.doubting import doubt_after_restore
from partsemble_core.services.listing import Column, Row
from partsemble_core.services.opting import CHOICES, SWITCHES, set_options
from partsemble_core.services.resealing import examine_seals, key_uses
from partsemble_core.services.valuing import StockValue, stock_at
from partsemble_core.store.companies import CompanyOptions, get_company, options_of

VALUES = (
    Column("sku", "Product"),
    Column("name", "Name"),
    Column("quantity", "Quantity", "quantity"),
    Column("average_cost", "Average cost", "money"),
    Column("value", "Value", "money"),
)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
OPTIONS = (Column("name", "Option"), Column("value", "Value"))


def add_commands(commands: Commands) -> None:
    doctor = add_command(commands, "doctor", run_doctor, about="Check every law of the books; nothing is repaired.")
    doctor.add_argument("--replay", action="store_true", help="also rebuild lots and balances from the ledger")
    doctor.add_argument("--remote", action="store_true", help="also look up in the books what was posted there")
    doctor.add_argument("--days", type=int, default=DAYS, help=f"with --remote: posted so lately ({DAYS})")
    restored = add_command(
        commands, "restored", doubt_restored, about="After a restore: look up what may be in the books already."
    )
    add_yes(restored)
    value = add_command(commands, "value", show_value, about="Show the value of stock at the end of any day.")
    value.add_argument("--on", default="", metavar="DATE", help="today if left out")
    value.add_argument("--known-at", default="", metavar="DATE", help="as known then; also a time: 2026-04-30T17:00Z")
    add_json(value)
    options = add_group(commands, "options", about="The company's switches.")
    show = add_command(options, "show", show_options, about="Show the options and the period lock.")
    add_json(show)
    put = add_command(options, "set", set_option, about="Turn an option on or off.")
    put.add_argument("name", help=f"one of {', '.join((*SWITCHES, *CHOICES))}")
    put.add_argument("value", help="on or off; draw_order fifo or fefo; export_… automatic or manual")
    lock = add_command(commands, "lock", lock_period, about="Lock stock through a day, or open it again.")
    way = lock.add_mutually_exclusive_group(required=True)
    way.add_argument("--through", metavar="DATE", help="no document may be dated on this day or before")
    way.add_argument("--open", action="store_true", help="lock nothing")
    add_yes(lock)


def run_doctor(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        with office.reading() as session:
            findings = examine(session, replay=args.replay)
        findings += examine_seals(office.house, office.company_id)
        uses = key_uses(office.house)
        if args.remote:
            findings += compare_with_books(
                office.house, office.company_id, days=args.days, tell=partial(_tell_books, args.days)
            )
    for line in report_lines(findings):
        print(line)
    sealing = ", ".join(f"{name} ({count})" for name, count in sorted(uses.items()))
    if sealing:
        print(f"Secrets are sealed with: {sealing}.")
    return REFUSED if findings else 0


def _tell_books(days: int, books: str, count: int) -> None:
    print(f"Looking up in {books}: {counted(count, 'posting')} of the last {counted(days, 'day')}.", flush=True)


def doubt_restored(args: argparse.Namespace) -> int:
    question = "Was the database restored from a backup? What waits is then looked up in the books before it is sent."
    with open_office(args) as office:
        if not agreed(question, yes=args.yes):
            print("Nothing was changed.")
            return REFUSED
        restored = doubt_after_restore(office.house, office.company_id)
    print(f"{restored.doubted} exports are looked up before anything is sent; {restored.found} held ones were found.")
    print("Now start the workers, then run: partsemble doctor --remote")
    return 0


def show_value(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        day = parse_day(args.on, field="on", today=office.act.today)
        with office.reading() as session:
            zone = ZoneInfo(get_company(session).timezone)
            known_at = _time_of(args.known_at, zone) if args.known_at else None
            stock = stock_at(session, day, known_at=known_at)
        if args.json:
            print_json(_value_json(stock))
            return 0
        rows: list[Row] = [
            {
                "sku": p.sku,
                "name": p.name,
                "quantity": p.quantity,
                "average_cost": p.average_cost if p.quantity else None,
                "value": p.value,
            }
            for p in stock.products
        ]
        print_rows(VALUES, rows, decimals=office.decimals, as_json=False)
        print(f"Value at the end of {day}: {format_amount(stock.total, decimals=office.decimals)}")
    return 0


def show_options(args: argparse.Namespace) -> int:
    with open_office(args) as office, office.reading() as session:
        options = options_of(session)
        proposed = proposed_lock_day(session, today=office.act.today)
        if args.json:
            print_json(_options_json(options))
            return 0
        rows: list[Row] = [{"name": name, "value": _word(value)} for name, value in _options_json(options).items()]
        print_rows(OPTIONS, rows, decimals=office.decimals, as_json=False)
        if proposed is not None:
            print(f"The books are locked through {proposed}. To follow: partsemble lock --through {proposed}")
    return 0


def set_option(args: argparse.Namespace) -> int:
    word = args.value.lower()
    value = {"on": True, "off": False}.get(word, word)
    with open_office(args) as office:
        office.writing(lambda session: set_options(session, {args.name: value}))
    print(f"{args.name} is {word}.")
    return 0


def lock_period(args: argparse.Namespace) -> int:
    through = None if args.open else parse_iso_day(args.through, field="through")
    question = "Open every period?" if through is None else f"Lock every day through {through}?"
    with open_office(args) as office:
        if not agreed(question, yes=args.yes):
            print("Nothing was changed.")
            return REFUSED
        office.writing(lambda session: lock_through(session, through, today=office.act.today))
    print("No period is locked." if through is None else f"Stock is locked through {through}.")
    return 0


def _word(value: object) -> object:
    """A switch as it is typed; no locked day is a dash."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return "–" if value is None else value


def _time_of(text: str, zone: ZoneInfo) -> dt.datetime:
    """An ISO time with a zone, or a day: its end on the company's clock. Raises Invalid."""
    if DAY.fullmatch(text):
        day = parse_iso_day(text, field="known_at")
        return dt.datetime.combine(day, dt.time.max, tzinfo=zone).astimezone(dt.UTC)
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise Invalid(
            "known_at",
            say(
                "{text!r} isn't a day or a time with a zone. Write it as 2026-04-30 or 2026-04-30T17:00Z.",
                text=text[:40],
            ),
        )
    return time.astimezone(dt.UTC)


def _value_json(stock: StockValue) -> Row:
    return {
        "on": stock.day,
        "known_at": stock.known_at,
        "total": stock.total,
        "by_kind": stock.by_kind,
        "products": [
            {
                "sku": p.sku,
                "quantity": p.quantity,
                "value": p.value,
                "lots": [{"number": lot.number, "quantity": lot.quantity, "cost": lot.cost} for lot in p.lots],
            }
            for p in stock.products
        ],
    }


def _options_json(options: CompanyOptions) -> Row:
    names = (*SWITCHES, *CHOICES, "locked_through")
    return {name: getattr(options, name) for name in names}
