"""A short torture of the sign-in on both databases; the long one is `python -m tests.torture.tokens`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.faults.killing import PATHS, ROOT


def test_processes_that_are_killed_never_lose_the_sign_in(database_url: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.torture.tokens", "--needs", "60", "--workers", "6"]
    done = subprocess.run(
        [*command, "--database", database_url, "--folder", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": ":".join(map(str, PATHS))},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "60 needs" in done.stdout
