"""Commands for API tokens: issue, list, revoke."""

from __future__ import annotations

import argparse
import sys

import sqlalchemy as sa

from partsemble_core.cli.commands import REFUSED, Commands, add_command, add_json, add_yes
from partsemble_core.cli.opening import open_office
from partsemble_core.cli.output import agreed, print_rows
from partsemble_core.errors import NotFound
from partsemble_core.services.admitting import as_person
from partsemble_core.services.issuing import get_token, issue, revoke
from partsemble_core.services.listing import ListQuery, get_table, list_api_tokens
from partsemble_core.store.companies import Membership, Role, User
from partsemble_core.store.session import CompanySession


def add_commands(tokens: Commands) -> None:
    add = add_command(tokens, "add", add_token, about="Issue an API token. It is shown once.")
    add.add_argument("name", help="what it is for")
    add.add_argument("--email", help="the member whose rights it has; the owner if left out")
    add.add_argument("--role", help="at most what this role may; what the member may if left out")
    add.add_argument("--days", help="it ends by itself after so many; never if left out")
    shown = add_command(tokens, "list", list_tokens, about="List API tokens, without what they read.")
    shown.add_argument("--state", default="", help="active, revoked or expired")
    add_json(shown)
    end = add_command(tokens, "revoke", revoke_token, about="Revoke an API token: it opens nothing any more.")
    end.add_argument("id", type=int, help="its id, as `partsemble token list --json` shows it")
    add_yes(end)


def add_token(args: argparse.Namespace) -> int:
    with open_office(args) as office:

        def work(session: CompanySession) -> str:
            member = sa.select(Membership, User).join(User, User.id == Membership.user_id)
            wanted = User.email == args.email.strip().lower() if args.email else Membership.role == Role.OWNER
            row = session.execute(member.where(wanted)).first()
            if row is None:
                raise NotFound("member", args.email or "with the role owner")
            holder = as_person(row[0], row[1])
            return issue(session, office.act, holder, name=args.name, role=args.role, days=args.days)[1]

        token = office.writing(work)
    print(token)
    print("Keep it now: it isn't shown again.", file=sys.stderr)
    return 0


def list_tokens(args: argparse.Namespace) -> int:
    with open_office(args) as office, office.reading() as session:
        rows = list_api_tokens(session, ListQuery(page_size=200, filters={"state": args.state})).rows
        print_rows(get_table("api_tokens").columns, rows, decimals=office.decimals, as_json=args.json)
    return 0


def revoke_token(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        with office.reading() as session:
            name = get_token(session, args.id).name
        if not agreed(f"Revoke the API token {name!r}? What works with it stops.", yes=args.yes):
            return REFUSED
        office.writing(lambda session: revoke(session, args.id, now=office.act.at))
    print(f"The API token {name!r} is revoked.")
    return 0
