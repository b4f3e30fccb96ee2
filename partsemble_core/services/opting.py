"""Opting: the switches of a company. Who may turn them is decided at the doors (owner and admin)."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from partsemble_core.domain.exports import ExportMode
from partsemble_core.errors import Invalid, say, word
from partsemble_core.services.closing import DEFAULTS
from partsemble_core.store.companies import CompanyOptions
from partsemble_core.store.session import CompanySession

SWITCHES = ("qa_review", "approver_differs", "reserve_stock", "block_expired")
MODES = {ExportMode.AUTOMATIC.value: "posted at once", ExportMode.MANUAL.value: "held until somebody posts it"}
CHOICES: Mapping[str, Mapping[str, str]] = {
    "draw_order": {"fifo": "first in, first out", "fefo": "first expired, first out"},
    "export_receipts": MODES,
    "export_builds": MODES,
    "export_adjustments": MODES,
}
"""Options that are one of a few words, and what each word means."""


def set_options(session: CompanySession, changes: Mapping[str, object]) -> CompanyOptions:
    """Changes the options named, all or none: true or false for `SWITCHES`, one of its words for `CHOICES`.

    The day of the period lock is `closing.lock_through`'s. Raises Invalid naming the option.
    """
    for name, value in changes.items():
        _check(name, value)
    session.insert_missing(CompanyOptions, DEFAULTS, key=("company_id",))
    options = session.scalars(
        sa.select(CompanyOptions).with_for_update().execution_options(populate_existing=True)
    ).one()
    for name, value in changes.items():
        setattr(options, name, value)
    return options


def _check(name: str, value: object) -> None:
    words = CHOICES.get(name)
    if words is not None:
        if not isinstance(value, str) or value not in words:
            (one, means), (other, says) = words.items()
            raise Invalid(
                name,
                say(
                    "{name} is {one} ({means}) or {other} ({says}). Choose one.",
                    name=name,
                    one=one,
                    means=word(means),
                    other=other,
                    says=word(says),
                ),
            )
    elif name not in SWITCHES:
        raise Invalid(
            name[:60], say("There is no such option. Choose one of {known}.", known=", ".join((*SWITCHES, *CHOICES)))
        )
    elif not isinstance(value, bool):
        raise Invalid(name, say("{name} is a switch. Turn it on or off.", name=name))
