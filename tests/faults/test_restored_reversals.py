"""A reversal in doubt before its original is posted, as an older copy has it: looked up, and never left behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.errors import WrongState
from partsemble_core.plugin_testing.lying_books import Lie
from partsemble_core.services.claiming import due_exports
from partsemble_core.services.doubting import doubt_after_restore
from partsemble_core.services.reversing import reverse
from partsemble_core.store.exports import Export
from partsemble_core.store.lots import DocumentKind
from tests.faults.stage import Stage
from tests.services.deciders import a_deciding_stage, cancel, failed, remap, retry, skip


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path) -> Stage:
    return a_deciding_stage(engine, tmp_path)


@pytest.fixture
def pair(stage: Stage) -> tuple[int, int]:
    """A refused posting and that of its reversal, which waits for it; then the database is an older copy."""
    original = failed(stage)
    receipt = stage.export(original).document_id
    stage.shop.write(lambda session: reverse(session, stage.shop.act, DocumentKind.RECEIPT, receipt, reason="slip"))
    [reversal] = stage.shop.rows(sa.select(Export.id).where(Export.after_export_id == original))
    doubt_after_restore(stage.house, stage.company_id)
    stage.books.tell(Lie.REFUSE, step="create")
    assert stage.settle(original) == ExportState.REVIEW
    return original, reversal


def states(stage: Stage, *export_ids: int) -> list[str]:
    return [stage.export(export_id).state for export_id in export_ids]


def work(stage: Stage) -> None:
    for _ in range(4):
        stage.pass_time()
        for _, export_id in due_exports(stage.house):
            stage.post(export_id)


def test_it_is_looked_up_and_then_waits_for_its_original(stage: Stage, pair: tuple[int, int]) -> None:
    original, reversal = pair
    work(stage)
    assert states(stage, original, reversal) == ["review", "pending"]
    assert stage.attempts(reversal) == [("look_up", "ok")]
    assert stage.books.journals() == []
    retry(stage, original)
    work(stage)
    assert states(stage, original, reversal) == ["posted", "posted"]
    assert len(stage.books.journals(status="posted")) == 2


@pytest.mark.parametrize("decide", [skip, cancel])
def test_the_original_is_called_off_once_that_is_known(
    stage: Stage, pair: tuple[int, int], decide: Callable[[Stage, int], object]
) -> None:
    original, reversal = pair
    with pytest.raises(WrongState, match=stage.export(reversal).reference):
        decide(stage, original)
    assert states(stage, original, reversal) == ["review", "unknown"]
    work(stage)
    decide(stage, original)
    work(stage)
    assert states(stage, original, reversal)[1] == "skipped"
    assert stage.books.journals() == []


def test_the_original_isn_t_sent_anew_while_its_reversal_stands(stage: Stage, pair: tuple[int, int]) -> None:
    original, _ = pair
    for _ in range(2):
        with pytest.raises(WrongState):
            remap(stage, original)
        work(stage)
    assert stage.books.journals() == []
