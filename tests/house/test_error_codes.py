from __future__ import annotations

import re

from partsemble_core.errors import PartsembleError, error_classes
from tests.house.test_docs import PACKAGES, import_all


def own_codes() -> list[tuple[str, type[PartsembleError]]]:
    """Each class of ours that sets a code of its own."""
    for package in PACKAGES:
        import_all(package)
    ours = [found for found in error_classes() if found.__module__.startswith("partsemble_")]
    return [(found.code, found) for found in ours if "code" in vars(found)]


def test_an_error_code_is_kebab_case() -> None:
    bad = [found for found in own_codes() if not re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", found[0])]
    assert bad == []


def test_no_two_errors_share_a_code() -> None:
    codes = [code for code, _ in own_codes()]
    twice = {code: [found for c, found in own_codes() if c == code] for code in codes if codes.count(code) > 1}
    assert twice == {}
