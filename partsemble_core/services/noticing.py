"""Noticing: whether somebody changed a thing since it was shown, so that nobody overwrites what they never saw.

The audit log knows the last change of everything that people change. A form carries the number of the last change that
it showed; when it is saved, the row is locked and the log is asked again. Two at once can't both pass: the log is
written by the transaction that holds the row.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from partsemble_core.errors import Conflict, Invalid, NotFound, Wording, say, word
from partsemble_core.services.closing import DEFAULTS
from partsemble_core.store.audits import AuditAction, AuditEntry
from partsemble_core.store.base import CompanyOwned
from partsemble_core.store.companies import CompanyOptions, get_company
from partsemble_core.store.connections import AccountMapping, Connection
from partsemble_core.store.session import CompanySession
from partsemble_core.store.tracking import TrackingChoice
from partsemble_core.store.watched import WATCHED

MOST = 5
"""Changes that a refusal lists: the newest."""
DIGITS = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What somebody changes: the row that is locked for it, and how its entries are found in the log."""

    table: type[CompanyOwned]
    row_id: int | None
    is_told: sa.ColumnElement[bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of a thing: who, when, and what in the log's words."""

    number: int
    by: str
    at: dt.datetime
    kind: str
    subject: str
    what: str


class ChangedMeanwhile(Conflict):
    """Somebody changed it after it was shown, so nothing is saved. ``changes`` are what they did, the newest first."""

    code = "changed-meanwhile"

    def __init__(self, changes: Sequence[Change], zone: ZoneInfo) -> None:
        last = changes[0]
        at = said_time(last.at, zone)
        super().__init__(
            say(
                "{subject} was changed by {by} on {at}, after you opened it. Nothing of yours was saved. "
                "Look at what is new, then save again if yours should stand.",
                subject=last.subject,
                by=last.by,
                at=at,
            )
            if last.subject
            else say(
                "The {kind} were changed by {by} on {at}, after you opened them. Nothing of yours was saved. "
                "Look at what is new, then save again if yours should stand.",
                kind=word(last.kind),
                by=last.by,
                at=at,
            )
        )
        self.changes = tuple(changes)
        self.seen = str(last.number)
        """What to send next time, by whoever has looked."""


def subject_of(table: type[CompanyOwned], row_id: int) -> Subject:
    """One row that the log calls by its id."""
    noun = _noun(table)
    told = sa.and_(AuditEntry.kind == noun, AuditEntry.subject_id == row_id)
    return Subject(table=table, row_id=row_id, is_told=told)


def settings() -> Subject:
    """The switches of the company."""
    told = AuditEntry.kind == WATCHED[CompanyOptions.__tablename__].noun
    return Subject(table=CompanyOptions, row_id=None, is_told=told)


def accounts(connection_id: int) -> Subject:
    """The accounts that a connection's postings go to."""
    return _chosen(AccountMapping, connection_id)


def tracking(connection_id: int) -> Subject:
    """The tracking options that a connection's journals carry."""
    return _chosen(TrackingChoice, connection_id)


def _chosen(table: type[AccountMapping] | type[TrackingChoice], connection_id: int) -> Subject:
    """Many rows of one connection. One that was taken away counts as everybody's: the log no longer knows whose."""
    mine = sa.select(table.id).where(table.connection_id == connection_id)
    told = sa.and_(
        AuditEntry.kind == WATCHED[table.__tablename__].noun,
        sa.or_(AuditEntry.subject_id.in_(mine), AuditEntry.action == AuditAction.REMOVED),
    )
    return Subject(table=Connection, row_id=connection_id, is_told=told)


def find_last_change(session: CompanySession, subject: Subject) -> Change | None:
    """The newest entry of the log about it; None where it tells nothing."""
    found = _changes(session, subject, after=0, most=1)
    return found[0] if found else None


def last_number(session: CompanySession, subject: Subject) -> str:
    """What a form that shows the thing carries along: the number of its last change, "0" where there is none."""
    found = find_last_change(session, subject)
    return str(found.number) if found else "0"


def check_unchanged(session: CompanySession, subject: Subject, *, seen: object) -> None:
    """Locks the thing until commit, and compares: call it before anything of it is read or changed.

    ``seen`` is the number that came with what was shown; nothing seen is nothing to compare. Raises ChangedMeanwhile,
    NotFound for a row that is gone, Invalid for what is no number.
    """
    if seen is None or seen == "":
        return
    text = str(seen)
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS):
        raise Invalid("seen", "This isn't the number of a change. Load the page again, then repeat what you did.")
    _lock(session, subject)
    changes = _changes(session, subject, after=int(text), most=MOST)
    if changes:
        raise ChangedMeanwhile(changes, ZoneInfo(get_company(session).timezone))


def said_time(at: dt.datetime, zone: ZoneInfo) -> Wording:
    """A time on the company's clock."""
    local = at.astimezone(zone)
    return say("{day} at {time:%H:%M}", day=local.date(), time=local.time())


def clock_of(session: CompanySession, at: dt.datetime | None) -> Wording:
    """The same, for a refusal that says when somebody was faster."""
    return said_time(at, ZoneInfo(get_company(session).timezone)) if at else word("an unknown day")


def _lock(session: CompanySession, subject: Subject) -> None:
    """Not against those who only refer to the row: they change nothing of it."""
    if subject.row_id is None:
        session.insert_missing(CompanyOptions, DEFAULTS, key=("company_id",))
    table: Any = subject.table
    wanted = sa.select(table.id).with_for_update(key_share=True)
    if subject.row_id is not None:
        wanted = wanted.where(table.id == subject.row_id)
    if session.scalar(wanted) is None:
        raise NotFound(_noun(subject.table), subject.row_id)


def _noun(table: Any) -> str:
    """How the log calls its rows."""
    return WATCHED[str(table.__tablename__)].noun


def _changes(session: CompanySession, subject: Subject, *, after: int, most: int) -> list[Change]:
    found = session.scalars(
        sa.select(AuditEntry).where(subject.is_told, AuditEntry.id > after).order_by(AuditEntry.id.desc()).limit(most)
    )
    return [
        Change(number=each.id, by=each.by, at=each.at, kind=each.kind, subject=each.subject, what=each.changes)
        for each in found
    ]
