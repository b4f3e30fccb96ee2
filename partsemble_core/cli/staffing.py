"""Commands for the people of the company: invite, change roles, deactivate, sign out, new passwords."""

from __future__ import annotations

import argparse

import sqlalchemy as sa

from partsemble_core.cli.commands import REFUSED, Commands, add_command, add_json, add_yes
from partsemble_core.cli.opening import Office, open_office
from partsemble_core.cli.output import agreed, counted, print_rows
from partsemble_core.cli.passwords import new_password
from partsemble_core.errors import NotFound
from partsemble_core.services.admitting import give_password
from partsemble_core.services.inviting import invite, link_of, mail_invitation
from partsemble_core.services.listing import ListQuery, get_table, list_members, list_sign_ins
from partsemble_core.services.signing_in import end_all
from partsemble_core.services.staffing import change_role, deactivate, get_member, reactivate, transfer_ownership
from partsemble_core.services.vouching import take_off
from partsemble_core.store.companies import Membership, User
from partsemble_core.store.session import CompanySession


def add_commands(members: Commands) -> None:
    add_json(add_command(members, "list", list_people, about="List the people of the company."))
    inviting = add_command(members, "invite", invite_one, about="Mail somebody a link that lets them in, or show it.")
    inviting.add_argument("email")
    inviting.add_argument("--role", required=True, help="admin, accountant, builder or viewer")
    role = add_command(members, "role", set_role, about="Give a member another role.")
    role.add_argument("email")
    role.add_argument("role", help="admin, accountant, builder or viewer")
    for name, run, about in (
        ("deactivate", deactivate_one, "Let a member in no more: sign-ins end, tokens are revoked."),
        ("second-factor-off", take_off_one, "Let a member who lost phone and codes in with the password alone."),
        ("own", hand_over, "Make a member the owner; who owned becomes an admin."),
    ):
        command = add_command(members, name, run, about=about)
        command.add_argument("email")
        add_yes(command)
    for name, run, about in (
        ("reactivate", reactivate_one, "Let a member in again."),
        ("sign-out", sign_out, "End every sign-in of a member."),
    ):
        add_command(members, name, run, about=about).add_argument("email")
    password = add_command(members, "password", set_password, about="Give a member a new password.")
    password.add_argument("email")
    password.add_argument("--password-stdin", action="store_true", help="read it from the first line of input")
    signed_in = add_command(members, "sign-ins", show_sign_ins, about="List who signed in when and from where.")
    signed_in.add_argument("--state", default="", help="open, ended or expired")
    add_json(signed_in)


def list_people(args: argparse.Namespace) -> int:
    with open_office(args) as office, office.reading() as session:
        rows = list_members(session, ListQuery(page_size=200)).rows
        print_rows(get_table("members").columns, rows, decimals=office.decimals, as_json=args.json)
    return 0


def show_sign_ins(args: argparse.Namespace) -> int:
    with open_office(args) as office, office.reading() as session:
        rows = list_sign_ins(session, ListQuery(page_size=200, filters={"state": args.state})).rows
        print_rows(get_table("sign_ins").columns, rows, decimals=office.decimals, as_json=args.json)
    return 0


def invite_one(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        made, code = office.writing(lambda session: invite(session, office.act, email=args.email, role=args.role))
        if mail_invitation(office.house, office.company_id, made, code):
            print(f"A link was mailed to {made.email}.")
        else:
            print(f"Pass this link on to {made.email}; it works once, for seven days, and isn't shown again:")
            print(link_of(office.house, code))
    return 0


def set_role(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        member_id = _member_id(office, args.email)
        member, user = office.writing(lambda session: change_role(session, member_id, role=args.role))
    print(f"{user.email} is {member.role} now.")
    return 0


def deactivate_one(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        member_id = _member_id(office, args.email)
        if not agreed(f"Deactivate {args.email}? Sign-ins end and API tokens are revoked.", yes=args.yes):
            return REFUSED
        _, user = office.writing(lambda session: deactivate(session, member_id, now=office.act.at))
    print(f"{user.email} may sign in no more.")
    return 0


def reactivate_one(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        member_id = _member_id(office, args.email)
        member, user = office.writing(lambda session: reactivate(session, member_id))
    print(f"{user.email} may sign in again, as {member.role}.")
    return 0


def hand_over(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        member_id = _member_id(office, args.email)
        if not agreed(f"Make {args.email} the owner? The present owner becomes an admin.", yes=args.yes):
            return REFUSED
        _, user = office.writing(lambda session: transfer_ownership(session, None, member_id, password=None))
    print(f"{user.email} owns the company now.")
    return 0


def take_off_one(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        member_id = _member_id(office, args.email)
        if not agreed(f"Take the second factor of {args.email} off?", yes=args.yes):
            return REFUSED
        user = office.writing(lambda session: take_off(session, member_id))
    print(f"{user.email} signs in with the password alone now.")
    return 0


def sign_out(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        member_id = _member_id(office, args.email)
        ended = office.writing(lambda session: end_all(session, member_id, now=office.act.at))
    print(f"{counted(ended, 'sign-in')} ended.")
    return 0


def set_password(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        member_id = _member_id(office, args.email)
        password = new_password(from_input=args.password_stdin)

        def work(session: CompanySession) -> str:
            _, user = get_member(session, member_id)
            give_password(session, user, password, now=office.act.at)
            return user.email

        email = office.writing(work)
    print(f"{email} has a new password. Every sign-in with the old one is over.")
    return 0


def _member_id(office: Office, email: str) -> int:
    """Raises NotFound."""
    member = sa.select(Membership.id).join(User, User.id == Membership.user_id)
    with office.reading() as session:
        found = session.scalar(member.where(User.email == email.strip().lower()))
    if found is None:
        raise NotFound("member", email)
    return found
