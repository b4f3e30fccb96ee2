"""Month ends are brought up to date once a day, on each company's own calendar."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.schedule import refresh_values, run_schedule
from partsemble_core.services.house import House
from partsemble_core.services.subscribing import send_test
from partsemble_core.store.companies import Company
from partsemble_core.store.database import write_anywhere
from partsemble_core.store.month_ends import MonthEnd
from tests.faults.stage import a_stage, an_engine
from tests.servers.receiver import a_receiver
from tests.servers.waiting import wait_until
from tests.services.hearing import listened
from tests.services.makers import Shop, a_shop

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NOON = dt.datetime(2026, 4, 30, 12, tzinfo=dt.UTC)


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    with an_engine(database_url) as opened:
        yield opened


@pytest.fixture
def house(engine: sa.Engine, tmp_path: Path) -> House:
    return a_stage(engine, tmp_path).house


@pytest.fixture
def shop(house: House) -> Shop:
    """Stock since January, at the first meridian."""
    shop = a_shop(house.engine)
    shop.product("bolt")
    shop.stock("bolt", "100", on="2026-01-10")
    return shop


def at(house: House, time: dt.datetime) -> House:
    return dataclasses.replace(house, clock=lambda: time)


def month_ends(shop: Shop) -> list[str]:
    return [str(row.month_end_on) for row in shop.rows(sa.select(MonthEnd).order_by(MonthEnd.month_end_on))]


def test_month_ends_are_written_once_a_day(house: House, shop: Shop) -> None:
    refreshed: dict[int, dt.date] = {}
    assert refresh_values(at(house, NOON), refreshed) == 2
    assert month_ends(shop) == ["2026-01-31", "2026-02-28", "2026-03-31"]
    assert refresh_values(at(house, NOON + dt.timedelta(hours=11)), refreshed) == 0
    assert refresh_values(at(house, NOON + dt.timedelta(hours=12)), refreshed) == 2
    assert month_ends(shop) == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]


def test_the_day_is_that_of_the_company(house: House, shop: Shop) -> None:
    """On April 30 at noon it is May in Auckland already."""

    def move(session: sa.orm.Session) -> None:
        session.get_one(Company, shop.company_id).timezone = "Pacific/Auckland"

    write_anywhere(house.engine, move)
    refresh_values(at(house, NOON), {})
    assert month_ends(shop)[-1] == "2026-04-30"


def test_the_schedule_does_it_by_itself(house: House, shop: Shop) -> None:
    stopping = threading.Event()
    thread = threading.Thread(target=run_schedule, args=(at(house, NOON), stopping))
    thread.start()
    try:
        wait_until(lambda: len(month_ends(shop)) == 3, "month ends are written")
    finally:
        stopping.set()
        thread.join(10)
    assert not thread.is_alive()


def test_events_are_sent_while_the_schedule_runs(engine: sa.Engine, tmp_path: Path) -> None:
    heard = listened(engine, tmp_path)
    stopping = threading.Event()
    with a_receiver() as receiver:
        endpoint_id, _ = heard.listen(receiver.url)
        heard.shop.write(lambda session: send_test(session, heard.shop.act, endpoint_id))
        thread = threading.Thread(target=run_schedule, args=(heard.house, stopping), daemon=True)
        thread.start()
        wait_until(lambda: len(receiver.came) == 1, "the event arrives")
        stopping.set()
        thread.join(20)
    assert not thread.is_alive()
    assert [delivery.state for delivery in heard.deliveries()] == ["delivered"]
