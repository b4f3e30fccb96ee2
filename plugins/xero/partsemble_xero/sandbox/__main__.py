"""Run a sandbox on its own: ``python -m partsemble_xero.sandbox --data FILE``."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from .context import Sandbox
from .options import (
    DEFAULT_ORGANISATIONS,
    DEFAULT_USERS,
    GRACE_SECONDS,
    OptionRefused,
    OrganisationOption,
    SandboxOptions,
)
from .server import SandboxServer


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; 0 after a normal end, 2 for options that cannot work."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        sandbox = Sandbox(_options(asked))
        server = SandboxServer(sandbox, host=asked.host, port=asked.port)
    except OptionRefused as refusal:
        parser.error(str(refusal))
    except OSError as error:
        parser.error(f"--port: cannot listen on {asked.host}:{asked.port} ({error}); name another (port-not-free)")
    server.start()
    for name, value in server.facts().items():
        print(f"{name}: {value}", flush=True)
    stopped.wait()
    server.stop()
    return 0


def _options(asked: argparse.Namespace) -> SandboxOptions:
    organisations = tuple(OrganisationOption.from_text(text) for text in asked.organisation)
    return SandboxOptions(
        data_file=asked.data,
        redirect_uris=tuple(asked.redirect_uri),
        organisations=organisations or DEFAULT_ORGANISATIONS,
        clock=asked.clock,
        limits=asked.limits,
        refresh_retry=asked.refresh_retry,
        refresh_grace_seconds=asked.refresh_grace_seconds,
        users=tuple(asked.user) or DEFAULT_USERS,
        connections_max=asked.connections_max,
        secret_prefix=asked.secret_prefix,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m partsemble_xero.sandbox", description="A small Xero on your own machine."
    )
    parser.add_argument(
        "--data", type=Path, required=True, metavar="FILE", help="the SQLite file to keep everything in"
    )
    parser.add_argument(
        "--port",
        type=int,
        choices=range(65_536),
        default=0,
        metavar="N",
        help="0, the default, takes a free one",
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument(
        "--redirect-uri",
        action="append",
        default=[],
        metavar="URI",
        help="a registered redirect URI, compared byte for byte; may be repeated;"
        " without any, every http://localhost address will do",
    )
    parser.add_argument(
        "--organisation",
        action="append",
        default=[],
        metavar="NAME:CUR",
        help="an organisation to have, with its base currency; may be repeated",
    )
    parser.add_argument("--clock", choices=("real", "fixed"), default="real", help="fixed stands still until moved")
    parser.add_argument("--limits", action="store_true", help="answer 429 when Xero's call limits are reached")
    parser.add_argument(
        "--refresh-retry",
        choices=("supersede", "sibling"),
        default="supersede",
        help="whether a repeated refresh ends the token set issued before",
    )
    _add_rarer(parser)
    return parser


def _add_rarer(parser: argparse.ArgumentParser) -> None:
    """The options that only some tests need."""
    parser.add_argument(
        "--refresh-grace-seconds",
        type=int,
        choices=range(86_400),
        default=GRACE_SECONDS,
        metavar="N",
        help="how long a used refresh token may be sent again",
    )
    parser.add_argument(
        "--user",
        action="append",
        default=[],
        metavar="NAME",
        help="somebody who may sign in; may be repeated, and then the consent page asks who it is",
    )
    parser.add_argument(
        "--connections-max",
        type=int,
        choices=range(10_001),
        default=0,
        metavar="N",
        help="how many organisations the app may be connected to; 0, the default, is any number",
    )
    parser.add_argument(
        "--secret-prefix", default="", metavar="TEXT", help="what secrets and tokens begin with, to look for leaks"
    )


if __name__ == "__main__":
    sys.exit(main())
