"""kill -9 at every crash point of a batch: each of its documents is posted once in the end, whatever died where."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.plugin_testing.lying_books import Lie, Request
from partsemble_core.services.retrying import retry_export
from tests.faults.killing import Child, Killing, Point, a_child
from tests.faults.stage import Stage, a_stage, assert_posted_once
from tests.faults.test_killing import LINES, SOURCES
from tests.faults.test_killing_xero import assert_posted_once as assert_posted_once_in_xero
from tests.faults.xero_stage import XeroStage, a_xero_stage

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
DOCUMENTS = 2
RUNS = 15
TOGETHER = ("batching.", "books.", "draining.")
"""Points of a batch; those of single steps are killed at without one too."""


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    with a_child() as started:
        yield started


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path) -> Stage:
    return a_stage(engine, tmp_path, batch_size=10)


def straight(stage: Stage, exports: list[int]) -> None:
    """Nothing goes wrong but the kill."""


def lost_drafts(stage: Stage, exports: list[int]) -> None:
    stage.books.tell(Lie.LOSE_ANSWER, step="create", token=stage.export(exports[1]).token)


def lost_postings(stage: Stage, exports: list[int]) -> None:
    stage.books.tell(Lie.LOSE_ANSWER, step="post", token=stage.export(exports[1]).token)


def half_applied(stage: Stage, exports: list[int]) -> None:
    """The first is drafted, then the call breaks off; and when they are posted, one is refused among the others."""
    stage.books.tell(Lie.CLOSE_BEFORE, step="create", token=stage.export(exports[1]).token)
    stage.books.tell(Lie.REFUSE, step="post", token=stage.export(exports[0]).token)


def two_drafts(stage: Stage, exports: list[int]) -> None:
    """The answer is lost, and one of them arrives twice."""
    lost_drafts(stage, exports)
    token = stage.export(exports[0]).token
    stage.books.apply(Request(step="create", key=f"twin-{token}", token=token, lines=LINES, external_id=""))


Scene = Callable[[Stage, list[int]], None]
SCENES: list[Scene] = [straight, lost_drafts, lost_postings, half_applied, two_drafts]


def killing(stage: Stage, child: Child, folder: Path) -> tuple[Killing, list[int]]:
    """New documents, about to be worked on together."""
    exports = [stage.queue() for _ in range(DOCUMENTS)]
    return (
        Killing(
            child=child,
            settings=stage.house.settings,
            work="turn",
            company_id=stage.company_id,
            subject_id=exports[0],
            points=folder / f"points-{exports[0]}",
            books=folder / "books.sqlite3",
            batch_size=10,
        ),
        exports,
    )


def work_until_quiet(stage: Stage, run: Callable[[], object], exports: list[int]) -> None:
    for _ in range(RUNS):
        if all(stage.export(export_id).state == ExportState.POSTED for export_id in exports):
            return
        for export_id in exports:
            if stage.export(export_id).state == ExportState.REVIEW:  # refused, and the cause was put right
                stage.shop.write(lambda session, i=export_id: retry_export(session, i))  # type: ignore[misc]
        stage.pass_time()
        run()
    raise AssertionError(f"not quiet after {RUNS} runs: {[stage.attempts(export_id) for export_id in exports]}")


def points_of(stage: Stage, child: Child, folder: Path, scene: Scene) -> list[Point]:
    rehearsal, exports = killing(stage, child, folder)
    scene(stage, exports)
    work_until_quiet(stage, rehearsal.run, exports)
    return rehearsal.reached()


@pytest.mark.slow
@pytest.mark.parametrize("scene", SCENES)
def test_no_kill_in_a_batch_posts_twice_or_never(stage: Stage, child: Child, tmp_path: Path, scene: Scene) -> None:
    points = points_of(stage, child, tmp_path, scene)
    assert any(point.name == "batching.before_call" for point in points), "they went together"
    for point in points if scene is straight else [each for each in points if each.name.startswith(TOGETHER)]:
        doomed, exports = killing(stage, child, tmp_path)
        scene(stage, exports)
        kills: list[bool] = []
        work_until_quiet(stage, lambda d=doomed, p=point, k=kills: k.append(d.run(p)), exports)  # type: ignore[misc]
        assert sum(kills) == 1, f"never killed at {point}"
        for export_id in exports:
            assert_posted_once(stage, export_id)


def test_the_scenes_reach_every_crash_point_of_a_batch(stage: Stage, child: Child, tmp_path: Path) -> None:
    """One that no scene reaches would prove nothing."""
    reached = {point.name for scene in SCENES for point in points_of(stage, child, tmp_path, scene)}
    named = {
        name
        for path in SOURCES
        for name in re.findall(r'crashpoint\("((?:batching|draining)\.\w+)"\)', path.read_text())
    }
    assert sorted(named - reached) == []


def test_no_kill_in_a_batch_posts_twice_or_never_in_xero(engine: sa.Engine, child: Child, tmp_path: Path) -> None:
    """The real plugin over real HTTP, the limits of calls included; the first answer is lost each time."""
    with a_xero_stage(engine, tmp_path) as stage:
        stage.connect()
        rehearsal, exports = xero_killing(stage, child, tmp_path)
        until_posted(stage, rehearsal.run, exports)
        assert "metering.after_permit" in {point.name for point in rehearsal.reached()}
        for point in [each for each in rehearsal.reached() if each.name.startswith((*TOGETHER, "metering."))]:
            doomed, exports = xero_killing(stage, child, tmp_path)
            kills: list[bool] = []
            until_posted(stage, lambda d=doomed, p=point, k=kills: k.append(d.run(p)), exports)  # type: ignore[misc]
            assert sum(kills) == 1, f"never killed at {point}"
            for export_id in exports:
                assert_posted_once_in_xero(stage, export_id)


def xero_killing(stage: XeroStage, child: Child, folder: Path) -> tuple[Killing, list[int]]:
    exports = [stage.queue() for _ in range(DOCUMENTS)]
    stage.sandbox.clear_faults()
    stage.sandbox.add_fault("POST /api.xro/2.0/ManualJournals", kind="close-after")
    made = Killing(
        child=child,
        settings=stage.house.settings,
        work="turn",
        company_id=stage.company_id,
        subject_id=exports[0],
        points=folder / f"points-{exports[0]}",
    )
    return made, exports


def until_posted(stage: XeroStage, run: Callable[[], object], exports: list[int]) -> None:
    for _ in range(RUNS):
        if all(stage.export(export_id).state == ExportState.POSTED for export_id in exports):
            return
        stage.age()
        run()
    raise AssertionError(f"not quiet: {[stage.export(export_id).problem for export_id in exports]}")
