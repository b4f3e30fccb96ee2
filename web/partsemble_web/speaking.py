"""Which language a page speaks, in which formats, and how texts of the core are said in it."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path

from flask import Flask, Response, g, has_request_context, request
from flask_babel import Babel, gettext, refresh

from partsemble_core.errors import Wording
from partsemble_core.services.preferring import DEFAULT, LOCALES
from partsemble_web.writing import write_amount, write_day, write_time

CATALOGUES = Path(__file__).parent / "translations"
STORED = (
    "Left out by {by}: {why}",
    "Cancelled by {by}: {why}",
    "Replaced by a posting with other accounts, by {by}.",
    "Reversed by {reference} before anything was sent.",
    "{message} Open the period in Xero, then try the export again.",
    "Xero refused it: {problems}",
)
"""Sentences that are kept with an export as they were said in English: what of them is ours, and what isn't."""
SHAPES = {
    template: re.compile(
        "".join(
            f"(?P<{part[1:-1]}>.+?)" if part.startswith("{") else re.escape(part)
            for part in re.split(r"({\w+})", template)
        ),
        re.DOTALL,
    )
    for template in STORED
}


def register(app: Flask) -> None:
    """Gives templates ``_``, ``ngettext`` and ``{% trans %}``, a filter for texts of the core, and their language."""
    Babel(
        app,
        default_locale=DEFAULT.replace("-", "_"),
        default_translation_directories=str(CATALOGUES),
        locale_selector=lambda: locale().replace("-", "_"),
    )
    app.jinja_env.filters.update(said=said, within=within)
    app.jinja_env.globals.update(page_locale=locale)
    app.after_request(_say_what_it_varies_by)


def locale() -> str:
    """The person's own choice, else the best of what the browser asks for, else British English: ``de-CH``."""
    if not has_request_context():
        return DEFAULT
    if "locale" not in g:
        g.locale = _chosen() or _asked_for()
    return str(g.locale)


def speak_anew(chosen: str) -> None:
    """Goes on in what the person has just chosen; nothing chosen is what the browser asks for."""
    g.locale = chosen or _asked_for()
    refresh()


class Written(str):
    """A value in the page's format, which a template's own has nothing to add to."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        return str(self)


def said(text: str) -> str:
    """A text of the core in the page's language; in English where the catalogue doesn't know it.

    Of its values those that are texts of the core are said too; others are somebody's own words, and stay as they are.
    """
    if not text:
        return ""  # which a catalogue has something else for
    if not isinstance(text, Wording):
        told = str(gettext(text))
        return told if told != text else _said_anew(text)
    return str(gettext(text.template)).format(**{name: _said_value(value) for name, value in text.values.items()})


def within(text: str) -> str:
    """A title as it stands within a sentence: small in English; German writes it as it is."""
    return text.lower() if locale().startswith("en") else text


def mark(text: str) -> str:
    """Notes a literal for the catalogue where it is written; it is said where it is shown."""
    return text


def _said_value(value: object) -> object:
    if isinstance(value, Decimal):
        return Written(write_amount(f"{value:,f}", locale()))
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return Written(write_day(value, locale()))
    if isinstance(value, dt.time):
        return Written(write_time(value, locale()))
    return said(value) if isinstance(value, Wording) else value


def _said_anew(text: str) -> str:
    """A stored sentence in the page's language, if it is exactly one of those known; else as it stands."""
    for template, shape in SHAPES.items():
        found = shape.fullmatch(text)
        if found:
            values = {
                name: _said_anew(value) if name == "message" else value for name, value in found.groupdict().items()
            }
            return str(gettext(template)).format(**values)
    return text


def _chosen() -> str:
    person = g.get("person")
    return person.locale if person is not None and person.locale in LOCALES else ""


def _asked_for() -> str:
    """The best that is offered of what the browser asks for; the language alone is enough."""
    offered = {tag.lower(): tag for tag in LOCALES}
    for wanted, quality in request.accept_languages:
        language = wanted.partition("-")[0].lower()
        found = offered.get(wanted.lower()) or next((tag for tag in LOCALES if tag.startswith(f"{language}-")), "")
        if found and quality > 0:
            return found
    return DEFAULT


def _say_what_it_varies_by(response: Response) -> Response:
    if response.mimetype == "text/html":
        response.vary.add("Accept-Language")
    return response
