"""How values are written on pages: money, quantities, days, times, states."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Protocol

from flask import Flask
from flask_babel import gettext as _

from partsemble_core.domain.amounts import add, format_amount, format_quantity, format_unit_cost, unit_cost
from partsemble_core.services.admitting import MAY_AUDIT, MAY_EXPORT, MAY_MANAGE, MAY_OWN, MAY_SET_UP, MAY_WRITE
from partsemble_web.naming import document_link
from partsemble_web.places import MENU
from partsemble_web.scope import may, the_company
from partsemble_web.speaking import locale
from partsemble_web.writing import marks_of, write_amount, write_day, write_time

TONES = {
    **dict.fromkeys(
        (
            "Synced",
            "Posted",
            "Completed",
            "Confirmed",
            "Open",
            "Active",
            "Connected",
            "Done",
            "Delivered",
            "Linked",
            "Healthy",
        ),
        "green",
    ),
    **dict.fromkeys(("Pending export", "Pending", "Running", "Under way", "Waiting"), "blue"),
    **dict.fromkeys(
        (
            "Checking",
            "Held",
            "Unknown",
            "Accounts missing",
            "On hold",
            "Pending QA",
            "Conflict",
            "Gone",
            "Caution",
            "Needs attention",
        ),
        "amber",
    ),
    **dict.fromkeys(("Failed", "Refused", "Reconnect needed", "Rejected", "Given up"), "red"),
}
"""The colour that goes with a word. The word alone says it too: nobody has to see the colour."""
WORDS = {
    "exhausted": "Used up",
    "held": "On hold",
    "not_sent": "Not sent",
    "sub_assembly": "Sub-assembly",
    "ok": "Done",
    "cli": "Command line",
    "api": "API",
}
BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
SYSTEMS = {
    "Windows": "Windows",
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Mac OS": "macOS",
    "Linux": "Linux",
}
DASH = "–"


class Priced(Protocol):
    """A quantity and what it cost."""

    @property
    def quantity(self) -> Decimal: ...

    @property
    def cost(self) -> Decimal: ...


def register(app: Flask) -> None:
    """Gives templates the filters and the roles."""
    env = app.jinja_env
    env.trim_blocks = env.lstrip_blocks = True
    env.filters.update(
        money=money,
        cents=cents,
        unit=unit,
        unit_money=unit_money,
        quantity=quantity,
        signed_money=signed_money,
        signed_quantity=signed_quantity,
        each=each,
        exact=exact,
        padding=padding,
        widest=widest,
        day=day,
        moment=moment,
        instant=instant,
        word=word,
        browser=browser,
        tone=tone,
        whole=whole,
    )
    env.globals.update(
        sum_of=lambda *values: add(values),
        document_link=document_link,
        menu=MENU,
        may_write=lambda: may(MAY_WRITE),
        may_export=lambda: may(MAY_EXPORT),
        may_audit=lambda: may(MAY_AUDIT),
        may_manage=lambda: may(MAY_MANAGE),
        may_own=lambda: may(MAY_OWN),
        may_set_up=lambda: may(MAY_SET_UP),
    )


def money(value: Decimal | None) -> str:
    """Without the currency: columns say it once."""
    return DASH if value is None else _written(format_amount(value, decimals=the_company().decimals))


def cents(value: Decimal | None) -> str:
    """Rounded to the currency's smallest unit, for a tile: the full amount stands in its title."""
    if value is None:
        return DASH
    decimals = the_company().decimals
    return _written(format_amount(round(value, decimals), decimals=decimals))


def unit_money(value: Decimal | None) -> str:
    """A cost for one unit where it stands alone, to the cent from 1 upwards; tables show it to the last digit."""
    return DASH if value is None else _written(format_unit_cost(value, decimals=the_company().decimals))


def quantity(value: Decimal | None) -> str:
    return DASH if value is None else _written(format_quantity(value))


def fraction(text: str) -> int:
    """How many digits stand behind the point, or what stands for it."""
    return len(text.partition(marks_of(locale()).point)[2])


def widest(texts: Iterable[str]) -> int:
    """The longest fraction of a column, which the others are padded to: points then stand under each other."""
    return max((fraction(text) for text in texts), default=0)


def padding(text: str, places: int) -> str:
    """What an amount lacks to ``places``; shown invisibly, so that it takes room only."""
    lacking = places - fraction(text)
    if lacking <= 0 or not text[-1:].isdigit():
        return ""
    point = marks_of(locale()).point
    return "0" * lacking if point in text else point + "0" * lacking


def signed_money(value: Decimal) -> str:
    """With a plus, or a minus as long as it."""
    return _signed(value, money(abs(value)))


def signed_quantity(value: Decimal) -> str:
    return _signed(value, quantity(abs(value)))


def each(draw: Priced) -> Decimal:
    """What one unit of a draw cost."""
    return unit_cost(draw.cost, draw.quantity)


def exact(value: Decimal) -> str:
    """For a form's hidden field: digits and a point, nothing else."""
    return f"{value:f}"


def whole(value: int | None) -> str:
    """A count, grouped by thousands."""
    return DASH if value is None else _written(f"{value:,}")


def day(value: dt.date | None) -> str:
    """``4 Apr 2026``, or as the person's country writes it."""
    return DASH if value is None else write_day(value, locale())


def moment(value: dt.datetime | None) -> str:
    """A time on the company's own clock."""
    if value is None:
        return DASH
    return _moment(value)


def instant(value: dt.datetime | None) -> str:
    """The same to the second."""
    return DASH if value is None else _moment(value, seconds=True)


def word(value: object) -> str:
    """A state or kind as people read it, in the page's language: ``raw_material`` → ``Raw material``."""
    text = word_in_english(value)
    return str(_(text)) if text else ""


def unit(name: str) -> str:
    """A unit of measure as people read it. Theirs stay as they are; the one that we propose is said."""
    return str(_("each")) if name == "each" else name


def word_in_english(value: object) -> str:
    """What the catalogue knows it by."""
    text = str(value)
    return WORDS.get(text, text.replace("_", " ").capitalize() if text.islower() else text)


def browser(agent: str) -> str:
    """``Firefox on Linux``, as far as a browser says what it is."""
    name = next((title for mark, title in BROWSERS.items() if f"{mark}/" in agent), agent[:60] or _("unknown"))
    system = next((title for mark, title in SYSTEMS.items() if mark in agent), "")
    return str(_("%(browser)s on %(system)s", browser=name, system=system)) if system and name != agent else name


def tone(value: object) -> str:
    """The colour of a state's badge; grey for a word that isn't known."""
    return TONES.get(word_in_english(value), "grey")


def _moment(value: dt.datetime, *, seconds: bool = False) -> str:
    local = value.astimezone(the_company().zone)
    return f"{day(local.date())}, {write_time(local.time(), locale(), seconds=seconds)}"


def _written(text: str) -> str:
    return write_amount(text, locale())


def _signed(value: Decimal, size: str) -> str:
    return f"{'+' if value > 0 else '−' if value < 0 else ''}{size}"
