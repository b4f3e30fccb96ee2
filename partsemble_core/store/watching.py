"""Watching: each transaction of a company writes down by itself what was changed in it, whichever service did it.

Services know nothing of the audit log and so can't forget it: what they change as objects is seen when it is flushed.
A house rule keeps statements that would change watched rows past us out of the product.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from partsemble_core.store.audits import AuditAction
from partsemble_core.store.base import Base
from partsemble_core.store.watched import WATCHED, Pair, Watched

VALUE = 200
CHANGES = 2_000
ENDS = re.compile("^(is|remote)_|_(id|hash|sealed)$")
"""What a column's name says to programmers alone."""


@dataclass(slots=True)
class Change:
    """A row that this transaction changed, with what it held before."""

    row: Any
    action: AuditAction
    before: dict[str, object] = field(default_factory=dict)
    name: str = ""
    parts: list[str] = field(default_factory=list)
    """What was changed of it that no column of its own shows, such as its lines."""


class Watch:
    """What one transaction has changed so far."""

    def __init__(self) -> None:
        self._changes: dict[int, Change] = {}

    def look(self, session: Session) -> None:
        """Notes what is about to be flushed."""
        for row in session.new:
            if _watched(row):
                self._changes[id(row)] = Change(row, AuditAction.ADDED)
        for row in session.dirty:
            watched = _watched(row)
            if watched and session.is_modified(row):
                self._note_changed(row, watched)
        for row in session.deleted:
            watched = _watched(row)
            if watched:
                self._note_removed(session, row, watched)

    def tell(self, row: Any, part: str) -> None:
        """Notes that a part of a document was changed, which has rows of its own that nobody watches."""
        change = self._changes.setdefault(id(row), Change(row, AuditAction.CHANGED))
        if part not in change.parts:
            change.parts.append(part)

    def entries(self, session: Session) -> list[dict[str, object]]:
        """What the log has to tell of the transaction, and a fresh start."""
        changes, self._changes = list(self._changes.values()), {}
        told = (_entry_of(session, change, _watched(change.row)) for change in changes)
        return [entry for entry in told if entry is not None]

    def _note_changed(self, row: Any, watched: Watched) -> None:
        change = self._changes.setdefault(id(row), Change(row, AuditAction.CHANGED))
        for name in (*watched.shows, *watched.hides):
            history = sa.inspect(row).attrs[name].history
            if history.has_changes():
                change.before.setdefault(name, history.deleted[0] if history.deleted else None)

    def _note_removed(self, session: Session, row: Any, watched: Watched) -> None:
        added = self._changes.pop(id(row), None)
        if added is None or added.action != AuditAction.ADDED:
            before = {name: getattr(row, name) for name in watched.shows}
            self._changes[id(row)] = Change(row, AuditAction.REMOVED, before, _name_of(session, row, watched))


def _watched(row: object) -> Watched | None:
    return WATCHED.get(str(getattr(row, "__tablename__", "")))


def _entry_of(session: Session, change: Change, watched: Watched | None) -> dict[str, object] | None:
    if watched is None or (change.action == AuditAction.ADDED and (not watched.if_added or change.row not in session)):
        return None
    row, pairs = change.row, _pairs_of(change, watched)
    is_part = change.action == AuditAction.CHANGED and bool(change.parts)
    if change.action == AuditAction.CHANGED and not pairs and not is_part:
        return None
    if change.action != AuditAction.ADDED and not is_part and not watched.counts(pairs):
        return None
    told = [_told(session, watched, name, pair) for name, pair in pairs.items()]
    told += [f"{part} changed" for part in change.parts if is_part]
    return {
        "action": change.action.value,
        "kind": watched.noun,
        "subject_id": row.id,
        "subject": change.name or _name_of(session, row, watched),
        "changes": "; ".join(told)[:CHANGES],
    }


def _pairs_of(change: Change, watched: Watched) -> dict[str, Pair]:
    if change.action == AuditAction.ADDED:
        pairs: dict[str, Pair] = {name: (None, getattr(change.row, name)) for name in watched.shows}
    elif change.action == AuditAction.REMOVED:
        pairs = {name: (value, None) for name, value in change.before.items()}
    else:
        pairs = {name: (value, getattr(change.row, name)) for name, value in change.before.items()}
    return {name: pair for name, pair in pairs.items() if (pair[0] or None) != (pair[1] or None)}


def _told(session: Session, watched: Watched, name: str, pair: Pair) -> str:
    title = ENDS.sub("", name).replace("_", " ")
    if name in watched.hides:
        return f"{title} changed"
    before, after = (_written(_looked_up(session, watched, name, value)) for value in pair)
    return f"{title}: {after}" if pair[0] is None else f"{title}: {before} → {after}"


def _name_of(session: Session, row: Any, watched: Watched) -> str:
    names = {column.key: column.key for column in sa.inspect(row).mapper.column_attrs}
    used = [name for name in names if "{" + name + "}" in watched.called]
    values = {name: _looked_up(session, watched, name, getattr(row, name)) for name in used}
    called = " ".join(watched.called.format_map(values).split())[:VALUE]
    return called or (f"draft {row.id}" if watched.called else "")


def _looked_up(session: Session, watched: Watched, name: str, value: object) -> object:
    if name not in watched.looks_up or value is None:
        return value
    table_name, column = watched.looks_up[name]
    table = Base.metadata.tables[table_name]
    return session.connection().scalar(sa.select(table.c[column]).where(table.c.id == value))


def _written(value: object) -> str:
    """A value on one line. Nothing that somebody typed can start a line of its own in the log."""
    match value:
        case None | "":
            text = "nothing"
        case bool():
            text = "yes" if value else "no"
        case Decimal():
            text = f"{value.normalize():f}"
        case dt.datetime():
            text = value.isoformat(sep=" ", timespec="seconds")
        case _:
            text = str(value)
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= VALUE else one_line[: VALUE - 1] + "…"
