"""A backend that lies on order: it loses answers, applies late, refuses, stalls, and answers with somebody else's id.

It is the worst accounting system that the posting protocol has to survive; a plugin author sees with it what the core
does after each error. The books behind it are `partsemble_core.plugin_testing.lying_books`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import time
import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal

from partsemble_core.plugin_api import (
    Account,
    AccountBalance,
    AccountClass,
    BackendContext,
    BackendError,
    BackendInfo,
    BatchAnswer,
    BatchEntry,
    BookedJournal,
    Capabilities,
    ConnectRequest,
    ConnectResult,
    ConnectState,
    ConnectStep,
    Contact,
    ContactSync,
    Item,
    JournalEntry,
    JournalLine,
    JournalResult,
    JournalStatus,
    JournalStep,
    NotPermitted,
    Organisation,
    OutcomeUnknown,
    Page,
    PeriodClosed,
    Posting,
    PostStep,
    Rejected,
    RetryLater,
    SalesDocument,
    SignedOut,
    SignIn,
    Unsupported,
    hookimpl,
)
from partsemble_core.plugin_testing.lying_books import HeldJournal, Lie, LyingBooks, Request

ACCOUNTS = (
    ("a-621", "621", "Stock of components", AccountClass.ASSET),
    ("a-622", "622", "Stock of finished goods", AccountClass.ASSET),
    ("a-623", "623", "Goods received clearing", AccountClass.LIABILITY),
    ("a-478", "478", "Applied labour", AccountClass.EXPENSE),
)
ORGANISATION = "lying-books"


class LyingBackend:
    """The plugin object over `LyingBooks`. ``watch`` hears ``books.before`` each call and ``books.after`` each
    change, and may kill the process or act as another worker. With ``sign_in`` the backend asks for one first."""

    def __init__(
        self,
        books: LyingBooks,
        *,
        name: str = "lying",
        currency: str = "NZD",
        sign_in: SignIn | None = None,
        watch: Callable[[str], None] | None = None,
        batch_size: int = 1,
    ) -> None:
        self.books = books
        self._name = name
        self._currency = currency
        self._sign_in = sign_in
        self._batch_size = batch_size
        self.watch: Callable[[str], None] = watch or (lambda point: None)

    @hookimpl
    def describe_backend(self) -> BackendInfo:
        capabilities = Capabilities(posting=self.books.posting, balances=True, batch_size=self._batch_size)
        return BackendInfo(name=self._name, title="Lying books", version="1", capabilities=capabilities)

    @hookimpl
    def connect(self, ctx: BackendContext, request: ConnectRequest) -> ConnectResult:
        """One organisation; ``begin`` asks for a sign-in where there is one."""
        organisation = Organisation(external_id=ORGANISATION, name="Lying Books", base_currency=self._currency)
        if request.step == ConnectStep.BEGIN and self._sign_in is not None:
            return ConnectResult(state=ConnectState.SIGN_IN, sign_in=self._sign_in)
        if request.step == ConnectStep.DISCONNECT:
            return ConnectResult(state=ConnectState.DISCONNECTED)
        is_chosen = request.step in (ConnectStep.CHOOSE, ConnectStep.CHECK)
        return ConnectResult(
            state=ConnectState.READY if is_chosen else ConnectState.CHOOSE, organisations=(organisation,)
        )

    @hookimpl
    def list_items(self, ctx: BackendContext, cursor: str | None, limit: int) -> Page[Item]:
        return Page(records=(), complete=True)

    @hookimpl
    def list_accounts(self, ctx: BackendContext, cursor: str | None, limit: int) -> Page[Account]:
        start = int(cursor or 0)
        shown = tuple(
            Account(external_id=external_id, code=code, name=name, classification=kind)
            for external_id, code, name, kind in ACCOUNTS[start : start + limit]
        )
        has_more = start + limit < len(ACCOUNTS)
        return Page(
            records=shown, next_cursor=str(start + limit) if has_more else None, has_more=has_more, complete=True
        )

    @hookimpl
    def post_journal(self, ctx: BackendContext, entry: JournalEntry, step: JournalStep) -> JournalResult:
        if step.kind is PostStep.POST and self.books.posting != Posting.DRAFT_THEN_POST:
            raise Unsupported("These books have no drafts.")
        return self._answer(ctx, _request(entry, step, key=step.key))

    @hookimpl
    def post_journals(self, ctx: BackendContext, entries: Sequence[BatchEntry]) -> Sequence[BatchAnswer]:
        """A lie about one may be about the whole call, which breaks off there: those before it were applied."""
        requests = [_request(entry, step, key=f"{step.key}/{entry.token}") for entry, step in entries]
        self.watch("books.before")
        told = [self.books.arrive(request, bearer=_bearer(ctx)) for request in requests]
        for lie, seconds in told:
            if lie in BEFORE_ANY:
                _speak(lie, seconds)
        answers: list[BatchAnswer] = []
        lost = False
        for request, (lie, seconds) in zip(requests, told, strict=True):
            answers.append(self._answer_in_batch(request, lie, seconds))
            lost = lost or lie in (Lie.LOSE_ANSWER, Lie.APPLY_LATE)
            self.watch("books.after")
        if lost:
            raise OutcomeUnknown("The connection broke before the answer.")
        return answers

    def _answer_in_batch(self, request: Request, lie: Lie | None, seconds: int) -> BatchAnswer:
        if lie is Lie.APPLY_LATE:
            self.books.apply_late(request, seconds=seconds)
            return OutcomeUnknown("The answer did not come in time.")
        if lie in (Lie.CLOSE_BEFORE, Lie.BREAK):
            _speak(lie, seconds)  # about the call
        try:
            _speak(lie, seconds)
            return self._held(request, self.books.apply(request), lie, seconds)
        except BackendError as error:
            return error

    @hookimpl
    def find_journals(
        self, ctx: BackendContext, entries: Sequence[JournalEntry], since: dt.datetime
    ) -> Sequence[Sequence[JournalResult]]:
        first = Request(step="look_up", key="", token=entries[0].token, lines="", external_id="")
        self.watch("books.before")
        _speak(*self.books.arrive(first, bearer=_bearer(ctx)))
        return [[_result(each) for each in self.books.journals(token=entry.token)] for entry in entries]

    @hookimpl
    def find_journal(
        self, ctx: BackendContext, entry: JournalEntry, external_id: str | None
    ) -> Sequence[JournalResult]:
        request = Request(step="look_up", key="", token=entry.token, lines="", external_id=external_id or "")
        self.watch("books.before")
        _speak(*self.books.arrive(request, bearer=_bearer(ctx)))
        held = self.books.journals(token=entry.token)
        return tuple(_result(each) for each in held if external_id in (None, each.external_id))

    @hookimpl
    def discard_draft(self, ctx: BackendContext, entry: JournalEntry, external_id: str) -> JournalResult:
        request = Request(step="discard", key="", token=entry.token, lines="", external_id=external_id)
        return self._answer(ctx, request)

    @hookimpl
    def list_balances(self, ctx: BackendContext, on: dt.date) -> Sequence[AccountBalance]:
        self._listen(ctx, "balances")
        posted = [each for each in self.books.journals(status="posted") if each.day <= on.isoformat()]
        lines = [line for each in posted for line in _result(each).lines or ()]
        return tuple(
            AccountBalance(
                account_id=external_id,
                account_code=code,
                balance=sum((line.amount for line in lines if line.account_id == external_id), Decimal(0)),
            )
            for external_id, code, *_ in ACCOUNTS
        )

    @hookimpl
    def list_journals(self, ctx: BackendContext, cursor: str | None, limit: int) -> Page[BookedJournal]:
        self._listen(ctx, "journals")
        start = int(cursor or 0)
        held = self.books.journals()
        return Page(
            records=tuple(_booked(each) for each in held[start : start + limit]),
            next_cursor=str(start + limit),
            has_more=start + limit < len(held),
            complete=True,
        )

    def _listen(self, ctx: BackendContext, step: str) -> None:
        request = Request(step=step, key="", token="", lines="", external_id="")
        _speak(*self.books.arrive(request, bearer=_bearer(ctx)))

    @hookimpl
    def fetch_sales(self, ctx: BackendContext, cursor: str | None, limit: int) -> Page[SalesDocument]:
        raise Unsupported("These books know no sales.")

    @hookimpl
    def sync_contacts(
        self, ctx: BackendContext, cursor: str | None, push: Sequence[Contact], limit: int
    ) -> ContactSync:
        raise Unsupported("These books know no contacts.")

    def _answer(self, ctx: BackendContext, request: Request) -> JournalResult:
        """Applies the request as the lie of the moment has it."""
        self.watch("books.before")
        lie, seconds = self.books.arrive(request, bearer=_bearer(ctx))
        _speak(lie, seconds)
        if lie is Lie.APPLY_LATE:
            self.books.apply_late(request, seconds=seconds)
            raise OutcomeUnknown("The answer did not come in time.")
        held = self.books.apply(request)
        self.watch("books.after")
        if lie is Lie.LOSE_ANSWER:
            raise OutcomeUnknown("The connection broke before the answer.")
        return self._held(request, held, lie, seconds)

    def _held(self, request: Request, held: HeldJournal, lie: Lie | None, seconds: int) -> JournalResult:
        """What the answer says of what was applied."""
        if lie is Lie.LEFT_OUT:
            raise OutcomeUnknown("The answer doesn't hold the journal.")
        if lie is Lie.SLOW_ANSWER:
            time.sleep(seconds)
        if lie is Lie.WRONG_ID:
            others = [each for each in self.books.journals() if each.token != request.token]
            return JournalResult(
                external_id=others[0].external_id if others else str(uuid.uuid4()), status=JournalStatus(held.status)
            )
        return _result(held)


BEFORE_ANY = (Lie.LIMIT, Lie.BUSY, Lie.SIGNED_OUT, Lie.NOT_PERMITTED)
"""What is said of a whole call before any of it is applied."""


def _request(entry: JournalEntry, step: JournalStep, *, key: str) -> Request:
    return Request(
        step=step.kind.value,
        key=key,
        token=entry.token,
        lines=_lines(entry),
        external_id=step.external_id or "",
        day=entry.date.isoformat(),
    )


def _speak(lie: Lie | None, seconds: int) -> None:
    """Tells the lies that leave the books as they are."""
    if lie is Lie.REFUSE:
        raise Rejected("An account is archived.", fields=("lines[0].account_id",))
    if lie is Lie.PERIOD_CLOSED:
        raise PeriodClosed("The period is locked.")
    if lie is Lie.LIMIT:
        raise RetryLater("Too many calls.", after=seconds or 60, whole_organisation=True)
    if lie is Lie.BUSY:
        raise RetryLater("Nothing was sent.", after=seconds or 5)
    if lie is Lie.SIGNED_OUT:
        raise SignedOut("The access token was refused.")
    if lie is Lie.NOT_PERMITTED:
        raise NotPermitted("The organisation was disconnected.")
    if lie is Lie.CLOSE_BEFORE:
        raise OutcomeUnknown("The connection was closed.")
    if lie is Lie.BREAK:
        raise RuntimeError("the plugin has a bug")
    if lie is Lie.SLOW:
        time.sleep(seconds)


def _result(held: HeldJournal) -> JournalResult:
    codes = {external_id: code for external_id, code, *_ in ACCOUNTS}
    lines = tuple(
        JournalLine(account_id=account_id, account_code=codes.get(account_id, ""), amount=Decimal(amount))
        for account_id, amount in json.loads(held.lines)
    )
    return JournalResult(external_id=held.external_id, status=JournalStatus(held.status), lines=lines)


def _booked(held: HeldJournal) -> BookedJournal:
    return BookedJournal(
        external_id=held.external_id,
        status=JournalStatus(held.status),
        date=dt.date.fromisoformat(held.day or "1900-01-01"),
        token=held.token,
        lines=_result(held).lines,
    )


def _lines(entry: JournalEntry) -> str:
    return json.dumps([[line.account_id, format(line.amount, "f")] for line in entry.lines])


def _bearer(ctx: BackendContext) -> str:
    token = ctx.access_token
    return "" if token is None else hashlib.sha256(token.reveal().encode()).hexdigest()[:12]
