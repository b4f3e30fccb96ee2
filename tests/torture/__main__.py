"""The long run: workers that die anywhere, faults at any call, people who decide anything; then the books are counted.

    python -m tests.torture --minutes 30 --workers 6 --database postgresql

Prints its seed and the counts. The dice are the seed's; who runs when is the machine's, so a seed tells the same story
with another timing. Ends with 1 if a count doesn't hold.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.servers.databases import sqlite_url
from tests.servers.postgres import running_postgres
from tests.torture.run import torture


@contextmanager
def a_database(kind: str, folder: Path) -> Iterator[str]:
    """An empty one."""
    if kind == "sqlite":
        yield sqlite_url(folder / "torture.sqlite3")
        return
    with ExitStack() as stack:
        server = stack.enter_context(running_postgres())
        yield stack.enter_context(server.new_database())


def main() -> int:
    """Reads the command line, runs, tells."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long, before it comes to rest (default 10)")
    parser.add_argument("--seed", type=int, default=None, help="the dice; by default others each time")
    parser.add_argument("--workers", type=int, default=4, help="processes at once (default 4)")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    asked = parser.parse_args()
    seed = secrets.randbelow(2**31) if asked.seed is None else asked.seed
    say(f"seed {seed}, {asked.workers} workers on {asked.database} for {asked.minutes:g} minutes")
    with tempfile.TemporaryDirectory() as made, a_database(asked.database, Path(made)) as url:
        result = torture(url, Path(made), seed=seed, seconds=asked.minutes * 60, workers=asked.workers)
    for name, number in result.told.items():
        say(f"{number:8} {name}")
    say(f"{result.documents} documents to post, {result.posted} posted, {result.killed} workers killed")
    say(f"C6: at most {result.calls_a_minute} calls in 60 s")
    for words in result.broken:
        say(f"BROKEN {words}")
    say(f"seed {seed}: C1-C5, C7, C8, C10 " + ("do not hold" if result.broken else "hold"))
    return 1 if result.broken else 0


def say(words: str) -> None:
    print(words, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
