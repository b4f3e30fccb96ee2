"""Which texts reach a person as the message of an error, found by reading the code: backwards from every raise.

A message is followed through names, helper functions and their parameters to where it is written down. There it is a
literal, or made by ``say``; anything that fills values in by itself has forgotten its template.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

BASE = "PartsembleError"
SAYERS = {"say", "word", "say_each"}
GLUE = {"format", "format_map", "join"}
BUILTIN = {name for kind in (str, list, dict, set) for name in dir(kind)}
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Place:
    """Where an expression stands: in which file, and in which function."""

    file: str
    function: Function | None


@dataclass
class Definition:
    """A function as it is called; ``parameters`` without ``self``."""

    place: Place
    parameters: list[str]


@dataclass
class Wordings:
    """What was found in ``trees``: literals and templates as they are written, and what forgot its template."""

    trees: Mapping[str, ast.Module]
    literals: set[str] = field(default_factory=set)
    forgotten: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._functions: dict[str, list[Definition]] = {}
        self._classes: dict[str, tuple[str, ast.ClassDef]] = {}
        self._constants: dict[str, list[tuple[Place, ast.expr]]] = {}
        self._calls: dict[str, list[tuple[Place, ast.Call]]] = {}
        self._seen: set[tuple[object, ...]] = set()
        for file, tree in self.trees.items():
            self._index(tree, Place(file, None), owner=None)
        self._errors = self._error_classes()

    def read(self) -> Wordings:
        """Follows the message of every error."""
        for name in self._errors:
            for place, call in self._calls.get(name, []):
                self._follow_arguments(place, call, self._message_of(name))
        for name in self._errors:
            for definition in self._inits(name):
                for place, call in self._calls.get("__init__", []):
                    if place.function is definition.place.function:
                        self._follow_arguments(place, call, self._message_of(*_bases(self._classes[name][1])))
        return self

    def _index(self, node: ast.AST, place: Place, *, owner: ast.ClassDef | None) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Function):
                inside = Place(place.file, child)
                names = [each.arg for each in (*child.args.posonlyargs, *child.args.args, *child.args.kwonlyargs)]
                definition = Definition(inside, names[1:] if owner and names[:1] in (["self"], ["cls"]) else names)
                called = f"{owner.name}.__init__" if owner and child.name == "__init__" else child.name
                self._functions.setdefault(called, []).append(definition)
                self._index(child, inside, owner=None)
                continue
            if isinstance(child, ast.ClassDef):
                self._classes[child.name] = (place.file, child)
                self._index(child, place, owner=child)
                continue
            if isinstance(child, ast.Call) and (name := _name_of(child.func)):
                self._calls.setdefault(name, []).append((place, child))
            if place.function is None:
                for name, value in _assigned(child):
                    self._constants.setdefault(name, []).append((place, value))
            self._index(child, place, owner=owner)

    def _error_classes(self) -> set[str]:
        found = {BASE}
        while True:
            more = {name for name, (_, node) in self._classes.items() if found & set(_bases(node))} - found
            if not more:
                return found
            found |= more

    def _inits(self, name: str) -> list[Definition]:
        return self._functions.get(f"{name}.__init__", [])

    def _message_of(self, *names: str) -> tuple[list[str], set[str]]:
        """The parameters of a class's constructor, and which of them become its message."""
        for name in names:
            if definitions := self._inits(name):
                made = definitions[0]
                return made.parameters, self._passed_on(name, made)
            if name in self._classes:
                return self._message_of(*_bases(self._classes[name][1]))
        return ["message"], {"message"}

    def _passed_on(self, name: str, made: Definition) -> set[str]:
        parameters, messages = self._message_of(*_bases(self._classes[name][1]))
        for place, call in self._calls.get("__init__", []):
            if place.function is made.place.function:
                given = [value for key, value in _bound(call, parameters) if key in messages]
                return {each.id for each in given if isinstance(each, ast.Name) and each.id in made.parameters}
        return set()

    def _follow_arguments(self, place: Place, call: ast.Call, wanted: tuple[list[str], set[str]]) -> None:
        for key, value in _bound(call, wanted[0]):
            if key in wanted[1]:
                self._follow(value, place)

    def _follow(self, node: ast.expr, place: Place) -> None:
        if (node, place) in self._seen:
            return
        self._seen.add((node, place))
        match node:
            case ast.Constant(value=str(text)):
                self.literals.add(text)
            case ast.Constant() | ast.Attribute():
                pass  # nothing to say, or a message that was made elsewhere
            case ast.Name(id=name):
                self._follow_name(name, place)
            case ast.Call():
                self._follow_call(node, place)
            case ast.Subscript(value=value):
                self._follow(value, place)
            case _ if parts := _parts(node):
                for part in parts:
                    self._follow(part, place)
            case _ if _fills_in(node):
                self.forgotten.append(f"{place.file}:{node.lineno}: {ast.unparse(node)[:90]}")

    def _follow_name(self, name: str, place: Place) -> None:
        function = place.function
        if function is None:
            for where, value in self._constants.get(name, []):
                self._follow(value, where)
            return
        values = [value for node in ast.walk(function) for key, value in _assigned(node) if key == name]
        for value in values:
            self._follow(value, place)
        definition = next(
            (each for found in self._functions.values() for each in found if each.place.function is function), None
        )
        if definition is not None and name in definition.parameters:
            self._follow_parameter(function.name, definition, name)
        elif not values:
            self._follow_name(name, Place(place.file, None))

    def _follow_parameter(self, called: str, definition: Definition, name: str) -> None:
        if called == "__init__" or ("parameter", definition.place.function, name) in self._seen:
            return  # of a class: every call of it is followed anyway
        self._seen.add(("parameter", definition.place.function, name))
        for place, call in self._calls.get(called, []):
            if isinstance(call.func, ast.Attribute) and called in BUILTIN:
                continue
            if not called.startswith("_") or place.file == definition.place.file:
                self._follow_arguments(place, call, (definition.parameters, {name}))

    def _follow_call(self, call: ast.Call, place: Place) -> None:
        name = _name_of(call.func)
        if name == "say" and call.args and isinstance(call.args[0], ast.Constant):
            self.literals.add(str(call.args[0].value))
            self._follow_words(call, place)
        elif name in ("word", "get"):
            for given in (call.func.value, *call.args[1:]) if isinstance(call.func, ast.Attribute) else call.args:
                self._follow(given, place)
        elif name == "say_each":
            self._follow_words(call, place)
        elif name == "str" or name in GLUE:
            self.forgotten.append(f"{place.file}:{call.lineno}: {ast.unparse(call)[:90]}")
        else:
            for definition in self._functions.get(name, []):
                if name.startswith("_") and definition.place.file != place.file:
                    continue
                for node in ast.walk(definition.place.function) if definition.place.function else ():
                    if isinstance(node, ast.Return | ast.Yield) and node.value is not None:
                        self._follow(node.value, definition.place)

    def _follow_words(self, call: ast.Call, place: Place) -> None:
        """Values that are texts of ours themselves."""
        for node in ast.walk(call):
            if node is not call and isinstance(node, ast.Call) and _name_of(node.func) in SAYERS:
                self._follow(node, place)


