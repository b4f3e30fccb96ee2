"""How fast a backlog goes out to Xero, and that no limit is passed on the way: counted by the sandbox, with limits on.

    python bench/backlog.py --journals 2000

Time passes by moving the clocks, the database's and the sandbox's alike, so a day's worth is over in minutes. Ends with
1 if a call was refused or a limit was passed, and with an error if the books hold anything but each journal once.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "plugins/xero"))

from partsemble_core.services import draining
from partsemble_core.store.database import migrate
from tests.faults.backlog import Result, assert_all_posted_once, run_dry
from tests.faults.stage import an_engine
from tests.faults.xero_stage import XeroStage, a_xero_stage


def main() -> int:
    """Runs what the command line asks for, and prints the figures."""
    options = argparse.ArgumentParser(description="A backlog of journals against Xero's limits of calls.")
    options.add_argument("--journals", type=int, default=2_000)
    options.add_argument("--daily-calls", type=int, default=5_000, help="the tier: 1000 on Starter")
    options.add_argument("--one-by-one", action="store_true", help="without batches: two calls a journal")
    args = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="partsemble-backlog-") as folder:
        url = f"sqlite:///{folder}/backlog.sqlite3"
        migrate(url)
        with (
            an_engine(url) as engine,
            a_xero_stage(engine, Path(folder), limits=True, daily_calls=args.daily_calls) as stage,
        ):
            stage.connect()
            return run(stage, args.journals, one_by_one=args.one_by_one)


def run(stage: XeroStage, journals: int, *, one_by_one: bool) -> int:
    """0 if all went out within the limits."""
    started = time.monotonic()
    for _ in range(journals):
        stage.queue()
    say(f"{journals} receipts were confirmed in {time.monotonic() - started:.0f} s.")
    started = time.monotonic()
    if one_by_one:
        with mock.patch.object(draining, "can_batch", return_value=False):
            counted = run_dry(stage, seconds=7 * 86_400, tell=lambda posted: say(f"  {posted} posted"))
    else:
        counted = run_dry(stage, seconds=7 * 86_400, tell=lambda posted: say(f"  {posted} posted"))
    assert_all_posted_once(stage)
    return report(counted, machine_seconds=time.monotonic() - started)


def report(counted: Result, *, machine_seconds: float) -> int:
    """Prints what the sandbox counted."""
    say(f"posted once each          {counted.posted}")
    say(f"calls                     {counted.calls}, of which {counted.writes} writes")
    say(f"refused (429)             {counted.refused}")
    say(f"most in any 60 seconds    {counted.in_a_minute} of 60")
    say(f"time by Xero's clock      {counted.seconds} s of waiting, {machine_seconds:.0f} s of work")
    return 0 if counted.refused == 0 and counted.in_a_minute <= 60 else 1


def say(text: str) -> None:
    """One line at once, for whoever watches."""
    print(text, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
