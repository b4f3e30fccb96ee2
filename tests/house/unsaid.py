"""Finds text that a person reads and no catalogue knows: in templates, and in what pages flash."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment

from tests.house.sources import name_of, tree_of

ATTRIBUTES = ("aria-label", "title", "placeholder", "alt", "data-label")
"""Attributes that people read, or hear."""
NAMES = ("Partsemble", "Excel", "CSV", "Xero", "PSB", "Ctrl", "Esc", "SHA-256")
"""Names are the same in every language."""
SAYING = ("_", "gettext", "ngettext", "pgettext", "state", "url_for")
"""What says its arguments, or shows none: the words of states are in tables, and an address isn't read."""
LETTERS = re.compile(r"[^\W\d_]{2,}")
ENTITY = re.compile(r"&\w+;")
QUIET = re.compile(r"<(code|kbd|style|script)\b.*?</\1>", re.DOTALL)
SENTENCE = re.compile(r"^[A-ZÄÖÜ][a-z]|[a-z,.] [a-zA-Z]")
"""A literal that is written for people: it begins like a title, or holds several words."""
LEXER = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)


@dataclass(slots=True)
class Reading:
    """A template as it is read: its HTML with a mark for each expression, and the literals of the expressions."""

    html: list[str] = field(default_factory=list)
    literals: list[tuple[int, str, bool]] = field(default_factory=list)
    """Line, text, and whether the expression stands where people read it."""


def unsaid_in_template(path: Path) -> list[str]:
    """``file:line: text`` for each."""
    reading = _read(path.read_text(encoding="utf-8"))
    html = QUIET.sub(lambda found: re.sub(r"[^\n]", "\0", found[0]), "".join(reading.html))
    found = [*_in_text(html), *_in_attributes(html), *_in_literals(reading)]
    return [f"{name_of(path)}:{line}: {text}" for line, text in sorted(found)]


def unsaid_in_python(path: Path) -> list[str]:
    """What a page flashes without saying it."""
    calls = (node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call))
    flashes = (call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "flash")
    return [
        f"{name_of(path)}:{call.lineno}: {ast.unparse(call.args[0])}"
        for call in flashes
        if not all(isinstance(each, ast.Call | ast.Name) for each in _branches(call.args[0]))
    ]


def _branches(flashed: ast.expr) -> Iterator[ast.expr]:
    if isinstance(flashed, ast.IfExp):
        yield from (*_branches(flashed.body), *_branches(flashed.orelse))
    else:
        yield flashed


def _read(source: str) -> Reading:
    reading, ends_at = Reading(), ""
    tokens = [token for token in LEXER.lex(source) if token[1] not in ("comment", "comment_begin", "comment_end")]
    at = 0
    while at < len(tokens):
        _, kind, text = tokens[at]
        if kind == "data":
            reading.html.append("\n" * text.count("\n") if ends_at else text)
            at += 1
        elif kind in ("variable_begin", "block_begin"):
            end = next(i for i in range(at, len(tokens)) if tokens[i][1] == kind.replace("begin", "end"))
            inside = [token for token in tokens[at + 1 : end] if token[1] != "whitespace"]
            words = [token[2] for token in inside[:2]]
            if kind == "block_begin":
                ends_at = "" if words[0] == ends_at else ends_at or _end_of(words)
            shown = kind == "variable_begin" and _is_outside_tag("".join(reading.html))
            reading.literals.extend(_literals(inside, shown=shown))
            reading.html.append(("\0" if kind == "variable_begin" else "") + "\n" * _breaks(tokens[at : end + 1]))
            at = end + 1
        else:
            at += 1
    return reading


def _end_of(words: list[str]) -> str:
    """What ends a block whose text is said as a whole, or is no text; nothing for other blocks."""
    if words == ["block", "body_class"]:
        return "endblock"
    return "endtrans" if words[0] == "trans" else ""


def _breaks(tokens: list[tuple[int, str, str]]) -> int:
    return sum(text.count("\n") for _, _, text in tokens)


def _is_outside_tag(html: str) -> bool:
    return html.rfind("<") <= html.rfind(">")


def _literals(tokens: list[tuple[int, str, str]], *, shown: bool) -> Iterator[tuple[int, str, bool]]:
    """Texts in quotes that are not said: those within ``_()`` are."""
    depth, said_at = 0, 0
    for i, (line, kind, text) in enumerate(tokens):
        before = tokens[i - 1] if i else (line, "", "")
        if kind == "operator" and text == "(":
            depth += 1
            if not said_at and before[1] == "name" and before[2] in SAYING:
                said_at = depth
        elif kind == "operator" and text == ")":
            said_at = 0 if said_at == depth else said_at
            depth -= 1
        elif kind == "string" and not said_at and before[2] not in ("==", "!="):
            is_answer = shown and depth == 0 and (i == 0 or before[2] in ("else", "or", "~"))
            yield line, text[1:-1], is_answer


def _in_literals(reading: Reading) -> Iterator[tuple[int, str]]:
    for line, text, is_answer in reading.literals:
        bare = _without_names(text)
        if LETTERS.search(bare) and (is_answer or SENTENCE.search(bare)) and not text.endswith(".html"):
            yield line, repr(text)


def _in_text(html: str) -> Iterator[tuple[int, str]]:
    """What stands between tags."""
    outside = re.sub(r"<[^>]*>", lambda found: re.sub(r"[^\n]", "\0", found[0]), html)
    for number, line in enumerate(outside.splitlines(), start=1):
        for part in line.split("\0"):
            if LETTERS.search(_without_names(part)):
                yield number, part.strip()


def _in_attributes(html: str) -> Iterator[tuple[int, str]]:
    for tag in re.finditer(r"<[a-z][^>]*>", html):
        for name in ATTRIBUTES:
            for value in re.findall(rf'\s{name}="([^"]*)"', tag[0]):
                if LETTERS.search(_without_names(value)):
                    yield html.count("\n", 0, tag.start()) + 1, f"{name}: {value}".replace("\0", "…")


def _without_names(text: str) -> str:
    for name in NAMES:
        text = text.replace(name, "")
    return ENTITY.sub("", text)
