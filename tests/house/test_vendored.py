from __future__ import annotations

import hashlib
from pathlib import Path

from tests.house.sources import ROOT

VENDOR = ROOT / "web/partsemble_web/static/vendor"
MANIFEST = VENDOR / "MANIFEST.sha256"


def manifest() -> dict[str, str]:
    """Path from the vendor folder → SHA-256, as ``sha256sum`` writes them: ``HASH  PATH`` a line."""
    rows = [line.split(maxsplit=1) for line in MANIFEST.read_text(encoding="utf-8").splitlines() if line.strip()]
    return {path.removeprefix("*").removeprefix("./"): digest for digest, path in rows}


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_every_vendored_file_is_the_one_that_was_reviewed() -> None:
    files = (path for path in VENDOR.rglob("*") if path.is_file() and path != MANIFEST)
    found = {path.relative_to(VENDOR).as_posix(): digest_of(path) for path in files}
    assert found == manifest(), "fetch the original again, or review the new file and renew MANIFEST.sha256"
