"""Commands for the books: connections without a sign-in, the accounts of postings, and exports."""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from pathlib import Path

from partsemble_core.cli.cataloguing import list_rows
from partsemble_core.cli.commands import Commands, add_command, add_group, add_json
from partsemble_core.cli.deciding import add_decisions, find_export
from partsemble_core.cli.opening import Office, open_office
from partsemble_core.cli.output import Sheet, counted, print_json
from partsemble_core.cli.syncing import SyncFailed
from partsemble_core.domain.amounts import format_amount
from partsemble_core.domain.exports import ExportState
from partsemble_core.domain.journals import REQUIRED_ROLES, AccountRole
from partsemble_core.errors import Invalid, Refused, say
from partsemble_core.services.claiming import due_of
from partsemble_core.services.connecting import choose, organisations
from partsemble_core.services.draining import drain
from partsemble_core.services.explaining import ExportStory, explain_export
from partsemble_core.services.listing import Column, Row, export_label
from partsemble_core.services.mapping import map_account, missing_roles, unmap_account
from partsemble_core.services.registering import journal_register
from partsemble_core.services.syncing import NotConnected, run_sync
from partsemble_core.store.connections import Connection, find_live
from partsemble_core.store.exports import get_export
from partsemble_core.store.syncs import SyncCause, SyncState

MOST_SHOWN = 100_000
NEEDS_A_PERSON = 2
"""Exit code of a run after which something lies still until somebody decides."""
LINES = (
    Column("account", "Account"),
    Column("debit", "Debit", "money"),
    Column("credit", "Credit", "money"),
    Column("description", "Description"),
)
ATTEMPTS = (
    Column("sent_at", "Sent", "time"),
    Column("step", "Step"),
    Column("outcome", "Outcome"),
    Column("message", "Message"),
)


def add_commands(commands: Commands) -> None:
    connect = add_command(commands, "connect", connect_backend, about="Connect books that need no sign-in.")
    connect.add_argument("backend", help="such as csv_import; the console connects those that need a sign-in")
    connect.add_argument("--organisation", help="id, where the backend offers more than one")
    accounts = add_group(commands, "accounts", about="Accounts of the connected books.")
    listed = add_command(accounts, "list", list_rows, about="List the accounts and what each is used for.")
    listed.set_defaults(list_name="accounts")
    listed.add_argument("--search", default="", help="words that a row must hold")
    add_json(listed)
    put = add_command(accounts, "set", set_account, about="Choose the account that plays a role in postings.")
    put.add_argument("role", help=f"one of {', '.join(AccountRole)}")
    put.add_argument("code", help="code of the account")
    unset = add_command(accounts, "unset", unset_account, about="Let a role that isn't needed have no account.")
    unset.add_argument("role", help=f"one of {', '.join(role for role in AccountRole if role not in REQUIRED_ROLES)}")
    add_command(accounts, "sync", read_accounts, about="Read the accounts from the books again.")
    exports = add_group(commands, "exports", also=["export"], about="Postings to the books.")
    listed = add_command(exports, "list", list_rows, about="List exports, newest first.")
    listed.set_defaults(list_name="exports")
    listed.add_argument("--search", default="", help="words that a row must hold")
    add_json(listed)
    add_json(add_command(exports, "run", run_exports, about="Post now all that is due, in this process."))
    show = add_command(exports, "show", show_export, about="Show a posting line by line, and every attempt at it.")
    show.add_argument("reference", help="reference of the document, or id of the export")
    add_json(show)
    register = add_command(exports, "register", write_register, about="Write the journal register as CSV.")
    register.add_argument("--out", type=Path, metavar="FILE", help="file to write; standard output if left out")
    add_decisions(exports)


