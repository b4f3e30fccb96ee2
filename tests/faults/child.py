"""A program that works on exports in processes that may be killed: it imports everything once, then forks for each run.

    python child.py        reads one JSON order a line, answers the run's exit code (negative: the signal that ended it)

A run notes every crash point that it reaches in a file, and kills itself with SIGKILL where it was told to.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from partsemble_core import config
from partsemble_core.plugin_api.types import Posting
from partsemble_core.plugin_testing.lying import LyingBackend
from partsemble_core.plugin_testing.lying_books import LyingBooks
from partsemble_core.services.crashing import crashpoint, watch_crashpoints
from partsemble_core.services.draining import drain
from partsemble_core.services.house import House
from partsemble_core.services.posting import post_export
from partsemble_core.services.refreshing import access_token
from partsemble_core.wiring import build_house
from tests.faults.naive import post_naively


def main() -> None:
    """Serves orders until there are no more."""
    logging.disable(logging.CRITICAL)
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            os._exit(run(order))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


def run(order: dict[str, Any]) -> int:
    """One run in its own process."""
    try:
        house = build_house(config.load(order["environment"]))
        if order["books"]:
            books = LyingBooks(Path(order["books"]), posting=Posting(order["posting"]))
            house.host.add(LyingBackend(books, watch=crashpoint, batch_size=order["batch_size"]), "lying")
        with watch_crashpoints(watcher(Path(order["points"]), order["kill"])):
            WORK[order["work"]](house, order["company_id"], order["subject_id"])
    except BaseException:  # noqa: BLE001 - whatever it is, it is shown, and no finally of the parent runs twice
        traceback.print_exc()
        return 1
    return 0


def turn(house: House, company_id: int, export_id: int) -> None:
    drain(house, company_id)


def refresh(house: House, company_id: int, grant_id: int) -> None:
    access_token(house, grant_id)


WORK: dict[str, Callable[[House, int, int], object]] = {
    "post": post_export,
    "turn": turn,
    "post naively": post_naively,
    "refresh": refresh,
}


def watcher(points: Path, kill: list[Any] | None) -> Callable[[str], None]:
    """Notes the points; kills this process at the point of that name and number, counted over all runs."""

    def watch(name: str) -> None:
        with points.open("a+") as noted:
            noted.write(f"{name}\n")
            noted.flush()
            noted.seek(0)
            number = noted.read().splitlines().count(name)
        if kill == [name, number]:
            os.kill(os.getpid(), signal.SIGKILL)

    return watch


if __name__ == "__main__":
    main()
