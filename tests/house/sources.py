"""The project's own Python files, as the house rules read them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = (
    "partsemble_core",
    "web/partsemble_web",
    "plugins/xero/partsemble_xero",
    "plugins/csv_import/partsemble_csv_import",
    "plugins/qbo_stub/partsemble_qbo_stub",
)
BESIDE_THE_PRODUCT = ("tests", "bench")


def product_files(under: str = "") -> list[Path]:
    """Files of the five packages; ``under`` keeps those below that folder of the project."""
    return [path for path in python_files(*PRODUCT) if path.is_relative_to(ROOT / under)]


def all_files() -> list[Path]:
    """Files of the product, the tests and the benchmarks."""
    return python_files(*PRODUCT, *BESIDE_THE_PRODUCT)


def python_files(*folders: str) -> list[Path]:
    """All Python files below ``folders``. But no migrations: those are records, never edited again."""
    found = (path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))
    return [path for path in found if "versions" not in path.parts]


def name_of(path: Path) -> str:
    """The path as it is written in a message: from the project's root, with slashes."""
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    """The file, parsed."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def functions_of(path: Path) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every function of the file with its dotted name inside it."""
    yield from _functions_in(tree_of(path), "")


def _functions_in(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{prefix}{child.name}"
            if not isinstance(child, ast.ClassDef):
                yield name, child
            yield from _functions_in(child, f"{name}.")
        else:
            yield from _functions_in(child, prefix)


def imported_names(node: ast.AST) -> list[str]:
    """What an import statement imports, as dotted names from the root; empty for any other node."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []
