"""Closing a period: no document may be dated on or before the day through which the books are locked.

Who may lock and unlock is decided at the doors (owner, admin and accountant).
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from partsemble_core.errors import Invalid, Refused, say
from partsemble_core.store.companies import Company, CompanyOptions, options_of
from partsemble_core.store.connections import find_live
from partsemble_core.store.lots import StockEntry
from partsemble_core.store.session import CompanySession


class PeriodLocked(Refused):
    """The document's day lies in a locked period."""

    code = "period-locked"

    def __init__(self, day: dt.date, through: dt.date, *, field: str) -> None:
        super().__init__(
            say(
                "{day} lies in a locked period: stock is closed through {through}. Use {next} or later, or have an "
                "owner, admin or accountant unlock the period.",
                day=day,
                through=through,
                next=through + dt.timedelta(days=1),
            )
        )
        self.field = field
        self.through = through


def check_day_is_open(session: CompanySession, day: dt.date, *, field: str) -> None:
    """Raises PeriodLocked naming ``field``. Services call it in the transaction that writes the document.

    The company is held shared until then: a lock that is being set waits for the document, or the document for it, so
    that none slips into a period while it closes.
    """
    session.execute(sa.select(Company.id).where(Company.id == session.company_id).with_for_update(read=True))
    through = session.scalar(sa.select(CompanyOptions.locked_through))
    if through is not None and day <= through:
        raise PeriodLocked(day, through, field=field)


def lock_through(session: CompanySession, through: dt.date | None, *, today: dt.date) -> CompanyOptions:
    """Sets the lock day, later or earlier; None unlocks everything. Raises Invalid for a day to come.

    Waits for documents that are being written. The ledger's last line is noted with it, so that the doctor can tell
    that none was added to the period afterwards.
    """
    if through is not None and through >= today:
        raise Invalid(
            "locked_through", "A period is locked through yesterday at the latest. Choose a day before today."
        )
    session.execute(sa.select(Company.id).where(Company.id == session.company_id).with_for_update(key_share=True))
    session.insert_missing(CompanyOptions, DEFAULTS, key=("company_id",))
    options = session.scalars(
        sa.select(CompanyOptions).with_for_update().execution_options(populate_existing=True)
    ).one()
    options.locked_through = through
    last = session.scalar(sa.select(sa.func.coalesce(sa.func.max(StockEntry.id), 0)))
    options.locked_after_entry_id = None if through is None else last
    return options


def proposed_lock_day(session: CompanySession, *, today: dt.date) -> dt.date | None:
    """The backend's own lock day, or yesterday if that lies ahead, when it is later than ours."""
    connection = find_live(session)
    theirs = None if connection is None else connection.locked_through
    if theirs is None:
        return None
    day, ours = min(theirs, today - dt.timedelta(days=1)), options_of(session).locked_through
    return day if ours is None or day > ours else None


DEFAULTS = {
    "qa_review": False,
    "approver_differs": False,
    "reserve_stock": False,
    "block_expired": False,
    "draw_order": "fifo",
    "export_receipts": "automatic",
    "export_builds": "automatic",
    "export_adjustments": "automatic",
}
