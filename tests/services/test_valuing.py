"""The value of stock at any date, by two clocks, with and without month ends to start from."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partsemble_core.services import adjusting, holding, reversing, valuing
from partsemble_core.services.acting import Act
from partsemble_core.services.reconciling import stock_value
from partsemble_core.services.valuing import StockValue
from partsemble_core.store import database
from partsemble_core.store.lots import StockEntry
from partsemble_core.store.month_ends import MonthEnd, MonthEndLot
from tests.services.makers import TODAY, Shop, a_shop

D = Decimal
DAY = dt.date


def value(shop: Shop, day: dt.date, **more: Any) -> StockValue:
    with shop.reading() as session:
        return valuing.stock_at(session, day, **more)


def refresh(shop: Shop, today: dt.date = TODAY) -> list[dt.date]:
    return shop.write(lambda session: valuing.refresh_month_ends(session, today=today))


def later(shop: Shop, *, days: int) -> Shop:
    """The same company, some days on."""
    at = shop.act.at + dt.timedelta(days=days)
    return dataclasses.replace(shop, act=Act(by="ann@example.com", at=at, today=at.date()))


@pytest.fixture
def history(shop: Shop) -> Shop:
    """Bolts in January and February, brackets made in March."""
    shop.products("bolt", "bracket")
    shop.bom("bracket", {"bolt": "4"})
    shop.stock("bolt", "100", "1", on="2026-01-10")
    shop.stock("bolt", "50", "2", on="2026-02-10")
    shop.build("bracket", "30", on="2026-03-10")
    return shop


def test_stock_at_the_end_of_each_day(history: Shop) -> None:
    totals = {day: value(history, day).total for day in (DAY(2026, 1, 9), DAY(2026, 1, 10), DAY(2026, 2, 10), TODAY)}
    assert list(totals.values()) == [0, 100, 200, 200]


def test_it_says_quantity_and_value_by_product_lot_and_kind(history: Shop) -> None:
    then = value(history, DAY(2026, 3, 10))
    assert [(p.sku, p.quantity, p.value, p.average_cost) for p in then.products] == [
        ("bolt", 30, 60, 2),
        ("bracket", 30, 140, D("4.666667")),
    ]
    assert [(lot.number, lot.quantity, lot.cost) for lot in then.products[0].lots] == [("ACM-20260210", 30, 60)]
    assert then.by_kind == {"component": 200}


def test_today_it_is_what_the_lots_hold(history: Shop) -> None:
    lots = {lot.id: (lot.quantity_left, lot.cost_left) for sku in ("bolt", "bracket") for lot in history.lots(sku)}
    held = {lot.lot_id: (lot.quantity, lot.cost) for p in value(history, TODAY).products for lot in p.lots}
    assert held == {lot_id: amounts for lot_id, amounts in lots.items() if amounts[0]}
    with history.reading() as session:
        assert value(history, TODAY).total == stock_value(session)


def test_month_ends_change_no_answer(history: Shop) -> None:
    days = [DAY(2026, 1, 1) + dt.timedelta(days=i) for i in range(0, 130, 3)]
    before = [value(history, day) for day in days]
    assert refresh(history) == [DAY(2026, 1, 31), DAY(2026, 2, 28), DAY(2026, 3, 31), DAY(2026, 4, 30)]
    assert [value(history, day) for day in days] == before
    assert refresh(history) == []


def test_an_answer_starts_at_the_month_end(history: Shop) -> None:
    """Seen by spoiling one: the day after it is wrong by that, the days before are not."""
    refresh(history)
    with history.engine.begin() as connection:
        connection.execute(
            sa.update(MonthEndLot)
            .where(
                MonthEndLot.month_end_id
                == sa.select(MonthEnd.id).where(*on(history, DAY(2026, 2, 28))).scalar_subquery()
            )
            .values(cost=MonthEndLot.cost + 1)
        )
    assert value(history, DAY(2026, 3, 1)).total > 200
    assert value(history, DAY(2026, 2, 27)).total == 200


def on(shop: Shop, day: dt.date) -> tuple[sa.ColumnElement[bool], ...]:
    return MonthEnd.company_id == shop.company_id, MonthEnd.month_end_on == day


def test_pain_5_a_late_back_dated_entry_is_in_every_answer_at_once(history: Shop) -> None:
    refresh(history)
    after = later(history, days=1)
    after.stock("bolt", "10", "3", on="2026-01-20")
    for _ in range(2):
        assert value(after, DAY(2026, 1, 31)).total == 130
        assert value(after, DAY(2026, 3, 31)).total == 230
        assert value(after, DAY(2026, 1, 19)).total == 100
        written = refresh(after, after.act.today)
    assert written == []
    assert len(history.rows(sa.select(MonthEnd))) == 4


def test_pain_18_a_figure_once_reported_is_found_again_as_it_was_known_then(history: Shop) -> None:
    reported = value(history, DAY(2026, 3, 31))
    known_at = history.act.at
    after = later(history, days=20)
    after.stock("bolt", "10", "3", on="2026-01-20")
    bracket = after.lots("bracket")[0]
    after.write(
        lambda s: reversing.reverse(s, after.act, "build", bracket.build_id or 0, reason="no", reversed_on="2026-03-20")
    )
    for _ in range(2):
        now, then = value(after, DAY(2026, 3, 31)), value(after, DAY(2026, 3, 31), known_at=known_at)
        assert now.total == 230
        assert then.products == reported.products
        refresh(after, after.act.today)


def test_pain_7_what_is_recorded_later_never_changes_what_was_known(history: Shop) -> None:
    refresh(history)
    early = history.act.at - dt.timedelta(seconds=1)
    assert value(history, TODAY, known_at=early).total == 0
    assert value(history, TODAY, known_at=history.act.at).total == 200


def test_the_trend_is_the_value_at_each_month_end_and_today(history: Shop) -> None:
    for _ in range(2):
        with history.reading() as session:
            trend = valuing.monthly_trend(session, today=TODAY, months=4)
        assert trend == [
            (DAY(2026, 1, 31), 100),
            (DAY(2026, 2, 28), 200),
            (DAY(2026, 3, 31), 200),
            (DAY(2026, 4, 30), 200),
            (TODAY, 200),
        ]
        refresh(history)
    with history.reading() as session:
        assert valuing.monthly_trend(session, today=TODAY, months=2)[0] == (DAY(2026, 3, 31), 200)


def test_a_company_without_stock_has_nothing_to_refresh(shop: Shop) -> None:
    assert refresh(shop) == []
    assert value(shop, TODAY).products == ()


def test_one_company_s_stock_is_not_in_another_s(history: Shop, engine: sa.Engine) -> None:
    refresh(history)
    other = a_shop(engine)
    assert value(other, TODAY).total == 0
    assert refresh(other) == []


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_an_entry_with_a_lower_id_that_commits_later_is_not_lost(history: Shop) -> None:
    """On PostgreSQL ids are given before the commit: the refresh waits for who has one, so it counts that entry."""
    entered, wait = threading.Event(), threading.Event()

    def slowly(session: Any) -> None:
        adjusting.adjust_lot(
            session, history.act, history.lots("bolt")[1].id, quantity="-5", reason="loss", adjusted_on="2026-03-15"
        )
        entered.set()
        assert wait.wait(30)

    slow = threading.Thread(target=lambda: database.write(history.engine, history.company_id, slowly))
    slow.start()
    assert entered.wait(30)
    fast = threading.Thread(target=lambda: refresh(history))
    fast.start()
    fast.join(0.3)
    assert fast.is_alive(), "it waits for the entry that isn't committed"
    wait.set()
    slow.join(30)
    fast.join(30)
    assert value(history, DAY(2026, 3, 31)).total == 190
    with history.reading() as session:
        last = session.scalars(sa.select(sa.func.max(StockEntry.id))).one()
        assert set(session.scalars(sa.select(MonthEnd.through_entry_id))) == {last}


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_at_every_date_it_is_the_sum_of_the_ledger(engine: sa.Engine, data: st.DataObject) -> None:
    """Random receipts, adjustments and splits, dated anywhere, with refreshes between: the plain sum is the judge."""
    shop = a_shop(engine)
    shop.products("p")
    days = st.integers(0, 120).map(lambda i: DAY(2026, 1, 1) + dt.timedelta(days=i))
    amounts = st.integers(1, 9_999_999).map(lambda i: D(i) / 1_000_000)
    for _ in range(data.draw(st.integers(1, 8))):
        shop.stock("p", data.draw(amounts), data.draw(amounts), on=data.draw(days))
        lot = data.draw(st.sampled_from([lot for lot in shop.lots("p") if lot.quantity_left]))
        some = data.draw(amounts)
        if data.draw(st.booleans()) and some < lot.quantity_left:
            shop.write(lambda s, lot=lot, some=some: holding.split(s, shop.act, lot.id, quantity=some))
        else:
            shop.write(
                lambda s, lot=lot, some=some: adjusting.adjust_lot(
                    s,
                    shop.act,
                    lot.id,
                    quantity=some,
                    reason="other",
                    adjusted_on=data.draw(days.filter(lambda d: d >= lot.received_on)),
                )
            )
        if data.draw(st.booleans()):
            refresh(shop)
        day = data.draw(days)
        entries = [e for e in shop.rows(sa.select(StockEntry)) if e.effective_on <= day]
        found = value(shop, day)
        assert found.total == sum((e.cost for e in entries), D(0))
        assert sum((p.quantity for p in found.products), D(0)) == sum((e.quantity for e in entries), D(0))
