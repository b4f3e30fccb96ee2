"""What plans lack together says what is coming of it; what was never executed has no cost."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from partsemble_core.services.listing import ListQuery, list_builds
from partsemble_core.services.planning import cancel_planned, list_shortages, list_suggestions, sync_automatic
from tests.services.makers import Shop
from tests.services.workshop import build, plan, set_options, update


def kits(shop: Shop) -> Shop:
    """A kit of two frames, a frame of three bolts; 100 bolts @ 1 and no frame."""
    shop.products("bolt", "frame", "kit")
    shop.stock("bolt", "100")
    shop.bom("frame", {"bolt": "3"})
    shop.bom("kit", {"frame": "2"})
    return shop


def lacking(shop: Shop) -> list[tuple[str, Decimal, Decimal]]:
    with shop.reading() as session:
        found = list_shortages(session, today=shop.act.today)
        return [(product.sku, short.missing, short.coming) for product, short in found]


def test_what_is_planned_or_in_review_is_coming_and_not_there_yet(shop: Shop) -> None:
    kits(shop)
    plan(shop, "kit", "30")
    assert lacking(shop) == [("frame", 60, 0)]
    first = plan(shop, "frame", "20")
    assert lacking(shop) == [("frame", 60, 20)]
    update(shop, "frame", build_point="4", build_target="9")
    shop.write(lambda session: sync_automatic(session, shop.act))
    assert lacking(shop) == [("frame", 60, 20)], "20 are planned, so the planner plans none"
    shop.write(lambda session: cancel_planned(session, shop.act, first.id))
    shop.write(lambda session: sync_automatic(session, shop.act))
    assert lacking(shop) == [("frame", 60, 9)], "what the planner planned is coming too"
    with shop.reading() as session:
        (suggested,) = list_suggestions(session)
    assert suggested.coming == 0, "but never counts for what it suggests"
    set_options(shop, qa_review=True)
    build(shop, "frame", "7")
    assert lacking(shop) == [("frame", 60, 16)]


def test_only_what_was_executed_has_a_cost_in_the_list(shop: Shop) -> None:
    kits(shop)
    build(shop, "frame", "4")
    plan(shop, "frame", "5", target_on="2026-06-01", assignee="Mia")
    given_up = plan(shop, "frame", "6")
    shop.write(lambda session: cancel_planned(session, shop.act, given_up.id))

    def rows(sort: str = "reference", search: str = "") -> list[tuple[object, ...]]:
        descending = sort.startswith("-")
        query = ListQuery(sort=sort.removeprefix("-"), descending=descending, search=search)
        with shop.reading() as session:
            found = list_builds(session, query).rows
        return [(row["reference"], row["state"], row["total_cost"], row["unit_cost"]) for row in found]

    done = ("PSB-000001", "completed", 12, 3)
    planned, cancelled = ("PSB-000002", "planned", None, None), ("PSB-000003", "cancelled", None, None)
    assert rows() == [done, planned, cancelled]
    assert rows("-total_cost")[0] == rows("total_cost")[0] == done, "what has none comes last"
    assert rows("target_on")[0] == planned
    assert rows(search="mia") == [planned]
    with shop.reading() as session:
        row = list_builds(session, ListQuery(filters={"state": "planned"})).rows[0]
    assert (row["target_on"], row["assignee"]) == (dt.date(2026, 6, 1), "Mia")
