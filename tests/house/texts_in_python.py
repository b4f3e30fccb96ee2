"""Texts that people may read, as they stand in Python: in calls that say, mark or refuse, and in tables of texts."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from tests.house.sources import name_of, product_files, tree_of

FIRST = frozenset({"_", "gettext", "lazy_gettext", "say", "mark", "word", "NotFound"})
"""Calls whose first argument is a text."""
PLACES: Mapping[str, tuple[int, ...]] = {"Column": (1,), "_in_menu": (2, 3)}
"""Calls with texts at these places."""
NAMED: Mapping[str, tuple[str, ...]] = {
    "Table": ("title",),
    "Listing": ("title",),
    "Place": ("title", "words"),
    "Step": ("title",),
    "Column": ("title",),
    "SettingField": ("label", "help"),
}
"""Calls with texts under these names."""
TABLES: Mapping[str, tuple[str, ...]] = {
    "partsemble_core/domain/reconciliation.py": ("TITLES",),
    "partsemble_core/services/exporting.py": ("NOTHING_TO_POST", "OPENING_STOCK", "ORIGINAL_NOT_POSTED"),
    "partsemble_core/services/reconciling.py": ("NO_BOOKS", "OFFLINE"),
    "partsemble_core/services/settling.py": ("NO_CLEAR_ANSWER",),
    "partsemble_core/services/permitting.py": ("WORDS",),
    "partsemble_core/services/opting.py": ("MODES", "CHOICES"),
    "partsemble_core/services/scoping.py": ("TITLES",),
    "web/partsemble_web/speaking.py": ("STORED",),
    "plugins/qbo_stub/partsemble_qbo_stub/service.py": ("NEEDS_A_NAME",),
}
"""Constants whose values are texts: in which file, and called what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A text, where it stands, and how it is said of several things.

    ``context`` tells one text of two meanings apart: *Build*, on a button and above a column.
    """

    text: str
    plural: str = ""
    context: str | None = None
    places: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        """What a catalogue knows it by."""
        return f"{self.context}\x04{self.text}" if self.context else self.text

    def joined(self, other: Found) -> Found:
        """One text that stands in the places of both."""
        return replace(self, plural=self.plural or other.plural, places=self.places | other.places)


def texts_of(path: Path) -> Iterator[Found]:
    """Every text of a file."""
    place = frozenset({name_of(path)})
    tree = tree_of(path)
    constants = _constants(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node.func) == "ngettext":
            one, many = (_literals(argument, constants) for argument in node.args[:2])
            yield Found(text=one[0], plural=many[0], places=place)
        elif isinstance(node, ast.Call):
            for argument in _readable(node):
                yield from (Found(text=text, places=place) for text in _literals(argument, constants))
    for name in TABLES.get(name_of(path), ()):
        yield from (Found(text=text, places=place) for text in _values(constants.get(name)))


@cache
def refusals() -> frozenset[str]:
    """The names of all classes of errors, read from the files: whatever derives from `PartsembleError`."""
    known, before = {"PartsembleError"}, 0
    classes = [node for path in product_files() for node in ast.walk(tree_of(path)) if isinstance(node, ast.ClassDef)]
    while len(known) > before:
        before = len(known)
        known |= {node.name for node in classes if any(_called(base) in known for base in node.bases)}
    return frozenset(known)


def _readable(call: ast.Call) -> Iterator[ast.expr]:
    """The arguments that people may read."""
    name = _called(call.func)
    if name in FIRST:
        yield from call.args[:1]
    for place in PLACES.get(name, ()):
        yield from call.args[place : place + 1]
    named = NAMED.get(name, ())
    yield from (keyword.value for keyword in call.keywords if keyword.arg in named)
    if name in refusals() or name == "__init__":
        given = (*call.args, *(keyword.value for keyword in call.keywords))
        yield from (argument for argument in given if _is_sentence(argument))


def _is_sentence(node: ast.expr) -> bool:
    """A message, not the name of a field."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value


def _called(node: ast.expr) -> str:
    """The last part of what is called."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    """What the file's own names stand for, as far as it is written down at its top."""
    found: dict[str, ast.expr] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            found[node.target.id] = node.value
    return found


def _literals(node: ast.expr, constants: Mapping[str, ast.expr]) -> list[str]:
    """The texts that an expression may come to."""
    match node:
        case ast.Constant(value=str() as text):
            return [text] if text else []
        case ast.IfExp(body=body, orelse=other):
            return [*_literals(body, constants), *_literals(other, constants)]
        case ast.BoolOp(values=values):
            return [text for value in values for text in _literals(value, constants)]
        case ast.Name(id=name) if name in constants and not isinstance(constants[name], ast.Name):
            return _literals(constants[name], {})
        case ast.Subscript(value=ast.Name(id=name)):
            return list(_values(constants.get(name)))
    return []


def _values(node: ast.expr | None) -> Iterator[str]:
    """Every text of a table but its keys."""
    match node:
        case ast.Dict(values=values) | ast.Tuple(elts=values) | ast.List(elts=values):
            for value in values:
                yield from _values(value)
        case ast.Constant(value=str() as text) if text:
            yield text
