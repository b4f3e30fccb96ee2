from __future__ import annotations

from tests.house.sources import ROOT, all_files, functions_of, name_of

FUNCTION_LINES = 50
FILE_LINES = 400


def oversized() -> dict[str, int]:
    """Every function and file above its limit, with its number of lines."""
    found: dict[str, int] = {}
    for path in all_files():
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > FILE_LINES:
            found[name_of(path)] = lines
        for name, function in functions_of(path):
            lines = (function.end_lineno or 0) - function.lineno + 1
            if lines > FUNCTION_LINES:
                found[f"{name_of(path)}::{name}"] = lines
    return found


def exceptions() -> dict[str, int]:
    text = (ROOT / "tests/house/size_exceptions.txt").read_text(encoding="utf-8")
    rows = [line.rsplit(maxsplit=1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return {name: int(lines) for name, lines in rows}


def test_functions_fit_a_screen_and_files_a_sitting() -> None:
    allowed = exceptions()
    too_long = {name: lines for name, lines in oversized().items() if lines > allowed.get(name, 0)}
    assert too_long == {}, f"split these: a function has {FUNCTION_LINES} lines at most, a file {FILE_LINES}"


def test_the_list_of_exceptions_only_shrinks() -> None:
    found = oversized()
    slack = {name: found.get(name) for name, lines in exceptions().items() if found.get(name, 0) < lines}
    assert slack == {}, "lower these in size_exceptions.txt to the size found, or take them out (None)"