def glued(tree: ast.Module) -> Iterator[ast.expr]:
    """Where a text of ours is glued to others, which forgets its template."""
    for node in ast.walk(tree):
        is_glue = isinstance(node, ast.Call) and _name_of(node.func) in GLUE
        if not (is_glue or isinstance(node, ast.JoinedStr | ast.BinOp)):
            continue
        if any(isinstance(part, ast.Call) and _name_of(part.func) in SAYERS for part in ast.walk(node)):
            yield node


def sayings(tree: ast.Module) -> Iterator[ast.Call]:
    """Every call of ``say``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name_of(node.func) == "say":
            yield node


def _fills_in(node: ast.expr) -> bool:
    """Whether it makes a text of parts; what isn't text at all is counted or looked up, and said by nobody."""
    if isinstance(node, ast.JoinedStr):
        return True
    is_sum = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod)
    return is_sum and any(isinstance(getattr(part, "value", None), str) for part in ast.walk(node))


def _parts(node: ast.expr) -> Iterable[ast.expr]:
    match node:
        case ast.IfExp(body=body, orelse=orelse):
            return [body, orelse]
        case ast.BoolOp(values=values):
            return values
        case ast.Dict(values=values):
            return values
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return elements
        case ast.GeneratorExp(elt=element) | ast.ListComp(elt=element):
            return [element]
        case ast.NamedExpr(value=value) | ast.Starred(value=value):
            return [value]
    return []


def _assigned(node: ast.AST) -> list[tuple[str, ast.expr]]:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return [(name, value)]
        case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)) if len(names) == len(values):
            return [(each.id, value) for each, value in zip(names, values, strict=True) if isinstance(each, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            return [(name, value)]
        case ast.AugAssign(target=ast.Name(id=name), value=value):
            return [(name, value)]
        case ast.NamedExpr(target=ast.Name(id=name), value=value):
            return [(name, value)]
    return []


def _bound(call: ast.Call, parameters: list[str]) -> Iterator[tuple[str, ast.expr]]:
    yield from zip(parameters, call.args, strict=False)
    yield from ((each.arg, each.value) for each in call.keywords if each.arg)


def _bases(node: ast.ClassDef) -> list[str]:
    return [_name_of(base) for base in node.bases]


def _name_of(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""
