"""Commands for events: the addresses that are told of them, and the log of what was sent."""

from __future__ import annotations

import argparse

from partsemble_core.cli.commands import REFUSED, Commands, add_command, add_group, add_json, add_yes
from partsemble_core.cli.opening import open_office
from partsemble_core.cli.output import agreed, counted, print_json, print_rows
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.services.delivering import deliver_due, redeliver
from partsemble_core.services.listing import Column, ListQuery, get_table, list_event_deliveries
from partsemble_core.services.subscribing import (
    KINDS,
    add_endpoint,
    endpoints,
    get_endpoint,
    remove_endpoint,
    rotate_secret,
    send_test,
)

ENDPOINTS = (
    Column("id", "Id", "number"),
    Column("url", "Address"),
    Column("kinds", "Events"),
    Column("state", "State", "state"),
)


def add_commands(commands: Commands) -> None:
    events = add_group(commands, "events", about="Events that are sent to programs of yours.")
    add = add_command(events, "add", add_one, about="Tell an address of events; shows its secret this once.")
    add.add_argument("url", metavar="URL")
    add.add_argument(
        "--kind", action="append", metavar="KIND", help=f"{', '.join(KINDS)}; may be repeated; all if left out"
    )
    add_json(add)
    listed = add_command(events, "list", list_all, about="List the addresses that are told of events.")
    add_json(listed)
    remove = add_command(events, "remove", remove_one, about="Remove an address with the log of what was sent to it.")
    remove.add_argument("id", type=int)
    add_yes(remove)
    rotate = add_command(events, "rotate", rotate_one, about="Give an address a new secret; shows it this once.")
    rotate.add_argument("id", type=int)
    add_yes(rotate)
    tested = add_command(events, "test", test_one, about="Send an address a test event.")
    tested.add_argument("id", type=int)
    deliveries = add_command(events, "deliveries", list_deliveries, about="List what was sent, newest first.")
    deliveries.add_argument("--state", default="", help="waiting, delivered or given_up")
    add_json(deliveries)
    again = add_command(events, "redeliver", redeliver_one, about="Send a delivery again, under the same event id.")
    again.add_argument("id", type=int)
    add_command(
        events, "send", send_due, about="Send now what is due, of all companies; the schedule does it by itself."
    )


def add_one(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        endpoint, secret = office.writing(
            lambda session: add_endpoint(office.house, session, office.act, url=args.url, kinds=args.kind)
        )
    if args.json:
        print_json({"id": endpoint.id, "url": endpoint.url, "kinds": endpoint.kinds, "secret": secret.reveal()})
        return 0
    print(f"{endpoint.url} is told of {', '.join(endpoint.kinds.split())}. Its id is {endpoint.id}.")
    _show(secret)
    return 0


def list_all(args: argparse.Namespace) -> int:
    with open_office(args) as office, office.reading() as session:
        rows = [
            {"id": e.id, "url": e.url, "kinds": e.kinds, "state": "active" if e.is_active else "off"}
            for e in endpoints(session)
        ]
        print_rows(ENDPOINTS, rows, decimals=office.decimals, as_json=args.json)
    return 0


def remove_one(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        with office.reading() as session:
            url = get_endpoint(session, args.id).url
        if not agreed(f"Remove {url} with the log of what was sent to it?", yes=args.yes):
            return REFUSED
        office.writing(lambda session: remove_endpoint(session, args.id))
    print(f"{url} is told of nothing any more.")
    return 0


def rotate_one(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        with office.reading() as session:
            url = get_endpoint(session, args.id).url
        if not agreed(f"Give {url} a new secret? Whatever is sent from then on is signed with it.", yes=args.yes):
            return REFUSED
        _, secret = office.writing(lambda session: rotate_secret(office.house, session, args.id))
    print(f"{url} has a new secret.")
    _show(secret)
    return 0


def test_one(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        delivery = office.writing(lambda session: send_test(session, office.act, args.id))
    print(f"Delivery {delivery.id} waits. The schedule sends it in seconds, or now `partsemble events send`.")
    return 0


def list_deliveries(args: argparse.Namespace) -> int:
    with open_office(args) as office, office.reading() as session:
        found = list_event_deliveries(session, ListQuery(filters={"state": args.state}))
        columns = (Column("id", "Id", "number"), *get_table("event_deliveries").columns)
        print_rows(columns, found.rows, decimals=office.decimals, as_json=args.json)
    return 0


def redeliver_one(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        delivery = office.writing(lambda session: redeliver(session, args.id))
    print(f"{delivery.event_id} is sent again by the schedule, or now with `partsemble events send`.")
    return 0


def send_due(args: argparse.Namespace) -> int:
    with open_office(args) as office:
        taken = deliver_due(office.house)
    print(f"{counted(taken, 'event')} delivered.")
    return 0


def _show(secret: Secret) -> None:
    print(f"Secret, shown this once: {secret.reveal()}")
