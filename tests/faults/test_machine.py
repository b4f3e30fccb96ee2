"""The real worker and the worst books in any order of events: at most one posted journal a document after each step.

    pytest tests/faults/test_machine.py --hypothesis-profile=thorough -o faulthandler_timeout=0

In the end everything heals and comes to rest, and the books are counted: C1, each document posted once, or taken back
by the person who did so; C2, under the id that we know; C3, for the amount that the document has.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from partsemble_core.domain.exports import ExportState
from partsemble_core.plugin_api.types import Posting
from partsemble_core.plugin_testing.lying_books import Lie
from partsemble_core.schedule import sweep
from partsemble_core.services.claiming import due_exports
from partsemble_core.services.crashing import watch_crashpoints
from partsemble_core.services.janitor import tidy_round
from partsemble_core.services.retrying import retry_export
from tests.faults.stage import Stage, a_stage, amounts, an_engine
from tests.faults.test_interleavings import INSIDE, reconnect
from tests.faults.test_janitor import make_old
from tests.servers.databases import copy_of

MOST_DOCUMENTS = 4
STEPS = st.sampled_from(["", "create", "post", "look_up", "discard"])
DOUBTS = (Lie.APPLY_LATE, Lie.APPLY_LATE, Lie.LOSE_ANSWER, Lie.CLOSE_BEFORE)
LIES = st.sampled_from([*DOUBTS * 3, *(lie for lie in Lie if lie not in (Lie.SLOW, Lie.SLOW_ANSWER, Lie.WRONG_ID))])
"""Mostly those that leave doubt."""


class Died(BaseException):
    """A worker is gone: nothing of ours catches this."""


class ExportMachine(RuleBasedStateMachine):
    """One company and its books, in files of their own."""

    def __init__(self, template: Path, posting: Posting, batch_size: int) -> None:
        super().__init__()
        self._template, self._posting, self._batch_size = template, posting, batch_size
        self._exports: list[int] = []
        self._by_hand: set[str] = set()

    @initialize()
    def found(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="partsemble-machine-")
        folder = Path(self._folder.name)
        self._opened = an_engine(copy_of(self._template, folder / "machine.sqlite3"))
        self.stage: Stage = a_stage(
            self._opened.__enter__(), folder, posting=self._posting, batch_size=self._batch_size
        )

    @precondition(lambda self: len(self._exports) < MOST_DOCUMENTS)
    @rule()
    def a_document_is_confirmed(self) -> None:
        self._exports.append(self.stage.queue())

    @precondition(lambda self: self._exports)
    @rule(data=st.data(), later=st.booleans())
    def a_worker_comes(self, data: st.DataObject, later: bool) -> None:
        """At once, or when leases, rests, pauses and breaks have ended."""
        if later:
            self.stage.pass_time()
        self.stage.post(data.draw(st.sampled_from(self._exports)))

    @rule(later=st.booleans())
    def a_turn_comes(self, later: bool) -> None:
        """A worker takes all that is due, together where the books allow it."""
        if later:
            self.stage.pass_time()
        self.stage.drain()

    @precondition(lambda self: self._exports)
    @rule(point=st.integers(1, 30), dies=st.booleans())
    def a_turn_is_interrupted(self, point: int, dies: bool) -> None:
        """By death, or by a sleep through which another worker has its turn."""
        self._interrupted(self.stage.drain, point, self._die if dies else self._overtake_all)

    @precondition(lambda self: self._exports)
    @rule(data=st.data(), point=st.integers(1, 14))
    def a_worker_dies(self, data: st.DataObject, point: int) -> None:
        """At the ``point``-th crash point that it reaches."""
        export_id = data.draw(st.sampled_from(self._exports))
        self._interrupted(lambda: self.stage.post(export_id), point, self._die)

    @precondition(lambda self: self._exports)
    @rule(data=st.data(), point=st.integers(1, 14))
    def a_worker_sleeps_and_is_overtaken(self, data: st.DataObject, point: int) -> None:
        """Its lease runs out, another one works on the same, and it wakes up."""
        export_id = data.draw(st.sampled_from(self._exports))
        self._interrupted(lambda: self.stage.post(export_id), point, lambda: self._overtake(export_id))

    @rule()
    def the_queue_is_flushed_and_the_sweep_rings_for_all(self) -> None:
        """Whatever was in the queue: due is what the rows say."""
        self.stage.rung.clear()
        assert sweep(self.stage.house) == (1 if due_exports(self.stage.house) else 0)
        for _, export_id in due_exports(self.stage.house):
            self.stage.post(export_id)

    @rule(lie=LIES, step=STEPS, times=st.integers(1, 3))
    def the_books_will_lie(self, lie: Lie, step: str, times: int) -> None:
        self.stage.books.tell(lie, step=step, times=times, seconds=3600)

    @rule()
    def late_packets_arrive_and_the_books_are_well(self) -> None:
        self.stage.books.heal()

    @precondition(lambda self: self._posting == Posting.DRAFT_THEN_POST)
    @rule()
    def the_books_forget_their_keys(self) -> None:
        """With drafts only: where the key is all there is, the promise says how long it is known."""
        self.stage.books.forget_keys()

    @rule()
    def a_person_connects_again(self) -> None:
        reconnect(self.stage)

    @precondition(lambda self: self._exports)
    @rule(data=st.data())
    def a_person_says_go_on(self, data: st.DataObject) -> None:
        self._retry(data.draw(st.sampled_from(self._exports)))

    @precondition(lambda self: self._exports)
    @rule(data=st.data(), status=st.sampled_from(["voided", "deleted"]))
    def a_person_takes_it_back_in_the_books(self, data: st.DataObject, status: str) -> None:
        """A posted one is voided, a draft deleted."""
        export_id = data.draw(st.sampled_from(self._exports))
        wanted = "posted" if status == "voided" else "draft"
        for journal in self.stage.held(export_id, status=wanted)[:1]:
            self.stage.books.set_status(journal.external_id, status)
            self._by_hand.add(journal.token)

    @rule()
    def the_janitor_comes(self) -> None:
        make_old(self.stage)
        tidy_round(self.stage.house)

    @invariant()
    def no_document_is_posted_twice(self) -> None:
        for export_id in self._exports:
            posted = self.stage.held(export_id, status="posted")
            assert len(posted) <= 1, f"export {export_id}: {self.stage.attempts(export_id)}"

    @invariant()
    def what_we_call_posted_is_in_the_books(self) -> None:
        """Or was, until a person took it back."""
        for export_id in self._exports:
            export = self.stage.export(export_id)
            if export.state == ExportState.POSTED and export.token not in self._by_hand:
                assert [j.external_id for j in self.stage.held(export_id, status="posted")] == [export.external_id]

    def teardown(self) -> None:
        if not hasattr(self, "stage"):
            return
        try:
            self._come_to_rest()
            self._count()
        finally:
            self._opened.__exit__(None, None, None)
            self._folder.cleanup()

    def _come_to_rest(self) -> None:
        """The worst end: what is still on its way arrives when everything is done."""
        self.stage.books.calm()
        reconnect(self.stage)
        for export_id in self._exports:
            for _ in range(3):
                self._retry(export_id)
                if self.stage.export(export_id).state != ExportState.POSTED:
                    self.stage.settle(export_id)
        self.stage.books.heal()
        make_old(self.stage)
        tidy_round(self.stage.house)

    def _count(self) -> None:
        for export_id in self._exports:
            export = self.stage.export(export_id)
            posted = self.stage.held(export_id, status="posted")
            if export.token in self._by_hand:
                assert len(posted) <= 1
                continue
            assert [journal.external_id for journal in posted] == [export.external_id]
            assert export.state == ExportState.POSTED
            assert amounts(posted[0])["a-621"] == export.posted
            assert self.stage.held(export_id, status="draft") == []

    def _retry(self, export_id: int) -> None:
        if self.stage.export(export_id).state == ExportState.REVIEW:
            self.stage.shop.write(lambda session: retry_export(session, export_id))

    def _interrupted(self, work: Callable[[], object], point: int, happens: Callable[[], None]) -> None:
        left = [point]

        def watch(name: str) -> None:
            left[0] -= 1
            if left[0] == 0 and not (name in INSIDE and happens != self._die):
                happens()

        self.stage.backend.watch = watch
        try:
            with watch_crashpoints(watch):
                work()
        except Died:
            pass
        finally:
            self.stage.backend.watch = lambda name: None

    def _die(self) -> None:
        raise Died

    def _overtake_all(self) -> None:
        self.stage.pass_time()
        self.stage.drain()

    def _overtake(self, export_id: int) -> None:
        for _ in range(3):
            self.stage.pass_time()
            self.stage.post(export_id)


@pytest.mark.parametrize(
    ("posting", "batch_size"), [(Posting.DRAFT_THEN_POST, 1), (Posting.DRAFT_THEN_POST, 10), (Posting.NATIVE_KEY, 1)]
)
def test_no_order_of_events_posts_twice_or_never(migrated_sqlite: Path, posting: Posting, batch_size: int) -> None:
    """By the default profile small enough for every change; the thorough one is for the night."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    found_only = [phase for phase in Phase if phase != Phase.shrink]  # making a failure small takes minutes
    small = settings(
        max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=slow, phases=found_only
    )
    is_long = settings.get_current_profile_name() == "thorough"
    long = settings(deadline=None, suppress_health_check=slow)
    run_state_machine_as_test(  # type: ignore[arg-type, unused-ignore]
        lambda: ExportMachine(migrated_sqlite, posting, batch_size), settings=long if is_long else small
    )
