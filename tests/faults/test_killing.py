"""kill -9 at every crash point: whatever dies wherever, their books hold exactly one posted journal in the end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.plugin_api.types import Posting
from partsemble_core.plugin_testing.lying_books import Lie, Request
from tests.faults.killing import ROOT, Child, Killing, Point, a_child
from tests.faults.stage import Stage, a_stage, assert_posted_once

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
RUNS = 12
SOURCES = tuple((ROOT / "partsemble_core/services").glob("*.py"))


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    with a_child() as started:
        yield started


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path) -> Stage:
    return a_stage(engine, tmp_path)


def straight(stage: Stage, export_id: int) -> None:
    """Nothing goes wrong but the kill."""


def lost_draft(stage: Stage, export_id: int) -> None:
    stage.books.tell(Lie.LOSE_ANSWER, step="create", token=stage.export(export_id).token)


def lost_posting(stage: Stage, export_id: int) -> None:
    stage.books.tell(Lie.LOSE_ANSWER, step="post", token=stage.export(export_id).token)


def two_drafts(stage: Stage, export_id: int) -> None:
    """The answer is lost and the request arrives twice."""
    lost_draft(stage, export_id)
    entry = Request(
        step="create", key=f"twin-{export_id}", token=stage.export(export_id).token, lines=LINES, external_id=""
    )
    stage.books.apply(entry)


LINES = '[["a-621", "12.50"], ["a-623", "-12.50"]]'
Scene = Callable[[Stage, int], None]
SCENES: list[Scene] = [straight, lost_draft, lost_posting, two_drafts]


def killing(stage: Stage, child: Child, folder: Path, *, work: str = "post") -> Killing:
    """A new document, about to be worked on."""
    export_id = stage.queue()
    return Killing(
        child=child,
        settings=stage.house.settings,
        work=work,
        company_id=stage.company_id,
        subject_id=export_id,
        points=folder / f"points-{export_id}",
        books=folder / "books.sqlite3",
        posting=stage.books.posting,
    )


def work_until_quiet(stage: Stage, run: Callable[[], object], export_id: int) -> None:
    for _ in range(RUNS):
        if stage.export(export_id).state == ExportState.POSTED:
            return
        stage.pass_time()
        run()
    raise AssertionError(f"not quiet after {RUNS} runs: {stage.attempts(export_id)}")


def points_of(stage: Stage, child: Child, folder: Path, scene: Scene) -> list[Point]:
    """Every point on the way of a document that nobody kills."""
    rehearsal = killing(stage, child, folder)
    scene(stage, rehearsal.subject_id)
    work_until_quiet(stage, rehearsal.run, rehearsal.subject_id)
    return rehearsal.reached()


def assert_survives_every_kill(stage: Stage, child: Child, folder: Path, scene: Scene, *, most: int = RUNS) -> None:
    """A new document for each point, killed there once; of points that are reached often only the first ``most``."""
    for point in points_of(stage, child, folder, scene):
        if point.number > most:
            continue
        doomed = killing(stage, child, folder)
        scene(stage, doomed.subject_id)
        kills: list[bool] = []
        work_until_quiet(stage, lambda d=doomed, p=point, k=kills: k.append(d.run(p)), doomed.subject_id)  # type: ignore[misc]
        assert sum(kills) == 1, f"never killed at {point}"
        assert_posted_once(stage, doomed.subject_id)
        unfinished = [step for step, outcome in stage.attempts(doomed.subject_id) if outcome is None]
        assert len(unfinished) <= 1, f"killed once at {point}, and more than one attempt has no outcome"


@on_sqlite
@pytest.mark.parametrize("scene", SCENES)
def test_no_kill_posts_twice_or_never(stage: Stage, child: Child, tmp_path: Path, scene: Scene) -> None:
    assert_survives_every_kill(stage, child, tmp_path, scene)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_no_kill_posts_twice_or_never_on_postgresql(stage: Stage, child: Child, tmp_path: Path) -> None:
    """The scene that has doubt in it, each point once: the ways are the same, only the database is another."""
    assert_survives_every_kill(stage, child, tmp_path, lost_draft, most=1)


@on_sqlite
def test_the_scenes_reach_every_crash_point(stage: Stage, child: Child, tmp_path: Path) -> None:
    """One that no scene reaches would prove nothing."""
    reached = {point.name for scene in SCENES for point in points_of(stage, child, tmp_path, scene)}
    named = {
        name for path in SOURCES for name in re.findall(r'crashpoint\("((?:posting|tidying)\.\w+)"\)', path.read_text())
    }
    assert named | {"books.before", "books.after"} == reached


def test_every_other_crash_point_is_used_by_a_test() -> None:
    """Those of services that don't post: each test that dies there names its point, or finds them by themselves."""
    named = {name for path in SOURCES for name in re.findall(r'crashpoint\("([\w.]+)"\)', path.read_text())}
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    found = (
        "posting.",
        "tidying.",
        "refreshing.",
        "batching.",
        "draining.",
        "metering.",
    )  # see test_killing_batches, too
    others = {name for name in named if not name.startswith(found)}
    assert sorted(name for name in others if f'"{name}"' not in tests) == []


@on_sqlite
def test_no_kill_posts_twice_or_never_where_keys_make_it_safe(engine: sa.Engine, child: Child, tmp_path: Path) -> None:
    stage = a_stage(engine, tmp_path, posting=Posting.NATIVE_KEY)
    assert_survives_every_kill(stage, child, tmp_path, lost_draft)


@on_sqlite
def test_post_then_save_the_id_posts_twice_under_the_same_kills(
    engine: sa.Engine, child: Child, tmp_path: Path
) -> None:
    """The counter-example: the harness above would notice a protocol that isn't safe."""
    stage = a_stage(engine, tmp_path, posting=Posting.NATIVE_KEY)
    rehearsal = killing(stage, child, tmp_path, work="post naively")
    rehearsal.run()
    posted: dict[str, int] = {}
    for point in rehearsal.reached():
        doomed = killing(stage, child, tmp_path, work="post naively")
        assert doomed.run(point)
        doomed.run()
        posted[str(point)] = len(stage.held(doomed.subject_id, status="posted"))
    assert posted == {
        "naive.before_call #1": 1,
        "books.before #1": 1,
        "books.after #1": 2,
        "naive.after_call #1": 2,
        "naive.after_save #1": 1,
    }
