from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.store.database import reading_anywhere
from partsemble_core.store.people import SignIn
from partsemble_web import create_app
from tests.servers.databases import copy_of
from tests.web.people import Visitor
from tests.web.shop import PASSWORD, open_shop

FORGED = "203.0.113.66"
VISITOR = "198.51.100.7"
INNER = "10.0.0.2"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "seen"),
    [
        (0, f"{FORGED}", "127.0.0.1"),
        (0, f"{FORGED}, {VISITOR}", "127.0.0.1"),
        (1, f"{FORGED}, {VISITOR}", VISITOR),
        (1, VISITOR, VISITOR),
        (1, "", "127.0.0.1"),
        (2, f"{FORGED}, {VISITOR}, {INNER}", VISITOR),
        (2, VISITOR, "127.0.0.1"),  # it came past one of them, so nobody vouches for it
    ],
)
def test_the_address_is_the_one_that_the_outermost_proxy_of_ours_saw(
    migrated_sqlite: Path, tmp_path: Path, proxies: int, forwarded: str, seen: str
) -> None:
    opened = open_shop(copy_of(migrated_sqlite, tmp_path / "shop.sqlite3"), tmp_path)
    settings = dataclasses.replace(opened.house.settings, proxies=proxies)
    shop = dataclasses.replace(opened, app=create_app(settings, dataclasses.replace(opened.house, settings=settings)))
    visitor = Visitor(shop)
    headers = {"X-Forwarded-For": forwarded, "X-Forwarded-Host": "evil.example", "X-Real-IP": FORGED}
    form = {"email": "owner@lumen.example", "password": PASSWORD, "csrf_token": visitor.token("/sign-in")}
    answer = visitor.client.post("/sign-in", data=form, headers=headers)
    assert (answer.status_code, answer.location) == (303, "/")
    with reading_anywhere(shop.house.engine) as session:
        assert session.scalars(sa.select(SignIn.address)).all() == [seen]
    assert "evil.example" not in visitor.get("/", headers=headers).text


def test_tries_are_counted_by_visitor_behind_a_proxy(migrated_sqlite: Path, tmp_path: Path) -> None:
    """One who guesses doesn't lock out everybody who comes through the same proxy."""
    opened = open_shop(copy_of(migrated_sqlite, tmp_path / "shop.sqlite3"), tmp_path)
    settings = dataclasses.replace(opened.house.settings, proxies=1)
    shop = dataclasses.replace(opened, app=create_app(settings, dataclasses.replace(opened.house, settings=settings)))
    visitor = Visitor(shop)
    token = visitor.token("/sign-in")

    def guess(number: int, address: str) -> int:
        form = {"email": f"g{number}@lumen.example", "password": "wrong", "csrf_token": token}
        headers = {"X-Forwarded-For": f"192.0.2.{number}, {address}"}
        return visitor.client.post("/sign-in", data=form, headers=headers).status_code

    assert [guess(number, VISITOR) for number in range(21)] == [403] * 20 + [429], "made up addresses don't help"
    assert guess(30, "198.51.100.8") == 403
