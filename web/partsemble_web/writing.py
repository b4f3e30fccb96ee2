"""How numbers, days and times are written and read in each locale that is offered. Digits are never rounded here."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import cache

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import get_decimal_symbol, get_group_symbol

NO_BREAK = "\u00a0"
NARROW = "\u202f"
ALIKE = {NO_BREAK: f"{NO_BREAK}{NARROW} ", "’": "’'"}
"""What people type for a mark that keyboards don't have."""
MINUS = "−"
DAYS = {"en-US": "MMM d, y", "en-CA": "MMM d, y", "de": "dd.MM.y"}
"""How a day is written; all others write ``4 Apr 2026``."""
EXAMPLE = dt.date(2026, 9, 4)
_PLAIN = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?", re.ASCII)
TWELVE_HOURS = frozenset({"en-US", "en-CA", "en-AU", "en-NZ"})


@dataclass(frozen=True, slots=True)
class Marks:
    """What stands between thousands, and before the fraction."""

    group: str
    point: str


@cache
def marks_of(locale: str) -> Marks:
    """Those of ``de-CH``: ``’`` and ``.``."""
    known = Locale.parse(locale, sep="-")
    return Marks(group=get_group_symbol(known), point=get_decimal_symbol(known))


def name_of(locale: str) -> str:
    """What its own people call it, with an example: ``Deutsch (Schweiz) · 1’234.50 · 04.09.2026``."""
    name = Locale.parse(locale, sep="-").get_display_name()
    return f"{name} · {write_amount('1,234.50', locale)} · {write_day(EXAMPLE, locale)}"


def write_amount(text: str, locale: str) -> str:
    """``-1,234.50`` in the locale's own marks, with a minus as long as a plus, so that signs stand under each other.

    Zero has no sign, also where it was a little less before it was rounded.
    """
    marks = marks_of(locale)
    text = text if text.strip("-0.,") else text.lstrip("-")
    return text.translate({ord(","): marks.group, ord("."): marks.point, ord("-"): MINUS})


def write_typed(text: str, locale: str) -> str:
    """A plain ``1234.5`` as a person would type it: without groups."""
    return text.replace(".", marks_of(locale).point)


def read_typed(text: str, locale: str) -> str | None:
    """The plain ``1234.5`` that was typed in the locale's own way; None for what can't be one there.

    Nothing is guessed: ``1.5`` is no number where a comma stands before the fraction.
    """
    typed = text.strip()
    if not _pattern(locale).fullmatch(typed):
        return None
    sign = "-" if typed[0] in f"-{MINUS}" else ""
    whole, _, part = typed.partition(marks_of(locale).point)
    digits = re.sub(r"[^0-9]", "", whole)
    return f"{sign}{digits}.{part}" if part else f"{sign}{digits}"


def read_plain(text: str) -> str | None:
    """The same of ``1234.5`` as an address holds it, whoever opens it; None for what isn't plain."""
    typed = text.strip()
    return typed if _PLAIN.fullmatch(typed) else None


def write_day(day: dt.date, locale: str) -> str:
    """``4 Apr 2026``, ``Apr 4, 2026`` or ``04.04.2026``. Months are short and without a full stop."""
    language = locale.partition("-")[0]
    return str(format_date(day, DAYS.get(locale) or DAYS.get(language, "d MMM y"), locale=language))


def write_time(time: dt.time, locale: str, *, seconds: bool = False) -> str:
    """``14:05`` or ``2:05 pm``."""
    tail = ":ss" if seconds else ""
    pattern = f"h:mm{tail}{NO_BREAK}a" if locale in TWELVE_HOURS else f"HH:mm{tail}"
    return str(format_time(time, pattern, locale=Locale.parse(locale, sep="-")))


@cache
def _pattern(locale: str) -> re.Pattern[str]:
    marks = marks_of(locale)
    group = f"[{re.escape(ALIKE.get(marks.group, marks.group))}]"
    whole = rf"(?:[0-9]{{1,30}}|[0-9]{{1,3}}(?:{group}[0-9]{{3}}){{1,9}})"
    return re.compile(rf"[+\-{MINUS}]?{whole}(?:{re.escape(marks.point)}[0-9]{{1,30}})?", re.ASCII)
