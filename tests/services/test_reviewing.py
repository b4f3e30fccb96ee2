"""Quality review: what waits for it, what approval brings in, and what a rejection gives back or wastes."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from decimal import Decimal

import pytest
import sqlalchemy as sa

from partsemble_core.domain.journals import AccountRole
from partsemble_core.domain.quality import RejectReason
from partsemble_core.errors import Forbidden, Invalid, NotFound, PartsembleError, WrongState
from partsemble_core.plugin_api.entries import entry_from_bytes
from partsemble_core.services import holding, reviewing
from partsemble_core.services.cataloguing import ComponentInput, CostInput
from partsemble_core.services.closing import PeriodLocked
from partsemble_core.services.exporting import AccountNotSet
from partsemble_core.store.builds import Build, get_build
from partsemble_core.store.lots import ReturnRow, StockEntry
from tests.services.makers import ROLES, TODAY, Shop, a_line, a_shop, connect, contents, refused
from tests.services.workshop import approve, build, by, exports_of, later, reject, set_options, taken, unconserved

LABOUR = CostInput(kind="labour", label="Assembly", rate="25.00", quantity="0.5")


@pytest.fixture
def bench(shop: Shop) -> Shop:
    """Review is on. Panels in lots of 20 @ 34.50, 50 @ 35.50, 100 @ 36.00 (N1), bolts 100 @ 0.333333, a kit of both."""
    shop.products("panel", "bolt", "kit")
    for day, quantity, price in ((1, "20", "34.50"), (2, "50", "35.50"), (3, "100", "36.00")):
        shop.stock("panel", quantity, price, on=f"2026-04-0{day}")
    shop.stock("bolt", "100", "0.333333", on="2026-04-01")
    shop.bom("kit", {"panel": "1", "bolt": "1"}, LABOUR)
    set_options(shop, qa_review=True)
    return shop


def state(shop: Shop, made: Build) -> str:
    with shop.reading() as session:
        return get_build(session, made.id).state


def entries_of(shop: Shop, made: Build) -> list[StockEntry]:
    return shop.rows(sa.select(StockEntry).where(StockEntry.reference == made.reference).order_by(StockEntry.id))


def test_a_build_under_review_takes_its_components_and_makes_nothing_yet(bench: Shop) -> None:
    connect(bench)
    before = bench.balance("panel").quantity
    made = build(bench, "kit", "60")
    assert (made.state, made.reference) == ("pending_qa", "PSB-000001")
    assert (made.components_cost, made.added_cost) == (Decimal("2129.99998"), 750)
    assert bench.balance("panel").quantity == before - 60
    assert bench.lots("kit") == []
    assert exports_of(bench) == []
    assert [entry.quantity for entry in entries_of(bench, made)] == [-20, -40, -60]
    assert unconserved(bench) == {}


def test_approval_brings_the_lot_in_on_its_own_day_at_exactly_the_cost(bench: Shop) -> None:
    connect(bench)
    made = build(bench, "kit", "60", built_on="2026-05-01")
    tomorrow = by(later(bench, 1), "quinn@example.com")
    approved = approve(tomorrow, made, "Looks fine")
    assert (approved.state, approved.reviewed_by, approved.review_note) == (
        "completed",
        "quinn@example.com",
        "Looks fine",
    )
    assert approved.reviewed_at == tomorrow.act.at
    (lot,) = bench.lots("kit")
    assert (lot.number, lot.received_on, lot.build_id) == ("PSB-000001", TODAY + dt.timedelta(days=1), made.id)
    assert (lot.quantity_in, lot.cost_in) == (60, Decimal("2879.99998"))
    assert [(e.quantity, e.effective_on) for e in entries_of(bench, made)][-1] == (60, TODAY + dt.timedelta(days=1))
    (export,) = exports_of(bench)
    entry = entry_from_bytes(export.body)
    assert (export.reference, entry.date, export.exact) == ("PSB-000001", tomorrow.act.today, lot.cost_in)
    assert sum(line.amount for line in entry.lines if line.amount > 0) == Decimal("2880.00")
    assert unconserved(bench) == {}


def test_full_recovery_restores_every_lot_exactly_and_posts_nothing(bench: Shop) -> None:
    connect(bench)
    before = {sku: bench.left(sku) for sku in ("panel", "bolt")}
    balances = {sku: (bench.balance(sku).quantity, bench.balance(sku).value) for sku in before}
    made = build(bench, "kit", "60")
    assert bench.lots("panel")[0].state == "exhausted"
    rejected = reject(bench, made, "full", reason="wrong_materials")
    assert {sku: bench.left(sku) for sku in before} == before
    assert {sku: (bench.balance(sku).quantity, bench.balance(sku).value) for sku in before} == balances
    assert [lot.state for lot in bench.lots("panel")] == ["open", "open", "open"]
    assert (rejected.state, rejected.reject_reason, rejected.recovery) == ("rejected", "wrong_materials", "full")
    assert (rejected.waste_cost, rejected.review_note, rejected.reviewed_by) == (0, "Scratched", bench.act.by)
    assert len(bench.rows(sa.select(ReturnRow))) == 3
    assert (exports_of(bench), bench.lots("kit")) == ([], [])
    assert unconserved(bench) == {}


def test_a_total_loss_is_the_components_cost_without_labour_and_is_posted_as_waste(bench: Shop) -> None:
    connection = connect(bench)
    made = build(bench, "kit", "60")
    rejected = reject(bench, made, "total_loss")
    assert rejected.waste_cost == made.components_cost == Decimal("2129.99998")
    (export,) = exports_of(bench)
    assert (export.reference, export.document_kind, export.document_id) == ("PSB-000001-W", "waste", made.id)
    assert (export.exact, export.posted) == (Decimal("2129.99998"), Decimal("2130.00"))
    lines = {line.account_code: line.amount for line in entry_from_bytes(export.body).lines}
    codes = {role: f"6{number:02d}" for number, role in enumerate(ROLES, start=1)}
    assert lines == {codes[AccountRole.WASTE]: 2130, codes[AccountRole.BUILD_CREDIT]: -2130}
    assert export.connection_id == connection.id
    assert bench.rows(sa.select(ReturnRow)) == []
    assert unconserved(bench) == {}


def test_a_part_comes_back_to_the_lots_last_taken_from_first(bench: Shop) -> None:
    connect(bench)
    made = build(bench, "kit", "60")
    rejected = reject(bench, made, "partial", recovered={0: "45", 1: "10"})
    # 60 panels were 20 @ 34.50 and 40 @ 35.50: all 40 come back to the second lot, five to the first.
    assert [(number, quantity) for number, quantity, _ in bench.left("panel")] == [
        ("ACM-20260401", 5),
        ("ACM-20260402", 50),
        ("ACM-20260403", 100),
    ]
    assert [cost for _, _, cost in bench.left("panel")] == [Decimal("172.5"), 1775, 3600]
    assert bench.left("bolt") == [("ACM-20260401", 50, Decimal("16.66665"))]
    assert rejected.waste_cost == 15 * Decimal("34.50") + 50 * Decimal("0.333333")
    (export,) = exports_of(bench)
    assert (export.reference, export.exact) == ("PSB-000001-W", rejected.waste_cost)
    assert unconserved(bench) == {}


def test_all_of_every_line_recovered_in_part_wastes_nothing_and_posts_nothing(bench: Shop) -> None:
    connect(bench)
    before = bench.left("panel")
    made = build(bench, "kit", "60")
    rejected = reject(bench, made, "partial", recovered={0: "60", 1: 60})
    assert (rejected.waste_cost, rejected.recovery, exports_of(bench)) == (0, "partial", [])
    assert bench.left("panel") == before
    assert unconserved(bench) == {}


def test_goods_that_cost_nothing_are_lost_without_a_posting(shop: Shop) -> None:
    shop.products("gift", "kit")
    shop.stock("gift", "10", "0")
    shop.bom("kit", {"gift": "1"})
    set_options(shop, qa_review=True)
    connect(shop)
    assert reject(shop, build(shop, "kit", "5"), "total_loss").waste_cost == 0
    assert exports_of(shop) == []


@pytest.mark.parametrize(
    ("recovered", "field", "says"),
    [
        ({0: "60.000001"}, "recovered[0]", "60 were taken"),
        ({2: "1"}, "recovered[2]", "no component line 2"),
        ({0: "-1"}, "recovered[0]", "must not be negative"),
        ({0: "many"}, "recovered[0]", "plain decimal number"),
        ({0: 1.5}, "recovered[0]", "plain decimal number"),
        ({}, "recovered", "how much comes back"),
        (None, "recovered", "how much comes back"),
    ],
)
def test_more_than_was_taken_does_not_come_back(
    bench: Shop, recovered: dict[int, object] | None, field: str, says: str
) -> None:
    made = build(bench, "kit", "60")
    with refused(bench, Invalid, "invalid", field=field, says=says):
        reject(bench, made, "partial", recovered=recovered)


def test_recovered_quantities_go_with_a_part_alone(bench: Shop) -> None:
    made = build(bench, "kit", "60")
    for recovery in ("full", "total_loss"):
        with refused(bench, Invalid, "invalid", field="recovered", says="partial recovery"):
            reject(bench, made, recovery, recovered={0: "1"})
    with refused(bench, Invalid, "invalid", field="recovery", says="full, total_loss, partial"):
        reject(bench, made, "some")
    with refused(bench, Invalid, "invalid", field="reason", says="quality_defect, wrong_materials"):
        reject(bench, made, "full", reason="it fell down")


@pytest.mark.parametrize("reason", list(RejectReason))
def test_every_reason_is_kept(bench: Shop, reason: RejectReason) -> None:
    assert reject(bench, build(bench, "kit", "1"), "full", reason=reason).reject_reason == reason


def test_a_loss_without_a_waste_account_is_refused_naming_the_setting(bench: Shop) -> None:
    made = build(bench, "kit", "60")
    connect(bench, roles=[role for role in ROLES if role != AccountRole.WASTE])
    with refused(bench, AccountNotSet, "account-not-set", field="waste", says=r"Waste\. Choose one in Integrations"):
        reject(bench, made, "total_loss")
    with refused(bench, AccountNotSet, "account-not-set", field="waste"):
        reject(bench, made, "partial", recovered={0: "59"})
    assert reject(bench, made, "full").state == "rejected", "what loses nothing needs no account"


def test_without_books_a_loss_needs_no_account(bench: Shop) -> None:
    assert reject(bench, build(bench, "kit", "60"), "total_loss").waste_cost == Decimal("2129.99998")


def test_the_approver_differs_from_the_executor_where_the_company_says_so(bench: Shop) -> None:
    set_options(bench, qa_review=True, approver_differs=True)
    made = build(bench, "kit", "1")
    with refused(bench, Forbidden, "forbidden", says="ann@example.com executed PSB-000001. Somebody else"):
        approve(bench, made)
    with refused(by(bench, "ann@example.com (token bench)"), Forbidden, "forbidden", says="Somebody else"):
        approve(by(bench, "ann@example.com (token bench)"), made)
    assert approve(by(bench, "quinn@example.com (token bench)"), made).state == "completed"
    with_token = build(by(bench, "quinn@example.com (token bench)"), "kit", "1")
    with refused(by(bench, "quinn@example.com"), Forbidden, "forbidden"):
        approve(by(bench, "quinn@example.com"), with_token)
    assert reject(bench, build(bench, "kit", "1"), "full").state == "rejected", "only approving takes two"


def test_what_does_not_wait_is_not_reviewed(bench: Shop) -> None:
    done = approve(bench, build(bench, "kit", "1"))
    gone = reject(bench, build(bench, "kit", "1"), "full")
    set_options(bench, qa_review=False)
    plain = build(bench, "kit", "1")
    assert plain.state == "completed"
    for made, words in ((done, "was approved by ann"), (gone, "was rejected by ann"), (plain, "is completed")):
        with refused(bench, WrongState, "wrong-state", says=words):
            approve(bench, made)
        with refused(bench, WrongState, "wrong-state"):
            reject(bench, made, "full")


def test_a_foreign_or_missing_build_is_not_reviewed(bench: Shop) -> None:
    made = build(bench, "kit", "1")
    stranger = a_shop(bench.engine)
    with refused(stranger, NotFound, "not-found"):
        approve(stranger, made)
    with refused(stranger, NotFound, "not-found"):
        reject(stranger, made, "full")
    assert state(bench, made) == "pending_qa"


def test_a_review_in_a_locked_period_is_refused(bench: Shop) -> None:
    made = build(bench, "kit", "1")
    set_options(bench, qa_review=True, locked_through=TODAY)
    with refused(bench, PeriodLocked, "period-locked", field="reviewed_on"):
        approve(bench, made)
    with refused(bench, PeriodLocked, "period-locked", field="reviewed_on"):
        reject(bench, made, "full")
    with refused(bench, PeriodLocked, "period-locked", field="built_on"):
        build(bench, "kit", "1")
    assert approve(later(bench, 1), made).state == "completed"


def test_a_lot_put_on_hold_meanwhile_gets_its_goods_back_and_stays_on_hold(bench: Shop) -> None:
    made = build(bench, "kit", "60")
    second = bench.lots("panel")[1]
    bench.write(lambda s: holding.hold(s, bench.act, second.id, reason="Wet"))
    reject(bench, made, "full")
    lot = bench.lots("panel")[1]
    assert (lot.state, lot.hold_reason, lot.quantity_left) == ("held", "Wet", 50)
    assert unconserved(bench) == {}


def test_a_used_up_lot_whose_number_is_taken_by_newer_goods_comes_back_under_a_number_of_its_own(bench: Shop) -> None:
    bench.receive(a_line("bolt", "7", lot_number="B1", total_cost="7"), on="2026-03-01")
    made = build(bench, "kit", "7")
    bench.receive(a_line("bolt", "9", lot_number="b1", total_cost="9"))
    bench.receive(a_line("bolt", "1", lot_number="B1-R", total_cost="1"))
    reject(bench, made, "full")
    numbers = [(lot.number, lot.quantity_left, lot.state) for lot in bench.lots("bolt")]
    assert numbers[1:] == [("B1-R-002", 7, "open"), ("b1", 9, "open"), ("B1-R", 1, "open")]
    assert unconserved(bench) == {}


def test_goods_that_came_back_are_not_taken_by_a_build_of_a_day_before(bench: Shop) -> None:
    """Between the first build and its rejection they weren't there: stock would have been below zero on that day."""
    made = build(bench, "kit", "100", built_on="2026-04-10")
    reject(bench, made, "full")
    with pytest.raises(PartsembleError, match="bolt: 1 needed, 0 available"):
        build(bench, "kit", "1", built_on="2026-04-11")
    assert build(bench, "kit", "100").state == "pending_qa", "today they are"
    assert unconserved(bench) == {}


