"""How values are written on pages: money, quantities, days, times, states."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Protocol

from flask import Flask

from partsemble_core.domain.amounts import add, format_amount, format_quantity, format_unit_cost, unit_cost
from partsemble_core.services.admitting import MAY_AUDIT, MAY_EXPORT, MAY_MANAGE, MAY_OWN, MAY_SET_UP, MAY_WRITE
from partsemble_web.naming import document_link
from partsemble_web.places import MENU
from partsemble_web.scope import may, the_company

TONES = {
    **dict.fromkeys(
        ("Synced", "Posted", "Completed", "Confirmed", "Open", "Active", "Connected", "Done", "Delivered", "Linked"),
        "green",
    ),
    **dict.fromkeys(("Pending export", "Pending", "Running", "Under way", "Waiting"), "blue"),
    **dict.fromkeys(
        ("Checking", "Held", "Unknown", "Accounts missing", "On hold", "Pending QA", "Conflict", "Gone", "Caution"),
        "amber",
    ),
    **dict.fromkeys(("Failed", "Refused", "Reconnect needed", "Rejected", "Given up"), "red"),
}
"""The colour that goes with a word. The word alone says it too: nobody has to see the colour."""
WORDS = {
    "exhausted": "Used up",
    "held": "On hold",
    "not_sent": "Not sent",
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
    """How many digits stand behind the point."""
    return len(text.partition(".")[2])


def widest(texts: Iterable[str]) -> int:
    """The longest fraction of a column, which the others are padded to: points then stand under each other."""
    return max((fraction(text) for text in texts), default=0)


def padding(text: str, places: int) -> str:
    """What an amount lacks to ``places``; shown invisibly, so that it takes room only."""
    lacking = places - fraction(text)
    if lacking <= 0 or not text[-1:].isdigit():
        return ""
    return "0" * lacking if "." in text else "." + "0" * lacking


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
    return DASH if value is None else f"{value:,}"


def day(value: dt.date | None) -> str:
    """``4 Apr 2026``: read the same everywhere."""
    return DASH if value is None else f"{value.day} {value:%b %Y}"


def moment(value: dt.datetime | None) -> str:
    """A time on the company's own clock."""
    if value is None:
        return DASH
    local = value.astimezone(the_company().zone)
    return f"{day(local.date())}, {local:%H:%M}"


def instant(value: dt.datetime | None) -> str:
    """The same to the second."""
    return DASH if value is None else f"{moment(value)}:{value:%S}"


def word(value: object) -> str:
    """A state or kind as people read it: ``raw_material`` → ``Raw material``."""
    text = str(value)
    return WORDS.get(text, text.replace("_", " ").capitalize() if text.islower() else text)


def browser(agent: str) -> str:
    """``Firefox on Linux``, as far as a browser says what it is."""
    name = next((title for mark, title in BROWSERS.items() if f"{mark}/" in agent), agent[:60] or "unknown")
    system = next((title for mark, title in SYSTEMS.items() if mark in agent), "")
    return f"{name} on {system}" if system and name != agent else name


def tone(value: object) -> str:
    """The colour of a state's badge; grey for a word that isn't known."""
    return TONES.get(word(value), "grey")


def _written(text: str) -> str:
    """With a minus as long as a plus, so that signs stand under each other."""
    return text.replace("-", "−")


def _signed(value: Decimal, size: str) -> str:
    return f"{'+' if value > 0 else '−' if value < 0 else ''}{size}"
