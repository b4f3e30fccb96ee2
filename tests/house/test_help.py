"""Every setting on a page has a question mark that leads to a text about it."""

from __future__ import annotations

import re

from partsemble_core.domain.journals import AccountRole
from partsemble_core.services.opting import CHOICES, SWITCHES
from partsemble_web.helping import TOPICS
from tests.house.sources import ROOT

TEMPLATES = ROOT / "web/partsemble_web/templates"
MARK = re.compile(r'help\("([a-z_]+)#([a-z_]*)"(?: ~ ([\w.]+))?')
SECTION = re.compile(r'call section\("([a-z_]+)"')
OF_PAGES = {
    "options/company.html": {"company#name", "company#timezone", "company#currency", "company#inventory_mode"},
    "options/options.html": {f"work#{name}" for name in (*SWITCHES, "draw_order", "locked_through")},
    "options/exports.html": {f"exports#{name}" for name in CHOICES if name.startswith("export_")},
    "tokens/form.html": {"tokens#name", "tokens#role", "tokens#days"},
    "webhooks/fields.html": {"webhooks#url", "webhooks#kinds"},
    "webhooks/webhook.html": {"webhooks#is_active"},
    "integrations/settings.html": {"backends#redirect_address"},
}
"""Fields and switches of the pages of settings."""


def anchors() -> set[str]:
    return {
        f"{topic}#{anchor}"
        for topic in TOPICS
        for anchor in SECTION.findall((TEMPLATES / f"help/topics/{topic}.html").read_text(encoding="utf-8"))
    }


def marks(page: str) -> set[str]:
    """Where the question marks of a page lead; what is made of a name that the page goes through is filled in."""
    text = (TEMPLATES / page).read_text(encoding="utf-8")
    found = set()
    for topic, anchor, name in MARK.findall(text):
        names = re.findall(r'(?:switch|mode)\("(\w+)"', text) if name == "name" else [""]
        if not name or name == "name":
            found |= {f"{topic}#{anchor}{each}" for each in names}
    return found


def test_every_setting_has_a_question_mark() -> None:
    for page, wanted in OF_PAGES.items():
        assert marks(page) >= wanted, page


def test_every_question_mark_leads_to_a_text() -> None:
    for path in TEMPLATES.rglob("*.html"):
        page = path.relative_to(TEMPLATES).as_posix()
        assert marks(page) <= anchors(), page


def test_every_account_that_postings_go_to_is_explained() -> None:
    assert {f"exports#{role}" for role in AccountRole} <= anchors()


def test_every_topic_has_a_page_and_every_page_a_topic() -> None:
    assert {path.stem for path in (TEMPLATES / "help/topics").glob("*.html")} == TOPICS.keys()
