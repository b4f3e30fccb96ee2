"""Reconciling: what the stock ledger holds, what was posted for it, and what the books hold, each explained."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import sqlalchemy as sa

from partsemble_core.domain.amounts import add, from_minor
from partsemble_core.domain.exports import ExportState
from partsemble_core.domain.journals import STOCK_ROLES
from partsemble_core.domain.reconciliation import (
    Line,
    Reason,
    Verdict,
    explain_ours,
    explain_theirs,
    judge,
    rounding_in,
    unexplained,
)
from partsemble_core.errors import say
from partsemble_core.plugin_api.entries import entry_from_bytes
from partsemble_core.plugin_api.errors import RetryLater
from partsemble_core.plugin_api.types import JournalEntry
from partsemble_core.services.beholding import behold
from partsemble_core.services.house import House
from partsemble_core.services.tallying import Tally, tally
from partsemble_core.store.adjustments import Adjustment, Reversal
from partsemble_core.store.builds import Build
from partsemble_core.store.connections import mapped_accounts
from partsemble_core.store.exports import Export
from partsemble_core.store.lots import DocumentKind, Lot
from partsemble_core.store.receipts import Receipt
from partsemble_core.store.session import CompanySession
from partsemble_core.store.true_ups import TrueUp

NOTHING = Decimal(0)
NO_BOOKS = "No books are connected, so there is nothing to compare stock with."
OFFLINE = "The books weren't asked."


def refuse_to_wait(seconds: float) -> None:
    """Somebody looks at a page meanwhile."""
    raise RetryLater(
        say("The books ask for patience. Try again in {seconds:.0f} seconds.", seconds=seconds), after=int(seconds)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentProof:
    """Law 5 for one document: ``posted`` − ``exact`` = ``rounding``; ``exact`` is read from the document itself."""

    reference: str
    exact: Decimal
    posted: Decimal
    rounding: Decimal
    state: ExportState
    external_id: str | None
    token: str
    entry: JournalEntry

    @property
    def holds(self) -> bool:
        return add([self.posted, -self.exact]) == self.rounding


def prove_documents(session: CompanySession) -> list[DocumentProof]:
    """Every exported document, in order of export."""
    exact = _exact_values(session)
    return [
        DocumentProof(
            reference=export.reference,
            exact=exact[DocumentKind(export.document_kind), export.document_id],
            posted=export.posted,
            rounding=export.rounding,
            state=ExportState(export.state),
            external_id=export.external_id,
            token=export.token,
            entry=entry_from_bytes(export.body),
        )
        for export in session.scalars(sa.select(Export).order_by(Export.id))
    ]


def count_postings(session: CompanySession) -> int:
    """How many postings a comparison reads."""
    return session.scalar(sa.select(sa.func.count()).select_from(Export)) or 0


def stock_value(session: CompanySession) -> Decimal:
    """Σ remaining cost of all lots, exactly."""
    return add(list(session.scalars(sa.select(Lot.cost_left).where(Lot.cost_left > 0))))


def stock_accounts(session: CompanySession, connection_id: int) -> dict[str, str]:
    """The accounts that stand for stock: external id → code."""
    mapped = mapped_accounts(session, connection_id)
    return {mapped[role].external_id: mapped[role].code for role in STOCK_ROLES if role in mapped}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """One account of stock. ``books`` is None where they couldn't be asked."""

    external_id: str
    code: str
    name: str
    stock: Decimal
    posted: Decimal
    books: Decimal | None

    @property
    def books_minus_posted(self) -> Decimal | None:
        return None if self.books is None else add([self.books, -self.posted])


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """Stock, postings and books at the end of ``day``. ``lines`` and ``remainder`` add up to ``difference``.

    Where the books weren't or couldn't be asked, ``books`` and ``remainder`` are None, ``difference`` is that between
    postings and stock, and ``problem`` says why.
    """

    day: dt.date
    organisation: str
    accounts: tuple[AccountRow, ...]
    stock: Decimal
    posted: Decimal
    books: Decimal | None
    lines: tuple[Line, ...]
    remainder: Decimal | None
    verdict: Verdict
    problem: str = ""
    why_no_journals: str = ""

    @property
    def difference(self) -> Decimal:
        """What the lines explain."""
        return add([self.posted if self.books is None else self.books, -self.stock])

    @property
    def books_minus_posted(self) -> Decimal | None:
        """Of all accounts together."""
        return None if self.books is None else add([self.books, -self.posted])

    @property
    def rounding(self) -> Decimal:
        """What was recorded with the postings: books and stock agree although they differ by it."""
        return rounding_in(self.lines)

    @property
    def unexplained(self) -> Decimal:
        """How much of the difference nothing explains; what lines cancel out isn't part of it."""
        if self.verdict == Verdict.AGREES:
            return NOTHING
        return unexplained(add([self.difference, -self.rounding]), self.remainder or NOTHING)

    @property
    def cancelling(self) -> int:
        """How many lines, and the remainder, cancel each other where the sums agree."""
        if self.verdict != Verdict.AGREES:
            return 0
        return sum(line.reason != Reason.ROUNDING for line in self.lines) + bool(self.remainder)

    @property
    def groups(self) -> tuple[tuple[Reason, Decimal, tuple[Line, ...]], ...]:
        """The lines by reason, each with its sum, in the order of `Reason`."""
        by_reason = {reason: tuple(line for line in self.lines if line.reason == reason) for reason in Reason}
        return tuple(
            (reason, add([line.amount for line in lines]), lines) for reason, lines in by_reason.items() if lines
        )


