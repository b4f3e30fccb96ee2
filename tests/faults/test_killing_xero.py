"""kill -9 at every crash point, through the real Xero plugin, over real HTTP; counted in the sandbox's own books."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from tests.faults.killing import Child, Killing, a_child
from tests.faults.xero_stage import ORGANISATION, XeroStage, a_xero_stage

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
JOURNALS = "POST /api.xro/2.0/ManualJournals*"
RUNS = 12


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    with a_child() as started:
        yield started


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path) -> Iterator[XeroStage]:
    with a_xero_stage(engine, tmp_path) as made:
        made.connect()
        yield made


def lost_draft(stage: XeroStage) -> None:
    stage.sandbox.add_fault(JOURNALS, kind="close-after")


def refused_token(stage: XeroStage) -> None:
    """The straight path, but for a token that ended in their view and not in ours."""
    stage.sandbox.advance(31 * 60)


Scene = Callable[[XeroStage], None]


def killing(stage: XeroStage, child: Child, folder: Path) -> Killing:
    export_id = stage.queue()
    return Killing(
        child=child,
        settings=stage.house.settings,
        work="post",
        company_id=stage.company_id,
        subject_id=export_id,
        points=folder / f"points-{export_id}",
    )


def work_until_quiet(stage: XeroStage, run: Callable[[], object], export_id: int) -> None:
    for _ in range(RUNS):
        if stage.export(export_id).state == ExportState.POSTED:
            return
        stage.age()
        run()
    raise AssertionError(f"not quiet after {RUNS} runs: {stage.export(export_id).problem}")


def assert_posted_once(stage: XeroStage, export_id: int) -> None:
    export = stage.export(export_id)
    held = {each["journal_id"]: each["status"] for each in stage.journals(token=export.token)}
    kept = {journal_id: status for journal_id, status in held.items() if status != "DELETED"}
    assert kept == {export.external_id: "POSTED"}


@pytest.mark.slow
@pytest.mark.parametrize("scene", [lost_draft, refused_token])
def test_no_kill_posts_twice_or_never_in_xero(stage: XeroStage, child: Child, tmp_path: Path, scene: Scene) -> None:
    rehearsal = killing(stage, child, tmp_path)
    scene(stage)
    work_until_quiet(stage, rehearsal.run, rehearsal.subject_id)
    points = rehearsal.reached()
    for point in points:
        doomed = killing(stage, child, tmp_path)
        stage.sandbox.clear_faults()
        scene(stage)
        kills: list[bool] = []
        work_until_quiet(stage, lambda d=doomed, p=point, k=kills: k.append(d.run(p)), doomed.subject_id)  # type: ignore[misc]
        assert sum(kills) == 1, f"never killed at {point}"
        assert_posted_once(stage, doomed.subject_id)
    cents = 1250 * (len(points) + 1)
    assert stage.sandbox.balance(ORGANISATION, code="621") == f"{cents // 100}.{cents % 100:02}"
