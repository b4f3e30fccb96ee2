"""Reconciling with books that lie: every difference is a line, and the lines add up to the difference exactly."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.domain.reconciliation import Reason, Verdict
from partsemble_core.plugin_api import Page
from partsemble_core.plugin_testing.lying_books import Lie, Request
from partsemble_core.services import mapping, opting, reviewing
from partsemble_core.services.cataloguing import CostInput
from partsemble_core.services.reconciling import Reconciliation, reconcile
from partsemble_core.store.connections import Connection
from partsemble_core.store.exports import Export
from tests.faults.stage import Stage, a_stage
from tests.services.makers import a_line, a_shop, contents
from tests.services.stockroom import adjust, open_stock, undo

WEEK = dt.timedelta(days=7)


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path) -> Stage:
    return a_stage(engine, tmp_path)


def today(stage: Stage) -> dt.date:
    return stage.shop.act.today


def seen(stage: Stage, *, on: dt.date | None = None, offline: bool = False) -> Reconciliation:
    """The reconciliation, after a check of what holds for every one."""
    found = reconcile(stage.house, stage.company_id, on=on or today(stage), offline=offline)
    explained = sum((line.amount for line in found.lines), Decimal(0))
    assert explained + (found.remainder or 0) == found.difference
    assert found.posted == sum((row.posted for row in found.accounts), Decimal(0))
    return found


def lines(found: Reconciliation) -> list[tuple[str, str, Decimal]]:
    return [(line.reason.value, line.reference, line.amount) for line in found.lines]


def receive(stage: Stage, cost: str, *, on: dt.date | None = None, post: bool = True) -> int:
    """The export of a receipt of ten bolts for ``cost``."""
    receipt = stage.shop.receive(a_line("BOLT", total_cost=cost), on=on)
    return _exported(stage, "receipt", receipt.id, post=post)


def _exported(stage: Stage, kind: str, document_id: int, *, post: bool = True) -> int:
    export_id = next(e.id for e in all_exports(stage) if (e.document_kind, e.document_id) == (kind, document_id))
    if post:
        assert stage.post(export_id) == "posted"
    return export_id


def all_exports(stage: Stage) -> list[Export]:
    return stage.shop.rows(sa.select(Export).order_by(Export.id))


def id_of(stage: Stage, export_id: int) -> str:
    found = stage.export(export_id).external_id
    assert found is not None
    return found


def add_twin(stage: Stage, export_id: int, lines: str) -> None:
    """The books get a second journal of an export."""
    token, day = stage.export(export_id).token, today(stage).isoformat()
    twin = Request(step="create", key=f"twin-{token}", token=token, lines=lines, external_id="", day=day)
    stage.books.set_status(stage.books.apply(twin).external_id, "posted")


def two_lines(debit: str, credit: str, amount: str) -> str:
    return json.dumps([[debit, amount], [credit, f"-{amount}"]])


def test_posted_stock_agrees_but_for_its_rounding(stage: Stage) -> None:
    receive(stage, "12.50")
    receive(stage, "1.234567")
    receive(stage, "0.006")
    found = seen(stage)
    assert (found.stock, found.posted, found.books) == (Decimal("13.740567"), Decimal("13.74"), Decimal("13.74"))
    assert found.difference == Decimal("-0.000567")
    assert lines(found) == [
        ("rounding", "PSB-RCV-0002", Decimal("-0.004567")),
        ("rounding", "PSB-RCV-0003", Decimal("0.004")),
    ]
    assert (found.remainder, found.verdict) == (0, Verdict.AGREES)


def test_what_is_not_in_the_books_is_named_by_its_state(stage: Stage) -> None:
    receive(stage, "1.00", post=False)
    stage.books.tell(Lie.REFUSE, step="create")
    stage.post(receive(stage, "2.00", post=False))
    stage.books.tell(Lie.LOSE_ANSWER, step="create")
    stage.post(receive(stage, "4.00", post=False))
    stage.update(receive(stage, "8.00", post=False), state="skipped", problem="On purpose.")
    stage.house.write(stage.company_id, lambda s: opting.set_options(s, {"export_receipts": "manual"}))
    receive(stage, "16.00", post=False)
    stage.shop.write(lambda s: s.execute(sa.update(Connection).values(state="setup")))
    stage.shop.receive(a_line("BOLT", total_cost="32.00"))
    stage.shop.write(lambda s: s.execute(sa.update(Connection).values(state="active")))
    found = seen(stage)
    assert (found.stock, found.books, found.remainder) == (Decimal(63), Decimal(0), Decimal(0))
    assert lines(found) == [
        ("waiting", "PSB-RCV-0001", Decimal(-1)),
        ("failed", "PSB-RCV-0002", Decimal(-2)),
        ("in_doubt", "PSB-RCV-0003", Decimal(-4)),
        ("left_out", "PSB-RCV-0004", Decimal(-8)),
        ("waiting", "PSB-RCV-0005", Decimal(-16)),
        ("not_exported", "PSB-RCV-0006", Decimal(-32)),
    ]
    assert found.verdict == Verdict.DIFFERS
    assert [(reason.value, total) for reason, total, _ in found.groups][:2] == [("waiting", -17), ("in_doubt", -4)]
    assert next(line.words for line in found.lines if line.reason == Reason.LEFT_OUT) == "On purpose."


def test_what_people_did_in_the_books_is_told_apart(stage: Stage) -> None:
    edited, voided, gone, twice, moved = [receive(stage, cost) for cost in ("1.00", "2.00", "4.00", "8.00", "16.00")]
    stage.books.set_lines(id_of(stage, edited), two_lines("a-621", "a-623", "1.25"))
    stage.books.set_status(id_of(stage, voided), "voided")
    stage.books.remove(id_of(stage, gone))
    add_twin(stage, twice, two_lines("a-621", "a-623", "8.00"))
    stage.books.set_day(id_of(stage, moved), (today(stage) + WEEK).isoformat())
    foreign = stage.books.enter(day=today(stage).isoformat(), lines=two_lines("a-622", "a-478", "0.50"))
    stage.books.enter(day=(today(stage) + WEEK).isoformat(), lines=two_lines("a-622", "a-478", "0.75"))
    stage.books.enter(day=today(stage).isoformat(), lines=two_lines("a-622", "a-621", "9.00"))
    found = seen(stage)
    assert lines(found) == [
        ("foreign", today(stage).isoformat(), Decimal("0.50")),
        ("edited", "PSB-RCV-0001", Decimal("0.25")),
        ("voided", "PSB-RCV-0002", Decimal(-2)),
        ("missing", "PSB-RCV-0003", Decimal(-4)),
        ("double", "PSB-RCV-0004", Decimal(8)),
        ("moved", "PSB-RCV-0005", Decimal(-16)),
    ]
    assert (found.remainder, found.verdict) == (0, Verdict.DIFFERS)
    assert {line.reason: line.external_id for line in found.lines}[Reason.FOREIGN] == foreign
    by_code = {row.code: row.books_minus_posted for row in found.accounts}
    assert by_code == {"621": Decimal("-22.75"), "622": Decimal("9.50")}
    later = seen(stage, on=today(stage) + WEEK)
    assert [line.amount for line in later.lines if line.reason in (Reason.MOVED, Reason.FOREIGN)] == [
        Decimal("0.50"),
        Decimal("0.75"),
    ]


def test_a_posting_that_arrived_without_our_knowing_is_seen(stage: Stage) -> None:
    export_id = receive(stage, "5.00", post=False)
    stage.books.tell(Lie.LOSE_ANSWER, step="post")
    stage.post(export_id)
    assert stage.export(export_id).state == "unknown"
    assert lines(seen(stage)) == [
        ("in_doubt", "PSB-RCV-0001", Decimal(-5)),
        ("there_already", "PSB-RCV-0001", Decimal(5)),
    ]


def test_a_journal_that_the_pages_missed_is_looked_up(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    receive(stage, "5.00")
    lost = receive(stage, "6.00")
    stage.books.set_status(id_of(stage, lost), "voided")
    monkeypatch.setattr(stage.house.host, "list_journals", lambda *args, **more: Page(records=(), complete=True))
    assert lines(seen(stage)) == [("voided", "PSB-RCV-0002", Decimal(-6))]


def test_an_earlier_day_counts_what_is_dated_up_to_it(stage: Stage) -> None:
    receive(stage, "3.00", on=today(stage) - WEEK)
    receive(stage, "5.00")
    before = seen(stage, on=today(stage) - WEEK)
    assert (before.stock, before.books, before.lines) == (Decimal(3), Decimal(3), ())
    assert seen(stage, on=today(stage) - 2 * WEEK).books == 0
    assert seen(stage).stock == 8


def kits(stage: Stage, *, labour: str = "") -> None:
    """PANEL from two bolts, KIT from a panel and a bolt; labour on the kit."""
    stage.shop.product("PANEL", kind="sub_assembly")
    stage.shop.product("KIT", kind="finished_good")
    stage.shop.bom("PANEL", {"BOLT": "2"})
    costs = [CostInput(kind="labour", label="Assembly", amount=labour)] if labour else []
    stage.shop.bom("KIT", {"PANEL": "1", "BOLT": "1"}, *costs)


def chosen(stage: Stage, role: str, code: str) -> None:
    connection = stage.connection()
    stage.house.write(
        stage.company_id, lambda s: mapping.map_account(s, connection_id=connection.id, role=role, code=code)
    )


def post_all(stage: Stage) -> None:
    for export in all_exports(stage):
        stage.post(export.id)


def test_nested_builds_agree_in_sum_though_not_account_by_account(stage: Stage) -> None:
    kits(stage, labour="2.005")
    chosen(stage, "applied_costs", "478")
    receive(stage, "10.00")
    stage.shop.build("PANEL", "2")
    stage.shop.build("KIT", "1")
    post_all(stage)
    found = seen(stage)
    # 10 bolts of 1.00: 5 left; a panel of 2.00 left; a kit of 2 + 1 + 2.005 of labour
    assert (found.stock, found.books, found.remainder) == (Decimal("12.005"), Decimal("12.00"), 0)
    assert {row.code: (row.stock, row.posted) for row in found.accounts} == {
        "621": (Decimal(5), Decimal(3)),
        "622": (Decimal("7.005"), Decimal(9)),
    }
    assert [(line.reason, line.reference, line.amount) for line in found.lines] == [
        (Reason.ROUNDING, "PSB-000002", Decimal("-0.005"))
    ]
    assert found.verdict == Verdict.AGREES


def test_labour_without_an_account_of_its_own_is_explained(stage: Stage) -> None:
    kits(stage, labour="2.00")
    receive(stage, "10.00")
    stage.shop.build("PANEL", "1")
    build = stage.shop.build("KIT", "1")
    post_all(stage)
    found = seen(stage)
    assert lines(found) == [("within_stock", "PSB-000002", Decimal(-2))]
    undo(stage.shop, "build", build)
    post_all(stage)
    assert seen(stage).lines == ()


def test_a_build_in_review_has_taken_its_parts_and_is_not_posted(stage: Stage) -> None:
    kits(stage)
    receive(stage, "10.00")
    stage.house.write(stage.company_id, lambda s: opting.set_options(s, {"qa_review": True}))
    build = stage.shop.build("PANEL", "1")
    assert lines(seen(stage)) == [("in_review", "PSB-000001", Decimal(2))]
    stage.house.write(stage.company_id, lambda s: reviewing.approve(s, stage.shop.act, build.id))
    assert [line.reason for line in seen(stage).lines] == []  # it moved no value, and none is to be posted
    post_all(stage)
    assert seen(stage).verdict == Verdict.AGREES


def test_what_was_called_off_before_it_was_posted_cancels_out(stage: Stage) -> None:
    receipt = stage.shop.receive(a_line("BOLT", total_cost="7.00"), on=today(stage) - WEEK)
    undo(stage.shop, "receipt", receipt)
    assert seen(stage).lines == ()
    assert lines(seen(stage, on=today(stage) - WEEK)) == [("cancelled", "PSB-RCV-0001", Decimal(-7))]


def test_stock_that_the_books_had_before_is_left_out_here_and_booked_there(stage: Stage) -> None:
    open_stock(stage.shop, "BOLT", "10", "20.00")
    stage.books.enter(day=today(stage).isoformat(), lines=two_lines("a-621", "a-623", "20.00"))
    found = seen(stage)
    assert [(line.reason, line.amount) for line in found.lines] == [(Reason.LEFT_OUT, -20), (Reason.FOREIGN, 20)]
    assert (found.difference, found.remainder) == (0, 0)


def test_accounts_that_were_changed_still_hold_what_was_posted_to_them(stage: Stage) -> None:
    receive(stage, "3.00")
    chosen(stage, "receiving_debit", "622")
    chosen(stage, "build_credit", "622")
    receive(stage, "4.00")
    found = seen(stage)
    assert {row.code: (row.stock, row.posted) for row in found.accounts} == {
        "621": (Decimal(0), Decimal(3)),
        "622": (Decimal(7), Decimal(4)),
    }
    assert (found.books, found.lines) == (Decimal(7), ())


@pytest.mark.parametrize("lie", [Lie.NOT_PERMITTED, Lie.LIMIT, Lie.BREAK, Lie.CLOSE_BEFORE])
def test_books_that_do_not_answer_leave_our_side_and_the_reason(stage: Stage, lie: Lie) -> None:
    receive(stage, "3.00", post=False)
    stage.books.tell(lie, step="balances", times=9)
    found = seen(stage)
    assert (found.books, found.remainder, found.verdict) == (None, None, Verdict.UNKNOWN)
    assert found.problem
    assert lines(found) == [("waiting", "PSB-RCV-0001", Decimal(-3))]


def test_without_the_journals_what_they_would_explain_is_the_remainder(stage: Stage) -> None:
    stage.books.set_status(id_of(stage, receive(stage, "3.00")), "voided")
    stage.books.tell(Lie.NOT_PERMITTED, step="journals", times=9)
    found = seen(stage)
    assert (found.books, found.remainder, found.lines) == (0, -3, ())
    assert (found.verdict, bool(found.why_no_journals)) == (Verdict.DIFFERS, True)


def test_offline_and_without_books_nobody_is_asked(stage: Stage, engine: sa.Engine) -> None:
    receive(stage, "3.00")
    before = len(stage.books.calls())
    assert seen(stage, offline=True).verdict == Verdict.UNKNOWN
    assert len(stage.books.calls()) == before
    alone = a_shop(engine)
    alone.product("NUT")
    alone.stock("NUT", "3", "2")
    found = reconcile(stage.house, alone.company_id, on=alone.act.today)
    assert (found.stock, found.accounts, found.verdict) == (Decimal(6), (), Verdict.UNKNOWN)
    assert [line.reason for line in found.lines] == [Reason.NOT_EXPORTED]


def test_reading_changes_nothing(stage: Stage) -> None:
    receive(stage, "3.00")
    adjust_down(stage)
    before, held = contents(stage.shop), stage.books.journals()
    seen(stage)
    assert (contents(stage.shop), stage.books.journals()) == (before, held)


def adjust_down(stage: Stage) -> None:
    chosen(stage, "waste", "478")
    adjust(stage.shop, stage.shop.lots("BOLT")[0], "-1")
