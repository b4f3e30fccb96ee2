"""The part of the contract about many entries in one call: each has its own fate, and none is posted twice."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

import pytest

from partsemble_core.plugin_api import (
    BackendError,
    BatchAnswer,
    JournalEntry,
    JournalResult,
    JournalStatus,
    JournalStep,
    OutcomeUnknown,
    PostStep,
    Rejected,
    Written,
)
from partsemble_core.plugin_host import PluginHost
from partsemble_core.plugin_testing.contract_posting import UNKNOWN_ACCOUNT
from partsemble_core.plugin_testing.contract_reading import ContractFixtures
from partsemble_core.plugin_testing.harness import Fault, Harness


def create_all(
    host: PluginHost, harness: Harness, entries: Sequence[JournalEntry], *, key: str = ""
) -> tuple[BatchAnswer, ...]:
    """The first step of all in one call, with a new key unless one is given."""
    step = JournalStep(kind=PostStep.CREATE, key=key or uuid.uuid4().hex)
    return host.post_journals(harness.name, harness.ctx, entries=[(entry, step) for entry in entries])


def post_all(
    host: PluginHost, harness: Harness, entries: Sequence[JournalEntry], drafts: Sequence[BatchAnswer]
) -> tuple[BatchAnswer, ...]:
    """The second step of all in one call."""
    key = uuid.uuid4().hex
    steps = [JournalStep(kind=PostStep.POST, key=key, external_id=external_id) for external_id in ids_of(drafts)]
    return host.post_journals(harness.name, harness.ctx, entries=list(zip(entries, steps, strict=True)))


def ids_of(answers: Sequence[BatchAnswer]) -> list[str]:
    """All of them were taken."""
    taken = [answer for answer in answers if isinstance(answer, JournalResult)]
    assert len(taken) == len(answers), answers
    return [answer.external_id for answer in taken]


class BatchContract(ContractFixtures):
    """What holds for a backend that takes batches."""

    def skip_without(self, host: PluginHost, harness: Harness) -> None:
        """To be called first: a fixture of this class would skip what stands beside it too."""
        if host.info(harness.name).capabilities.batch_size == 1:
            pytest.skip("The backend takes one journal a call.")

    def entries(self, harness: Harness, count: int = 3) -> list[JournalEntry]:
        return [harness.entry(f"{10 + number}.00") for number in range(count)]

    def test_a_batch_becomes_one_posted_journal_each(self, host: PluginHost, harness: Harness) -> None:
        self.skip_without(host, harness)
        count, entries = harness.count_journals(), self.entries(harness)
        drafts = create_all(host, harness, entries)
        assert harness.count_journals() == count, "drafts are in no ledger"
        posted = post_all(host, harness, entries, drafts)
        assert ids_of(posted) == ids_of(drafts)
        assert len(set(ids_of(posted))) == len(entries)
        assert harness.count_journals() == count + len(entries)

    def test_answers_are_those_of_their_entries(self, host: PluginHost, harness: Harness) -> None:
        self.skip_without(host, harness)
        entries = self.entries(harness)
        drafts = create_all(host, harness, entries)
        for entry, draft in zip(entries, ids_of(drafts), strict=True):
            hits = host.find_journal(harness.name, harness.ctx, entry=entry)
            assert [hit.external_id for hit in hits] == [draft]

    def test_what_is_wrong_with_one_is_that_ones_alone(self, host: PluginHost, harness: Harness) -> None:
        self.skip_without(host, harness)
        count, entries = harness.count_journals(), self.entries(harness)
        bad = harness.entry(debit=UNKNOWN_ACCOUNT)
        first, refused, *others = create_all(host, harness, [entries[0], bad, *entries[1:]])
        assert isinstance(refused, Rejected)
        assert refused.problems
        assert "lines[0].account_code" in refused.fields
        post_all(host, harness, entries, [first, *others])
        assert harness.count_journals() == count + len(entries)

    def test_repeating_a_batch_posts_each_once(self, host: PluginHost, harness: Harness) -> None:
        self.skip_without(host, harness)
        count, entries = harness.count_journals(), self.entries(harness)
        key = "same-key-" + entries[0].token
        drafts = create_all(host, harness, entries, key=key)
        assert ids_of(create_all(host, harness, entries, key=key)) == ids_of(drafts)
        for _ in range(2):
            assert ids_of(post_all(host, harness, entries, drafts)) == ids_of(drafts)
        assert harness.count_journals() == count + len(entries)

    @pytest.mark.parametrize("fault", [Fault.AFTER, Fault.BEFORE])
    def test_a_lost_batch_is_found_and_posts_each_once(self, host: PluginHost, harness: Harness, fault: Fault) -> None:
        self.skip_without(host, harness)
        count, entries = harness.count_journals(), self.entries(harness)
        since = dt.datetime.now(dt.UTC)
        harness.inject(fault)
        with pytest.raises(BackendError) as caught:
            create_all(host, harness, entries)
        assert isinstance(caught.value, OutcomeUnknown) or (fault, caught.value.written) == (Fault.BEFORE, Written.NO)
        found = host.find_journals(harness.name, harness.ctx, entries=entries, since=since)
        drafts: Sequence[BatchAnswer] = [hits[0] for hits in found if hits]
        assert len(drafts) == (len(entries) if fault is Fault.AFTER else 0)
        post_all(host, harness, entries, drafts or create_all(host, harness, entries))
        assert harness.count_journals() == count + len(entries)

    def test_many_are_looked_up_in_the_order_given(self, host: PluginHost, harness: Harness) -> None:
        self.skip_without(host, harness)
        since = dt.datetime.now(dt.UTC)
        there, nowhere = self.entries(harness, 2), harness.entry()
        drafts = ids_of(create_all(host, harness, there))
        asked = [there[1], nowhere, there[0]]
        found = host.find_journals(harness.name, harness.ctx, entries=asked, since=since)
        assert [[hit.external_id for hit in hits] for hits in found] == [[drafts[1]], [], [drafts[0]]]
        assert {hit.status for hits in found for hit in hits} == {JournalStatus.DRAFT}
