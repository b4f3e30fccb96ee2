"""The protocol's brain as tables, and as a model: lost answers, late packets and dead workers in any order."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from partsemble_core.domain.exports import (
    LONGEST_REST,
    WORKABLE,
    Doubt,
    ExportState,
    Found,
    StepKind,
    Verdict,
    break_after,
    is_breaker_shut,
    judge,
    needs_a_person,
    next_step,
    rest_after,
)

CREATE, LOOK_UP, POST = StepKind.CREATE, StepKind.LOOK_UP, StepKind.POST
STATUSES = ("draft", "posted", "voided", "deleted")


@pytest.mark.parametrize(
    ("state", "doubt", "with_drafts", "with_keys"),
    [
        (ExportState.PENDING, Doubt.NONE, CREATE, CREATE),
        (ExportState.CREATING, Doubt.NONE, LOOK_UP, CREATE),
        (ExportState.CREATED, Doubt.NONE, POST, POST),
        (ExportState.POSTING, Doubt.NONE, LOOK_UP, LOOK_UP),
        (ExportState.UNKNOWN, Doubt.CREATING, LOOK_UP, CREATE),
        (ExportState.UNKNOWN, Doubt.POSTING, LOOK_UP, LOOK_UP),
        (ExportState.POSTED, Doubt.NONE, None, None),
        (ExportState.REVIEW, Doubt.NONE, None, None),
        (ExportState.SKIPPED, Doubt.NONE, None, None),
        (ExportState.CANCELLED, Doubt.NONE, None, None),
    ],
)
def test_the_next_step_of_each_state(
    state: ExportState, doubt: Doubt, with_drafts: StepKind | None, with_keys: StepKind | None
) -> None:
    assert next_step(state, doubt, may_repeat=False) == with_drafts
    assert next_step(state, doubt, may_repeat=True) == with_keys


def test_exactly_the_workable_states_have_a_next_step() -> None:
    having = {state for state in ExportState if next_step(state, Doubt.CREATING, may_repeat=False)}
    assert having == set(WORKABLE)


@pytest.mark.parametrize(
    ("found", "stored_id", "state", "external_id", "orphans"),
    [
        ([], None, ExportState.PENDING, None, ()),
        (["b draft", "a draft"], None, ExportState.CREATED, "a", ("b",)),
        (["a draft", "a draft"], None, ExportState.CREATED, "a", ()),
        (["a deleted"], None, ExportState.PENDING, None, ()),
        (["a deleted", "b draft"], None, ExportState.CREATED, "b", ()),
        (["a voided"], None, ExportState.REVIEW, None, ()),
        (["a posted"], None, ExportState.POSTED, "a", ()),
        (["a posted", "a posted"], None, ExportState.POSTED, "a", ()),
        (["b posted", "a draft"], None, ExportState.POSTED, "b", ("a",)),
        (["a posted", "b posted"], None, ExportState.REVIEW, None, ()),
        (["a draft"], "a", ExportState.CREATED, "a", ()),
        (["a draft", "b draft"], "b", ExportState.CREATED, "b", ("a",)),
        (["a posted"], "a", ExportState.POSTED, "a", ()),
        (["a posted"], "b", ExportState.REVIEW, None, ()),
        (["a voided"], "a", ExportState.REVIEW, "a", ()),
        (["a deleted"], "a", ExportState.REVIEW, "a", ()),
        ([], "a", ExportState.REVIEW, "a", ()),
    ],
)
def test_what_a_look_up_decides(
    found: list[str], stored_id: str | None, state: ExportState, external_id: str | None, orphans: tuple[str, ...]
) -> None:
    verdict = judge([_found(text) for text in found], stored_id=stored_id)
    assert (verdict.state, verdict.external_id, verdict.orphans) == (state, external_id, orphans)
    assert bool(verdict.problem) == (state == ExportState.REVIEW), "a person is told why, and nobody else"


def _found(text: str) -> Found:
    external_id, status = text.split()
    return Found(external_id=external_id, status=status)


founds = st.lists(
    st.builds(Found, external_id=st.sampled_from("abcd"), status=st.sampled_from(STATUSES)),
    unique_by=lambda found: found.external_id,
)


@given(found=founds, stored_id=st.none() | st.sampled_from("abcd"))
def test_a_verdict_never_gives_up_a_stored_id_nor_an_orphan_that_counts(
    found: list[Found], stored_id: str | None
) -> None:
    verdict = judge(found, stored_id=stored_id)
    if stored_id is not None:
        assert verdict.external_id in (None, stored_id)
        assert verdict.external_id == stored_id or verdict.state == ExportState.REVIEW
    drafts = {each.external_id for each in found if each.status == "draft"}
    assert set(verdict.orphans) <= drafts - {verdict.external_id, stored_id}


@pytest.mark.parametrize(("unknowns", "seconds"), [(0, 30), (1, 30), (2, 60), (5, 480), (99, LONGEST_REST)])
def test_the_rest_doubles_up_to_a_limit(unknowns: int, seconds: int) -> None:
    assert rest_after(unknowns, quarantine_seconds=30) == dt.timedelta(seconds=seconds)


def test_the_rest_is_never_shorter_than_the_quarantine() -> None:
    assert rest_after(9, quarantine_seconds=LONGEST_REST * 2) == dt.timedelta(seconds=LONGEST_REST * 2)


@pytest.mark.parametrize(
    ("troubles", "seconds"), [(0, None), (4, None), (5, 30), (6, 60), (9, 480), (10, 900), (999, 900)]
)
def test_a_break_begins_with_the_fifth_trouble_and_doubles_up_to_a_limit(troubles: int, seconds: int | None) -> None:
    expected = None if seconds is None else dt.timedelta(seconds=seconds)
    assert break_after(troubles, luck=0) == expected
    assert is_breaker_shut(troubles) == (seconds is None)


@given(troubles=st.integers(5, 99), luck=st.integers(0, 100))
def test_luck_takes_off_half_of_a_break_at_most(troubles: int, luck: int) -> None:
    whole, mine = break_after(troubles, luck=0), break_after(troubles, luck=luck)
    assert whole is not None
    assert mine is not None
    assert whole / 2 <= mine <= whole


def test_a_person_is_asked_after_every_twelfth_unknown_outcome() -> None:
    assert [unknowns for unknowns in range(30) if needs_a_person(unknowns)] == [12, 24]


@dataclasses.dataclass(frozen=True)
class Packet:
    """A request on its way: it may arrive at any time, once, twice or never."""

    kind: StepKind
    external_id: str | None


class Protocol(RuleBasedStateMachine):
    """Books with drafts, any number of workers, and a network that may do anything with their packets.

    A step is taken only as `next_step` says and settled only as `judge` says; each worker may die, sleep and be
    overtaken anywhere. Whoever wakes up after a takeover settles nothing, as the epoch in the database has it.
    """

    packets = Bundle("packets")
    answers = Bundle("answers")

    def __init__(self) -> None:
        super().__init__()
        self.state, self.doubt = ExportState.PENDING, Doubt.NONE
        self.stored: str | None = None
        self.epoch = 0
        self.books: dict[str, str] = {}

    @rule(target=packets)
    def somebody_takes_a_step(self) -> object:
        """Also takes over from whoever holds it now: leases are worth nothing in this model."""
        kind = next_step(self.state, self.doubt, may_repeat=False)
        if kind is None:
            return multiple()
        self.epoch += 1
        if kind == LOOK_UP:
            found = [Found(external_id=i, status=s) for i, s in self.books.items() if self.stored in (None, i)]
            self._settle(self.epoch, judge(found, stored_id=self.stored))
            return multiple()
        self.state = {CREATE: ExportState.CREATING, POST: ExportState.POSTING}[kind]
        return (self.epoch, Packet(kind, self.stored))

    @rule(target=answers, sent=packets)
    def it_arrives(self, sent: tuple[int, Packet]) -> object:
        """Not consumed: it may arrive again."""
        epoch, packet = sent
        if packet.kind == CREATE:
            external_id = f"{len(self.books):03}"
            self.books[external_id] = "draft"
            return (epoch, Verdict(state=ExportState.CREATED, external_id=external_id))
        assert packet.external_id is not None
        if self.books[packet.external_id] not in ("draft", "posted"):
            return (epoch, Verdict(state=ExportState.REVIEW, problem="deleted"))
        self.books[packet.external_id] = "posted"
        return (epoch, Verdict(state=ExportState.POSTED, external_id=packet.external_id))

    @rule(answer=consumes(answers))
    def its_answer_comes_back(self, answer: tuple[int, Verdict]) -> None:
        self._settle(*answer)

    @rule()
    def the_answer_is_lost(self) -> None:
        if self.state in (ExportState.CREATING, ExportState.POSTING):
            self.doubt = Doubt.CREATING if self.state == ExportState.CREATING else Doubt.POSTING
            self.state = ExportState.UNKNOWN
            self.epoch += 1

    def _settle(self, epoch: int, verdict: Verdict) -> None:
        if epoch != self.epoch:
            return
        self.epoch += 1
        self.stored = self.stored or verdict.external_id
        self.state, self.doubt = verdict.state, Doubt.NONE
        for orphan in verdict.orphans:
            if self.books[orphan] == "draft":
                self.books[orphan] = "deleted"

    @invariant()
    def at_most_one_is_posted(self) -> None:
        posted = [external_id for external_id, status in self.books.items() if status == "posted"]
        assert len(posted) <= 1
        assert posted in ([], [self.stored])

    @invariant()
    def nobody_is_needed_for_what_the_network_did(self) -> None:
        assert self.state != ExportState.REVIEW

    def teardown(self) -> None:
        """Once the network behaves, it is posted."""
        for _ in range(8):
            sent = self.somebody_takes_a_step()
            if isinstance(sent, tuple):
                self.its_answer_comes_back(self.it_arrives(sent))
        assert self.state == ExportState.POSTED
        assert list(self.books.values()).count("posted") == 1


TestProtocol = Protocol.TestCase
TestProtocol.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
