"""What the demo plays on: embedded Valkey, the Xero sandbox, a worker and the sweep, all ended with it."""

from __future__ import annotations

import dataclasses
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from partsemble_core import config
from partsemble_core.embedded_valkey import EmbeddedValkey
from partsemble_core.errors import PartsembleError, say
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.processes import start_tied, stop_child
from partsemble_core.services.house import House
from partsemble_core.store.database import migrate
from partsemble_core.wiring import build_house

SANDBOX = "partsemble_xero.sandbox"
MAKER = "Northlight Kits"
BOOKS = ("Demo Kits Ltd:NZD", f"{MAKER}:NZD")
SCOPES = (
    "offline_access openid profile email accounting.settings.read accounting.manualjournals accounting.contacts"
    " accounting.invoices.read accounting.reports.trialbalance.read"
)
"""What the plugin asks for by itself, and the trial balance, so that the companies can be reconciled."""
FACTS = ("address", "client_id", "client_secret")


class DemoFailed(PartsembleError):
    """The demo can't go on; the message says what is missing."""

    code = "demo-failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    house: House
    sandbox_url: str
    callback_url: str


@contextmanager
def open_stage(folder: Path, *, port: int) -> Iterator[Stage]:
    """Starts everything; whatever happens, stops it again in reverse order."""
    _check_port(port)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    callback_url = f"http://localhost:{port}/integrations/xero/callback"
    with ExitStack() as stack:
        facts = _start_sandbox(stack, folder, callback_url)
        valkey = stack.enter_context(EmbeddedValkey(folder / "valkey"))
        settings = _settings(folder, redis_url=valkey.url, facts=facts, port=port)
        migrate(settings.database_url)
        house = build_house(settings)
        stack.callback(house.engine.dispose)
        if house.host.failures:
            raise DemoFailed(
                say(
                    "Plugins can't be loaded: {failures}. Install the project again.", failures=str(house.host.failures)
                )
            )
        for command in ("worker", "schedule"):
            _start_child(stack, settings, command, folder)
        yield Stage(house=house, sandbox_url=facts["address"], callback_url=callback_url)


def _check_port(port: int) -> None:
    """Before anything is played: the console couldn't be served at its end. Raises DemoFailed."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise DemoFailed(
                say("Port {port} is in use. Name another with --port, or stop what runs there.", port=port)
            ) from error


def _settings(folder: Path, *, redis_url: str, facts: dict[str, str], port: int) -> config.Settings:
    """Embedded defaults, whatever the environment says: the demo never touches a real company's data."""
    url = facts["address"]
    plugin = {
        "xero_client_id": facts["client_id"],
        "xero_client_secret": facts["client_secret"],
        "xero_authorize_url": f"{url}/identity/connect/authorize",
        "xero_token_url": f"{url}/connect/token",
        "xero_revoke_url": f"{url}/connect/revocation",
        "xero_api_url": url,
        "xero_scopes": SCOPES,
    }
    environment = {"PARTSEMBLE_BASE_URL": f"http://localhost:{port}", "PARTSEMBLE_SWEEP_SECONDS": "2"}
    environment["PARTSEMBLE_QUARANTINE_SECONDS"] = "3600"  # so that an export in doubt is there to be looked at
    environment["PARTSEMBLE_SMTP_URL"] = "log:"  # nobody reads mail here: letters are shown where the demo runs
    settings = config.load(environment, data_dir=folder)
    return dataclasses.replace(
        settings, redis_url=redis_url, plugin_settings={name: Secret(value) for name, value in plugin.items()}
    )


def _start_sandbox(stack: ExitStack, folder: Path, callback_url: str) -> dict[str, str]:
    command = [sys.executable, "-m", SANDBOX, "--port", "0", "--data", str(folder / "xero-sandbox.sqlite3")]
    log = stack.enter_context((folder / "sandbox.log").open("ab"))
    for books in BOOKS:
        command += ["--organisation", books]
    process = start_tied([*command, "--redirect-uri", callback_url], output=subprocess.PIPE, errors=log)
    stack.callback(stop_child, process)
    if process.stdout is None:
        raise DemoFailed("The sandbox has no output.")
    stack.callback(process.stdout.close)
    facts: dict[str, str] = {}
    for line in process.stdout:
        name, _, value = line.decode().strip().partition(": ")
        facts[name] = value
        if name == "page":
            break
    if not all(facts.get(name) for name in FACTS):
        raise DemoFailed(say("The sandbox did not start. See {log}.", log=str(folder / "sandbox.log")))
    return facts


def _start_child(stack: ExitStack, settings: config.Settings, command: str, folder: Path) -> None:
    log = stack.enter_context((folder / f"{command}.log").open("ab"))
    process = start_tied(
        [sys.executable, "-m", "partsemble_core", command],
        environment=config.environment_of(settings),
        output=log,
        errors=log,
    )
    stack.callback(stop_child, process)
