"""Beholding: what the books hold on the accounts of stock at a day, read from outside with no transaction open."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from partsemble_core.domain.reconciliation import Booked, Posting
from partsemble_core.errors import say
from partsemble_core.plugin_api.booked import BookedJournal
from partsemble_core.plugin_api.entries import entry_from_bytes
from partsemble_core.plugin_api.errors import BackendError, SignedOut, Unsupported
from partsemble_core.plugin_api.types import AccountBalance, BackendContext, JournalResult, JournalStatus, Page
from partsemble_core.plugin_host import PluginError
from partsemble_core.services.addressing import context_of, token_for
from partsemble_core.services.comparing import patiently
from partsemble_core.services.house import House
from partsemble_core.services.tallying import Tally, sums_on
from partsemble_core.store.connections import Connection
from partsemble_core.store.exports import get_export

T = TypeVar("T")
PAGE = 200
MOST_JOURNALS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What could be read. ``balances`` None and ``journals`` None: the books didn't tell, for the reason beside it."""

    balances: Mapping[str, Decimal] | None = None
    why_no_balances: str = ""
    journals: tuple[Booked, ...] | None = None
    why_no_journals: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asker:
    """Asks one connection's books; each call has a token of its moment, and waits where the books ask for patience."""

    house: House
    connection: Connection
    wait: Callable[[float], None]

    def ask(self, question: Callable[[BackendContext], T]) -> T:
        """Raises BackendError, PluginError."""
        return patiently(lambda: self._once(question), self.wait)

    def _once(self, question: Callable[[BackendContext], T]) -> T:
        token = token_for(self.house, self.connection)
        try:
            return self._with(question, context_of(self.house, self.connection, token=token))
        except SignedOut:
            fresh = token_for(self.house, self.connection, refused=token)
        return self._with(question, context_of(self.house, self.connection, token=fresh))

    @staticmethod
    def _with(question: Callable[[BackendContext], T], ctx: BackendContext) -> T:
        with closing(ctx.http):
            return question(ctx)


def behold(house: House, side: Tally, *, wait: Callable[[float], None]) -> Sight:
    """Balances and journals, each or the reason why not. Raises nothing that the books or their plugin do wrong."""
    if side.connection is None:
        raise ValueError("there are no books to look at")
    asker = _Asker(house=house, connection=side.connection, wait=wait)
    balances: Mapping[str, Decimal] | None = None
    journals: tuple[Booked, ...] | None = None
    why_no_balances = why_no_journals = ""
    try:
        balances = _balances(asker, side)
    except (BackendError, PluginError) as error:
        why_no_balances = error.message
    try:
        journals = _journals(asker, side)
    except (BackendError, PluginError) as error:
        why_no_journals = error.message
    return Sight(
        balances=balances,
        why_no_balances=why_no_balances,
        journals=journals,
        why_no_journals=why_no_journals,
    )


def _balances(asker: _Asker, side: Tally) -> Mapping[str, Decimal]:
    backend = asker.connection.backend
    found: Sequence[AccountBalance] = asker.ask(lambda ctx: asker.house.host.list_balances(backend, ctx, on=side.day))
    by_id = {each.account_id: each.balance for each in found}
    return {external_id: by_id.get(external_id, Decimal(0)) for external_id in side.account_ids}


def _journals(asker: _Asker, side: Tally) -> tuple[Booked, ...]:
    """Every journal once, at its newest. Those of ours that no page held are looked up: a page may have missed them."""
    found: dict[str, Booked] = {}
    cursor: str | None = None
    while len(found) <= MOST_JOURNALS:
        page = asker.ask(lambda ctx, at=cursor: _page(asker, ctx, at))  # type: ignore[misc]
        found |= {journal.external_id: _booked(journal, side) for journal in page.records}
        cursor = page.next_cursor
        if not page.has_more:
            return (*found.values(), *_looked_up(asker, side, found))
    raise Unsupported(
        say(
            "The books hold more than {most_journals:,} journals, which is more than is looked through.",
            most_journals=MOST_JOURNALS,
        )
    )


def _page(asker: _Asker, ctx: BackendContext, cursor: str | None) -> Page[BookedJournal]:
    return asker.house.host.list_journals(asker.connection.backend, ctx, cursor=cursor, limit=PAGE)


def _booked(journal: BookedJournal, side: Tally) -> Booked:
    return Booked(
        external_id=journal.external_id,
        is_posted=journal.status == JournalStatus.POSTED,
        date=journal.date,
        token=journal.token,
        narration=journal.narration,
        by_account=None if journal.lines is None else sums_on(journal.lines, side.account_ids),
    )


def _looked_up(asker: _Asker, side: Tally, found: Mapping[str, Booked]) -> list[Booked]:
    missing = [
        posting
        for document in side.documents
        for posting in document.postings
        if posting.is_posted and posting.external_id not in found
    ]
    return [booked for posting in missing for booked in _one(asker, side, posting)]


def _one(asker: _Asker, side: Tally, posting: Posting) -> list[Booked]:
    house, backend = asker.house, asker.connection.backend
    with house.reading(side.company.id) as session:
        entry = entry_from_bytes(bytes(get_export(session, posting.export_id).body))
    hits: Sequence[JournalResult] = asker.ask(
        lambda ctx: house.host.find_journal(backend, ctx, entry=entry, external_id=posting.external_id)
    )
    return [
        Booked(
            external_id=hit.external_id,
            is_posted=hit.status == JournalStatus.POSTED,
            date=hit.posted_on or posting.date,
            token=posting.token,
            by_account=None if hit.lines is None else sums_on(hit.lines, side.account_ids),
        )
        for hit in hits
    ]
