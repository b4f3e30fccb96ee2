"""What a page shows of very many is the first few of the whole, with their true number; month ends say their value."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from partsemble_core.services import replenishing, valuing, versioning
from partsemble_core.services.cataloguing import update_product
from partsemble_core.services.explaining import explain_product
from partsemble_core.services.holding import hold
from partsemble_core.services.listing import LISTS, ListQuery
from partsemble_core.services.overseeing import oversee
from partsemble_core.store.month_ends import MonthEnd
from tests.services.makers import Shop, a_shop

TODAY = dt.date(2026, 5, 10)


def test_a_product_tells_its_first_lots_and_how_many_hold_something(shop: Shop) -> None:
    shop.products("bolt")
    kit = shop.product("kit", kind="finished_good")
    for day in (3, 1, 2, 4):
        shop.stock("bolt", "5", on=f"2026-03-0{day}")
    shop.bom("kit", {"bolt": "5"})
    shop.build("kit", "1", on="2026-03-05")
    second = next(lot for lot in shop.lots("bolt") if lot.received_on == dt.date(2026, 3, 2))
    shop.write(lambda session: hold(session, shop.act, second.id, reason="Moist"))
    with shop.reading() as session:
        story = explain_product(session, shop.find("bolt").id, lots=2)
        assert [lot.received_on.day for lot in story.lots] == [2, 3]
        assert story.lot_count == 3
        assert explain_product(session, kit.id).lot_count == 1


def test_the_first_uses_are_the_first_of_all_uses(shop: Shop) -> None:
    shop.products("bolt", "b kit", "a kit", "rack")
    shop.bom("b kit", {"bolt": "2"})
    shop.bom("a kit", {"bolt": "1"})
    shop.bom("rack", {"a kit": "1"})
    with shop.reading() as session:
        bolt = shop.find("bolt").id
        few, count = versioning.first_uses(session, bolt, most=2)
        assert few == versioning.where_used(session, bolt)[:2]
        assert ([use.product.sku for use in few], count) == (["a kit", "b kit"], 3)


def test_reorder_alerts_are_counted_whole_and_told_in_part(shop: Shop) -> None:
    shop.products("bolt", "nut", "panel", "screw")
    for sku, point in (("bolt", "5"), ("nut", "5"), ("panel", "5"), ("screw", "0")):
        shop.write(
            lambda session, sku=sku, point=point: update_product(
                session, shop.act, shop.find(sku).id, reorder_point=point
            )
        )
    shop.stock("bolt", "5")
    shop.stock("panel", "6")
    with shop.reading() as session:
        first, count = replenishing.first_reorder_alerts(session, most=1)
        assert ([alert.product.sku for alert in first], count) == (["bolt"], 2)
        emptiest, count = replenishing.first_reorder_alerts(session, most=1, emptiest=True)
        assert ([alert.product.sku for alert in emptiest], count) == (["nut"], 2)
        emptiest, count = replenishing.first_reorder_alerts(session, most=2, emptiest=True)
        assert ([alert.product.sku for alert in emptiest], count) == (["nut", "bolt"], 2)


def test_what_can_be_built_leaves_no_product_out_for_a_part_that_is_enough(shop: Shop) -> None:
    shop.products("bolt", "nut")
    for name in ("dozen", "many", "none", "one"):
        shop.product(name, kind="finished_good")
    shop.stock("bolt", "2")
    shop.bom("one", {"bolt": "2"})
    shop.bom("many", {"bolt": "3"})
    shop.bom("dozen", {"bolt": "12"}, makes="12")
    shop.bom("none", {"bolt": "1", "nut": "1"})
    with shop.reading() as session:
        found = oversee(session, today=TODAY).buildable
        assert [(each.product.sku, each.quantity) for each in found] == [("dozen", 2), ("one", 1)]


def test_the_trend_is_the_same_from_month_ends_and_from_the_ledger(shop: Shop) -> None:
    shop.products("bolt")
    for month in range(1, 5):
        shop.stock("bolt", "10", f"{month}", on=f"2026-0{month}-20")

    def trend() -> list[tuple[dt.date, object]]:
        with shop.reading() as session:
            return list(valuing.monthly_trend(session, today=TODAY, months=4))

    before = trend()
    assert [value for _, value in before] == [10, 30, 60, 100, 100]
    shop.write(lambda session: valuing.refresh_month_ends(session, today=TODAY))
    assert trend() == before
    shop.stock("bolt", "10", "5", on="2026-02-25")  # what a late entry belies isn't used, what lies before it is
    assert [value for _, value in trend()] == [10, 80, 110, 150, 150]
    with shop.engine.begin() as connection:
        january = MonthEnd.company_id == shop.company_id, MonthEnd.month_end_on == dt.date(2026, 1, 31)
        connection.execute(sa.update(MonthEnd).where(*january).values(value=MonthEnd.value + 1))
    assert trend()[0][1] == 11


def test_lots_are_searched_by_their_source_and_entries_by_their_person(shop: Shop) -> None:
    shop.products("bolt")
    receipt = shop.stock("bolt", "10")
    stranger = a_shop(shop.engine)
    stranger.products("bolt")
    stranger.stock("bolt", "1")
    with shop.reading() as session:
        assert receipt.reference is not None
        for words, count in ((receipt.reference.lower(), 1), ("BOLT", 1), ("nobody", 0)):
            assert LISTS["lots"](session, ListQuery(search=words)).total == count
        for words, count in ((shop.act.by.upper(), 1), (f"bolt {shop.act.by}", 1), ("nobody", 0), ("bolt nobody", 0)):
            assert LISTS["entries"](session, ListQuery(search=words)).total == count
