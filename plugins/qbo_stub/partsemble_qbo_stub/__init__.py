"""A stand-in for QuickBooks Online: the second backend, to show that none of the core knows Xero.

Its books live in memory and vanish with the process. It can do ``journal_only``; there is no
``quantity_sync`` yet.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar

from partsemble_core.plugin_api import (
    Account,
    AccountBalance,
    BackendContext,
    BackendInfo,
    BookedJournal,
    Capabilities,
    ClosedPeriod,
    ConnectRequest,
    ConnectResult,
    ConnectState,
    ConnectStep,
    ContactSync,
    Item,
    JournalEntry,
    JournalResult,
    JournalStatus,
    JournalStep,
    KeyReused,
    NotPermitted,
    Organisation,
    Page,
    Posting,
    PostStep,
    Rejected,
    SalesDocument,
    Unsupported,
    entry_bytes,
    hookimpl,
    say,
    word,
)
from partsemble_qbo_stub.service import ACCOUNTS, COMPANIES, ITEMS, KEY_WINDOW, StubJournal, StubService

T = TypeVar("T")
CAPABILITIES = Capabilities(
    posting=Posting.NATIVE_KEY,
    inventory_mode_reason=word("The stub posts journals; quantities stay in Partsemble."),
    key_window=KEY_WINDOW,
    closed_period=ClosedPeriod.REFUSES,
    sales=True,
    balances=True,
    max_narration=4000,
)


class QuickBooksStub:
    """The plugin. ``service`` is the pretended other side; everything else comes with the call."""

    def __init__(self) -> None:
        self.service = StubService()

    @hookimpl
    def describe_backend(self) -> BackendInfo:
        return BackendInfo(
            name="qbo_stub",
            title="QuickBooks Online (stub)",
            version="0.1.0",
            capabilities=CAPABILITIES,
            note=word("To try Partsemble with: nothing reaches QuickBooks."),
        )

    @hookimpl
    def connect(self, ctx: BackendContext, request: ConnectRequest) -> ConnectResult:
        if request.step is ConnectStep.DISCONNECT:
            return ConnectResult(state=ConnectState.DISCONNECTED)
        if request.step in {ConnectStep.BEGIN, ConnectStep.COMPLETE}:
            notice = "These books are kept in memory: they vanish when Partsemble stops."
            return ConnectResult(state=ConnectState.CHOOSE, organisations=COMPANIES, notices=(notice,))
        company = _company(request.organisation_id or ctx.organisation_id)
        return ConnectResult(state=ConnectState.READY, organisations=(self._with_closing_date(company),))

    def _with_closing_date(self, company: Organisation) -> Organisation:
        return Organisation(
            external_id=company.external_id,
            name=company.name,
            base_currency=company.base_currency,
            country=company.country,
            locked_through=self.service.closed_through(company.external_id),
        )

    @hookimpl
    def list_items(self, ctx: BackendContext, cursor: str | None, limit: int) -> Page[Item]:
        return _page(ITEMS, cursor=cursor, limit=limit)

    @hookimpl
    def list_accounts(self, ctx: BackendContext, cursor: str | None, limit: int) -> Page[Account]:
        return _page(ACCOUNTS, cursor=cursor, limit=limit)

    @hookimpl
    def post_journal(self, ctx: BackendContext, entry: JournalEntry, step: JournalStep) -> JournalResult:
        company = _company(ctx.organisation_id)
        _check_accounts(entry)
        known = self._found(company, entry)
        if known is not None:
            if entry_bytes(known.entry) != entry_bytes(entry):
                raise KeyReused(say("The books hold another journal with the token {token}.", token=entry.token))
            return _result(known)
        if step.kind is PostStep.POST:
            message = say(
                "Journal {external_id} isn't in these books; look at what happened to them.",
                external_id=str(step.external_id),
            )
            raise Rejected(message, problems=(message,))
        return _result(self.service.create(company.external_id, entry, key=step.key, now=ctx.now()))

    def _found(self, company: Organisation, entry: JournalEntry) -> StubJournal | None:
        journals = self.service.journals(company.external_id)
        return next((journal for journal in journals if journal.entry.token == entry.token), None)

    @hookimpl
    def find_journal(self, ctx: BackendContext, entry: JournalEntry) -> Sequence[JournalResult]:
        known = self._found(_company(ctx.organisation_id), entry)
        return (_result(known),) if known else ()

    @hookimpl
    def list_balances(self, ctx: BackendContext, on: dt.date) -> Sequence[AccountBalance]:
        totals: defaultdict[str, Decimal] = defaultdict(Decimal)
        for journal in self.service.journals(_company(ctx.organisation_id).external_id):
            for line in journal.entry.lines if journal.entry.date <= on else ():
                totals[line.account_id] += line.amount
        return tuple(
            AccountBalance(
                account_id=account.external_id,
                account_code=account.code,
                balance=totals[account.external_id],
            )
            for account in ACCOUNTS
        )

    @hookimpl
    def fetch_sales(self, ctx: BackendContext, cursor: str | None, limit: int) -> Page[SalesDocument]:
        company = _company(ctx.organisation_id)
        versions = self.service.sales(company.external_id, currency=company.base_currency)
        start = min(int(cursor) if cursor and cursor.isdecimal() else 0, len(versions))
        end = min(start + limit, len(versions))
        return Page(records=versions[start:end], next_cursor=str(end), has_more=end < len(versions))

    @hookimpl
    def list_journals(self, ctx: BackendContext, cursor: str | None, limit: int) -> Page[BookedJournal]:
        journals = self.service.journals(_company(ctx.organisation_id).external_id)
        return _page(tuple(_booked(journal) for journal in journals), cursor=cursor, limit=limit)

    @hookimpl
    def sync_contacts(self) -> ContactSync:
        raise Unsupported("The QuickBooks stub holds no contacts; enter them by hand.")


def _company(external_id: str | None) -> Organisation:
    for company in COMPANIES:
        if company.external_id == external_id:
            return company
    raise NotPermitted(
        say("There is no company {external_id} behind this sign-in; connect again.", external_id=str(external_id))
    )


def _check_accounts(entry: JournalEntry) -> None:
    accounts = {account.external_id: account for account in ACCOUNTS}
    for position, line in enumerate(entry.lines):
        account = accounts.get(line.account_id)
        if account is None or not account.usable:
            why = account.why_not if account else "QuickBooks has no such account; choose another."
            message = say("Account {account_code}: {why}", account_code=line.account_code, why=word(why))
            raise Rejected(message, problems=(message,), fields=(f"lines[{position}].account_code",))


def _result(journal: StubJournal) -> JournalResult:
    return JournalResult(
        external_id=journal.external_id,
        status=JournalStatus.POSTED,
        posted_on=journal.entry.date,
        lines=journal.entry.lines,
    )


def _booked(journal: StubJournal) -> BookedJournal:
    entry = journal.entry
    return BookedJournal(
        external_id=journal.external_id,
        status=JournalStatus.POSTED,
        date=entry.date,
        narration=entry.narration,
        token=entry.token,
        lines=entry.lines,
    )


def _page(records: tuple[T, ...], *, cursor: str | None, limit: int) -> Page[T]:
    start = int(cursor) if cursor and cursor.isdecimal() else 0
    end = start + limit
    return Page(records=records[start:end], next_cursor=str(end), has_more=end < len(records), complete=True)


plugin = QuickBooksStub()
