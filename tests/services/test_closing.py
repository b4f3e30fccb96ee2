"""A locked period takes no document any more, whichever service writes it and whoever comes at that very moment."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from partsemble_core.errors import Invalid
from partsemble_core.services import (
    adjusting,
    building,
    closing,
    counting,
    holding,
    planning,
    receiving,
    reversing,
    reviewing,
)
from partsemble_core.services.acting import Act
from partsemble_core.services.closing import PeriodLocked
from partsemble_core.store import database
from partsemble_core.store.companies import CompanyOptions, options_of
from partsemble_core.store.connections import Connection
from partsemble_core.store.session import CompanySession
from tests.services.makers import NOW, TODAY, Shop, a_line, connect, refused

DAY = dt.date(2026, 4, 10)
LOCKED = dt.date(2026, 4, 30)
THEN = Act(by="ann@example.com", at=NOW, today=DAY)
"""Somebody for whom it is still the tenth of April: for what is always dated today."""


def lock(shop: Shop, through: dt.date | None = LOCKED) -> CompanyOptions:
    return shop.write(lambda session: closing.lock_through(session, through, today=TODAY))


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """Bolts, a bracket of one bolt, a build that waits for review, a plan, a draft, a count; then the lock."""
    shop.products("bolt", "bracket")
    shop.bom("bracket", {"bolt": "1"})
    shop.stock("bolt", "10", on="2026-04-01")
    shop.draft(a_line("bolt"), on=DAY)
    bracket = shop.find("bracket").id
    with_review = {**closing.DEFAULTS, "qa_review": True}
    shop.write(lambda s: planning.plan_build(s, shop.act, product_id=bracket, quantity="1"))
    shop.write(lambda s: counting.start_count(s, shop.act, skus=["bolt"], counted_on=DAY))
    count = shop.rows(sa.select(counting.StockCount))[0]
    shop.write(lambda s: counting.enter_counts(s, shop.act, count.id, counted={shop.lots("bolt")[0].id: "9"}))
    shop.write(lambda s: s.insert_missing(CompanyOptions, with_review, key=("company_id",)))
    shop.write(lambda s: building.build_now(s, shop.act, product_id=bracket, quantity="1", built_on="2026-04-02"))
    lock(shop)
    return shop


def first(shop: Shop, name: str, where: str = "1 = 1") -> int:
    with shop.reading() as session:
        statement = sa.text(f"SELECT MIN(id) FROM {name} WHERE company_id = :c AND {where}")
        return int(session.execute(statement, {"c": shop.company_id}).scalar_one())


Service = Callable[[CompanySession, Shop], Any]
DATED: dict[str, tuple[str, Service]] = {
    "receive": (
        "received_on",
        lambda s, shop: receiving.receive(s, shop.act, supplier="ACM", lines=[a_line("bolt")], received_on=DAY),
    ),
    "draft a receipt": (
        "received_on",
        lambda s, shop: receiving.draft_receipt(s, shop.act, supplier="ACM", lines=[a_line("bolt")], received_on=DAY),
    ),
    "confirm a receipt": (
        "received_on",
        lambda s, shop: receiving.confirm_receipt(s, shop.act, first(shop, "receipts", "state = 'draft'")),
    ),
    "build": (
        "built_on",
        lambda s, shop: building.build_now(s, shop.act, product_id=shop.find("bracket").id, quantity="1", built_on=DAY),
    ),
    "execute a plan": (
        "built_on",
        lambda s, shop: building.execute_planned(s, shop.act, first(shop, "builds", "state = 'planned'"), built_on=DAY),
    ),
    "approve": (
        "reviewed_on",
        lambda s, shop: reviewing.approve(s, THEN, first(shop, "builds", "state = 'pending_qa'")),
    ),
    "reject": (
        "reviewed_on",
        lambda s, shop: reviewing.reject(
            s, THEN, first(shop, "builds", "state = 'pending_qa'"), reason="other", recovery="full"
        ),
    ),
    "adjust": (
        "adjusted_on",
        lambda s, shop: adjusting.adjust_lot(
            s, shop.act, first(shop, "lots"), quantity="-1", reason="loss", adjusted_on=DAY
        ),
    ),
    "open stock": (
        "on",
        lambda s, shop: adjusting.open_stock(s, shop.act, sku="bolt", quantity="1", total_cost="1", on=DAY),
    ),
    "start a count": ("counted_on", lambda s, shop: counting.start_count(s, shop.act, counted_on=DAY)),
    "confirm a count": (
        "counted_on",
        lambda s, shop: counting.confirm_count(s, shop.act, first(shop, "stock_counts")),
    ),
    "split": ("quantity", lambda s, shop: holding.split(s, THEN, first(shop, "lots"), quantity="1")),
    "reverse": (
        "reversed_on",
        lambda s, shop: reversing.reverse(
            s, shop.act, "receipt", first(shop, "receipts", "state = 'confirmed'"), reason="no", reversed_on=DAY
        ),
    ),
}


@pytest.mark.parametrize("name", DATED)
def test_no_document_is_dated_in_a_locked_period(busy: Shop, name: str) -> None:
    field, service = DATED[name]
    with refused(busy, PeriodLocked, "period-locked", field=field, says="closed through 2026-04-30"):
        busy.write(lambda session: service(session, busy))


@pytest.mark.parametrize("name", [name for name in DATED if name != "reverse"])
def test_once_unlocked_the_same_document_is_taken(busy: Shop, name: str) -> None:
    lock(busy, None)
    if name == "start a count":  # its lots are on the one that is open
        busy.write(lambda s: counting.cancel_count(s, busy.act, first(busy, "stock_counts")))
    busy.write(lambda session: DATED[name][1](session, busy))


def test_the_last_locked_day_is_refused_and_the_next_one_is_not(shop: Shop) -> None:
    shop.products("bolt")
    lock(shop)
    with refused(shop, PeriodLocked, "period-locked", field="received_on"):
        shop.stock("bolt", "1", on=LOCKED)
    shop.stock("bolt", "1", on=LOCKED + dt.timedelta(days=1))


def test_what_lies_in_a_locked_period_is_reversed_in_an_open_one(shop: Shop) -> None:
    """Pain 7: the period keeps its figures, the correction is of today."""
    shop.products("bolt")
    receipt = shop.stock("bolt", "1", on=DAY)
    lock(shop)
    reversal = shop.write(lambda s: reversing.reverse(s, shop.act, "receipt", receipt.id, reason="sent back"))
    assert reversal.reversed_on == TODAY


@pytest.mark.parametrize("days", [0, 1, 400])
def test_today_and_days_to_come_stay_open(shop: Shop, days: int) -> None:
    with refused(shop, Invalid, "invalid", field="locked_through"):
        lock(shop, TODAY + dt.timedelta(days=days))


def test_a_lock_can_be_moved_and_taken_off(shop: Shop) -> None:
    lock(shop)
    assert lock(shop, DAY).locked_through == DAY
    with shop.reading() as session:
        assert options_of(session).locked_through == DAY
        assert options_of(session).draw_order == "fifo"
    assert lock(shop, None).locked_after_entry_id is None


def test_the_books_own_lock_day_is_proposed_when_it_is_later(shop: Shop) -> None:
    def proposed() -> dt.date | None:
        with shop.reading() as session:
            return closing.proposed_lock_day(session, today=shop.act.today)

    assert proposed() is None
    connect(shop)
    assert proposed() is None
    shop.write(lambda s: setattr(s.scalars(sa.select(Connection)).one(), "locked_through", LOCKED))
    assert proposed() == LOCKED
    lock(shop, DAY)
    assert proposed() == LOCKED
    lock(shop, LOCKED)
    assert proposed() is None


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_a_document_in_hand_is_waited_for_and_no_other_slips_in(shop: Shop) -> None:
    """On SQLite writers queue anyway. Here the lock waits for who has passed the check."""
    shop.products("bolt")
    written, wait = threading.Event(), threading.Event()

    def slowly(session: CompanySession) -> None:
        receiving.receive(session, shop.act, supplier="ACM", lines=[a_line("bolt")], received_on=DAY)
        written.set()
        assert wait.wait(30)

    slow = threading.Thread(target=lambda: database.write(shop.engine, shop.company_id, slowly))
    slow.start()
    assert written.wait(30)
    locking = threading.Thread(target=lambda: lock(shop))
    locking.start()
    locking.join(0.3)
    assert locking.is_alive(), "the lock waits for the receipt"
    wait.set()
    slow.join(30)
    locking.join(30)
    with shop.reading() as session:
        last = session.execute(sa.text("SELECT MAX(id) FROM stock_entries")).scalar_one()
        assert options_of(session).locked_after_entry_id >= last
    with refused(shop, PeriodLocked, "period-locked", field="received_on"):
        shop.stock("bolt", "1", on=DAY)
