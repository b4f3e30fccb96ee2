from __future__ import annotations

import ast
import re

import pytest

from tests.house.sources import all_files, name_of, tree_of

EMPTY_WORDS = frozenset({"util", "utils", "helper", "helpers", "common", "manager", "managers", "misc"})


def words_of(name: str) -> set[str]:
    """The words of a snake_case or CamelCase name."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def test_no_file_or_folder_is_a_drawer() -> None:
    bad = [name_of(path) for path in all_files() if words_of(name_of(path).removesuffix(".py")) & EMPTY_WORDS]
    assert bad == [], "name these after what is in them"


def test_no_function_or_class_hides_behind_an_empty_word() -> None:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    bad = [
        f"{name_of(path)}:{node.lineno} {node.name}"
        for path in all_files()
        if path.parent.name != "house"
        for node in ast.walk(tree_of(path))
        if isinstance(node, kinds) and not node.name.startswith("test_") and words_of(node.name) & EMPTY_WORDS
    ]
    assert bad == [], "name these after what they do or are"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("store/lot_helpers", {"store", "lot", "helpers"}),
        ("LotManager", {"lot", "manager"}),
        ("HTTPUtil", {"http", "util"}),
        ("commonality", {"commonality"}),
    ],
)
def test_names_are_read_word_by_word(name: str, words: set[str]) -> None:
    assert words_of(name) == words
