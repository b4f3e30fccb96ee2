"""The command line: ``partsemble …``. Exit codes: 0 done, 1 refused (the reason on stderr), 2 wrong usage."""

from __future__ import annotations

import argparse
import functools
import gc
import logging
import os
import sys
from collections.abc import Sequence

from flask import Flask
from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError

from partsemble_core import config
from partsemble_core.cli import (
    auditing,
    cataloguing,
    counting,
    founding,
    importing,
    lot_keeping,
    making,
    posting,
    proving,
    reconciling,
    running,
    securing,
    stocking,
    syncing,
    telling,
)
from partsemble_core.cli.commands import REFUSED, everywhere
from partsemble_core.errors import PartsembleError, say
from partsemble_web import create_app

__all__ = ["build_parser", "main", "web_app"]
INTERRUPTED = 130
AREAS = (
    founding,
    cataloguing,
    stocking,
    making,
    lot_keeping,
    counting,
    proving,
    reconciling,
    importing,
    posting,
    syncing,
    telling,
    securing,
    auditing,
)


class DatabaseUnreachable(PartsembleError):
    """The database doesn't answer."""

    code = "database-unreachable"


@functools.cache
def build_parser() -> argparse.ArgumentParser:
    """Everything that can be typed: the same parser each time."""
    parser = argparse.ArgumentParser(
        prog="partsemble",
        description=__doc__.replace("``", "`") if __doc__ else "",
        parents=[everywhere(default=None)],
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for area in AREAS:
        area.add_commands(commands)
    running.add_commands(commands, create_app=create_app)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code. Wrong usage leaves by SystemExit(2)."""
    args = build_parser().parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        code: int = args.run(args)
        sys.stdout.flush()
    except PartsembleError as error:
        return _refuse(error, args)
    except (OperationalError, InterfaceError) as error:
        return _refuse(
            DatabaseUnreachable(
                say("The database can't be used ({problem}). Look at DATABASE_URL.", problem=str(error.orig))
            ),
            args,
        )
    except DatabaseError as error:
        if "not a database" not in str(error.orig):
            raise
        return _refuse(DatabaseUnreachable("The database's file isn't a database. Look at DATABASE_URL."), args)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader had enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def web_app() -> Flask:
    """What gunicorn serves, with the settings of the environment."""
    app = create_app(config.load())
    settle()
    return app


def settle() -> None:
    """Tells the garbage collector that what is loaded by now stays: looking through it all held up a page at times."""
    gc.collect()
    gc.freeze()


def _refuse(error: PartsembleError, args: argparse.Namespace) -> int:
    field = getattr(error, "field", None)
    where = f" ({field})" if field else ""
    print(f"error[{error.code}]: {error}{where}", file=sys.stderr)
    code: int = getattr(args, "refused", REFUSED)
    return code
