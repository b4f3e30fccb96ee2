"""The catalogues of texts: what they have to hold, and the command that brings them up to date.

``python -m tests.house.catalogue`` collects every text that a person may read, updates each language's ``messages.po``
(what is translated stays) and compiles it. ``docs/how-to/translate.md`` says what comes next.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from tests.house.sources import ROOT, name_of, product_files, tree_of
from tests.house.texts_in_python import Found, texts_of
from tests.house.wordings import Wordings
from tests.house.words_of_tables import words

CATALOGUES = ROOT / "web/partsemble_web/translations"
TEMPLATES = ROOT / "web/partsemble_web/templates"
LANGUAGES = ("de",)
NOT_ON_PAGES = (
    "partsemble_core/cli",
    "partsemble_core/demo",
    "partsemble_core/plugin_testing",
    "plugins/xero/partsemble_xero/sandbox",
)
"""What these say is read on a terminal, or by a program."""
JINJA = {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false", "newstyle_gettext": "true"}
VOLATILE = frozenset(
    {
        "POT-Creation-Date",
        "PO-Revision-Date",
        "Generated-By",
        "Last-Translator",
        "Language-Team",
        "Report-Msgid-Bugs-To",
    }
)
"""Headers that would differ from one day or machine to the next."""


class Steady(Catalog):
    """A catalogue that is written the same on every day and machine."""

    def steady_headers(self) -> list[tuple[str, str]]:
        return [(name, value) for name, value in self._get_mime_headers() if name not in VOLATILE]

    mime_headers = property(steady_headers, Catalog._set_mime_headers)


def collected() -> dict[str, Found]:
    """Every text, by what the catalogue knows it by: its context, if it has one, before it."""
    found: dict[str, Found] = {}
    for each in (*_in_templates(), *_in_python(), *_in_messages(), *words()):
        known = found.get(each.key)
        found[each.key] = each if known is None else known.joined(each)
    return found


def catalogue_file(language: str) -> Path:
    return CATALOGUES / language / "LC_MESSAGES/messages.po"


def read_catalogue(language: str) -> Catalog:
    """As it is stored; an empty one if there is none yet."""
    path = catalogue_file(language)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def updated(language: str) -> Steady:
    """The stored catalogue with exactly the texts there are now; those that are gone are forgotten."""
    stored, fresh = read_catalogue(language), _empty(language)
    for _, found in sorted(collected().items()):
        known = stored.get(found.text, found.context)
        translation = known.string if known is not None and _is_plural(known.id) == bool(found.plural) else None
        key = (found.text, found.plural) if found.plural else found.text
        places = [(place, 0) for place in sorted(found.places)]
        fresh.add(key, translation, locations=places, context=found.context)
    return fresh


def written(catalogue: Steady) -> bytes:
    """The text of its .po file."""
    buffer = BytesIO()
    write_po(buffer, catalogue, width=110, sort_output=True, include_lineno=False, ignore_obsolete=True)
    return buffer.getvalue()


def compiled(language: str) -> bytes:
    """The .mo file of what is stored, which the console reads."""
    steady = _empty(language)
    for message in read_catalogue(language):
        if message.id:
            steady.add(message.id, message.string, context=message.context)
    buffer = BytesIO()
    write_mo(buffer, steady)
    return buffer.getvalue()


def update() -> None:
    """Brings the catalogue of each language up to date."""
    for language in LANGUAGES:
        path = catalogue_file(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(written(updated(language)))
        path.with_suffix(".mo").write_bytes(compiled(language))
        left = sum(1 for message in read_catalogue(language) if message.id and not is_translated(message.string))
        sys.stdout.write(f"{name_of(path)}: {len(collected())} texts, {left} not translated\n")


def is_translated(string: str | Iterable[str]) -> bool:
    """Whether there is something in every form."""
    return bool(string) if isinstance(string, str) else bool(string) and all(string)


def _empty(language: str) -> Steady:
    return Steady(
        locale=language, project="Partsemble", version="0", header_comment="# Texts of the console.", fuzzy=False
    )


def _is_plural(key: object) -> bool:
    return not isinstance(key, str)


def _in_templates() -> Iterator[Found]:
    for path in sorted(TEMPLATES.rglob("*.html")):
        with path.open("rb") as file:
            for _, function, message, _ in babel_extract(file, ("_", "gettext", "ngettext", "pgettext"), (), JINJA):
                texts = message if isinstance(message, tuple) else (message,)
                given = [text for text in texts if text]
                context = given.pop(0) if function == "pgettext" else None
                if given:
                    plural = given[1] if function == "ngettext" else ""
                    yield Found(text=given[0], plural=plural, context=context, places=frozenset({name_of(path)}))


def _in_python() -> Iterator[Found]:
    for path in _files():
        yield from texts_of(path)


def _in_messages() -> Iterator[Found]:
    """What refusals say, followed from each back to where it is written."""
    trees = {name_of(path): tree_of(path) for path in _files() if "web" not in path.relative_to(ROOT).parts[0]}
    place = frozenset({"partsemble_core"})
    for text in Wordings(trees).read().literals:
        if any(letter.isalpha() for letter in re.sub(r"\{.*?\}", "", text)):
            yield Found(text=text, places=place)


def _files() -> list[Path]:
    return [path for path in product_files() if not any(path.is_relative_to(ROOT / folder) for folder in NOT_ON_PAGES)]


if __name__ == "__main__":
    update()