def reconcile(
    house: House, company_id: int, *, on: dt.date, offline: bool = False, wait: Callable[[float], None] = refuse_to_wait
) -> Reconciliation:
    """Compares stock with the books at the end of ``on``; ``offline``, with what was posted alone.

    Reads only. The books are asked with no transaction open; where they want patience it ``wait``s, or says so.
    """
    with house.reading(company_id) as session:
        side = tally(session, on)
    ours = explain_ours(side.documents, on, least=from_minor(1, decimals=side.company.decimals))
    if offline or side.connection is None:
        return _one_sided(side, ours, problem=OFFLINE if side.connection else NO_BOOKS)
    sight = behold(house, side, wait=wait)
    lines = [*ours, *explain_theirs(side.documents, sight.journals or (), on)] if sight.journals is not None else ours
    if sight.balances is None:
        found = _one_sided(side, ours, problem=sight.why_no_balances)
        return replace(found, why_no_journals=sight.why_no_journals)
    books = add(list(sight.balances.values()))
    remainder = add([books, -side.stock, *(-line.amount for line in lines)])
    return replace(
        _one_sided(side, lines, problem=""),
        accounts=_accounts(side, sight.balances),
        books=books,
        remainder=remainder,
        verdict=judge(lines, add([books, -side.stock])),
        why_no_journals=sight.why_no_journals,
    )


def _one_sided(side: Tally, lines: Sequence[Line], *, problem: str) -> Reconciliation:
    return Reconciliation(
        day=side.day,
        organisation=side.connection.organisation_name if side.connection else "",
        accounts=_accounts(side, None),
        stock=side.stock,
        posted=side.posted,
        books=None,
        lines=tuple(lines),
        remainder=None,
        verdict=Verdict.UNKNOWN,
        problem=problem,
    )


def _accounts(side: Tally, balances: Mapping[str, Decimal] | None) -> tuple[AccountRow, ...]:
    return tuple(
        AccountRow(
            external_id=account.external_id,
            code=account.code,
            name=account.name,
            stock=account.stock,
            posted=account.posted,
            books=None if balances is None else balances[account.external_id],
        )
        for account in side.accounts
    )


def _exact_values(session: CompanySession) -> dict[tuple[DocumentKind, int], Decimal]:
    """What each document moves from one account to another, read from the document; a reversal takes it back."""
    receipts = session.execute(sa.select(Receipt.id, Receipt.total_cost))
    builds = session.execute(sa.select(Build.id, Build.components_cost, Build.added_cost, Build.waste_cost))
    adjustments = session.execute(sa.select(Adjustment.id, Adjustment.cost))
    values = {(DocumentKind.RECEIPT, document_id): cost for document_id, cost in receipts}
    values |= {(DocumentKind.ADJUSTMENT, document_id): abs(cost) for document_id, cost in adjustments}
    for document_id, components, added, waste in builds:
        values[DocumentKind.BUILD, document_id] = add([components, added])
        values[DocumentKind.WASTE, document_id] = waste
    values |= dict.fromkeys(((DocumentKind.TRUE_UP, found) for found in session.scalars(sa.select(TrueUp.id))), NOTHING)
    reversals = session.execute(sa.select(Reversal.id, Reversal.document_kind, Reversal.document_id))
    for reversal_id, kind, document_id in reversals:
        values[DocumentKind.REVERSAL, reversal_id] = -values[DocumentKind(kind), document_id]
    return values
