"""The part of the contract that posts: each entry at most once, whatever is repeated, refused or lost."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
import uuid
from decimal import Decimal

import pytest

from partsemble_core.errors import Invalid
from partsemble_core.plugin_api import (
    BackendError,
    BookedJournal,
    ClosedPeriod,
    JournalEntry,
    JournalResult,
    JournalStatus,
    JournalStep,
    KeyReused,
    OutcomeUnknown,
    PeriodClosed,
    Posting,
    PostStep,
    Rejected,
    RetryLater,
    Secret,
    Written,
)
from partsemble_core.plugin_host import PluginHost
from partsemble_core.plugin_testing.contract_reading import ContractFixtures
from partsemble_core.plugin_testing.harness import Fault, Harness, LedgerAccount

UNKNOWN_ACCOUNT = LedgerAccount("00000000-0000-4000-8000-00000000dead", "NOSUCH")
BAD_AMOUNTS = [("1.00", "-0.99"), ("0", "0"), ("NaN", "1"), ("Infinity", "-Infinity"), ("1E+1000", "-1E+1000")]
BAD_AMOUNTS += [("0.001", "-0.001")]


def create(host: PluginHost, harness: Harness, entry: JournalEntry, *, key: str = "") -> JournalResult:
    """The first step, with a new key unless one is given."""
    step = JournalStep(kind=PostStep.CREATE, key=key or uuid.uuid4().hex)
    return host.post_journal(harness.name, harness.ctx, entry=entry, step=step)


def post(host: PluginHost, harness: Harness, entry: JournalEntry, *, external_id: str, key: str = "") -> JournalResult:
    """The second step: what was created goes into the ledger."""
    step = JournalStep(kind=PostStep.POST, key=key or uuid.uuid4().hex, external_id=external_id)
    return host.post_journal(harness.name, harness.ctx, entry=entry, step=step)


def bring_in(host: PluginHost, harness: Harness, entry: JournalEntry) -> JournalResult:
    """Both steps."""
    return post(host, harness, entry, external_id=create(host, harness, entry).external_id)


def recover(host: PluginHost, harness: Harness, entry: JournalEntry, *, key: str) -> JournalResult:
    """What the core does after doubt, by capability: same key again, or look up and go on from what is found."""
    if host.info(harness.name).capabilities.posting in {Posting.LOCAL, Posting.NATIVE_KEY}:
        found = create(host, harness, entry, key=key)
    else:
        hits = host.find_journal(harness.name, harness.ctx, entry=entry)
        found = min(hits, key=lambda hit: hit.external_id) if hits else create(host, harness, entry)
    return post(host, harness, entry, external_id=found.external_id)


class PostingContract(ContractFixtures):
    """What holds for every backend when it posts."""

    def has_drafts(self, host: PluginHost, harness: Harness) -> bool:
        return host.info(harness.name).capabilities.posting is Posting.DRAFT_THEN_POST

    def test_one_entry_becomes_one_posted_journal(self, host: PluginHost, harness: Harness) -> None:
        count, totals = harness.count_journals(), dict(harness.posted_totals())
        result = bring_in(host, harness, harness.entry("1234.56"))
        assert (result.status, result.posted_on) == (JournalStatus.POSTED, harness.date)
        assert harness.count_journals() == count + 1
        after = dict(harness.posted_totals())
        moved = {code: after[code] - totals.get(code, 0) for code in after if after[code] != totals.get(code, 0)}
        assert moved == {harness.debit.code: Decimal("1234.56"), harness.credit.code: Decimal("-1234.56")}

    def test_a_created_entry_is_in_the_ledger_only_without_drafts(self, host: PluginHost, harness: Harness) -> None:
        count = harness.count_journals()
        result = create(host, harness, harness.entry())
        is_draft = self.has_drafts(host, harness)
        assert result.status is (JournalStatus.DRAFT if is_draft else JournalStatus.POSTED)
        assert harness.count_journals() == count + (0 if is_draft else 1)

    def test_repeating_a_step_with_its_key_is_harmless(self, host: PluginHost, harness: Harness) -> None:
        count, entry = harness.count_journals(), harness.entry()
        first = create(host, harness, entry, key="same-key-" + entry.token)
        second = create(host, harness, entry, key="same-key-" + entry.token)
        assert second.external_id == first.external_id
        for _ in range(2):
            post(host, harness, entry, external_id=first.external_id, key="post-key-" + entry.token)
        assert harness.count_journals() == count + 1

    def test_repeating_a_creation_with_a_new_key_is_harmless(self, host: PluginHost, harness: Harness) -> None:
        count, entry = harness.count_journals(), harness.entry()
        first = create(host, harness, entry)
        second = create(host, harness, entry)
        assert self.has_drafts(host, harness) or second.external_id == first.external_id
        post(host, harness, entry, external_id=first.external_id)
        assert harness.count_journals() == count + 1

    def test_posting_twice_posts_once(self, host: PluginHost, harness: Harness) -> None:
        count, totals = harness.count_journals(), harness.posted_totals()
        entry = harness.entry()
        first = bring_in(host, harness, entry)
        second = post(host, harness, entry, external_id=first.external_id)
        assert (second.external_id, second.status) == (first.external_id, JournalStatus.POSTED)
        assert harness.count_journals() == count + 1
        debit = harness.debit.code
        assert harness.posted_totals()[debit] - totals.get(debit, Decimal(0)) == Decimal("12.34")

    def test_a_key_with_other_content_is_refused(self, host: PluginHost, harness: Harness) -> None:
        entry = harness.entry()
        create(host, harness, entry, key="reused-" + entry.token)
        count = harness.count_journals()
        with pytest.raises(KeyReused):
            create(host, harness, harness.entry("99.00", token=entry.token), key="reused-" + entry.token)
        assert harness.count_journals() == count

    def test_a_journal_is_found_by_token_and_by_id(self, host: PluginHost, harness: Harness) -> None:
        if not host.has_hook(harness.name, "find_journal"):
            pytest.skip("The backend can't look journals up.")
        entry = harness.entry()
        assert host.find_journal(harness.name, harness.ctx, entry=entry) == ()
        created = create(host, harness, entry)
        for external_id in (None, created.external_id):
            hits = host.find_journal(harness.name, harness.ctx, entry=entry, external_id=external_id)
            assert [(hit.external_id, hit.status) for hit in hits] == [(created.external_id, created.status)]
        post(host, harness, entry, external_id=created.external_id)
        hits = host.find_journal(harness.name, harness.ctx, entry=entry)
        assert [hit.status for hit in hits] == [JournalStatus.POSTED]

    def test_an_unknown_account_is_rejected_by_its_line(self, host: PluginHost, harness: Harness) -> None:
        self._expect_rejection(host, harness, UNKNOWN_ACCOUNT)

    def test_an_unusable_account_is_rejected_by_its_line(self, host: PluginHost, harness: Harness) -> None:
        self._expect_rejection(host, harness, harness.unusable_account())

    def _expect_rejection(self, host: PluginHost, harness: Harness, account: LedgerAccount) -> None:
        count = harness.count_journals()
        with pytest.raises(Rejected) as caught:
            bring_in(host, harness, harness.entry(debit=account))
        assert "lines[0].account_code" in caught.value.fields
        assert caught.value.problems
        assert account.code in f"{caught.value} {caught.value.problems}"
        assert harness.count_journals() == count

    @pytest.mark.parametrize("amounts", BAD_AMOUNTS)
    def test_a_bad_entry_never_reaches_the_plugin(
        self, host: PluginHost, harness: Harness, amounts: tuple[str, str]
    ) -> None:
        count, entry = harness.count_journals(), harness.entry()
        lines = [
            dataclasses.replace(line, amount=Decimal(amount)) for line, amount in zip(entry.lines, amounts, strict=True)
        ]
        with pytest.raises(Invalid):
            create(host, harness, dataclasses.replace(entry, lines=tuple(lines)))
        assert harness.count_journals() == count

    def test_a_closed_period_is_kept_as_declared(self, host: PluginHost, harness: Harness) -> None:
        harness.close_books(harness.date)
        count, behaviour = harness.count_journals(), host.info(harness.name).capabilities.closed_period
        if behaviour is ClosedPeriod.REFUSES:
            with pytest.raises(PeriodClosed) as caught:
                bring_in(host, harness, harness.entry())
            assert caught.value.locked_through in {None, harness.date}
            assert harness.count_journals() == count
            return
        posted_on = bring_in(host, harness, harness.entry()).posted_on
        assert harness.count_journals() == count + 1
        assert behaviour is ClosedPeriod.IGNORES or (posted_on or dt.date.min) > harness.date

    def test_balances_move_with_a_posting(self, host: PluginHost, harness: Harness) -> None:
        if not host.info(harness.name).capabilities.balances:
            pytest.skip("The backend lists no balances.")
        debit, day = harness.debit.external_id, harness.date
        before, eve = _balance(host, harness, debit, day), day - dt.timedelta(days=1)
        before_eve = _balance(host, harness, debit, eve)
        bring_in(host, harness, harness.entry("7.01"))
        assert _balance(host, harness, debit, day) - before == Decimal("7.01")
        assert _balance(host, harness, debit, eve) == before_eve, "a balance counts what is dated up to its day"

    def test_the_list_of_journals_holds_what_was_posted(self, host: PluginHost, harness: Harness) -> None:
        if not host.has_hook(harness.name, "list_journals"):
            pytest.skip("The backend lists no journals.")
        entry = harness.entry("7.02")
        posted = bring_in(host, harness, entry)
        other = bring_in(host, harness, harness.entry("7.03"))
        found = {journal.external_id: journal for journal in _journals(host, harness, limit=1)}
        assert {posted.external_id, other.external_id} <= found.keys()
        listed = found[posted.external_id]
        assert (listed.status, listed.date, listed.token) == (JournalStatus.POSTED, entry.date, entry.token)
        amounts = [(line.account_code, line.amount) for line in listed.lines or ()]
        assert amounts == [(line.account_code, line.amount) for line in entry.lines]


def _balance(host: PluginHost, harness: Harness, account_id: str, on: dt.date) -> Decimal:
    balances = {b.account_id: b.balance for b in host.list_balances(harness.name, harness.ctx, on=on)}
    return balances.get(account_id, Decimal(0))


def _journals(host: PluginHost, harness: Harness, *, limit: int) -> list[BookedJournal]:
    found: list[BookedJournal] = []
    cursor: str | None = None
    for _ in range(1000):
        page = host.list_journals(harness.name, harness.ctx, cursor=cursor, limit=limit)
        found.extend(page.records)
        cursor = page.next_cursor
        if not page.has_more:
            return found
    pytest.fail("paging doesn't end")


class DoubtContract(ContractFixtures):
    """What holds when an answer is lost."""

    @pytest.mark.parametrize("fault", [Fault.AFTER, Fault.BEFORE])
    def test_a_lost_creation_is_recovered_and_posts_once(
        self, host: PluginHost, harness: Harness, fault: Fault
    ) -> None:
        count, entry = harness.count_journals(), harness.entry()
        harness.inject(fault)
        with pytest.raises(BackendError) as caught:
            create(host, harness, entry, key="lost-" + entry.token)
        assert isinstance(caught.value, OutcomeUnknown) or (fault, caught.value.written) == (
            Fault.BEFORE,
            Written.NO,
        )
        recover(host, harness, entry, key="lost-" + entry.token)
        assert harness.count_journals() == count + 1

    @pytest.mark.parametrize("fault", [Fault.AFTER, Fault.BEFORE])
    def test_a_lost_posting_is_recovered_and_posts_once(self, host: PluginHost, harness: Harness, fault: Fault) -> None:
        if host.info(harness.name).capabilities.posting is not Posting.DRAFT_THEN_POST:
            pytest.skip("The backend posts in its first step.")
        count, entry = harness.count_journals(), harness.entry()
        draft = create(host, harness, entry)
        harness.inject(fault)
        with pytest.raises(BackendError):
            post(host, harness, entry, external_id=draft.external_id)
        hits = host.find_journal(harness.name, harness.ctx, entry=entry, external_id=draft.external_id)
        expected = JournalStatus.POSTED if fault is Fault.AFTER else JournalStatus.DRAFT
        assert [hit.status for hit in hits] == [expected]
        post(host, harness, entry, external_id=draft.external_id)
        assert harness.count_journals() == count + 1

    def test_a_limit_is_surely_not_written(self, host: PluginHost, harness: Harness) -> None:
        count, entry = harness.count_journals(), harness.entry()
        harness.inject(Fault.LIMIT)
        with pytest.raises(RetryLater) as caught:
            create(host, harness, entry)
        assert (caught.value.written, caught.value.whole_organisation) == (Written.NO, True)
        assert caught.value.after > 0
        bring_in(host, harness, entry)
        assert harness.count_journals() == count + 1

    def test_an_orphan_draft_is_discarded_and_a_posted_journal_is_not(self, host: PluginHost, harness: Harness) -> None:
        if host.info(harness.name).capabilities.posting is not Posting.DRAFT_THEN_POST:
            pytest.skip("The backend has no drafts.")
        entry = harness.entry()
        kept, orphan = create(host, harness, entry), create(host, harness, entry)
        post(host, harness, entry, external_id=kept.external_id)
        count = harness.count_journals()
        for _ in range(2):
            gone = host.discard_draft(harness.name, harness.ctx, entry=entry, external_id=orphan.external_id)
            assert gone.status is JournalStatus.DELETED
        with pytest.raises(Rejected):
            host.discard_draft(harness.name, harness.ctx, entry=entry, external_id=kept.external_id)
        assert harness.count_journals() == count

    def test_one_key_in_many_threads_posts_once(self, host: PluginHost, harness: Harness) -> None:
        if host.info(harness.name).capabilities.posting not in {Posting.LOCAL, Posting.NATIVE_KEY}:
            pytest.skip("The core lets one worker at a time create an entry here.")
        count, entry = harness.count_journals(), harness.entry()
        gate, ids = threading.Barrier(6), []

        def work() -> None:
            gate.wait()
            ids.append(create(host, harness, entry, key="race-" + entry.token).external_id)

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(ids), len(set(ids))) == (6, 1)
        assert harness.count_journals() == count + 1

    def test_no_error_shows_a_secret(self, host: PluginHost, harness: Harness) -> None:
        with pytest.raises(BackendError) as caught:
            bring_in(host, harness, harness.entry(debit=UNKNOWN_ACCOUNT))
        error = caught.value
        shown = f"{error!r} {error} {error.__cause__!r} {error.__context__!r} {vars(error)}"
        for value in (harness.ctx.access_token, *harness.ctx.settings.values()):
            assert not isinstance(value, Secret) or not value or value.reveal() not in shown
