"""Sales from the sandbox into the database: limits, faults and edits on the way, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.plugin_api.secret import Secret
from partsemble_core.services import syncing
from partsemble_core.services.syncing import run_sync
from partsemble_core.store.connections import ConnectionState
from partsemble_core.store.remote_sales import RemoteSale, RemoteSaleLine
from partsemble_core.store.syncs import SyncCause, SyncRun
from tests.faults.stage import an_engine
from tests.faults.xero_stage import ORGANISATION, XeroStage, a_xero_stage

KIT = {"item": "SENSOR-KIT", "quantity": "2", "unit_amount": "100.00"}
INVOICES = "GET /api.xro/2.0/Invoices*"


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    with an_engine(database_url) as opened:
        yield opened


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[XeroStage]:
    """Connected, and read in pages of 20."""
    monkeypatch.setattr(syncing, "PAGE", 20)
    with a_xero_stage(engine, tmp_path) as made:
        made.connect()
        yield made


def sync(stage: XeroStage) -> SyncRun:
    return run_sync(stage.house, stage.company_id, stage.connection().id, "sales", cause=SyncCause.COMMAND, by="ann")


def kept(stage: XeroStage) -> dict[str, RemoteSale]:
    return {sale.number: sale for sale in stage.shop.rows(sa.select(RemoteSale))}


def test_sales_come_from_xero_exactly_and_then_only_their_changes(stage: XeroStage) -> None:
    foreign = {"currency": "USD", "rate": "0.612345", "line_amount_types": "Inclusive"}
    stage.sandbox.invoice(ORGANISATION, number="A", lines=[{**KIT, "discount_rate": "12.5"}], **foreign)
    stage.sandbox.credit_note(ORGANISATION, number="B", lines=[{**KIT, "quantity": "0.3333"}])
    run = sync(stage)
    assert (run.state, run.records, run.added, run.message) == ("done", 5, 5, "")
    found = kept(stage)
    assert (found["A"].net, found["A"].currency, found["A"].rate) == (Decimal("152.17"), "USD", "0.612345")
    assert (found["B"].net, found["B"].kind, found["B"].status) == (Decimal("33.33"), "credit", "open")
    stage.sandbox.invoice(ORGANISATION, "A", status="VOIDED")
    stage.sandbox.invoice(ORGANISATION, "INV-0001", status="DELETED")
    run = sync(stage)
    assert (run.state, run.added, run.changed) == ("done", 0, 2)
    assert (kept(stage)["A"].status, kept(stage)["INV-0001"].status) == ("voided", "deleted")
    assert sync(stage).changed == 0


def test_a_line_that_comes_back_under_another_id_is_one_line(stage: XeroStage) -> None:
    stage.sandbox.invoice(ORGANISATION, number="A", lines=[KIT, KIT])
    sync(stage)
    stage.sandbox.invoice(ORGANISATION, "A", lines=[KIT])
    assert sync(stage).changed == 1
    lines = stage.shop.rows(
        sa.select(RemoteSaleLine)
        .join(RemoteSale, RemoteSale.id == RemoteSaleLine.sale_id)
        .where(RemoteSale.number == "A")
    )
    assert [(line.position, line.net) for line in lines] == [(1, Decimal(200))]


def test_a_limit_in_the_middle_pauses_and_the_next_sync_goes_on_from_there(stage: XeroStage) -> None:
    for number in range(70):
        stage.sandbox.advance(5)
        stage.sandbox.invoice(ORGANISATION, number=f"N{number:02}", lines=[KIT])
    asked = len(invoice_calls(stage))

    def slow_down() -> None:
        if len(invoice_calls(stage)) == asked + 2:
            stage.sandbox.add_fault(INVOICES, kind="status", status=429)

    after_each_page(stage, slow_down)
    run = sync(stage)
    assert run.state == "failed"
    assert "limit of calls" in run.message
    assert 20 < run.records < 72
    connection = stage.connection()
    assert connection.state == ConnectionState.ACTIVE
    assert connection.paused_until is not None
    before = run.records
    stage.age()
    run = sync(stage)
    assert run.state == "done"
    assert run.added == 73 - before, "what was read before is not added again"
    assert len(kept(stage)) == 73
    assert len(invoice_calls(stage)) - asked <= 7, "it didn't begin at the beginning"


def after_each_page(stage: XeroStage, do: object) -> None:
    """Has something happen after each page that was asked for."""
    fetch = stage.house.host.fetch_sales

    def fetch_and_do(*arguments: object, **named: object) -> object:
        page = fetch(*arguments, **named)  # type: ignore[arg-type]
        do()  # type: ignore[operator]
        return page

    stage.house.host.fetch_sales = fetch_and_do  # type: ignore[method-assign,assignment]


def invoice_calls(stage: XeroStage) -> list[str]:
    return [each["query"] for each in stage.sandbox.requests() if each["path"] == "/api.xro/2.0/Invoices"]


@pytest.mark.parametrize("kind", ["close-before", "cut", "html", "status"])
def test_a_broken_answer_loses_nothing(stage: XeroStage, kind: str) -> None:
    for number in range(30):
        stage.sandbox.invoice(ORGANISATION, number=f"N{number:02}", lines=[KIT])
    stage.sandbox.add_fault(INVOICES, kind=kind, times=3)
    runs = [sync(stage)]
    for _ in range(4):
        if runs[-1].state != "done":
            runs.append(sync(stage))
    assert runs[-1].state == "done"
    assert len(kept(stage)) == 33


def test_a_connection_without_the_scope_says_so_and_goes_on_posting(engine: sa.Engine, tmp_path: Path) -> None:
    with a_xero_stage(engine, tmp_path) as stage:
        narrow = "offline_access openid profile email accounting.settings.read accounting.manualjournals"
        settings_of = type(stage.house.settings).settings_of
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                type(stage.house.settings),
                "settings_of",
                lambda self, name: {**settings_of(self, name), "scopes": Secret(narrow)},
            )
            stage.connect()
        run = sync(stage)
        assert run.state == "failed"
        assert "Connect again to allow it" in run.message
        assert stage.connection().state == ConnectionState.ACTIVE
