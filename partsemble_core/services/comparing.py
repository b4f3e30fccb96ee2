"""Comparing our own postings with the books, one by one: what is missing, voided, changed or double there.

Nothing is changed, here or there. What it finds, a person puts right: in the books, or by reversing the document.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

import sqlalchemy as sa

from partsemble_core.domain.amounts import add, format_amount
from partsemble_core.domain.exports import ExportState
from partsemble_core.errors import Invalid, say
from partsemble_core.plugin_api.entries import entry_from_bytes
from partsemble_core.plugin_api.errors import BackendError, RetryLater
from partsemble_core.plugin_api.types import JournalEntry, JournalLine, JournalResult, JournalStatus
from partsemble_core.plugin_host import PluginError
from partsemble_core.services.addressing import context_of, token_for
from partsemble_core.services.doctoring import Finding
from partsemble_core.services.house import House
from partsemble_core.services.syncing import NotConnected
from partsemble_core.store.connections import Connection, find_live
from partsemble_core.store.database import database_now
from partsemble_core.store.exports import Export

T = TypeVar("T")
DAYS = 30
MOST_DAYS = 3660
WAITS = 5
"""Times in a row that one look-up is put off by the books before the search ends."""
LONGEST_WAIT = 60
SHOWN = 20
RULES = {
    "remote-missing": "A posted journal is in the books.",
    "remote-voided": "A posted journal stays posted in the books.",
    "remote-changed": "A posted journal holds in the books what was posted.",
    "remote-double": "A document is posted in the books once.",
    "remote-unchecked": "Every posting in question could be looked up.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Posted:
    id: int
    reference: str
    external_id: str
    entry: JournalEntry


def compare_with_books(
    house: House,
    company_id: int,
    *,
    days: int = DAYS,
    wait: Callable[[float], None] = time.sleep,
    tell: Callable[[str, int], None] = lambda books, count: None,
) -> list[Finding]:
    """A finding a law that the books break about what was posted in the last ``days``; empty when all agrees.

    Two look-ups an export, with no transaction open; where the books ask for patience it ``wait``s. It
    ``tell``s first which books are asked, and of how many postings. Raises Invalid
    for ``days`` and NotConnected; where the books can't be asked, that is a finding too.
    """
    connection, posted = _posted_lately(house, company_id, days)
    tell(connection.organisation_name, len(posted))
    said: dict[str, list[tuple[int, str]]] = {law: [] for law in RULES}
    for position, each in enumerate(posted):
        try:
            found = _look_up(house, connection, each, wait)
        except (BackendError, PluginError) as error:
            left = posted[position:]
            why = f"{each.reference}: {error}" + (f" {len(left) - 1} more weren't tried" if len(left) > 1 else "")
            said["remote-unchecked"] += [(row.id, why if row is each else "") for row in left]
            break
        for law, words in _judged(each, found):
            said[law].append((each.id, f"{each.reference}: {words}"))
    return [_finding(law, rows) for law, rows in said.items() if rows]


def _posted_lately(house: House, company_id: int, days: int) -> tuple[Connection, list[_Posted]]:
    if not 1 <= days <= MOST_DAYS:
        raise Invalid("days", say("{days} isn't from 1 to {most_days}.", days=days, most_days=MOST_DAYS))
    with house.reading(company_id) as session:
        connection = find_live(session)
        if connection is None:
            raise NotConnected
        since = database_now(session) - dt.timedelta(days=days)
        rows = session.execute(
            sa.select(Export.id, Export.reference, Export.external_id, Export.body)
            .where(
                Export.connection_id == connection.id,
                Export.state == ExportState.POSTED,
                Export.posted_at >= since,
            )
            .order_by(Export.id)
        )
        return connection, [
            _Posted(id=i, reference=reference, external_id=external_id or "", entry=entry_from_bytes(bytes(body)))
            for i, reference, external_id, body in rows
        ]


def _look_up(
    house: House, connection: Connection, posted: _Posted, wait: Callable[[float], None]
) -> list[JournalResult]:
    """By the token, for doubles, and by the id, for a journal whose narration was changed. Raises BackendError."""
    found: dict[str, JournalResult] = {}
    for external_id in (None, posted.external_id):
        if external_id not in found:
            hits = patiently(lambda e=external_id: _ask(house, connection, posted.entry, e), wait)  # type: ignore[misc]
            found |= {hit.external_id: hit for hit in hits}
    return list(found.values())


def _ask(house: House, connection: Connection, entry: JournalEntry, external_id: str | None) -> Sequence[JournalResult]:
    """With a token of this moment: a long comparison outlives the one it began with."""
    ctx = context_of(house, connection, token=token_for(house, connection), is_urgent=False)
    with closing(ctx.http):
        return house.host.find_journal(connection.backend, ctx, entry=entry, external_id=external_id)


def patiently(ask: Callable[[], T], wait: Callable[[float], None]) -> T:
    """The answer, after as many waits as the books ask for within reason. Raises what ``ask`` raises."""
    for _ in range(WAITS):
        try:
            return ask()
        except RetryLater as error:
            if error.after > LONGEST_WAIT:
                raise
            wait(error.after)
    return ask()


def _judged(posted: _Posted, found: Sequence[JournalResult]) -> Iterator[tuple[str, str]]:
    """(law, words) of each law broken about one posting."""
    ours = next((hit for hit in found if hit.external_id == posted.external_id), None)
    if ours is None:
        yield "remote-missing", f"journal {posted.external_id} isn't there"
    elif ours.status != JournalStatus.POSTED:
        yield "remote-voided", f"journal {posted.external_id} is {ours.status.value}"
    elif unlike := amounts_unlike(posted.entry, ours.lines):
        yield "remote-changed", f"journal {posted.external_id} holds {unlike}"
    others = sorted(
        hit.external_id for hit in found if hit.status == JournalStatus.POSTED and hit.external_id != posted.external_id
    )
    if others:
        yield "remote-double", f"beside {posted.external_id} the books hold {', '.join(others)}"


def amounts_unlike(entry: JournalEntry, lines: Sequence[JournalLine] | None) -> str:
    """How amounts by account differ from the entry's, in words; empty where they agree or the books don't tell."""
    if lines is None:
        return ""
    ours, theirs = _by_account(entry.lines), _by_account(lines)

    def shown(amount: Decimal | None) -> str:
        return format_amount(amount or Decimal(0), decimals=entry.decimals)

    unlike = [
        f"{shown(theirs.get(account))} on account {account} instead of {shown(ours.get(account))}"
        for account in sorted(ours.keys() | theirs.keys())
        if ours.get(account, Decimal(0)) != theirs.get(account, Decimal(0))
    ]
    return ", ".join(unlike)


def _by_account(lines: Sequence[JournalLine]) -> dict[str, Decimal]:
    amounts: dict[str, list[Decimal]] = {}
    for line in lines:
        amounts.setdefault(line.account_code or line.account_id, []).append(line.amount)
    return {account: add(each) for account, each in amounts.items()}


def _finding(law: str, rows: Sequence[tuple[int, str]]) -> Finding:
    words = [said for _, said in rows if said]
    more = f"; {len(words)} in all" if len(words) > SHOWN else ""
    message = f"{RULES[law]} {'; '.join(words[:SHOWN])}{more}."
    return Finding(law=law, table="exports", ids=tuple(row_id for row_id, _ in rows), message=message)
