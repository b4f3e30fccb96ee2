"""The demo, as a newcomer runs it: a process of its own, real sandbox, real queue, real worker."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SECONDS = 120


def run_demo(folder: Path) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PARTSEMBLE_", "DATABASE_URL", "REDIS_URL"))}
    command = [sys.executable, "-m", "partsemble_core", "demo", "--once", "--data-dir", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, env=kept, check=False)


def test_the_demo_prints_its_account_and_its_proof_holds_twice_over(tmp_path: Path) -> None:
    first = run_demo(tmp_path)
    assert first.returncode == 0, first.stdout + first.stderr
    for said in (
        "from lot BRT-20260115           20 PCB-BLANK  cost       690.00",
        "from lot BRT-20260209           40 PCB-BLANK  cost     1,420.00",
        "✓ 8 of 8 documents have exactly one POSTED journal, and no draft is left",
        "✓ stock: sub-ledger 7,159.29 = accounts 621 + 622 in the books 7,159.29, difference 0.00",
        "✓ reconciled: stock and books agree, rounding 0.00",
    ):
        assert said in first.stdout
    assert "✗" not in first.stdout
    assert "Traceback" not in first.stderr

    again = run_demo(tmp_path)  # on the data of the first run: nothing is posted again
    assert again.returncode == 0, again.stdout + again.stderr
    assert "✓ 8 of 8 documents have exactly one POSTED journal" in again.stdout
