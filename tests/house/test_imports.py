from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.house.sources import functions_of, imported_names, name_of, product_files, tree_of

STANDARD_LIBRARY = frozenset({*sys.stdlib_module_names, "_typeshed"})  # the latter exists for type checkers only
# What may be imported besides the standard library and the folder itself. import-linter holds the floors;
# this holds the lists, which also close the door to a library that nobody has thought of yet.
ALLOWED = {
    "partsemble_core/domain": {"partsemble_core.errors"},
    "partsemble_core/plugin_api": {"partsemble_core.errors", "pluggy", "requests", "urllib3"},
    "plugins/xero/partsemble_xero/sandbox": {"flask", "werkzeug"},
}
CLOCKS = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.monotonic",
    "time.time_ns",
}
ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.putenv"}
EXACT_FLOORS = ("partsemble_core/domain", "partsemble_core/services", "partsemble_core/store")


def places(paths: Iterable[Path], is_bad: Callable[[ast.AST], bool]) -> list[str]:
    """Where a node of the files is bad, as ``path:line``."""
    return [
        f"{name_of(path)}:{getattr(node, 'lineno', 0)}"
        for path in paths
        for node in ast.walk(tree_of(path))
        if is_bad(node)
    ]


def dotted(node: ast.AST) -> str:
    """The last two parts of ``a.b.c`` as ``b.c``; empty for anything else."""
    if not isinstance(node, ast.Attribute):
        return ""
    owner = node.value
    left = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
    return f"{left}.{node.attr}"


def is_float_made(node: ast.AST) -> bool:
    """``float(…)``, or a literal like 0.1 inside a sum, product or comparison."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "float"
    if isinstance(node, ast.BinOp | ast.AugAssign | ast.Compare):
        return any(
            isinstance(part, ast.Constant) and isinstance(part.value, float) for part in ast.iter_child_nodes(node)
        )
    return False


def is_environment_read(node: ast.AST) -> bool:
    return dotted(node) in ENVIRONMENT or bool(ENVIRONMENT & set(imported_names(node)))


def is_clock_read(node: ast.AST) -> bool:
    if dotted(node) in CLOCKS or bool(CLOCKS & set(imported_names(node))):
        return True
    return isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today"}


def test_no_function_imports_anything() -> None:
    bad = [
        f"{name_of(path)}:{node.lineno} {name}"
        for path in product_files()
        for name, function in functions_of(path)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert bad == [], "import at the top: what a file needs is seen there, and a ring shows at once"


def test_the_environment_is_read_in_one_file() -> None:
    files = [path for path in product_files() if name_of(path) != "partsemble_core/config.py"]
    assert places(files, is_environment_read) == [], "add a setting to partsemble_core/config.py instead"


@pytest.mark.parametrize("folder", EXACT_FLOORS)
def test_no_binary_float_comes_near_money(folder: str) -> None:
    assert places(product_files(folder), is_float_made) == [], "use Decimal or int"


def test_the_domain_holds_no_float_at_all() -> None:
    def is_float(node: ast.AST) -> bool:
        named = isinstance(node, ast.Name) and node.id == "float"
        return named or (isinstance(node, ast.Constant) and isinstance(node.value, float))

    assert places(product_files("partsemble_core/domain"), is_float) == [], "use Decimal or int"


def test_the_domain_has_no_clock() -> None:
    assert places(product_files("partsemble_core/domain"), is_clock_read) == [], "take the time as an argument"


@pytest.mark.parametrize("folder", sorted(ALLOWED))
def test_a_closed_folder_imports_its_list_alone(folder: str) -> None:
    files = product_files(folder)
    if not files:
        pytest.skip(f"{folder} isn't written yet")
    own = folder.removeprefix("plugins/xero/").replace("/", ".")
    bad = [
        f"{name_of(path)}:{getattr(node, 'lineno', 0)} {name}"
        for path in files
        for node in ast.walk(tree_of(path))
        for name in imported_names(node)
        if name.partition(".")[0] not in STANDARD_LIBRARY and not is_within(name, {own, *ALLOWED[folder]})
    ]
    assert bad == []


def is_within(name: str, packages: Iterable[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize(
    ("source", "is_bad", "expected"),
    [
        ("float('1')", is_float_made, True),
        ("total * 0.5", is_float_made, True),
        ("wait(0.5)", is_float_made, False),
        ("total * 2", is_float_made, False),
        ("os.environ['X']", is_environment_read, True),
        ("from os import getenv", is_environment_read, True),
        ("os.path.join('a')", is_environment_read, False),
        ("dt.datetime.now(dt.UTC)", is_clock_read, True),
        ("datetime.date.today()", is_clock_read, True),
        ("time.monotonic()", is_clock_read, True),
        ("at.date()", is_clock_read, False),
    ],
)
def test_the_rules_see_what_they_should(source: str, is_bad: Callable[[ast.AST], bool], expected: bool) -> None:
    assert any(is_bad(node) for node in ast.walk(ast.parse(source))) is expected
