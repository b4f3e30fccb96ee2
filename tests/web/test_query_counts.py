"""A page runs as many statements in a big shop as in a small one, and never more than a few.

The small shop has something of every kind, so that every part of a page is there; then it grows several times over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from partsemble_core.services.acting import Act
from partsemble_core.services.cataloguing import ComponentInput, create_product, create_supplier, save_bom
from partsemble_core.services.holding import hold
from partsemble_core.services.opting import set_options
from partsemble_core.services.supplying import save_supplier_part
from partsemble_core.store.lots import Lot
from partsemble_core.store.session import CompanySession
from tests.servers.databases import copy_of
from tests.web.people import Visitor
from tests.web.shop import (
    Shop,
    connect,
    correct,
    listen,
    make_lamps,
    open_shop,
    plan_lamps,
    read_sales,
    round_off,
    staff,
    stock_up,
)
from tests.web.test_pages import IDS, LISTS, REGISTER, path_of, rules

MOST = 45
"""Statements of the page that runs the most: home, where everything comes together."""
MOST_OF_A_LIST = 21
"""That of exports, above which the state of the queue stands."""
TIMES = "BCDE"
"""A name for each time that the shop grows."""


@contextmanager
def statements(shop: Shop) -> Iterator[list[str]]:
    told: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        told.append(statement)

    event.listen(shop.house.engine, "before_cursor_execute", note)
    yield told
    event.remove(shop.house.engine, "before_cursor_execute", note)


@contextmanager
def small_shop(url: str, folder: Path) -> Iterator[Shop]:
    """Something of every kind; ids as the walkers of the pages know them."""
    shop = open_shop(url, folder)
    try:
        fill(shop)
        yield shop
    finally:
        shop.house.engine.dispose()


def fill(shop: Shop) -> None:
    read_sales(shop, connect(shop))
    stock_up(shop)
    make_lamps(shop, "60")
    plan_lamps(shop, "2")
    correct(shop)
    listen(shop)
    staff(shop)
    round_off(shop)
    grow(shop, "A")


def grow(shop: Shop, name: str) -> None:
    """More of everything: parts, recipes that nest, receipts, builds made, planned and under review, a lot on hold."""
    kits = [f"KIT-{name}{i}" for i in range(3)]

    def add(session: CompanySession, act: Act) -> None:
        create_supplier(session, act, code=f"S{name}", name="Somebody")
        for kit in kits:
            part = f"NUT-{kit}"
            create_product(session, act, sku=part, name="Nut", reorder_point="9")
            made = create_product(session, act, sku=kit, name="Kit", kind="finished_good")
            parts = [ComponentInput(sku=sku, quantity="1") for sku in ("SCREW-M3", "LAMP-01", part)]
            save_bom(session, act, product_id=made.id, components=parts)
            save_supplier_part(session, supplier="ACM", sku=part, part_number=part)

    def review(session: CompanySession, act: Act, *, on: bool) -> None:
        set_options(session, {"qa_review": on})

    shop.write(add)
    stock_up(shop)
    for _ in range(2):
        make_lamps(shop, "1")
        plan_lamps(shop, "1000")
    shop.write(lambda session, act: review(session, act, on=True))
    make_lamps(shop, "1")
    shop.write(lambda session, act: review(session, act, on=False))
    with shop.house.reading(shop.company_id) as session:
        last = session.scalars(sa.select(Lot.id).where(Lot.state == "open").order_by(Lot.id.desc())).first()
    assert last is not None
    shop.write(lambda session, act: hold(session, act, last, reason="Moist"))


def counted(shop: Shop, paths: Iterable[str]) -> dict[str, int]:
    """Statements of each page."""
    visitor = Visitor.signed_in(shop, "owner")
    found = {}
    for path in paths:
        with statements(shop) as told:
            answer = visitor.get(path)
        assert answer.status_code == 200, (path, answer.text[:300])
        found[path] = len(told)
    return found


def check(shop: Shop, paths: list[str]) -> dict[str, int]:
    """The statements of each page, the same before and after the shop grew."""
    before = counted(shop, paths)
    for name in TIMES:
        grow(shop, name)
    after = counted(shop, paths)
    assert {path: (before[path], after[path]) for path in paths if before[path] != after[path]} == {}
    return after


def test_every_page_takes_as_many_statements_however_big_the_shop_is(migrated_sqlite: Path, tmp_path: Path) -> None:
    left_out = ("callback", "revoke", "set-up", REGISTER)
    with small_shop(copy_of(migrated_sqlite, tmp_path / "shop.sqlite3"), tmp_path) as shop:
        paths = [path_of(shop, rule, IDS | {"receipt_id": 4}) for rule in rules(shop, "GET")]
        found = check(shop, [path for path in paths if not any(word in path for word in left_out)])
        searched = [f"{path}?{query}" for path in LISTS for query in ("search=a", "page=2&page_size=2")]
        lists = counted(shop, searched)
    assert len(found) > 50
    assert {path: count for path, count in found.items() if count > MOST} == {}
    assert {path: count for path, count in lists.items() if count > MOST_OF_A_LIST} == {}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_every_list_takes_as_many_statements_on_postgresql(database_url: str, tmp_path: Path) -> None:
    with small_shop(database_url, tmp_path) as shop:
        found = check(shop, [*LISTS, "/settings/audit-log", "/integrations/items", "/"])
    assert {path: count for path, count in found.items() if path != "/" and count > MOST_OF_A_LIST} == {}
