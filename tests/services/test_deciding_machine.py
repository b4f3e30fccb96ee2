"""Whatever people decide and workers do, in any order: the books hold at most one posting of a document."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from partsemble_core.domain.exports import ExportState
from partsemble_core.errors import PartsembleError
from partsemble_core.plugin_api.types import Posting
from partsemble_core.plugin_testing.lying_books import Lie
from partsemble_core.services import deciding
from partsemble_core.services.claiming import due_exports
from partsemble_core.services.crashing import watch_crashpoints
from partsemble_core.services.opting import set_options
from partsemble_core.services.retrying import retry_export
from partsemble_core.store.connections import Connection, ConnectionState
from partsemble_core.store.database import open_engine
from partsemble_core.store.exports import Export
from tests.faults.stage import Stage, a_stage
from tests.servers.databases import copy_of

LIES = (Lie.REFUSE, Lie.BUSY, Lie.CLOSE_BEFORE, Lie.LOSE_ANSWER, Lie.APPLY_LATE, Lie.BREAK)
STEPS = ("", "create", "post", "look_up", "discard")
POINTS = ("posting.after_attempt", "posting.after_call", "posting.after_settle", "ascertaining.after_discard")


FIRST = st.sampled_from([None, Lie.LOSE_ANSWER, Lie.APPLY_LATE])
THEN = st.sampled_from(
    [("create", Lie.REFUSE), ("post", Lie.REFUSE), ("post", Lie.LOSE_ANSWER), ("post", Lie.APPLY_LATE)]
)


class Died(BaseException):
    """A process is gone: nothing of ours catches this."""


class Decisions(RuleBasedStateMachine):
    """One company, any documents, books that lie, workers that die, and a person who may do anything."""

    template: Path
    posting: Posting

    @initialize()
    def open_stage(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name)
        self.engine = open_engine(copy_of(self.template, path / "books.sqlite3"))
        self.stage: Stage = a_stage(self.engine, path, posting=self.posting)

    def teardown(self) -> None:
        if hasattr(self, "engine"):
            self.stage.books.heal()
            self.at_most_one_is_posted()
            self.engine.dispose()
            self.folder.cleanup()

    @rule()
    def receive(self) -> None:
        self.stage.queue()

    @rule(mode=st.sampled_from(["manual", "automatic"]))
    def choose_mode(self, mode: str) -> None:
        self.stage.shop.write(lambda session: set_options(session, {"export_receipts": mode}))

    @rule(lie=st.sampled_from(LIES), step=st.sampled_from(STEPS), seconds=st.sampled_from([0, 3600]))
    def lie(self, lie: Lie, step: str, seconds: int) -> None:
        if lie == Lie.APPLY_LATE and self.posting == Posting.LOOKUP:
            return  # without drafts or keys the protocol rests on no call outliving its quarantine
        self.stage.books.tell(lie, step=step, seconds=seconds)

    @rule(first=FIRST, then=THEN)
    def fail(self, first: Lie | None, then: tuple[str, Lie]) -> None:
        """The worst that a person can meet: a posting that needs them, and yet may be there or be coming."""
        self.stage.queue()
        if first is not None:
            self.lie(first, "create", 3600)
            self.work(None)
        step, lie = then
        self.lie(lie, step, 3600)
        self.work(None)
        for export in self.exports():
            if export.state == ExportState.UNKNOWN:  # looked up in vain for too long
                self.stage.update(export.id, state=ExportState.REVIEW, doubt="")

    @rule()
    def heal(self) -> None:
        self.stage.books.heal()

    @rule(die_at=st.sampled_from([None, None, *POINTS]))
    def work(self, die_at: str | None) -> None:
        self.stage.pass_time()
        self.stage.shop.write(
            lambda s: s.execute(sa.update(Connection).values(state=ConnectionState.ACTIVE, paused_until=None))
        )
        for _, export_id in due_exports(self.stage.house):
            with dying(die_at):
                self.stage.post(export_id)

    @rule(
        data=st.data(),
        die_at=st.sampled_from([None, None, None, "discarding.after_call", "ascertaining.after_discard"]),
    )
    def decide(self, data: st.DataObject, die_at: str | None) -> None:
        exports = self.exports()
        if not exports:
            return
        waiting = [e.id for e in exports if e.state in (ExportState.REVIEW, ExportState.HELD)]
        export = data.draw(st.sampled_from(waiting or [e.id for e in exports]), label="export")
        is_held = self.stage.export(export).state == ExportState.HELD
        fitting = ("post", "skip") if is_held else ("retry", "skip", "adopt", "cancel", "remap")
        name = data.draw(st.sampled_from(fitting), label="decision")
        with dying(die_at), contextlib.suppress(PartsembleError):
            self.decision(name, export)()

    @rule(data=st.data(), first=FIRST, then=THEN)
    def fail_and_decide(self, data: st.DataObject, first: Lie | None, then: tuple[str, Lie]) -> None:
        """What dice alone come to too seldom: a decision just after the worst."""
        self.fail(first, then)
        self.decide_and_work(data)

    @rule(data=st.data())
    def decide_and_work(self, data: st.DataObject) -> None:
        self.decide(data, None)
        self.stage.books.heal()
        self.work(None)

    def decision(self, name: str, export_id: int) -> Callable[[], Any]:
        house, act, company_id = self.stage.house, self.stage.shop.act, self.stage.company_id
        held = [j.external_id for j in self.stage.held(export_id)] or ["nowhere"]
        return {
            "post": lambda: house.write(company_id, lambda s: deciding.post_held(s, [export_id])),
            "retry": lambda: house.write(company_id, lambda s: retry_export(s, export_id)),
            "skip": lambda: deciding.skip_export(house, act, company_id, export_id, reason="why"),
            "adopt": lambda: deciding.adopt(house, act, company_id, export_id, external_id=held[-1]),
            "cancel": lambda: deciding.cancel_and_reverse(house, act, company_id, export_id, reason="why"),
            "remap": lambda: deciding.remap(house, act, company_id, export_id),
        }[name]

    def exports(self) -> list[Export]:
        return self.stage.shop.rows(sa.select(Export).order_by(Export.id))

    @invariant()
    def at_most_one_is_posted(self) -> None:
        if not hasattr(self, "stage"):
            return
        posted: dict[tuple[str, int], list[str]] = {}
        for export in self.exports():
            found = [j.external_id for j in self.stage.held(export.id, status="posted")]
            posted.setdefault((export.document_kind, export.document_id), []).extend(found)
            at_rest = (ExportState.SKIPPED, ExportState.CANCELLED, ExportState.HELD)
            assert not (found and export.state in at_rest), f"{export.reference} is {export.state}, and posted"
            is_known = export.state != ExportState.POSTED or found == [export.external_id]
            assert is_known, f"{export.reference} is posted as {export.external_id}, and the books hold {found}"
        assert all(len(ids) <= 1 for ids in posted.values()), posted


@contextlib.contextmanager
def dying(point: str | None) -> Any:
    def watch(name: str) -> None:
        if name == point:
            raise Died

    with watch_crashpoints(watch), contextlib.suppress(Died):
        yield


@pytest.mark.slow
@pytest.mark.parametrize("posting", [Posting.DRAFT_THEN_POST, Posting.LOOKUP, Posting.NATIVE_KEY])
def test_at_most_one_posting_of_a_document_whatever_is_decided(migrated_sqlite: Path, posting: Posting) -> None:
    class Machine(Decisions):
        template = migrated_sqlite

    Machine.posting = posting
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=20, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
