"""Where the reading of sales stands: an opaque text for the core, five facts a list for us.

Documents are read by the time of their last change, oldest first, and a document that changes goes to the end. So page
numbers alone would skip what moves up; instead each page begins again at the second in which the one before it ended.
Only where more documents than a page holds changed within one second are pages counted; such a second is read until
two readings of it agree, for then none has left it in between; reading goes on with the second after it, not with the
last change seen, since what lay between may have moved up a page.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

OVERLAP = dt.timedelta(minutes=10)
"""How far before the last change seen the next reading begins: their servers don't show changes in strict order."""
SECOND = dt.timedelta(seconds=1)
LISTS = ("Invoices", "CreditNotes")
VERSION = 1
_SUMS = 1 << 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPlace:
    """Where one list stands. ``since`` is the second to read from, None for the very beginning."""

    since: dt.datetime | None = None
    page: int = 1
    newest: dt.datetime | None = None
    """The latest change seen; never later than when this reading began, should their clock run ahead."""
    began: dt.datetime | None = None
    tally: int = 0
    """Which documents were found in a second of many pages, whatever their order."""
    last_tally: int | None = None
    """The same of the reading before, where this second is read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where all of it stands: which list is being read, and the place in each."""

    reading: str = LISTS[0]
    lists: Mapping[str, ListPlace]

    @property
    def current(self) -> ListPlace:
        return self.lists[self.reading]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A document of a page as far as the place is concerned."""

    external_id: str
    changed_at: dt.datetime


def first_place() -> Place:
    """The beginning of everything."""
    return Place(lists={name: ListPlace() for name in LISTS})


def read_cursor(cursor: str | None) -> Place:
    """The place that a cursor stands for; one that can't be read begins again, which loses nothing."""
    try:
        content = json.loads(cursor or "")
        if content["v"] != VERSION or content["reading"] not in LISTS:
            return first_place()
        return Place(reading=content["reading"], lists={name: _list_place(content[name]) for name in LISTS})
    except (ValueError, TypeError, KeyError, AttributeError):
        return first_place()


def write_cursor(place: Place) -> str:
    """The cursor for a place."""
    return json.dumps(
        {"v": VERSION, "reading": place.reading, **{name: _facts(place.lists[name]) for name in LISTS}},
        separators=(",", ":"),
    )


def after_page(place: Place, seen: Iterable[Seen], *, more: bool, read_at: dt.datetime) -> tuple[Place, bool]:
    """The place after a page, and whether there is more to read. ``more``: this list goes on after the page."""
    here, found = place.current, list(seen)
    changes = [each.changed_at for each in found]
    began = here.began or read_at
    here = replace(here, began=began, newest=_latest([here.newest, *(min(moment, began) for moment in changes)]))
    last = max(changes, default=None)
    last = last.replace(microsecond=0) if last else None
    tally = (here.tally + _tally(found, here.since)) % _SUMS
    if more and (last is None or (here.since is not None and last <= here.since)):
        return _with(place, replace(here, page=here.page + 1, tally=tally)), True
    if here.page > 1 and tally != here.last_tally:
        return _with(place, replace(here, page=1, tally=0, last_tally=tally)), True
    if here.page > 1 and here.since is not None:  # this second is whole; what followed it on the page may not be
        return _with(place, replace(here, since=here.since + SECOND, page=1, tally=0, last_tally=None)), True
    if more:
        return _with(place, replace(here, since=last, page=1, tally=0, last_tally=None)), True
    return _after_list(place, here)


def _after_list(place: Place, here: ListPlace) -> tuple[Place, bool]:
    """The next list, or the end: there the first list waits for what changes from now on."""
    begin = here.newest.replace(microsecond=0) - OVERLAP if here.newest else None
    done = _with(place, ListPlace(since=begin, newest=here.newest))
    position = LISTS.index(place.reading) + 1
    if position < len(LISTS):
        return replace(done, reading=LISTS[position]), True
    return replace(done, reading=LISTS[0]), False


def _with(place: Place, here: ListPlace) -> Place:
    return replace(place, lists={**place.lists, place.reading: here})


def _latest(moments: Iterable[dt.datetime | None]) -> dt.datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)


def _tally(found: Iterable[Seen], since: dt.datetime | None) -> int:
    """A sum over the documents of the second that is read, or of those before it that the overlap brought."""
    end = since + SECOND if since else None
    names = [each.external_id for each in found if end and each.changed_at < end]
    return sum(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) for name in names)


def _facts(place: ListPlace) -> list[object]:
    moments = [moment.isoformat() if moment else None for moment in (place.since, place.newest, place.began)]
    return [*moments, place.page, place.tally, place.last_tally]


def _list_place(facts: list[object]) -> ListPlace:
    since, newest, began, page, tally, last_tally = facts
    if not isinstance(page, int) or not isinstance(tally, int) or not isinstance(last_tally, int | None) or page < 1:
        raise ValueError("a cursor of ours has whole numbers here")
    return ListPlace(
        since=_moment(since),
        newest=_moment(newest),
        began=_moment(began),
        page=page,
        tally=tally,
        last_tally=last_tally,
    )


def _moment(text: object) -> dt.datetime | None:
    if text is None:
        return None
    moment = dt.datetime.fromisoformat(str(text))
    if moment.tzinfo is None:
        raise ValueError("a cursor of ours has times with their zone")
    return moment
