"""The doctor that looks into the books: what a person or a fault did there is named, and nothing is changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.errors import Invalid
from partsemble_core.plugin_testing.lying_books import Lie, Request
from partsemble_core.services.comparing import compare_with_books
from partsemble_core.services.doctoring import Finding
from partsemble_core.services.syncing import NotConnected
from partsemble_core.store.connections import Connection, ConnectionState
from partsemble_core.store.exports import Export
from tests.faults.stage import Stage, a_stage

EDITED = '[["a-621", "13.00"], ["a-623", "-13.00"]]'


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path) -> Stage:
    return a_stage(engine, tmp_path)


def posted(stage: Stage) -> int:
    export_id = stage.queue()
    stage.post(export_id)
    return export_id


def compare(stage: Stage, *, days: int = 30, waited: list[float] | None = None) -> list[Finding]:
    wait = (waited if waited is not None else []).append
    return compare_with_books(stage.house, stage.company_id, days=days, wait=wait)


def void(stage: Stage, external_id: str) -> None:
    stage.books.set_status(external_id, "voided")


def edit(stage: Stage, external_id: str) -> None:
    stage.books.set_lines(external_id, EDITED)


def remove(stage: Stage, external_id: str) -> None:
    stage.books.remove(external_id)


def double(stage: Stage, external_id: str) -> None:
    [held] = [journal for journal in stage.books.journals() if journal.external_id == external_id]
    twin = stage.books.apply(Request(step="create", key="twin", token=held.token, lines=held.lines, external_id=""))
    stage.books.set_status(twin.external_id, "posted")


def test_books_that_agree_are_no_finding(stage: Stage) -> None:
    posted(stage)
    assert compare(stage) == []


@pytest.mark.parametrize(
    ("happened", "law", "words"),
    [
        (void, "remote-voided", "is voided"),
        (edit, "remote-changed", "13.00 on account 621 instead of 12.50"),
        (remove, "remote-missing", "isn't there"),
        (double, "remote-double", "the books hold"),
    ],
)
def test_what_happened_in_the_books_is_named(
    stage: Stage, happened: Callable[[Stage, str], None], law: str, words: str
) -> None:
    posted(stage)
    export_id = posted(stage)
    export = stage.export(export_id)
    assert export.external_id is not None
    happened(stage, export.external_id)
    before = stage.books.journals()
    [finding] = compare(stage)
    assert (finding.law, finding.table, finding.ids) == (law, "exports", (export_id,))
    assert words in finding.message
    assert export.reference in finding.message
    assert stage.books.journals() == before
    assert stage.export(export_id).state == "posted"


def test_only_what_was_posted_lately_is_looked_up(stage: Stage) -> None:
    export_id = posted(stage)
    stage.books.remove(str(stage.export(export_id).external_id))
    past = stage.house.clock() - dt.timedelta(days=31)
    stage.shop.write(lambda session: session.execute(sa.update(Export).values(posted_at=past)))
    assert compare(stage) == []
    assert [finding.law for finding in compare(stage, days=32)] == ["remote-missing"]


def test_a_limit_is_waited_for(stage: Stage) -> None:
    posted(stage)
    stage.books.tell(Lie.LIMIT, step="look_up", seconds=7)
    waited: list[float] = []
    assert compare(stage, waited=waited) == []
    assert waited == [7]


@pytest.mark.parametrize(("lie", "times"), [(Lie.BREAK, 1), (Lie.NOT_PERMITTED, 1), (Lie.BUSY, 9)])
def test_what_could_not_be_looked_up_is_said(stage: Stage, lie: Lie, times: int) -> None:
    exports = [posted(stage), posted(stage)]
    stage.books.tell(lie, step="look_up", times=times)
    [finding] = compare(stage)
    assert (finding.law, finding.ids) == ("remote-unchecked", tuple(exports))
    assert "1 more" in finding.message


@pytest.mark.parametrize("days", [0, -1, 3661])
def test_days_out_of_reach_are_refused(stage: Stage, days: int) -> None:
    with pytest.raises(Invalid) as refused:
        compare(stage, days=days)
    assert refused.value.field == "days"


def test_without_books_there_is_nothing_to_compare_with(stage: Stage) -> None:
    stage.shop.write(lambda session: session.execute(sa.update(Connection).values(state=ConnectionState.DISCONNECTED)))
    with pytest.raises(NotConnected):
        compare(stage)
