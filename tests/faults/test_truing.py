"""True-ups: accumulated rounding leaves the stock account by one journal, once, and can be taken back."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from partsemble_core.domain.reconciliation import Verdict
from partsemble_core.errors import Conflict, Invalid, WrongState
from partsemble_core.plugin_testing.lying_books import Lie
from partsemble_core.services import deciding, mapping, truing
from partsemble_core.services.closing import PeriodLocked
from partsemble_core.services.doctoring import examine
from partsemble_core.services.exporting import AccountNotSet
from partsemble_core.services.reconciling import reconcile
from partsemble_core.services.truing import NothingToTrueUp
from partsemble_core.store.connections import Connection, RemoteAccount
from partsemble_core.store.session import CompanySession
from partsemble_core.store.true_ups import TrueUp
from tests.faults.stage import Stage, a_stage, amounts
from tests.faults.test_reconciling import all_exports, chosen, receive, today
from tests.services.makers import contents, in_threads, refused
from tests.services.stockroom import lock


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path) -> Stage:
    """Nine receipts of 1.234: 0.036 of rounding stands on the stock account as −0.036."""
    stage = a_stage(engine, tmp_path)
    chosen(stage, "rounding", "478")
    for _ in range(9):
        receive(stage, "1.234")
    return stage


def true_up(stage: Stage, **more: object) -> TrueUp:
    return stage.shop.write(lambda s: truing.true_up(s, stage.shop.act, **more))


def take_back(stage: Stage, made: TrueUp, **more: object) -> TrueUp:
    return stage.shop.write(lambda s: truing.take_back(s, stage.shop.act, made.id, reason="By mistake", **more))


def export_of(stage: Stage, made: TrueUp) -> int:
    return next(e.id for e in all_exports(stage) if (e.document_kind, e.document_id) == ("true_up", made.id))


def post(stage: Stage, made: TrueUp) -> dict[str, Decimal]:
    """What the books hold of it once it is posted."""
    export_id = export_of(stage, made)
    assert stage.settle(export_id) == "posted"
    [held] = stage.held(export_id, status="posted")
    return amounts(held)


def difference(stage: Stage) -> Decimal:
    found = reconcile(stage.house, stage.company_id, on=today(stage))
    assert (found.remainder, found.verdict) == (0, Verdict.AGREES)
    return found.difference


def check_laws(stage: Stage) -> None:
    with stage.shop.reading() as session:
        assert examine(session) == []


def test_a_true_up_leaves_less_than_a_cent(stage: Stage) -> None:
    assert difference(stage) == Decimal("-0.036")
    made = true_up(stage)
    assert (made.reference, made.amount) == ("PSB-TRU-0001", Decimal("0.04"))
    assert post(stage, made) == {"a-621": Decimal("0.04"), "a-478": Decimal("-0.04")}
    assert difference(stage) == Decimal("0.004")
    check_laws(stage)
    with refused(stage.shop, NothingToTrueUp, "nothing-to-true-up"):
        true_up(stage)


def test_a_lost_answer_posts_it_once(stage: Stage) -> None:
    stage.books.tell(Lie.LOSE_ANSWER, step="create")
    stage.books.tell(Lie.LOSE_ANSWER, step="post")
    made = true_up(stage)
    post(stage, made)
    assert difference(stage) == Decimal("0.004")
    assert len(stage.held(export_of(stage, made), status="posted")) == 1


def test_it_is_taken_back_by_its_opposite_once(stage: Stage) -> None:
    made = true_up(stage)
    with refused(stage.shop, WrongState, "wrong-state", says="PSB-TRU-0001 isn't posted. Leave it out under Exports"):
        take_back(stage, made)
    post(stage, made)
    chosen(stage, "rounding", "623")
    back = take_back(stage, made)
    assert (back.reference, back.amount, back.reverses_id) == ("PSB-TRU-0002", Decimal("-0.04"), made.id)
    assert post(stage, back) == {"a-621": Decimal("-0.04"), "a-478": Decimal("0.04")}
    assert difference(stage) == Decimal("-0.036")
    check_laws(stage)
    for taken in (made, back):
        with refused(stage.shop, Conflict, "conflict", says="PSB-TRU-000"):
            take_back(stage, taken)
    assert true_up(stage).amount == Decimal("0.04")


def test_one_at_a_time_and_in_order_of_days(stage: Stage) -> None:
    made = true_up(stage)
    with refused(stage.shop, Conflict, "conflict", says="PSB-TRU-0001 is on its way"):
        true_up(stage)
    post(stage, made)
    yesterday = today(stage) - dt.timedelta(days=1)
    with refused(stage.shop, Invalid, "invalid", field="on", says="PSB-TRU-0001 is of"):
        true_up(stage, on=yesterday)
    with refused(stage.shop, Invalid, "invalid", field="on", says="PSB-TRU-0001 is of"):
        take_back(stage, made, on=yesterday)


def test_two_people_at_once_make_one(stage: Stage) -> None:
    def attempt() -> None:
        try:
            true_up(stage)
        except Conflict:
            return

    in_threads((attempt,), (attempt,))
    assert len(stage.shop.rows(sa.select(TrueUp))) == 1


def test_it_is_refused_without_an_account_or_in_a_locked_period(engine: sa.Engine, tmp_path: Path) -> None:
    stage = a_stage(engine, tmp_path)
    receive(stage, "1.006")
    with refused(stage.shop, AccountNotSet, "account-not-set", field="rounding", says="Export accounts"):
        true_up(stage)
    chosen(stage, "rounding", "621")
    with refused(stage.shop, Conflict, "conflict", says="621 Stock of components holds stock"):
        true_up(stage)
    chosen(stage, "rounding", "478")
    yesterday = today(stage) - dt.timedelta(days=1)
    lock(stage.shop, yesterday)
    with refused(stage.shop, PeriodLocked, "period-locked", field="on"):
        true_up(stage, on=yesterday)
    with refused(stage.shop, Invalid, "invalid", field="on"):
        true_up(stage, on=today(stage) + dt.timedelta(days=1))
    before = contents(stage.shop)
    with refused(stage.shop, NothingToTrueUp, "nothing-to-true-up"):
        true_up(stage)
    assert contents(stage.shop) == before


def test_rounding_does_not_go_from_one_account_of_stock_to_another(stage: Stage) -> None:
    chosen(stage, "rounding", "622")
    with refused(stage.shop, Conflict, "conflict", says="Choose another account for Rounding in Integrations"):
        true_up(stage)
    chosen(stage, "rounding", "478")
    post(stage, true_up(stage))
    chosen(stage, "build_debit", "478")  # what rounding went to is stock from now on
    with refused(stage.shop, Conflict, "conflict", says="478 Applied labour holds stock"):
        true_up(stage)
    chosen(stage, "rounding", "623")
    with refused(stage.shop, NothingToTrueUp, "nothing-to-true-up"):
        true_up(stage)


def test_a_refused_true_up_is_to_be_decided_about(stage: Stage) -> None:
    made = true_up(stage)
    stage.books.tell(Lie.REFUSE, step="create")
    assert stage.settle(export_of(stage, made)) == "review"
    with refused(stage.shop, Conflict, "conflict", says="wasn't taken by the books. Decide about it under Exports"):
        true_up(stage)
    deciding.skip_export(stage.house, stage.shop.act, stage.company_id, export_of(stage, made), reason="Not now")
    with refused(stage.shop, WrongState, "wrong-state", says="never posted. Nothing is there to undo"):
        take_back(stage, made)
    assert true_up(stage).amount == Decimal("0.04")


def other_books(stage: Stage) -> None:
    """The company leaves its books and connects others, with the same accounts."""
    old = stage.connection()
    accounts = stage.shop.rows(sa.select(RemoteAccount).where(RemoteAccount.connection_id == old.id))

    def connect(session: CompanySession) -> int:
        session.execute(sa.update(Connection).values(state="disconnected"))
        new = copied(old, organisation_id="new", organisation_name="New Books")
        session.add(new)
        session.flush()
        session.add_all(copied(account, connection_id=new.id) for account in accounts)
        session.flush()
        for role, code in (("receiving_debit", "621"), ("rounding", "478")):
            mapping.map_account(session, connection_id=new.id, role=role, code=code)
        return new.id

    stage.shop.write(connect)


def copied(row: Any, **changes: object) -> Any:
    values = {each.key: getattr(row, each.key) for each in sa.inspect(type(row)).column_attrs if each.key != "id"}
    return type(row)(**{**values, **changes})


@pytest.mark.parametrize("is_posted", [True, False])
def test_true_ups_of_other_books_hold_nothing_up(stage: Stage, is_posted: bool) -> None:
    elsewhere = true_up(stage)
    if is_posted:
        post(stage, elsewhere)
    other_books(stage)
    with refused(stage.shop, NothingToTrueUp, "nothing-to-true-up"):  # no rounding lies in these books yet
        true_up(stage, on=today(stage) - dt.timedelta(days=1))
    with refused(stage.shop, WrongState, "wrong-state", says="belongs to Lying Books, which isn't connected now"):
        take_back(stage, elsewhere)
