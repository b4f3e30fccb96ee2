"""Stock on hold is told as that wherever something falls short, with its lots and the cure that fits."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from partsemble_core.services.acting import Act
from partsemble_core.services.cataloguing import update_product
from partsemble_core.services.holding import hold
from partsemble_core.services.planning import cancel_planned
from partsemble_core.services.queueing import move_planned
from partsemble_core.store.lots import Lot
from partsemble_core.store.session import CompanySession
from tests.web.people import Visitor, text_of
from tests.web.shop import Shop, plan_lamps, stock_up

Visit = Callable[[Shop, str], Visitor]
CURE = "Release lots on hold, receive the missing goods, or build less."


def test_what_is_on_hold_is_told_wherever_a_build_falls_short_of_it(shop: Shop, visit: Visit) -> None:
    """All 80 frames are on hold: there are 80 in stock, and none can be taken."""
    stock_up(shop)
    frame, lamp = shop.ids["FRAME-AL"], shop.ids["LAMP-01"]

    def freeze(session: CompanySession, act: Act) -> None:
        lot = session.scalars(sa.select(Lot.id).where(Lot.product_id == frame)).one()
        hold(session, act, lot, reason="Scratched")

    shop.write(freeze)
    plan = plan_lamps(shop, "60")
    builder = visit(shop, "builder")
    said = "FRAME-AL : 60 needed, 0 available, 60 missing; 80 on hold"
    for path in (f"/builds/new?product={lamp}&quantity=60", f"/planned-builds/{plan}/execute", f"/builds/{plan}"):
        page = builder.get(path)
        assert (said in text_of(page), CURE in text_of(page)) == (True, True), path
        assert f'<a class="in-text" href="/lots?product={frame}&amp;state=held">80 on hold</a>' in page.text
    held = text_of(builder.get(f"/lots?product={frame}&state=held"))
    assert "1–1 of 1" in held
    sheet = text_of(builder.get(f"/builds/{plan}/sheet"))
    assert "missing 80 on hold 60" in sheet
    assert "Lots on hold have to be released" in sheet
    queue = text_of(builder.get("/planned-builds"))
    assert "FRAME-AL: 60 of 60 missing; 80 on hold" in queue
    assert "FRAME-AL Aluminium frame, anodised, in each 60 0 60 – 80" in queue
    assert builder.get("/planned-builds/shortages.csv").text.splitlines()[1].endswith(",60,0,60,0,80")
    assert "Short FRAME-AL 60 each missing for planned builds; 80 on hold" in text_of(builder.get("/"))


def test_without_anything_on_hold_nothing_is_to_be_released(shop: Shop, visit: Visit) -> None:
    stock_up(shop)
    plan = plan_lamps(shop, "100")
    text = text_of(visit(shop, "builder").get(f"/builds/{plan}"))
    assert "FRAME-AL : 100 needed, 80 available, 20 missing Receive the missing goods, or build less." in text
    assert "on hold" not in text


def test_planned_builds_are_numbered_in_a_file_as_in_the_queue(shop: Shop, visit: Visit) -> None:
    """The third of four is given up and the last goes first: numbers have no gap, and what isn't planned has none."""
    plans = [plan_lamps(shop, "1") for _ in range(4)]
    shop.write(lambda session, act: cancel_planned(session, act, plans[2]))
    shop.write(lambda session, act: move_planned(session, act, plans[3], to="top"))
    viewer = visit(shop, "viewer")

    def numbered(path: str) -> list[list[str]]:
        return [line.split(",")[:2] for line in viewer.get(path).text.splitlines()[1:]]

    queue = [["PSB-000004", "1"], ["PSB-000001", "2"], ["PSB-000002", "3"]]
    assert numbered("/builds.csv?state=planned&sort=place") == queue
    assert numbered("/builds.csv?sort=place") == [*queue, ["PSB-000003", ""]]
    assert "PSB-000004 1 LAMP-01" in text_of(viewer.get("/builds?columns=place&columns=product_sku&sort=place"))


def test_home_says_how_many_more_are_low(shop: Shop, visit: Visit) -> None:
    skus = ("PANEL-24", "FRAME-AL", "SCREW-M3", "WIRE-075", "LAMP-01")

    def remind(session: CompanySession, act: Act) -> None:
        for sku in skus:
            update_product(session, act, shop.ids[sku], reorder_point="5")

    shop.write(remind)
    viewer = visit(shop, "viewer")
    assert "and 1 more" not in text_of(viewer.get("/")), "five are all"
    builder = visit(shop, "builder")
    builder.post("/products", {"sku": "BOX", "name": "Box", "kind": "component", "unit": "each", "reorder_point": "5"})
    home = viewer.get("/")
    assert "Low stock and 1 more" in text_of(home)
    assert '<a href="/products?sort=stock">and 1 more</a>' in home.text


def test_a_planned_build_has_no_day_yet_on_its_products_page(shop: Shop, visit: Visit) -> None:
    builder = visit(shop, "builder")
    lamp = shop.ids["LAMP-01"]
    builder.post("/planned-builds", {"product": str(lamp), "quantity": "3", "target_on": "2026-12-08"})
    latest = text_of(builder.get(f"/products/{lamp}")).split("Latest builds")[1]
    assert "PSB-000001 Planned – 3" in latest
