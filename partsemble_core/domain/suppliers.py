"""Suppliers: what they are in the books, and which code to propose for a name."""

from __future__ import annotations

import itertools
import string
import unicodedata
from collections.abc import Collection, Iterator

NOT_LINKED = "not linked"
GONE = "gone"
"""Linked to a contact that is archived or no longer there."""
CODE_LENGTHS = (3, 4, 2)
FORMS = frozenset({"ltd", "limited", "inc", "llc", "gmbh", "ag", "co", "company", "corp", "pty", "plc", "sa", "bv"})
"""Words that say how a firm is founded, and nothing of what it is called."""
FALLBACK = "SUP"


def propose_code(name: str, taken: Collection[str]) -> str:
    """Two to four capitals that nobody has: initials, the beginning of the name, then whatever is free.

    There are over 400,000 codes of four; where all that begin alike are taken, another beginning is tried.
    """
    words = _words(name)
    tried = itertools.chain(_from_words(words), _variations("".join(words)[:3] or FALLBACK), _all_codes())
    return next(code for code in tried if 2 <= len(code) <= 4 and code not in taken)


def _words(name: str) -> list[str]:
    """The words in capitals without accents; letters of other scripts fall away."""
    plain = unicodedata.normalize("NFKD", name)
    words = "".join(_letter(character) for character in plain).split()
    return [word.upper() for word in words if word.casefold() not in FORMS] or [word.upper() for word in words]


def _letter(character: str) -> str:
    if character in string.ascii_letters:
        return character
    return "" if unicodedata.combining(character) or character in "'’." else " "


def _from_words(words: list[str]) -> Iterator[str]:
    if len(words) >= 3:
        yield "".join(word[0] for word in words)[:4]
    whole = "".join(words)
    if len(words) == 2:
        yield words[0][:2] + words[1][:1]
    yield from (whole[:length] for length in CODE_LENGTHS)


def _variations(stem: str) -> Iterator[str]:
    yield stem
    for length in (1, 2):
        for tail in itertools.product(string.ascii_uppercase, repeat=length):
            yield stem[: 4 - length] + "".join(tail)


def _all_codes() -> Iterator[str]:
    for letters in itertools.product(string.ascii_uppercase, repeat=4):
        yield "".join(letters)
