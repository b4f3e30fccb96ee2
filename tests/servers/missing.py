"""What a test does where a part of the machine is missing."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """Skip with the reason; in CI fail, because there a missing part means that nobody tests it."""
    if os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
        pytest.fail(f"{reason} (CI is set, so this isn't skipped)")
    pytest.skip(reason)
