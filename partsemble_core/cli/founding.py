"""Commands that set up: a company, its settings, the schema, API tokens."""

from __future__ import annotations

import argparse

from sqlalchemy.engine import make_url

from partsemble_core.cli import issuing, staffing
from partsemble_core.cli.commands import Commands, add_command, add_group, add_json
from partsemble_core.cli.opening import open_house, open_office, settings_of
from partsemble_core.cli.output import print_json
from partsemble_core.cli.passwords import new_password
from partsemble_core.config import Settings
from partsemble_core.services.admitting import add_member, found_company
from partsemble_core.services.house import House
from partsemble_core.services.incorporating import link_of, make_code
from partsemble_core.store.database import migrate, write_anywhere

MASK = "***"


def add_commands(commands: Commands) -> None:
    init = add_command(commands, "init", found, about="Found a company and its owner.")
    init.add_argument("name", help="name of the company")
    init.add_argument("--currency", required=True, help="three letters, such as NZD")
    init.add_argument("--email", required=True, help="the owner's e-mail address, to sign in with")
    init.add_argument("--owner", default="Owner", help="the owner's name")
    init.add_argument("--timezone", default="UTC", help="such as Pacific/Auckland; decides which day it is")
    init.add_argument("--password-stdin", action="store_true", help="read the password from the first line of input")
    add_json(add_command(commands, "config", show_config, about="Show the settings in force, without secrets."))
    add_command(commands, "migrate", bring_up_to_date, about="Bring the database to the newest schema.")
    members = add_group(commands, "member", about="People of the company.")
    join = add_command(members, "add", add_person, about="Let a person in, with a role.")
    join.add_argument("email", help="the address to sign in with")
    join.add_argument("--role", required=True, help="admin, accountant, builder or viewer")
    join.add_argument("--name", required=True, help="the person's name")
    join.add_argument("--password-stdin", action="store_true", help="read the password from the first line of input")
    staffing.add_commands(members)
    add_command(commands, "set-up-code", show_set_up_code, about="Make a new code to found a company in the console.")
    issuing.add_commands(add_group(commands, "token", about="API tokens."))


def found(args: argparse.Namespace) -> int:
    password = new_password(from_input=args.password_stdin)
    with open_house(args) as house:
        company, user = write_anywhere(
            house.engine,
            lambda session: found_company(
                session,
                name=args.name,
                currency=args.currency,
                email=args.email,
                password=password,
                now=house.clock(),
                timezone=args.timezone,
                owner_name=args.owner,
            ),
        )
        print(f"{company.name} is founded (company {company.id}, {company.currency}). Its owner is {user.email}.")
        print(f"Next: start it with `partsemble serve` and sign in at {house.settings.base_url}")
    return 0


def show_config(args: argparse.Namespace) -> int:
    shown = _shown(settings_of(args))
    if args.json:
        print_json(shown)
        return 0
    width = max(len(name) for name in shown)
    for name, value in shown.items():
        print(f"{name:<{width}}  {value}".rstrip())
    return 0


def bring_up_to_date(args: argparse.Namespace) -> int:
    migrate(settings_of(args).database_url)
    print("The database has the newest schema.")
    return 0


def add_person(args: argparse.Namespace) -> int:
    password = new_password(from_input=args.password_stdin)
    with open_office(args) as office:
        user = office.writing(
            lambda session: add_member(
                session,
                company_id=office.company_id,
                email=args.email,
                password=password,
                role=args.role,
                name=args.name,
                now=office.act.at,
            ),
        )
    print(f"{user.email} may sign in as {args.role}.")
    return 0


def show_set_up_code(args: argparse.Namespace) -> int:
    with open_house(args) as house:
        print(in_words(house, make_code(house)))
    return 0


def in_words(house: House, code: str) -> str:
    """What is said where only whoever runs the server reads it."""
    return f"No company yet. Found it at {link_of(house, code)} (set-up code {code}; it works once)."


def _shown(settings: Settings) -> dict[str, str]:
    """By setting. What is secret is masked, also a password inside an address."""
    return {
        "PARTSEMBLE_DATA_DIR": str(settings.data_dir),
        "DATABASE_URL": _without_query(make_url(settings.database_url).render_as_string(hide_password=True)),
        "REDIS_URL": _without_query(_without_password(settings.redis_url)),
        "PARTSEMBLE_BASE_URL": settings.base_url,
        "PARTSEMBLE_SECRET_KEY": MASK,
        "PARTSEMBLE_KEYS": MASK,
        "PARTSEMBLE_PLUGINS": ",".join(settings.plugins),
        "PARTSEMBLE_TRUSTED_HOSTS": ",".join(settings.trusted_hosts),
        "PARTSEMBLE_SECURE_COOKIES": "1" if settings.secure_cookies else "0",
        "PARTSEMBLE_LEASE_SECONDS": str(settings.lease_seconds),
        "PARTSEMBLE_SWEEP_SECONDS": str(settings.sweep_seconds),
        "PARTSEMBLE_QUARANTINE_SECONDS": str(settings.quarantine_seconds),
        "PARTSEMBLE_IDLE_MINUTES": str(settings.idle_minutes),
        "PARTSEMBLE_SIGN_IN_DAYS": str(settings.sign_in_days),
        "PARTSEMBLE_PROXIES": str(settings.proxies),
        "PARTSEMBLE_SMTP_URL": MASK if settings.smtp_url.reveal() else "",
        "PARTSEMBLE_MAIL_FROM": settings.mail_from,
        **{f"PARTSEMBLE_PLUGIN_{name.upper()}": MASK for name in settings.plugin_settings},
    }


def _without_query(url: str) -> str:
    """A password may stand in the query as well."""
    address, mark, _ = url.partition("?")
    return address + ("?" + MASK if mark else "")


def _without_password(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True) if url else ""
