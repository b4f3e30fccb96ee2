"""Overtaking: whoever saves a BOM hears of it when somebody else's save came between."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from partsemble_core.errors import Conflict, Invalid, say
from partsemble_core.store import boms
from partsemble_core.store.companies import get_company
from partsemble_core.store.session import CompanySession

DIGITS = 9


class BomChanged(Conflict):
    """Another version became the active one since the person began to edit."""

    code = "bom-changed"


def check_not_overtaken(session: CompanySession, product_id: int, based_on: object) -> None:
    """Raises BomChanged unless ``based_on`` is the number of the active version; 0 means that there was none.

    Nothing given is nothing to check. Hold the company's BOM nesting first: then nobody can save in between.
    """
    if based_on is None or based_on == "":
        return
    began = _version_number(based_on)
    active = boms.find_active(session, product_id)
    if began == (active.version if active else 0):
        return
    if active is None:
        raise BomChanged(
            say("Version {began} isn't active any more, and no other is. Load the BOM again.", began=began),
            field="based_on",
        )
    at = active.created_at.astimezone(ZoneInfo(get_company(session).timezone))
    raise BomChanged(
        say(
            "{by} made version {version} active after you began; it was saved on {day} at {time}. "
            "Look at what it changed, then save yours over it or load it.",
            by=active.created_by,
            version=active.version,
            day=at.date(),
            time=f"{at:%H:%M}",
        ),
        field="based_on",
    )


def _version_number(value: object) -> int:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS):
        typed = repr(value)[:40]
        raise Invalid("based_on", say("{value} is no version of a BOM. Send its number, such as 3.", value=typed))
    return int(text)
