"""Commands that show what was changed, by whom and from where."""

from __future__ import annotations

import argparse

from partsemble_core.cli.commands import Commands, add_command, add_json
from partsemble_core.cli.opening import open_office
from partsemble_core.cli.output import print_rows
from partsemble_core.services.listing import MAX_PAGE_SIZE, get_table, list_audit_log, parse_list_query


def add_commands(commands: Commands) -> None:
    audit = add_command(commands, "audit", show_log, about="Show who changed what, newest first.")
    audit.add_argument("--search", default="", help="words that an entry must hold")
    audit.add_argument("--from", dest="first", default="", metavar="DAY", help="first day (UTC), such as 2026-04-30")
    audit.add_argument("--to", dest="last", default="", metavar="DAY", help="last day (UTC)")
    audit.add_argument("--kind", default="", help="such as settings, member, receipt")
    audit.add_argument("--page", default="1", help=f"which {MAX_PAGE_SIZE} entries; 1 are the newest")
    add_json(audit)


def show_log(args: argparse.Namespace) -> int:
    asked = {
        "search": args.search,
        "from": args.first,
        "to": args.last,
        "kind": args.kind,
        "page": args.page,
        "page_size": str(MAX_PAGE_SIZE),
    }
    with open_office(args) as office, office.reading() as session:
        found = list_audit_log(session, parse_list_query(asked))
        print_rows(get_table("audit_log").columns, found.rows, decimals=office.decimals, as_json=args.json)
    return 0
