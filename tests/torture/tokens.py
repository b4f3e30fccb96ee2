"""Many processes need tokens of one sign-in, are killed at random, and lose a fifth of all answers.

    python -m tests.torture.tokens [--needs 1000] [--workers 16] [--database URL] [--folder DIR] [--seed N]

The service is the sandbox under its strictest rule: a refresh token that is sent again ends the set issued before.
Lease, rest and grace are scaled down alike. It ends with 0 if every need was served, nobody has to connect again, and
the service never saw two refreshes at once; else with 1 and what went wrong.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from partsemble_core import config
from partsemble_core.errors import PartsembleError
from partsemble_core.plugin_api.errors import RetryLater, SignedOut
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.plugin_host import PluginHost
from partsemble_core.services.house import House
from partsemble_core.services.refreshing import access_token
from partsemble_core.store.connections import ConnectionState, GrantState
from partsemble_core.store.database import migrate, open_engine
from partsemble_core.vault import Vault
from partsemble_core.wiring import build_house
from partsemble_xero import plugin
from partsemble_xero.sandbox.testing import SandboxHandle
from tests.faults.stage import KEY
from tests.faults.xero_stage import REDIRECT, MovingClock, XeroStage, xero_settings
from tests.services.makers import a_shop

LEASE, REST, GRACE = 6, 2, 60
LOST_PERCENT = 20
HELD_PERCENT, HELD_MS = 40, 300
"""Some answers take their time, so that two at once would be seen."""
KILL_SECONDS = 0.2
SIGNED_OUT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be endured."""

    needs: int
    workers: int
    database: str
    folder: Path
    seed: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Tortures, and tells."""
    logging.disable(logging.CRITICAL)
    asked = _parser().parse_args(arguments)
    folder = Path(asked.folder or tempfile.mkdtemp(prefix="partsemble-tokens-"))
    database = asked.database or f"sqlite:///{folder / 'tokens.sqlite3'}"
    order = Order(needs=asked.needs, workers=asked.workers, database=database, folder=folder, seed=asked.seed)
    try:
        problems = torture(order)
    finally:
        if not asked.folder:
            shutil.rmtree(folder)
    for problem in problems:
        _say(f"BROKEN: {problem}")
    return 1 if problems else 0


def torture(order: Order) -> list[str]:
    """What went wrong; empty where all held."""
    migrate(order.database)
    with a_sandbox(order.folder) as sandbox:
        stage = a_stage(order, sandbox)
        stage.connect()
        grant_id = stage.grant().id
        stage.house.engine.dispose()  # no connection may be shared with a fork
        sandbox.add_fault("POST /connect/token", kind="close-after", times=1_000_000, percent=LOST_PERCENT)
        sandbox.add_fault("POST /connect/token", kind="hold", hold_ms=HELD_MS, times=1_000_000, percent=HELD_PERCENT)
        before, started = len(sandbox.requests()), time.monotonic()
        kills, failed = _drive(order, stage.house.settings, grant_id)
        sandbox.clear_faults()
        seconds = time.monotonic() - started
        calls = [each for each in sandbox.requests()[before:] if each["path"] == "/connect/token"]
        lost = sum(1 for each in calls if each["fault"] == "close-after")
        _say(f"{order.needs} needs, {len(calls)} refreshes, {lost} lost answers, {kills} kills, {seconds:.0f} s")
        problems = failed + _overlaps(calls) + _judge(stage, grant_id)
        stage.house.engine.dispose()
        return problems


def a_stage(order: Order, sandbox: SandboxHandle) -> XeroStage:
    """A company whose sign-in is at the sandbox, with scaled times."""
    engine = open_engine(order.database)
    given = config.environment_of(xero_settings(engine, order.folder, sandbox))  # type: ignore[arg-type]
    given |= {"PARTSEMBLE_TOKEN_LEASE_SECONDS": str(LEASE), "PARTSEMBLE_TOKEN_QUARANTINE_SECONDS": str(REST)}
    host, clock = PluginHost(), MovingClock()
    host.add(plugin, "xero")
    house = House(
        settings=config.load(given, data_dir=order.folder),
        engine=engine,
        host=host,
        vault=Vault(Secret(KEY)),
        clock=clock,
        ring=lambda company_id, export_id: None,
    )
    return XeroStage(house=house, shop=a_shop(engine), sandbox=sandbox, clock=clock)  # type: ignore[arg-type]


@contextmanager
def a_sandbox(folder: Path) -> Iterator[SandboxHandle]:
    """The sandbox as a program of its own, so that this one has no threads when it forks."""
    command = [sys.executable, "-m", "partsemble_xero.sandbox", "--data", str(folder / "xero.sqlite3")]
    command += ["--redirect-uri", REDIRECT, "--refresh-grace-seconds", str(GRACE), "--refresh-retry", "supersede"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            facts = dict(process.stdout.readline().strip().split(": ", 1) for _ in range(5))
            yield SandboxHandle(facts)
        finally:
            process.terminate()


def _drive(order: Order, settings: config.Settings, grant_id: int) -> tuple[int, list[str]]:
    """Runs the workers until all needs are served, killing one every fifth of a second. (kills, what failed)"""
    dice = random.Random(order.seed)
    share = [order.needs // order.workers + (i < order.needs % order.workers) for i in range(order.workers)]
    served = [order.folder / f"served-{i}" for i in range(order.workers)]
    running = {_fork(settings, grant_id, served[i], share[i]): i for i in range(order.workers)}
    kills, failed, next_kill = 0, [], time.monotonic() + KILL_SECONDS
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid in running:
            i, code = running.pop(pid), os.waitstatus_to_exitcode(status)
            if code == -signal.SIGKILL:
                running[_fork(settings, grant_id, served[i], share[i])] = i
            elif code:
                failed.append(f"worker {i} ended with {code}" + (" (signed out)" if code == SIGNED_OUT else ""))
            continue
        if time.monotonic() > next_kill and running:
            os.kill(dice.choice(sorted(running)), signal.SIGKILL)
            kills, next_kill = kills + 1, time.monotonic() + KILL_SECONDS
        time.sleep(0.01)
    done = sum(path.stat().st_size for path in served if path.exists())
    return kills, failed if done >= order.needs or failed else [f"only {done} needs were served"]


def _fork(settings: config.Settings, grant_id: int, served: Path, share: int) -> int:
    """A worker that still has to serve what is left of its share; each need that was served is a byte in the file."""
    pid = os.fork()
    if pid:
        return pid
    try:
        house = build_house(settings)
        token: Secret | None = None
        while (served.stat().st_size if served.exists() else 0) < share:
            token = _need(house, grant_id, token)
            with served.open("ab") as file:
                file.write(b".")
        os._exit(0)
    except SignedOut:
        os._exit(SIGNED_OUT)
    except BaseException:  # noqa: BLE001 - whatever it is, it is shown, and no finally of the parent runs twice
        traceback.print_exc()
    os._exit(1)


def _need(house: House, grant_id: int, had: Secret | None) -> Secret:
    """Another token than the last one."""
    while True:
        try:
            return access_token(house, grant_id, refused=had)
        except RetryLater:
            time.sleep(0.05)


def _overlaps(calls: Sequence[dict[str, Any]]) -> list[str]:
    """Two refreshes at once, by the service's own record."""
    found = []
    for first, second in itertools.pairwise(calls):
        if (first["answered_at"] or first["machine_at"]) > second["machine_at"]:
            found.append(f"refresh {second['id']} came while {first['id']} was being answered")
    return found


def _judge(stage: XeroStage, grant_id: int) -> list[str]:
    """Whether the sign-in lives."""
    try:
        _need(stage.house, grant_id, None)
    except PartsembleError as error:
        return [f"the sign-in is gone: {error}"]
    problems = []
    if stage.grant().state == GrantState.RECONNECT_NEEDED:
        problems.append("somebody has to connect again")
    if stage.connection().state == ConnectionState.RECONNECT_NEEDED:
        problems.append("the connection waits for its owner")
    return problems


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.torture.tokens")
    parser.add_argument("--needs", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--database", default="", help="an empty one; SQLite in a folder of its own if left out")
    parser.add_argument("--folder", default="")
    parser.add_argument("--seed", type=int, default=1)
    return parser


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