def connect_backend(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        offered = organisations(office.house, office.company_id, backend=args.backend)
        if not offered:
            raise Refused(
                say("{backend} needs a sign-in. Connect it in the console: Integrations.", backend=args.backend)
            )
        wanted = [o for o in offered if args.organisation in (None, o.external_id)]
        if len(wanted) != 1:
            known = ", ".join(f"{o.external_id} ({o.name})" for o in offered)
            raise Invalid("organisation", say("Say which to connect: --organisation ID, one of {known}.", known=known))
        connection = choose(
            office.house,
            office.act,
            office.company_id,
            backend=args.backend,
            organisation_id=wanted[0].external_id,
        )
        print(f"{connection.organisation_name} is connected ({connection.state}).")
        with office.reading() as session:
            missing = missing_roles(session, connection.id)
    if missing:
        print(f"Next: choose accounts with `partsemble accounts set ROLE CODE` for {', '.join(missing)}.")
    return 0


def write_register(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        content = journal_register(office.house, office.company_id)
    if args.out is None:
        sys.stdout.write(content.decode("utf-8"))
        return 0
    try:
        args.out.write_bytes(content)
    except OSError as error:
        raise Invalid(
            "out",
            say(
                "{out} can't be written ({problem}). Name another file.", out=str(args.out), problem=str(error.strerror)
            ),
        ) from error
    print(f"The journal register is in {args.out}.")
    return 0


def set_account(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        connection = _connection(office)
        account = office.writing(
            lambda session: map_account(session, connection_id=connection.id, role=args.role, code=args.code)
        )
    print(f"{args.role} is {account.code} {account.name}.")
    return 0


def unset_account(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        connection = _connection(office)
        office.writing(lambda session: unmap_account(session, connection_id=connection.id, role=args.role))
    print(f"{args.role} has no account. Later exports go without it.")
    return 0


def read_accounts(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        connection_id = _connection(office).id
        run = run_sync(
            office.house, office.company_id, connection_id, "accounts", cause=SyncCause.COMMAND, by=office.act.by
        )
    if run.state != SyncState.DONE:
        raise SyncFailed(run.message)
    print(f"{run.records} accounts were read.")
    return 0


def run_exports(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        mine = [each.export_id for each in due_of(office.house, office.company_id, limit=MOST_SHOWN)]
        drain(office.house, office.company_id, seconds=math.inf)
        with office.reading() as session:
            tried = [get_export(session, export_id) for export_id in mine]
    became = Counter(_outcome(export.state) for export in tried)
    if args.json:
        print_json([{"reference": e.reference, "state": e.state, "problem": e.problem} for e in tried])
    else:
        for export in tried:
            problem = f": {export.problem}" if export.problem else ""
            print(f"{export.reference}  {export_label(export.state)} ({export.state}){problem}")
        done = ", ".join(f"{count} {outcome}" for outcome, count in became.items())
        print(f"{counted(len(tried), 'export')} tried: {done}." if tried else "Nothing was due.")
    return NEEDS_A_PERSON if became["need you"] else 0


def _outcome(state: str) -> str:
    """What became of an export that was tried, as the last line of a run counts it."""
    words = {ExportState.POSTED: "posted", ExportState.REVIEW: "need you", ExportState.UNKNOWN: "being checked"}
    return words.get(ExportState(state), "waiting")


def show_export(args: argparse.Namespace) -> int:
    with open_office(args) as office, office.reading() as session:
        story = explain_export(session, find_export(session, args.reference).id)
        lines = _line_rows(story)
        if args.json:
            print_json(_export_json(story, lines))
            return 0
        export, entry = story.export, story.entry
        print(f"{export.reference}  {export_label(export.state)}  {entry.date}  {entry.currency}  {entry.narration}")
        print(Sheet(LINES, lines, office.decimals))
        print(f"Rounding: {format_amount(export.rounding, decimals=office.decimals)}")
        if story.attempts:
            print(Sheet(ATTEMPTS, [_attempt_row(attempt) for attempt in story.attempts]))
        if export.problem:
            print(f"Problem: {export.problem}")
    return 0


def _connection(office: Office) -> Connection:
    with office.reading() as session:
        connection = find_live(session)
    if connection is None:
        raise NotConnected
    return connection


def _line_rows(story: ExportStory) -> list[Row]:
    return [
        {
            "account": line.account_code,
            "debit": line.amount if line.amount > 0 else None,
            "credit": -line.amount if line.amount < 0 else None,
            "description": line.description,
        }
        for line in story.entry.lines
    ]


def _attempt_row(attempt: object) -> Row:
    return {key: getattr(attempt, key) for key in ("sent_at", "step", "outcome", "message")}


def _export_json(story: ExportStory, lines: list[Row]) -> Row:
    export = story.export
    return {
        "id": export.id,
        "reference": export.reference,
        "state": export.state,
        "label": export_label(export.state),
        "date": story.entry.date,
        "currency": story.entry.currency,
        "narration": story.entry.narration,
        "lines": lines,
        "posted": export.posted,
        "rounding": export.rounding,
        "external_id": export.external_id,
        "attempts": [_attempt_row(attempt) for attempt in story.attempts],
    }
