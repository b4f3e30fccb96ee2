"""The long run, short: the counts of `tests.torture` hold, and they would notice."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.store.exports import Export
from tests.faults.xero_stage import a_xero_stage
from tests.torture.counts import broken_counts
from tests.torture.run import torture

SECONDS = 8


def test_the_counts_hold_after_a_short_run(empty_database_url: str, tmp_path: Path) -> None:
    result = torture(empty_database_url, tmp_path, seed=1, seconds=SECONDS, workers=3)
    assert result.broken == []
    assert result.documents > 0
    assert result.posted > 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_counts_would_notice(engine: sa.Engine, tmp_path: Path) -> None:
    """A journal that we don't know of, and a draft that nobody deletes."""
    with a_xero_stage(engine, tmp_path) as stage:
        stage.connect()
        exports = [stage.queue() for _ in range(3)]
        for export_id in exports:
            assert stage.post(export_id) == ExportState.POSTED
        rows = stage.shop.rows(sa.select(Export).order_by(Export.id))
        assert broken_counts(stage, rows) == []
        stage.replay_creation(exports[2])
        rows[1].state = ExportState.SKIPPED  # in our view only; the database wouldn't let it
        broken = {words.split(":")[0] for words in broken_counts(stage, rows)}
    assert broken == {
        "c1_each_done_row_has_its_journal",
        "c2_no_other_journal_is_posted",
        "c3_no_draft_is_left",
        "c5_the_amounts_are_ours",
    }
