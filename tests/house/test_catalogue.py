"""Every text that people read stands in the catalogues, as it is now, and is said in every language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from tests.house import texts_in_python
from tests.house.catalogue import (
    LANGUAGES,
    TEMPLATES,
    catalogue_file,
    collected,
    compiled,
    is_translated,
    read_catalogue,
    updated,
    written,
)
from tests.house.sources import product_files
from tests.house.texts_in_python import Found
from tests.house.unsaid import unsaid_in_python, unsaid_in_template

COMMAND = "run `python -m tests.house.catalogue`"
TEMPLATE_FILES = sorted(TEMPLATES.rglob("*.html"))
PAGE_FILES = product_files("web/partsemble_web")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_holds_the_texts_there_are(language: str) -> None:
    stored, now = read_catalogue(language), collected()
    known = {key_of(message) for message in stored if message.id}
    assert sorted(now.keys() - known) == [], f"these are new: {COMMAND}"
    assert sorted(known - now.keys()) == [], f"these are gone: {COMMAND}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_is_written_as_the_command_writes_it(language: str) -> None:
    assert catalogue_file(language).read_bytes() == written(updated(language)), COMMAND


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_console_reads_is_the_catalogue(language: str) -> None:
    assert catalogue_file(language).with_suffix(".mo").read_bytes() == compiled(language), COMMAND


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language: str) -> None:
    lacking = [message.id for message in read_catalogue(language) if message.id and not is_translated(message.string)]
    assert lacking == [], "translate these"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_fills_in_the_same_values_and_keeps_the_same_tags(language: str) -> None:
    wrong = []
    for message in read_catalogue(language):
        originals = message.id if isinstance(message.id, tuple | list) else (message.id,)
        given = message.string if isinstance(message.string, tuple | list) else (message.string,)
        known = {part for original in originals for part in parts_of(original)}
        for text in given:
            used = set(parts_of(text))
            if text and (used - known or (len(originals) == 1 and used != known)):
                wrong.append((message.id, text))
    assert [each for each in wrong if each[0]] == []


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("%(number)s lots", ["%(number)s"]),
        ("{label} {shown!r} isn’t one", ["{label}", "{shown}"]),
        ("Open <strong>this</strong>", ["<strong>", "</strong>"]),
        ("100 %", []),
    ],
)
def test_parts_of_a_text(text: str, parts: list[str]) -> None:
    assert sorted(parts_of(text)) == sorted(parts)


@pytest.mark.parametrize("path", TEMPLATE_FILES, ids=lambda path: path.relative_to(TEMPLATES).as_posix())
def test_every_text_of_a_template_is_said(path: Path) -> None:
    assert unsaid_in_template(path) == [], 'say these with _("…")'


@pytest.mark.parametrize("path", PAGE_FILES, ids=lambda path: path.name)
def test_every_text_that_a_page_flashes_is_said(path: Path) -> None:
    assert unsaid_in_python(path) == [], 'say these with _("…")'


def test_unsaid_texts_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        '{% block title %}One{% endblock %}\n<p class="x">{{ _("Said") }} two</p>\n'
        '<a title="Three" aria-label="{{ _("said") }}">{{ icon("x") }}</a>\n'
        '{{ header("Four words here", lead=_("Said")) }}\n{{ "five" if a else _("Said") }}\n'
        '{% trans %}Said{% endtrans %}<code>partsemble init</code><i class="{{ "wide" if a else "narrow" }}"></i>\n'
    )
    monkeypatch.setattr("tests.house.unsaid.name_of", lambda path: path.name)
    lines = unsaid_in_template(page)
    assert [line.split(": ", 1)[0] for line in lines] == [f"page.html:{n}" for n in (1, 2, 3, 4, 5)]


def test_texts_are_collected_from_calls_and_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "texts.py"
    file.write_text(
        'TEXT = "By {name}."\nTITLES = {1: "Of a table"}\n'
        'say(TEXT, name=1)\nmark("a" "b")\nConflict("A message.", field="a_field")\nNotFound("lot", 1)\n'
        '_(TITLES[1])\nColumn("key", "Title")\nngettext("%(num)s lot", "%(num)s lots", 2)\n_("x" if a else "y")\n'
    )
    monkeypatch.setattr(texts_in_python, "name_of", lambda path: path.name)
    found = {each.text: each.plural for each in texts_in_python.texts_of(file)}
    assert found == {
        **dict.fromkeys(("By {name}.", "ab", "A message.", "lot", "Of a table", "Title", "x", "y"), ""),
        "%(num)s lot": "%(num)s lots",
    }


def key_of(message: Message) -> str:
    """As ``collected`` names it."""
    text = message.id if isinstance(message.id, str) else message.id[0]
    return Found(text=text, context=message.context).key


def parts_of(text: str) -> list[str]:
    """What a translation has to keep: placeholders, without how they are formatted, and tags."""
    named = re.findall(r"%\(\w+\)s|</?\w+>", text)
    return [*named, *(f"{{{name}}}" for name in re.findall(r"\{(\w+)[^}]*\}", text))]
