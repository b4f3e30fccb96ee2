"""Commands for secrets: the keys that seal them, and the settings of accounting systems."""

from __future__ import annotations

import argparse
import getpass
import sys

from partsemble_core import config
from partsemble_core.cli.commands import REFUSED, Commands, add_command, add_group, add_json, add_yes
from partsemble_core.cli.opening import open_house, settings_of, whoever
from partsemble_core.cli.output import agreed, counted, print_rows
from partsemble_core.errors import say
from partsemble_core.services.acting import Act
from partsemble_core.services.configuring import change_settings, show_settings
from partsemble_core.services.house import House
from partsemble_core.services.listing import Column
from partsemble_core.services.resealing import KeyNeeded, check_removable, key_uses, reseal_all

KEYS = (Column("name", "Key"), Column("seals", "Seals"), Column("secrets", "Secrets", "number"))
SETTINGS = (
    Column("name", "Setting"),
    Column("source", "Set by"),
    Column("value", "Value"),
    Column("variable", "Variable"),
)


def add_commands(commands: Commands) -> None:
    keys = add_group(commands, "keys", about="The keys that seal tokens and other secrets.")
    add_json(add_command(keys, "list", list_keys, about="List the keys, and how many secrets each seals."))
    add_command(keys, "add", add_key, about="Add a new key to the file in the data folder; it seals from then on.")
    add_command(keys, "rotate", rotate_keys, about="Seal with the first key whatever is sealed with another.")
    remove = add_command(keys, "remove", remove_key, about="Take away a key that nothing needs any more.")
    remove.add_argument("name")
    add_yes(remove)
    backend = add_group(commands, "backend", about="Settings of accounting systems, for all companies.")
    show = add_command(backend, "show", show_backend, about="Show the settings of one; secrets aren't shown.")
    show.add_argument("backend", help="such as xero")
    add_json(show)
    put = add_command(backend, "set", set_backend, about="Enter a setting; its value is asked for.")
    put.add_argument("backend", help="such as xero")
    put.add_argument("setting", help="such as client_secret")
    put.add_argument("--value-stdin", action="store_true", help="read the value from the first line of input")
    unset = add_command(backend, "unset", unset_backend, about="Remove a setting that was entered.")
    unset.add_argument("backend", help="such as xero")
    unset.add_argument("setting", help="such as client_secret")
    add_yes(unset)


def list_keys(args: argparse.Namespace) -> int:
    with open_house(args) as house:
        uses, names = key_uses(house), house.vault.names
    lost = sorted(set(uses) - set(names))
    rows = [{"name": name, "seals": "yes" if name == names[0] else "", "secrets": uses[name]} for name in names]
    rows += [{"name": name, "seals": "missing", "secrets": uses[name]} for name in lost]
    print_rows(KEYS, rows, decimals=2, as_json=args.json)
    return REFUSED if lost else 0


def add_key(args: argparse.Namespace) -> int:
    with open_house(args) as house:
        name = config.add_kept_key(house.settings, used=key_uses(house))
    print(f"{name} is the first key now. Restart every process of Partsemble, then run: partsemble keys rotate")
    return 0


def rotate_keys(args: argparse.Namespace) -> int:
    with open_house(args) as house:
        resealed = reseal_all(house)
        print(f"{counted(resealed.done, 'secret')} sealed anew with {house.vault.names[0]}.")
    if resealed.broken:
        print(f"{counted(resealed.broken, 'secret')} can't be opened with any key: see partsemble doctor.")
    return REFUSED if resealed.broken else 0


def remove_key(args: argparse.Namespace) -> int:
    settings = settings_of(args)
    with open_house(args) as house:
        check_removable(house, args.name)
    if not config.keeps_keys(settings):
        raise KeyNeeded(
            say(
                "Nothing needs {name} any more. Take it out of PARTSEMBLE_KEYS, then restart Partsemble.",
                name=args.name,
            )
        )
    if not agreed(f"Remove {args.name}? Backups that are sealed with it can't be opened without it.", yes=args.yes):
        print("Nothing was changed.")
        return REFUSED
    config.remove_kept_key(settings, args.name)
    print(f"{args.name} is gone. Restart every process of Partsemble.")
    return 0


def show_backend(args: argparse.Namespace) -> int:
    with open_house(args) as house:
        shown = show_settings(house, args.backend)
    rows = [
        {
            "name": each.name,
            "source": each.source,
            "value": "***" if each.secret and each.source else each.value,
            "variable": each.variable,
        }
        for each in shown
    ]
    print_rows(SETTINGS, rows, decimals=2, as_json=args.json)
    return 0


def set_backend(args: argparse.Namespace) -> int:
    """Never from the command's words: other users of the machine could read them."""
    value = sys.stdin.readline().rstrip("\r\n") if args.value_stdin else getpass.getpass(f"{args.setting}: ")
    with open_house(args) as house:
        change_settings(house, _act(house), args.backend, {args.setting: value}, at_the_machine=True)
    print(f"{args.setting} of {args.backend} is set." if value.strip() else f"{args.setting} is not set.")
    return 0


def unset_backend(args: argparse.Namespace) -> int:
    if not agreed(f"Remove {args.setting} of {args.backend}?", yes=args.yes):
        print("Nothing was changed.")
        return REFUSED
    with open_house(args) as house:
        change_settings(house, _act(house), args.backend, {args.setting: None}, at_the_machine=True)
    print(f"{args.setting} is not set.")
    return 0


def _act(house: House) -> Act:
    """Of no company: the settings are those of the whole installation, which may have none yet, or many."""
    now = house.clock()
    return Act(by=whoever(), at=now, today=now.date(), console=house.settings.base_url)
