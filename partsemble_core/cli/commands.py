"""How a command is declared: its words, its options, the function that runs it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Run = Callable[[argparse.Namespace], int]
REFUSED = 1


def everywhere(*, default: object = argparse.SUPPRESS) -> argparse.ArgumentParser:
    """The options that every command takes, before or after its name."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument(
        "--data-dir", type=Path, default=default, help="folder of database and keys (else PARTSEMBLE_DATA_DIR)"
    )
    options.add_argument("--company", default=default, help="id or name, where there is more than one company")
    return options


def add_command(commands: Commands, name: str, run: Run, *, about: str) -> argparse.ArgumentParser:
    """A command that ``run`` runs; it returns the exit code."""
    command = commands.add_parser(name, parents=[everywhere()], help=about, description=about)
    command.set_defaults(run=run)
    return command


def add_group(commands: Commands, name: str, *, about: str, also: Sequence[str] = ()) -> Commands:
    """A word that commands stand under, such as ``product``; ``also`` are words that mean the same."""
    group = commands.add_parser(name, help=about, description=about, aliases=also)
    return group.add_subparsers(required=True, metavar="COMMAND")


def add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="write JSON instead of a table")


def add_yes(command: argparse.ArgumentParser) -> None:
    command.add_argument("--yes", "-y", action="store_true", help="don't ask")
