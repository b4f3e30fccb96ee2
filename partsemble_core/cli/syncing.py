"""Commands for syncs: in this process, by a person or by cron, and when they run by themselves."""

from __future__ import annotations

import argparse
import sys

from partsemble_core.cli.cataloguing import list_rows
from partsemble_core.cli.commands import REFUSED, Commands, add_command, add_group, add_json
from partsemble_core.cli.opening import Office, open_office
from partsemble_core.cli.output import counted, print_json, print_rows
from partsemble_core.errors import Refused
from partsemble_core.services.listing import Column, Row
from partsemble_core.services.scheduling import clear_schedule, schedules_of, set_schedule
from partsemble_core.services.syncing import SyncRunning, get_live_connection, run_sync
from partsemble_core.store.syncs import SyncCause, SyncKind, SyncRun, SyncState

BUSY = 75
"""The exit code when the same runs already: EX_TEMPFAIL of sysexits.h."""
ID_DIGITS = 18
SCHEDULES = (
    Column("kind", "What"),
    Column("every_minutes", "Every (minutes)"),
    Column("next_at", "Next", "time"),
)
SHOWN = (
    "id", "connection_id", "kind", "state", "cause", "started_by", "started_at", "ended_at",
    "records", "added", "changed", "gone", "message",
)  # fmt: skip


class SyncFailed(Refused):
    """A sync began and came to no good end."""

    code = "sync-failed"


def add_commands(commands: Commands) -> None:
    sync = add_group(commands, "sync", about="Read accounts, items, contacts and sales from the books.")
    for kind in SyncKind:
        command = add_command(sync, kind, sync_now, about=f"Read the {kind} now, in this process.")
        command.set_defaults(kind=kind)
        _add_connection(command)
        add_json(command)
    runs = add_command(sync, "runs", list_rows, about="List the latest syncs and how they ended.")
    runs.set_defaults(list_name="syncs")
    runs.add_argument("--search", default="", help="words that a row must hold")
    add_json(runs)
    schedule = add_group(sync, "schedule", about="Which syncs run by themselves.")
    listed = add_command(schedule, "list", list_schedules, about="List the schedules, and when each is due next.")
    _add_connection(listed)
    add_json(listed)
    put = add_command(schedule, "set", put_schedule, about="Let a sync run every so often.")
    put.add_argument("kind", help=f"one of {', '.join(SyncKind)}")
    put.add_argument("every", help="5m to 7d, such as 90m, 6h or 1d")
    _add_connection(put)
    clear = add_command(schedule, "clear", remove_schedule, about="Let a sync run by itself no more.")
    clear.add_argument("kind", help=f"one of {', '.join(SyncKind)}")
    _add_connection(clear)


def sync_now(args: argparse.Namespace) -> int:
    """Exit code 0 done, 1 failed or refused, 75 the same runs already."""
    with open_office(args) as office:
        connection_id = _connection_id(office, args)
        try:
            run = run_sync(
                office.house, office.company_id, connection_id, args.kind, cause=SyncCause.COMMAND, by=office.act.by
            )
        except SyncRunning as error:
            print(f"error[{error.code}]: {error}", file=sys.stderr)
            return BUSY
    has_failed = run.state != SyncState.DONE
    if args.json:
        print_json(_run_json(run))
        return REFUSED if has_failed else 0
    if has_failed:
        raise SyncFailed(run.message)
    print(f"{counted(run.records, run.kind[:-1])} read: {run.added} new, {run.changed} changed, {run.gone} gone.")
    return 0


def list_schedules(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        connection_id = _connection_id(office, args)
        with office.reading() as session:
            found = schedules_of(session, connection_id)
    rows: list[Row] = [{column.key: getattr(row, column.key) for column in SCHEDULES} for row in found]
    print_rows(SCHEDULES, rows, decimals=0, as_json=args.json)
    return 0


def put_schedule(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        connection_id = _connection_id(office, args)
        schedule = office.writing(
            lambda session: set_schedule(session, connection_id=connection_id, kind=args.kind, every=args.every)
        )
    print(
        f"The {schedule.kind} are read every {schedule.every_minutes} minutes, next at "
        f"{schedule.next_at:%Y-%m-%d %H:%M} UTC, as long as `partsemble schedule` and a worker run."
    )
    return 0


def remove_schedule(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        connection_id = _connection_id(office, args)
        office.writing(lambda session: clear_schedule(session, connection_id=connection_id, kind=args.kind))
    print(f"The {args.kind} are no longer read by themselves.")
    return 0


def _add_connection(command: argparse.ArgumentParser) -> None:
    command.add_argument("--connection", type=_row_id, metavar="ID", help="else the books that are connected")


def _connection_id(office: Office, args: argparse.Namespace) -> int:
    if args.connection is not None:
        wanted: int = args.connection
        return wanted
    with office.reading() as session:
        return get_live_connection(session).id


def _row_id(text: str) -> int:
    """Raises ValueError, which is wrong usage: no database holds a longer number."""
    if not (text.isascii() and text.isdigit() and len(text) <= ID_DIGITS):
        raise ValueError(text)
    return int(text)


def _run_json(run: SyncRun) -> Row:
    return {name: getattr(run, name) for name in SHOWN}
