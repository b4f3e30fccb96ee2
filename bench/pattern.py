"""A small company as the services leave it: the pattern that `multiplying` makes a big one of.

Everything here is done by the product's own services, so every law of the books holds, and the copies inherit that.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import sqlalchemy as sa

from partsemble_core.domain.products import sku_key
from partsemble_core.services import building, cataloguing, receiving, reversing, reviewing, supplying
from partsemble_core.services.acting import Act
from partsemble_core.services.adjusting import adjust_lot, open_stock
from partsemble_core.services.cataloguing import ComponentInput, CostInput
from partsemble_core.services.counting import confirm_count, enter_counts, start_count, view_count
from partsemble_core.services.holding import hold
from partsemble_core.services.opting import set_options
from partsemble_core.services.planning import plan_build
from partsemble_core.services.receiving import LineInput
from partsemble_core.store.lots import Lot
from partsemble_core.store.session import CompanySession
from partsemble_core.store.syncs import RemoteItem
from tests.web.shop import NOW, Shop, connect, listen, open_shop, post, read_sales, staff

PARTS, STOCKED, KITS = 155, 76, 40
"""Products that are bought, those of them that ever were, and products that are made."""
RECEIPTS, BUILDS, COMPONENTS, BIG = 20, 84, 20, 70
COMMON = "SCREW-M3"
"""The one product that all copies share: it is in every receipt, every BOM and every build."""
FIRST = NOW.date() - dt.timedelta(days=395)
SUPPLIERS = [f"S{letter}" for letter in "ABCDEFGH"]
DICE = 20260402


def make_pattern(url: str, folder: Path) -> Shop:
    """Products, suppliers, receipts, builds, corrections and postings, spread over thirteen months."""
    shop = open_shop(url, folder)
    connection_id = connect(shop)
    read_sales(shop, connection_id)
    dice = random.Random(DICE)
    _add_products(shop, connection_id)
    _receive(shop, dice)
    _build(shop, dice)
    _correct(shop)
    listen(shop)
    staff(shop)
    with shop.house.engine.connect() as connection:
        queued = (
            connection.exec_driver_sql("SELECT id FROM exports WHERE state = 'pending' ORDER BY id").scalars().all()
        )
    post(shop, list(queued))
    return shop


def add_what_waits(shop: Shop) -> None:
    """What even a big company has only some of: planned builds, a count, builds under review, held lots, drafts."""
    made = [shop.ids[f"KIT-{i:03d}"] for i in range(10)]
    act = _on(shop, NOW.date())
    for i in range(30):
        _do(shop, lambda s, i=i: plan_build(s, act, product_id=made[i % 10], quantity="1"))
    _do(shop, lambda s: set_options(s, {"qa_review": True}))
    for i in range(6):
        _do(shop, lambda s, i=i: building.build_now(s, act, product_id=made[i], quantity="0.01"))
    _do(shop, lambda s: set_options(s, {"qa_review": False}))
    _do(shop, lambda s: start_count(s, act, skus=[f"PART-{i:03d}" for i in range(40)]))
    for i in range(5):
        _do(shop, lambda s, i=i: building.build_now(s, act, product_id=made[i], quantity="0.01"))


def _on(shop: Shop, day: dt.date) -> Act:
    act = shop.house.act(shop.company_id, by="owner@lumen.example")
    return replace(act, at=dt.datetime.combine(day, dt.time(9), dt.UTC), today=day)


def _do(shop: Shop, work: object) -> object:
    return shop.house.write(shop.company_id, work)  # type: ignore[arg-type]


def _add_products(shop: Shop, connection_id: int) -> None:
    act = _on(shop, FIRST)

    def create(session: CompanySession) -> None:
        for i in range(PARTS):
            name, point = f"Part {i} resistor 0.{i} kΩ", "5" if i % 4 == 0 else "0"
            shop.ids[f"PART-{i:03d}"] = cataloguing.create_product(
                session, act, sku=f"PART-{i:03d}", name=name, reorder_point=point
            ).id
        for i in range(KITS):
            shop.ids[f"KIT-{i:03d}"] = cataloguing.create_product(
                session, act, sku=f"KIT-{i:03d}", name=f"Radio kit {i}", kind="finished_good"
            ).id
        for i in range(8):
            supplier = SUPPLIERS[i]
            cataloguing.create_supplier(session, act, code=supplier, name=f"Supplier of parts {i}")
            for j in range(i, STOCKED, 8):
                supplying.save_supplier_part(session, supplier=supplier, sku=f"PART-{j:03d}", part_number=f"X{j}")

    def recipes(session: CompanySession) -> None:
        for i in range(KITS):
            parts = range(BIG) if i == 0 else [(i * 7 + j) % BIG for j in range(COMPONENTS - 1)]
            lines = [ComponentInput(sku=COMMON, quantity="2")]
            lines += [ComponentInput(sku=f"PART-{j:03d}", quantity="1") for j in parts]
            work = [CostInput(kind="labour", label="Work", amount="3.2")]
            cataloguing.save_bom(session, act, product_id=shop.ids[f"KIT-{i:03d}"], components=lines, cost_lines=work)

    def know_items(session: CompanySession) -> None:
        for sku in shop.ids:
            words = {"external_id": f"item-{sku}", "code": sku, "code_key": sku_key(sku), "name": sku, "tracked_in": ""}
            row = RemoteItem(connection_id=connection_id, **words, is_tracked=False, is_gone=False, synced_at=act.at)
            session.add(row)

    for work in (create, recipes, know_items):
        _do(shop, work)


def _receive(shop: Shop, dice: random.Random) -> None:
    """Each stocked part once, the common one each time."""
    each = -(-STOCKED // RECEIPTS)
    for i in range(RECEIPTS):
        day = FIRST + dt.timedelta(days=1 + i)
        lines = [LineInput(sku=COMMON, quantity="40", total_cost=f"{dice.randrange(50, 400) / 100:.2f}")]
        lines += [
            LineInput(sku=f"PART-{j:03d}", quantity="300", total_cost=f"{dice.randrange(500, 90000) / 100:.2f}")
            for j in range(i * each, min(STOCKED, (i + 1) * each))
        ]
        act = _on(shop, day)
        _do(
            shop,
            lambda s, act=act, lines=lines, i=i: receiving.receive(s, act, supplier=SUPPLIERS[i % 8], lines=lines),
        )


def _build(shop: Shop, dice: random.Random) -> None:
    """A few each week until yesterday; some are reviewed, one of them rejected."""
    for i in range(BUILDS):
        act = _on(shop, FIRST + dt.timedelta(days=30 + i * 360 // BUILDS))
        product_id = shop.ids[f"KIT-{0 if i == 40 else i % KITS:03d}"]
        reviewed = i % 20 == 7
        _do(shop, lambda s, on=reviewed: set_options(s, {"qa_review": on}))
        quantity = str(dice.randrange(1, 4))
        build = _do(
            shop,
            lambda s, act=act, product_id=product_id, quantity=quantity: building.build_now(
                s, act, product_id=product_id, quantity=quantity
            ),
        )
        if reviewed and i == 7:
            _do(
                shop,
                lambda s, act=act, build=build: reviewing.reject(
                    s, act, build.id, reason="process_error", recovery="full"
                ),
            )
        elif reviewed:
            _do(shop, lambda s, act=act, build=build: reviewing.approve(s, act, build.id))
    _do(shop, lambda s: set_options(s, {"qa_review": False}))


def _correct(shop: Shop) -> None:
    """Opening stock, an adjustment, a confirmed count, a held lot, a build that is reversed."""
    act = _on(shop, NOW.date() - dt.timedelta(days=2))
    for i in range(STOCKED, STOCKED + 20):
        _do(
            shop,
            lambda s, i=i: open_stock(
                s, act, sku=f"PART-{i:03d}", quantity="7", total_cost="3.1", lot_number=f"OLD{i}"
            ),
        )
    full = sa.select(Lot.id).where(Lot.quantity_left > Decimal(20)).order_by(Lot.id.desc()).limit(5)
    with shop.house.reading(shop.company_id) as session:
        first, moist, *counted_ids = session.scalars(full).all()
    _do(shop, lambda s: adjust_lot(s, act, first, quantity="-1", reason="breakage"))
    count = _do(shop, lambda s: start_count(s, act, lot_ids=counted_ids))

    def finish(session: CompanySession) -> None:
        counted = {line.lot.id: line.expected - 1 for line in view_count(session, count.id)}  # type: ignore[attr-defined]
        enter_counts(session, act, count.id, counted=counted)  # type: ignore[attr-defined]
        confirm_count(session, act, count.id)  # type: ignore[attr-defined]

    _do(shop, finish)
    _do(shop, lambda s: hold(s, act, moist, reason="Moist"))
    last = _do(shop, lambda s: building.build_now(s, act, product_id=shop.ids["KIT-005"], quantity="1"))
    _do(shop, lambda s: reversing.reverse(s, act, "build", last.id, reason="A slip"))  # type: ignore[attr-defined]
