"""Opting: the switches of a company. Who may turn them is decided at the doors (owner and admin)."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from partsemble_core.errors import Invalid
from partsemble_core.services.closing import DEFAULTS
from partsemble_core.store.companies import CompanyOptions
from partsemble_core.store.session import CompanySession

SWITCHES = ("qa_review", "approver_differs", "reserve_stock", "block_expired")
DRAW_ORDERS = ("fifo", "fefo")


def set_options(session: CompanySession, changes: Mapping[str, object]) -> CompanyOptions:
    """Changes the options named, all or none: true or false for `SWITCHES`, and ``draw_order`` one of `DRAW_ORDERS`.

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
    if name == "draw_order":
        if value not in DRAW_ORDERS:
            raise Invalid(name, "Lots are drawn fifo (first in, first out) or fefo (first expired). Choose one.")
    elif name not in SWITCHES:
        raise Invalid(name[:60], f"There is no such option. Choose one of {', '.join((*SWITCHES, 'draw_order'))}.")
    elif not isinstance(value, bool):
        raise Invalid(name, f"{name} is a switch. Turn it on or off.")
