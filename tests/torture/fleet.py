"""Workers that die and fall asleep at any crash point: a program that imports everything once and forks each of them.

    python -m tests.torture.fleet       reads one JSON order a line, answers the pid of the worker that it started

A worker looks for what is due and works on it, as the product's do, until it is killed.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from partsemble_core import config
from partsemble_core.errors import PartsembleError
from partsemble_core.services.claiming import due_exports
from partsemble_core.services.crashing import watch_crashpoints
from partsemble_core.services.house import House
from partsemble_core.services.janitor import tidy_round
from partsemble_core.services.posting import post_export
from partsemble_core.wiring import build_house
from tests.faults.killing import PATHS

REST_SECONDS = 0.05
DIES, SLEEPS = 60, 200
"""One crash point in so many is a worker's last, or puts it to sleep."""
SLEEP_SECONDS = 3.0
"""Longer than a lease of the run."""


@dataclass(slots=True)
class Fleet:
    """The workers that are alive, of a program that forks them."""

    process: subprocess.Popen[str]
    environment: Mapping[str, str]
    alive: set[int] = field(default_factory=set)

    def start(self, seed: int) -> None:
        """One more worker."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"seed": seed, "environment": dict(self.environment)}) + "\n")
        self.process.stdin.flush()
        self.alive.add(int(self.process.stdout.readline()))

    def count(self) -> int:
        """How many live, asleep or not."""
        self.alive = {pid for pid in self.alive if _is_there(pid)}
        return len(self.alive)

    def wake(self) -> None:
        """Whoever was put to sleep goes on where it was, its lease long over."""
        self._tell(signal.SIGCONT)

    def kill(self) -> None:
        self._tell(signal.SIGKILL)

    def _tell(self, number: signal.Signals) -> None:
        for pid in list(self.alive):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


@contextlib.contextmanager
def a_fleet(environment: Mapping[str, str]) -> Iterator[Fleet]:
    """None is left when it is closed."""
    surroundings = {"PYTHONPATH": ":".join(map(str, PATHS)), "PYTHONDONTWRITEBYTECODE": "1", "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.torture.fleet"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=surroundings,
    ) as process:
        fleet = Fleet(process, environment)
        stopping = threading.Event()
        alarm = threading.Thread(target=_wake_all, args=(fleet, stopping), daemon=True)
        alarm.start()
        try:
            yield fleet
        finally:
            stopping.set()
            alarm.join()
            fleet.kill()
            process.kill()


def _wake_all(fleet: Fleet, stopping: threading.Event) -> None:
    """One may have fallen asleep inside of a transaction: on SQLite nobody writes until it wakes."""
    while not stopping.wait(SLEEP_SECONDS):
        fleet.wake()


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def main() -> None:
    """Forks a worker for each order."""
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are buried at once
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            run(order)
            os._exit(0)
        print(child, flush=True)  # noqa: T201


def run(order: Mapping[str, Any]) -> None:
    """A worker's whole life."""
    house = build_house(config.load(order["environment"]))
    dice = random.Random(order["seed"])
    with watch_crashpoints(fate(dice)):
        while os.getppid() != 1:
            work_once(house, dice)


def work_once(house: House, dice: random.Random) -> None:
    """A round over what is due; a database that is away for the moment is no reason to end."""
    with contextlib.suppress(sa.exc.DBAPIError, PartsembleError):
        due = due_exports(house)
        dice.shuffle(due)
        for company_id, export_id in due[:5]:
            post_export(house, company_id, export_id)
        if dice.random() < 0.02:
            tidy_round(house)
    time.sleep(REST_SECONDS)


def fate(dice: random.Random) -> Callable[[str], None]:
    """What may happen at a crash point."""

    def watch(name: str) -> None:
        if dice.randrange(DIES) == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        if dice.randrange(SLEEPS) == 0:
            os.kill(os.getpid(), signal.SIGSTOP)

    return watch


if __name__ == "__main__":
    main()
