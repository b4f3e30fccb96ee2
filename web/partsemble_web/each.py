"""The same done to each of several ticked rows, each in a transaction of its own, and what became of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

from flask import request

from partsemble_core.errors import Invalid, PartsembleError, say
from partsemble_core.services.acting import Act
from partsemble_core.store.session import CompanySession
from partsemble_web.lists import TICKED
from partsemble_web.refusals import explained
from partsemble_web.scope import act, write

AT_ONCE = 200
ID_DIGITS = 18
SERVER_ERROR = 500
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one row. ``problem`` says why nothing was done to it; else it is empty."""

    row_id: int
    title: str
    address: str
    problem: str = ""


def ticked(given: Sequence[str] | None = None, *, most: int = AT_ONCE) -> list[int]:
    """The ids of the ticked rows, each once. Raises Invalid."""
    texts = request.values.getlist("ids") if given is None else given
    if not all(text.isascii() and text.isdigit() and len(text) <= ID_DIGITS for text in texts):
        raise Invalid("ids", say("These are no rows of the list. Tick some in it."))
    ids = list(dict.fromkeys(int(text) for text in texts))
    if len(ids) > most:
        raise Invalid("ids", say("At most {most} rows are taken at once. Tick fewer.", most=most))
    return ids


def change_ticked(change: Callable[[CompanySession, Act, Sequence[int]], Sequence[object]]) -> int:
    """How many of the ticked rows were changed, all or none. What isn't an id is a row that there isn't: 0."""
    who = act()
    texts = request.form.getlist("ids")
    ids = [int(text) if text.isascii() and text.isdigit() and len(text) <= ID_DIGITS else 0 for text in texts]
    return len(write(lambda session: change(session, who, ids)))


def left(outcomes: Sequence[Outcome]) -> list[int]:
    """The rows that nothing was done to: the list that the page leads back to has them ticked still."""
    return [each.row_id for each in outcomes if each.problem]


def way_back(path: str, ids: Sequence[int]) -> dict[str, str]:
    """For the pages after a list: ``list_as_it_was`` with its search, sort and page, which forms send along as
    ``list``, and ``back`` to it with these rows ticked."""
    sent = request.values.get("list", "")
    is_ours = (sent == path or sent.startswith(f"{path}?")) and sent.isprintable() and "#" not in sent
    as_it_was = sent if is_ours else path
    query = urlencode({TICKED: ids}, doseq=True)
    joint = "&" if "?" in as_it_was else "?"
    return {"list_as_it_was": as_it_was, "back": f"{as_it_was}{joint}{query}" if query else as_it_was}


def do_each(
    rows: Sequence[tuple[int, str]],
    work: Callable[[CompanySession, int], T],
    *,
    address: Callable[[int], str],
    title: Callable[[T], str],
) -> list[Outcome]:
    """``work`` for each (id, title): one that is refused stops none of the others. What is our own fault is raised."""
    outcomes = []
    for row_id, name in rows:
        try:
            done = write(lambda session, row_id=row_id: work(session, row_id))  # type: ignore[misc]
        except PartsembleError as error:
            if explained(error).status >= SERVER_ERROR:
                raise
            outcomes.append(Outcome(row_id=row_id, title=name, address=address(row_id), problem=error.message))
        else:
            outcomes.append(Outcome(row_id=row_id, title=title(done), address=address(row_id)))
    return outcomes