def test_of_a_lot_that_was_low_meanwhile_a_build_of_then_takes_what_there_was(bench: Shop) -> None:
    made = build(bench, "kit", "90", built_on="2026-04-10")
    reject(bench, made, "full")
    with pytest.raises(PartsembleError, match="bolt: 11 needed, 10 available"):
        build(bench, "kit", "11", built_on="2026-04-11")
    then = build(bench, "kit", "10", built_on="2026-04-11")
    assert [quantity for line, _, quantity, _ in taken(bench, then) if line == 1] == [10]
    assert bench.balance("bolt").quantity == 90
    assert unconserved(bench) == {}


def test_two_approvals_at_once_make_one_lot(bench: Shop) -> None:
    made = build(bench, "kit", "1")
    outcomes: list[str] = []
    start = threading.Barrier(4)

    def work(kind: str) -> None:
        start.wait(timeout=30)
        try:
            if kind == "approve":
                bench.write(lambda s: reviewing.approve(s, bench.act, made.id))
            else:
                reject(bench, made, "full")
            outcomes.append("ok")
        except WrongState:
            outcomes.append("refused")

    threads = [threading.Thread(target=work, args=(kind,)) for kind in ("approve", "approve", "reject", "reject")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert Counter(outcomes) == {"ok": 1, "refused": 3}
    assert len(bench.lots("kit")) == (1 if state(bench, made) == "completed" else 0)
    assert unconserved(bench) == {}


def test_a_refused_build_under_review_leaves_nothing(bench: Shop) -> None:
    before = contents(bench)
    with pytest.raises(PartsembleError, match="doesn't reach"):
        build(bench, "kit", "101")
    assert contents(bench) == before


def test_what_was_optional_and_not_there_does_not_come_back(shop: Shop) -> None:
    shop.products("panel", "plate", "kit")
    shop.stock("panel", "5", "2")
    shop.stock("plate", "1", "1")
    shop.save(
        "kit", ComponentInput(sku="panel", quantity="1"), ComponentInput(sku="plate", quantity="1", optional=True)
    )
    set_options(shop, qa_review=True)
    made = build(shop, "kit", "3")
    with refused(shop, Invalid, "invalid", field="recovered[1]", says="1 were taken"):
        reject(shop, made, "partial", recovered={1: "2"})
    assert reject(shop, made, "partial", recovered={1: "1"}).waste_cost == 6
    assert unconserved(shop) == {}
