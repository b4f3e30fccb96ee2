from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.store.database import reading_anywhere
from partsemble_core.store.people import SignIn
from partsemble_web import create_app
from tests.servers.databases import copy_of
from tests.web.people import Visitor, text_of
from tests.web.shop import NOW, Shop, open_shop


class Clock:
    """One that is put forward."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> dt.datetime:
        return self.now

    def put_forward(self, **time: int) -> None:
        self.now += dt.timedelta(**time)


@pytest.fixture
def timed(migrated_sqlite: Path, tmp_path: Path) -> tuple[Shop, Clock]:
    """Signed out after an hour without a click, and after two days in any case."""
    opened = open_shop(copy_of(migrated_sqlite, tmp_path / "shop.sqlite3"), tmp_path)
    clock = Clock()
    settings = dataclasses.replace(opened.house.settings, idle_minutes=60, sign_in_days=2)
    house = dataclasses.replace(opened.house, settings=settings, clock=clock)
    return dataclasses.replace(opened, house=house, app=create_app(settings, house)), clock


def the_sign_in(shop: Shop) -> SignIn:
    with reading_anywhere(shop.house.engine) as session:
        return session.scalars(sa.select(SignIn)).one()


def test_a_browser_is_signed_out_after_a_while_without_a_click_and_told_why(timed: tuple[Shop, Clock]) -> None:
    shop, clock = timed
    visitor = Visitor.signed_in(shop, "owner")
    clock.put_forward(minutes=59)
    assert visitor.get("/lots").status_code == 200
    clock.put_forward(minutes=59)
    assert visitor.get("/lots").status_code == 200, "each click counts"
    clock.put_forward(minutes=60)
    assert visitor.get("/lots?search=a").location == "/sign-in?next=/lots?search%3Da"
    page = text_of(visitor.get("/sign-in?next=/lots"))
    assert "because nothing was done here for a while" in page
    assert "because nothing" not in text_of(visitor.get("/sign-in")), "it is said once"


def test_a_browser_is_signed_out_in_the_end_however_often_it_clicks(timed: tuple[Shop, Clock]) -> None:
    shop, clock = timed
    visitor = Visitor.signed_in(shop, "owner")
    for _ in range(57):
        clock.put_forward(minutes=50)
        assert visitor.get("/account").status_code == 200
    assert the_sign_in(shop).ends_at == NOW + dt.timedelta(days=2)
    clock.put_forward(minutes=30)
    assert visitor.get("/account").status_code == 303
    assert "you signed in long ago" in text_of(visitor.get("/sign-in"))


def test_whoever_is_signed_out_by_somebody_is_told_so(timed: tuple[Shop, Clock]) -> None:
    shop, _ = timed
    visitor, other = Visitor.signed_in(shop, "builder"), Visitor.signed_in(shop, "admin")
    other.post("/settings/users/4/end-sign-ins")
    assert visitor.get("/").status_code == 303
    assert "This browser was signed out" in text_of(visitor.get("/sign-in"))


def test_a_click_is_written_down_every_few_minutes_only(timed: tuple[Shop, Clock]) -> None:
    shop, clock = timed
    visitor = Visitor.signed_in(shop, "owner")
    clock.put_forward(minutes=4)
    visitor.get("/")
    assert the_sign_in(shop).seen_at == NOW
    clock.put_forward(minutes=1)
    visitor.get("/")
    assert the_sign_in(shop).seen_at == NOW + dt.timedelta(minutes=5)
    assert the_sign_in(shop).ends_at == NOW + dt.timedelta(minutes=65)


@pytest.mark.parametrize("headers", [{"HX-Request": "true"}, {"Sec-Fetch-Mode": "cors"}, {"Sec-Fetch-Mode": "no-cors"}])
def test_a_page_that_asks_by_itself_keeps_nobody_signed_in(timed: tuple[Shop, Clock], headers: dict[str, str]) -> None:
    shop, clock = timed
    visitor = Visitor.signed_in(shop, "owner")
    clock.put_forward(minutes=59)
    assert visitor.get("/lots", headers=headers).status_code == 200
    assert the_sign_in(shop).seen_at == NOW
    clock.put_forward(minutes=1)
    assert visitor.get("/lots", headers=headers).status_code in (303, 401)
