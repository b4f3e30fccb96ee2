"""Reconciling with the Xero sandbox over real HTTP: what people did there, and what no journal explains."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.demo import stage as demo
from partsemble_core.domain.reconciliation import Verdict
from partsemble_core.services import truing
from partsemble_core.services.reconciling import Reconciliation, reconcile
from partsemble_core.store.exports import Export
from partsemble_xero.sandbox.testing import SCOPES
from tests.faults.xero_stage import ORGANISATION, REDIRECT, XeroStage, a_xero_stage, xero_settings
from tests.plugins.xero.sandbox.client import App, line

JOURNALS = "POST /api.xro/2.0/ManualJournals*"


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path) -> Iterator[XeroStage]:
    """Connected with the scope for the trial balance."""
    with a_xero_stage(engine, tmp_path) as made:
        settings = xero_settings(engine, tmp_path, made.sandbox, scopes=SCOPES)
        wide = dataclasses.replace(made, house=dataclasses.replace(made.house, settings=settings))
        wide.map(wide.connect(), "rounding", "429")
        yield wide


def posted(stage: XeroStage, cost: str) -> str:
    """The journal's id."""
    export_id = stage.queue(cost=cost)
    assert stage.post(export_id) == "posted"
    return str(stage.export(export_id).external_id)


def seen(stage: XeroStage) -> Reconciliation:
    return reconcile(stage.house, stage.company_id, on=stage.shop.act.today)


def lines(found: Reconciliation) -> list[tuple[str, str, Decimal]]:
    return [(each.reason.value, each.reference, each.amount) for each in found.lines]


def test_what_people_do_in_xero_is_explained_to_the_cent(stage: XeroStage) -> None:
    day = stage.shop.act.today.isoformat()
    edited, voided, _ = posted(stage, "12.50"), posted(stage, "7.00"), posted(stage, "3.25")
    assert (seen(stage).books, seen(stage).verdict) == (Decimal("22.75"), Verdict.AGREES)
    person = App(stage.sandbox, redirect_uri=REDIRECT)
    changed = {"Date": day, "Status": "POSTED", "JournalLines": [line("621", 10), line("623", -10)]}
    assert person.change(edited, **changed).status_code == 200
    assert person.change(voided, Status="VOIDED").status_code == 200
    person.create(Date=day, Status="POSTED", JournalLines=[line("622", 4), line("970", -4)], Narration="Stocktake")
    stage.sandbox.enter(ORGANISATION, date=day, code="621", against="800", amount="99.99")
    found = seen(stage)
    assert lines(found) == [
        ("foreign", day, Decimal(4)),
        ("edited", "PSB-RCV-0001", Decimal("-2.50")),
        ("voided", "PSB-RCV-0002", Decimal(-7)),
    ]
    assert (found.books, found.difference, found.remainder) == (
        Decimal("117.24"),
        Decimal("94.49"),
        Decimal("99.99"),
    )
    assert found.verdict == Verdict.DIFFERS
    assert next(each.words for each in found.lines if each.reason == "foreign") == "Stocktake"


def test_a_true_up_is_posted_once_whatever_is_lost(stage: XeroStage) -> None:
    for _ in range(9):
        posted(stage, "1.234")
    made = stage.shop.write(lambda s: truing.true_up(s, stage.shop.act))
    stage.sandbox.add_fault(JOURNALS, kind="close-after", times=2)
    statement = sa.select(Export.id).where(Export.document_kind == "true_up")
    [export_id] = stage.shop.rows(statement)
    for _ in range(8):
        stage.age()
        stage.post(export_id)
    assert stage.export(export_id).state == "posted"
    held = [each for each in stage.journals(token=made.reference) if each["status"] == "POSTED"]
    assert [[(x["account_code"], x["amount"]) for x in each["lines"]] for each in held] == [
        [("621", "0.04"), ("429", "-0.04")]
    ]
    found = seen(stage)
    assert (found.difference, found.remainder, found.verdict) == (Decimal("0.004"), 0, Verdict.AGREES)


def test_without_the_scope_our_side_is_shown_and_the_scope_named(engine: sa.Engine, tmp_path: Path) -> None:
    with a_xero_stage(engine, tmp_path) as stage:
        stage.connect()
        posted(stage, "12.50")
        found = seen(stage)
    assert (found.posted, found.books, found.verdict) == (Decimal("12.50"), None, Verdict.UNKNOWN)
    assert "Add accounting.reports.trialbalance.read to the scopes" in found.problem


def test_an_ended_sign_in_is_named_and_not_the_scope(stage: XeroStage) -> None:
    posted(stage, "12.50")
    stage.sandbox.revoke_grant()
    found = seen(stage)
    assert found.verdict == Verdict.UNKNOWN
    assert "scopes" not in found.problem
    assert "onnect" in found.problem


def test_the_demo_asks_for_what_reconciling_needs(engine: sa.Engine, tmp_path: Path) -> None:
    with a_xero_stage(engine, tmp_path) as made:
        settings = xero_settings(engine, tmp_path, made.sandbox, scopes=demo.SCOPES)
        stage = dataclasses.replace(made, house=dataclasses.replace(made.house, settings=settings))
        stage.connect()
        posted(stage, "12.50")
        assert (seen(stage).verdict, seen(stage).books) == (Verdict.AGREES, Decimal("12.50"))
