"""The order of planned builds is changed one move at a time, and says what each of them lacks."""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest

from partsemble_core.errors import Conflict, Invalid, NotFound, PartsembleError, WrongState
from partsemble_core.services.glancing import glance
from partsemble_core.services.opting import set_options
from partsemble_core.services.planning import cancel_planned, plan_build
from partsemble_core.services.queueing import AT_ONCE, change_planned, list_queue, move_planned
from tests.services.makers import Shop, in_threads


def plan(shop: Shop, *quantities: str) -> list[int]:
    """Kits of two bolts each."""
    kit = shop.find("kit").id
    return [
        shop.write(lambda session, q=quantity: plan_build(session, shop.act, product_id=kit, quantity=q)).id
        for quantity in quantities
    ]


@pytest.fixture
def bench(shop: Shop) -> Shop:
    shop.products("bolt", "nut", "kit")
    shop.bom("kit", {"bolt": "2"})
    shop.stock("bolt", "10")
    return shop


def order(shop: Shop) -> list[int]:
    with shop.reading() as session:
        return [each.build.id for each in list_queue(session, today=shop.act.today)]


def lacks(shop: Shop) -> list[list[Decimal]]:
    """By build in order, how much is missing."""
    with shop.reading() as session:
        return [[s.missing for _, s in each.shortages] for each in list_queue(session, today=shop.act.today)]


@pytest.mark.parametrize(
    ("to", "after", "wanted"),
    [
        ("top", None, "cabd"),
        ("up", None, "acbd"),
        ("down", None, "abdc"),
        ("bottom", None, "abdc"),
        (None, 0, "cabd"),
        (None, "a", "acbd"),
        (None, "d", "abdc"),
    ],
)
def test_one_build_moves_and_the_others_keep_their_order(
    bench: Shop, to: str | None, after: int | str | None, wanted: str
) -> None:
    ids = dict(zip("abcd", plan(bench, "1", "1", "1", "1"), strict=True))
    behind = ids[after] if isinstance(after, str) else after
    place, count = bench.write(lambda session: move_planned(session, bench.act, ids["c"], to=to, after=behind))
    names = {number: name for name, number in ids.items()}
    assert "".join(names[number] for number in order(bench)) == wanted
    assert (place, count) == (wanted.index("c") + 1, 4)


def test_two_who_move_at_once_both_get_what_they_asked_for(bench: Shop) -> None:
    ids = plan(bench, "1", "2", "3", "4", "5")
    together = threading.Barrier(2)

    def move(build_id: int, to: str) -> None:
        together.wait(timeout=30)
        bench.write(lambda session: move_planned(session, bench.act, build_id, to=to))

    in_threads((move, ids[4], "top"), (move, ids[0], "bottom"))
    assert order(bench) == [ids[4], ids[1], ids[2], ids[3], ids[0]]


def test_with_reservation_the_first_are_served_first(bench: Shop) -> None:
    first, second, third = plan(bench, "3", "3", "2")
    assert lacks(bench) == [[], [], []], "each by itself could be built"
    bench.write(lambda session: set_options(session, {"reserve_stock": True}))
    assert lacks(bench) == [[], [Decimal(2)], [Decimal(4)]]
    bench.write(lambda session: move_planned(session, bench.act, third, to="top"))
    assert order(bench) == [third, first, second]
    assert lacks(bench) == [[], [], [Decimal(6)]]


def test_a_move_is_news_to_pages_that_show_the_order(bench: Shop) -> None:
    _, second = plan(bench, "1", "1")
    with bench.reading() as session:
        before = glance(session)
    bench.write(lambda session: move_planned(session, bench.act, second, to="up"))
    with bench.reading() as session:
        after = glance(session)
    assert before.mark != after.mark
    assert not after.is_busy


@pytest.mark.parametrize(
    ("to", "after", "error"),
    [("sideways", None, Invalid), (None, None, Invalid), (None, "x", Invalid), (None, 10**12, NotFound)],
)
def test_a_move_to_nowhere_is_refused(bench: Shop, to: object, after: object, error: type[PartsembleError]) -> None:
    (only,) = plan(bench, "1")
    with pytest.raises(error):
        bench.write(lambda session: move_planned(session, bench.act, only, to=to, after=after))


def test_what_is_not_planned_any_more_is_named(bench: Shop) -> None:
    gone, left = plan(bench, "1", "1")
    bench.write(lambda session: cancel_planned(session, bench.act, gone))
    for build_id, after in ((gone, 0), (left, gone)):
        with pytest.raises(Conflict, match="PSB-000001 isn't planned any more"):
            bench.write(lambda session, b=build_id, a=after: move_planned(session, bench.act, b, after=a))


def test_many_are_changed_or_none(bench: Shop) -> None:
    ids = plan(bench, "1", "1", "1")
    bench.bom("kit", {"nut": "1"})
    bench.write(lambda s: change_planned(s, bench.act, ids[:2], action="set", target_on="2026-06-01", assignee="Ada"))
    bench.write(lambda s: change_planned(s, bench.act, ids, action="refresh"))
    with bench.reading() as session:
        found = list_queue(session, today=bench.act.today)
    assert [each.build.assignee for each in found] == ["Ada", "Ada", ""]
    assert [str(each.build.target_on) for each in found] == ["2026-06-01", "2026-06-01", "None"]
    assert [each.newer for each in found] == [None, None, None]
    bench.write(lambda s: change_planned(s, bench.act, ids[2:], action="cancel"))
    with pytest.raises(WrongState, match="PSB-000003 was cancelled by"):
        bench.write(lambda s: change_planned(s, bench.act, ids, action="cancel"))
    assert order(bench) == ids[:2], "none of them"


@pytest.mark.parametrize(
    ("ids", "action", "field"),
    [
        ([], "cancel", "build_ids"),
        (range(AT_ONCE + 1), "cancel", "build_ids"),
        ([1], "burn", "action"),
        ([1], "set", "target_on"),
    ],
)
def test_what_cannot_be_done_to_many_names_the_field(bench: Shop, ids: list[int], action: str, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        bench.write(lambda session: change_planned(session, bench.act, list(ids), action=action))
    assert refusal.value.field == field
