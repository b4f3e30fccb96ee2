"""What lies still until somebody decides is told on the first page, and no money vanishes meanwhile."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from partsemble_core.services import connecting
from partsemble_core.services.holding import hold, split
from partsemble_core.services.opting import set_options
from partsemble_core.services.receiving import LineInput, receive
from tests.web.people import Visitor, text_of
from tests.web.shop import NOW, Shop, connect, make_lamps, stock_up

Visit = Callable[[Shop, str], Visitor]


def receive_glue(shop: Shop) -> None:
    """Wire that expired yesterday."""
    yesterday = NOW.date() - dt.timedelta(days=1)
    line = LineInput(sku="WIRE-075", quantity="3", unit_cost="1", lot_number="GLUE", expires_on=yesterday.isoformat())
    day = (yesterday - dt.timedelta(days=9)).isoformat()
    shop.write(lambda session, act: receive(session, act, supplier="ACM", lines=[line], received_on=day))


def test_home_lists_what_waits_for_a_decision(shop: Shop, visit: Visit) -> None:
    stock_up(shop)
    shop.write(lambda session, act: set_options(session, {"qa_review": True}))
    viewer = visit(shop, "viewer")
    before = text_of(viewer.get("/"))
    assert "in review" not in before
    make_lamps(shop, "60")
    receive_glue(shop)
    shop.write(lambda session, act: hold(session, act, 3, reason="Wrong colour"))
    home = text_of(viewer.get("/"))
    assert "Pending QA PSB-000001 60 × LAMP-01 waits for approval" in home
    assert "Expired GLUE 3 m of WIRE-075, expired" in home
    assert "On hold NTL-20260421 100 each of PANEL-24: Wrong colour" in home
    assert "and 2,811.35 in review" in home
    assert "PSB-000001 LAMP-01 Workshop lamp Pending QA" in home, "the latest builds say how they stand"
    assert 'title="2,811.34552">' in viewer.get("/").text
    assert "In review, beside it 2,811.35 USD" in text_of(viewer.get("/valuation"))
    assert "In review" not in text_of(viewer.get("/valuation?on=2026-04-30"))


def test_the_list_of_lots_says_what_expired_where_it_came_from_and_what_goes_first(shop: Shop, visit: Visit) -> None:
    stock_up(shop)
    receive_glue(shop)
    shop.write(lambda session, act: split(session, act, 1, quantity="5"))
    viewer = visit(shop, "viewer")
    page = text_of(viewer.get("/lots"))
    assert "The oldest is taken first." in page
    assert page.count("Expired") == 1
    assert "ACM-20260402-S2 ACM-20260402 PANEL-24" in page, "a part says which lot it was split from"
    shop.write(lambda session, act: set_options(session, {"draw_order": "fefo"}))
    assert "The first to expire is taken first." in text_of(viewer.get("/lots"))


def test_choosing_accounts_warns_where_labour_has_none(shop: Shop, visit: Visit) -> None:
    act = shop.house.act(shop.company_id, by="owner@lumen.example")
    connecting.choose(shop.house, act, shop.company_id, backend="qbo_stub", organisation_id="9130-0001")
    owner = visit(shop, "owner")
    assert "differ from the value of stock by that labour" in owner.get("/integrations").text
    connect(shop)
    assert "differ from the value of stock by that labour" not in owner.get("/integrations").text
