"""Orders for `child.py`: run some work in a process of its own, and kill it where it hurts."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from partsemble_core import config
from partsemble_core.plugin_api.types import Posting

CHILD = Path(__file__).with_name("child.py")
ROOT = CHILD.parents[2]
PATHS = (ROOT, *(ROOT / place for place in ("web", "plugins/xero", "plugins/csv_import", "plugins/qbo_stub")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The ``number``-th time that a crash point is reached, counted from 1 over all runs of one document."""

    name: str
    number: int

    def __str__(self) -> str:
        return f"{self.name} #{self.number}"


class Child:
    """The program that forks."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, order: Mapping[str, object]) -> int:
        """The exit code of one run."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the child that forks is gone"
        return int(answer)


@contextmanager
def a_child() -> Iterator[Child]:
    environment = {"PYTHONPATH": ":".join(map(str, PATHS)), "PYTHONDONTWRITEBYTECODE": "1", "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(
        [sys.executable, str(CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield Child(process)
        finally:
            process.kill()


@dataclass(frozen=True, slots=True, kw_only=True)
class Killing:
    """One document worked on by runs of ``work`` that may be killed. ``points`` is the file of what was reached."""

    child: Child
    settings: config.Settings
    work: str
    company_id: int
    subject_id: int
    points: Path
    books: Path | None = None
    posting: Posting = Posting.DRAFT_THEN_POST
    batch_size: int = 1

    def run(self, kill: Point | None = None) -> bool:
        """One run; True if it was killed. Any other failure is an error of the test."""
        order = {
            "environment": {**config.environment_of(self.settings)},
            "books": str(self.books or ""),
            "posting": self.posting.value,
            "batch_size": self.batch_size,
            "work": self.work,
            "company_id": self.company_id,
            "subject_id": self.subject_id,
            "points": str(self.points),
            "kill": [kill.name, kill.number] if kill else None,
        }
        code = self.child.run(order)
        assert code in (0, -signal.SIGKILL), f"the run ended with {code}"
        return code == -signal.SIGKILL

    def reached(self) -> list[Point]:
        """Every point reached so far, in order."""
        seen: Counter[str] = Counter()
        points = []
        for name in self.points.read_text().splitlines():
            seen[name] += 1
            points.append(Point(name=name, number=seen[name]))
        return points
