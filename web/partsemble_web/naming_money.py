"""Currencies as people call them, in the page's language."""

from __future__ import annotations

from babel import Locale
from babel.core import get_global
from flask_babel import get_locale


def currencies() -> list[tuple[str, str]]:
    """Code and name of every currency that some country pays with today, by code."""
    names = _locale().currencies
    used = {
        code
        for territory, periods in get_global("territory_currencies").items()
        if len(territory) == 2
        for code, _, until, is_tender in periods
        if until is None and is_tender
    }
    return [(code, names.get(code, code)) for code in sorted(used)]


def currency_name(code: str) -> str:
    """Such as *New Zealand Dollar*; the code itself where nobody calls it anything."""
    return str(_locale().currencies.get(code, code))


def _locale() -> Locale:
    return get_locale() or Locale("en")
