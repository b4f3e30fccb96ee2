"""Reference designators: C1, R12, TP3A; alone, in lists, in ranges."""

from __future__ import annotations

import re

_ONE = re.compile(r"[A-Za-z_!]{1,8}\d{0,5}[A-Za-z0-9_]{0,6}", re.ASCII)
_TYPICAL = re.compile(r"[A-Za-z]{1,4}\d{1,5}[A-Za-z]?", re.ASCII)
_RANGE = re.compile(r"([A-Za-z]{1,4})(\d{1,5})\s*[-–]\s*([A-Za-z]{0,4})(\d{1,5})", re.ASCII)
MAX_RANGE = 1000


class UnclearRange(Exception):
    """Something like C1-4 that may be a range or a name. Never leaves this package."""


def designators_of(cell: str) -> tuple[str, ...]:
    """The designators in a cell, ranges such as ``C1-C4`` written out. Raises UnclearRange."""
    found: list[str] = []
    for part in re.split(r"[,;\n]", cell):
        piece = part.strip()
        words = piece.split()
        if len(words) > 1 and all(_TYPICAL.fullmatch(word) for word in words):
            found.extend(words)
        elif piece:
            found.extend(_range_of(piece))
    return tuple(found)


def _range_of(piece: str) -> list[str]:
    match = _RANGE.fullmatch(piece)
    if match is None:
        return [piece]
    prefix, first, second_prefix, last = match.groups()
    if second_prefix != prefix or not int(first) < int(last) < int(first) + MAX_RANGE:
        raise UnclearRange(piece)
    return [f"{prefix}{number}" for number in range(int(first), int(last) + 1)]


def is_designator_list(cell: str) -> bool:
    """Whether a cell holds nothing but typical designators."""
    try:
        found = designators_of(cell)
    except UnclearRange:
        return False
    return bool(found) and all(_TYPICAL.fullmatch(one) for one in found)


def natural_key(designator: str) -> tuple[tuple[int, str], ...]:
    """Sorts C2 before C10."""
    parts = re.findall(r"[0-9]+|[^0-9]+", designator)
    return tuple((int(part[:15]), "") if part[0].isdigit() and part.isascii() else (-1, part) for part in parts)
