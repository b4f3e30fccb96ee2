"""Planned builds: a number and a snapshot at once, stock only when executed; and what the planner says."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
import sqlalchemy as sa

from partsemble_core.domain.boms import BomCycle
from partsemble_core.domain.fifo import StockShort
from partsemble_core.errors import Conflict, Invalid, NotFound, WrongState
from partsemble_core.services import building, planning
from partsemble_core.services.building import NoActiveBom
from partsemble_core.services.cataloguing import ComponentInput, CostInput
from partsemble_core.services.closing import PeriodLocked
from partsemble_core.services.replenishing import list_reorder_alerts
from partsemble_core.store.builds import Build, BuildLine, cost_lines_of, lines_of
from partsemble_core.store.lots import StockEntry
from tests.services.makers import TODAY, Shop, a_shop, connect, contents, in_threads, refused
from tests.services.workshop import (
    build,
    by,
    edit,
    execute,
    exports_of,
    later,
    plan,
    preview,
    reject,
    set_options,
    taken,
    unconserved,
    update,
)

LABOUR = CostInput(kind="labour", label="Assembly", rate="25.00", quantity="0.5")


@pytest.fixture
def bench(shop: Shop) -> Shop:
    """50 panels @ 2 and 40 bolts @ 1, a kit of one panel and two bolts with half an hour of labour."""
    shop.products("panel", "bolt", "nut", "kit")
    shop.stock("panel", "50", "2", on="2026-04-01")
    shop.stock("bolt", "40", "1", on="2026-04-01")
    shop.bom("kit", {"panel": "1", "bolt": "2"}, LABOUR)
    return shop


def lines(shop: Shop, planned: Build) -> list[tuple[str, Decimal]]:
    with shop.reading() as session:
        found = lines_of(session, planned.id)
        view = planning.view_planned(session, planned.id)
        return [(view.products[line.product_id].sku, line.quantity_needed) for line in found]


def planned_preview(shop: Shop, planned: Build) -> building.Preview:
    with shop.reading() as session:
        return building.preview_planned(session, planned.id, built_on=shop.act.today)


def references(builds: list[Build]) -> list[str]:
    return [found.reference for found in builds]


def test_a_planned_build_has_a_number_and_a_snapshot_and_moves_no_stock(bench: Shop) -> None:
    before = len(bench.rows(sa.select(StockEntry)))
    planned = plan(bench, "kit", "10", target_on="2026-06-01", assignee="Bo", notes="For the fair")
    assert (planned.reference, planned.state, planned.priority) == ("PSB-000001", "planned", 1)
    assert (planned.target_on, planned.assignee, planned.notes) == (dt.date(2026, 6, 1), "Bo", "For the fair")
    assert (planned.planned_by, planned.planned_at, planned.executed_at) == (bench.act.by, bench.act.at, None)
    assert lines(bench, planned) == [("panel", 10), ("bolt", 20)]
    with bench.reading() as session:
        assert [line.cost for line in cost_lines_of(session, planned.id)] == [125]
    assert len(bench.rows(sa.select(StockEntry))) == before
    assert plan(bench, "kit", "1").priority == 2
    assert unconserved(bench) == {}


def test_a_planned_build_is_executed_under_its_number_at_the_figures_of_its_preview(bench: Shop) -> None:
    connect(bench)
    planned = plan(bench, "kit", "10")
    quick = build(bench, "kit", "1")
    assert quick.reference == "PSB-000002"
    figures = planned_preview(bench, planned).costing
    done = execute(by(bench, "bo@example.com"), planned, built_on="2026-05-01")
    assert (done.id, done.reference, done.state) == (planned.id, "PSB-000001", "completed")
    assert (done.components_cost, done.added_cost) == (40, 125) == (figures.components_cost, figures.added_cost)
    assert (done.executed_by, done.planned_by, done.built_on) == ("bo@example.com", bench.act.by, dt.date(2026, 5, 1))
    assert [(q, c) for _, _, q, c in taken(bench, done)] == [(d.quantity, d.cost) for d in figures.draws]
    assert bench.lots("kit")[-1].number == "PSB-000001"
    assert [export.reference for export in exports_of(bench)] == ["PSB-000002", "PSB-000001"]
    assert unconserved(bench) == {}


def test_what_is_executed_or_cancelled_is_not_planned_any_more(bench: Shop) -> None:
    done, gone = plan(bench, "kit", "1"), plan(bench, "kit", "1")
    execute(bench, done)
    assert bench.write(lambda s: planning.cancel_planned(s, bench.act, gone.id)).state == "cancelled"
    said = "was executed by ann@example.com on 2026-05-04 at 09:30"
    for planned, words in ((done, said), (gone, "was cancelled by")):
        for step in (
            lambda s, i=planned.id: building.execute_planned(s, bench.act, i),
            lambda s, i=planned.id: planning.edit_planned(s, bench.act, i, quantity="2"),
            lambda s, i=planned.id: planning.cancel_planned(s, bench.act, i),
            lambda s, i=planned.id: planning.refresh_to_active_bom(s, bench.act, i),
        ):
            with refused(bench, WrongState, "wrong-state", says=words):
                bench.write(step)
        with pytest.raises(WrongState), bench.reading() as session:
            building.preview_planned(session, planned.id)
    assert build(bench, "kit", "1").number == 3
    assert unconserved(bench) == {}


def test_a_later_bom_version_leaves_a_planned_build_as_it_was_until_it_is_refreshed(bench: Shop) -> None:
    planned = plan(bench, "kit", "10")
    version = bench.bom("kit", {"panel": "1", "bolt": "3", "nut": "1"}, makes="2")
    with bench.reading() as session:
        view = planning.view_planned(session, planned.id)
    assert (view.version.version, view.newer.version if view.newer else None) == (1, 2)
    assert lines(bench, planned) == [("panel", 10), ("bolt", 20)]
    fresh = bench.write(lambda s: planning.refresh_to_active_bom(s, bench.act, planned.id))
    assert (fresh.bom_id, fresh.output_quantity, fresh.is_modified) == (version.id, 2, False)
    assert lines(bench, planned) == [("panel", 5), ("bolt", 15), ("nut", 5)]
    with bench.reading() as session:
        assert planning.view_planned(session, planned.id).newer is None
        assert cost_lines_of(session, planned.id) == []


def test_lines_can_be_edited_and_a_badge_says_so(bench: Shop) -> None:
    planned = plan(bench, "kit", "10")
    bench.stock("nut", "100", "0.5")
    own = [ComponentInput(sku="panel", quantity="1"), ComponentInput(sku="nut", quantity="3", scrap_percent="10")]
    assert edit(bench, planned, components=own).is_modified
    assert lines(bench, planned) == [("panel", 10), ("nut", 33)]
    assert edit(bench, planned, quantity="20", assignee="Bo", target_on="2026-05-03", notes="n").is_modified
    assert lines(bench, planned) == [("panel", 20), ("nut", 66)]
    done = execute(bench, planned)
    assert (done.components_cost, done.added_cost, done.is_modified) == (73, 250, True)
    assert bench.balance("bolt").quantity == 40
    assert unconserved(bench) == {}


def test_lines_edited_back_lose_the_badge(bench: Shop) -> None:
    planned = plan(bench, "kit", "10")
    edit(bench, planned, components=[ComponentInput(sku="panel", quantity="2")])
    same = [ComponentInput(sku="panel", quantity="1"), ComponentInput(sku="bolt", quantity="2")]
    assert not edit(bench, planned, components=same).is_modified
    assert not edit(bench, planned, quantity="11").is_modified


def test_only_what_is_given_is_edited_and_a_target_can_be_cleared(bench: Shop) -> None:
    planned = plan(bench, "kit", "10", target_on="2026-06-01", assignee="Bo", notes="n")
    edited = edit(bench, planned, notes="m")
    assert (edited.quantity, edited.target_on, edited.assignee, edited.notes) == (10, dt.date(2026, 6, 1), "Bo", "m")
    assert edit(bench, planned, target_on="", assignee="").target_on is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"quantity": "0"}, "quantity"),
        ({"target_on": "soon"}, "target_on"),
        ({"assignee": "x" * 201}, "assignee"),
        ({"components": []}, None),
        ({"components": [ComponentInput(sku="panel", quantity="0")]}, "components[0].quantity"),
        ({"components": [ComponentInput(sku="ghost", quantity="1")]}, "components[0].sku"),
        ({"components": [ComponentInput(sku="panel", quantity="1")] * 2}, "components[1].sku"),
    ],
)
def test_a_bad_edit_is_refused_and_changes_nothing(bench: Shop, changes: dict[str, object], field: str | None) -> None:
    bench.bom("kit", {"panel": "1"})
    planned = plan(bench, "kit", "10")
    with refused(bench, Invalid, "invalid", field=field or "components"):
        edit(bench, planned, **changes)


def test_a_planned_build_is_not_made_of_what_it_makes(bench: Shop) -> None:
    bench.products("shelf")
    bench.bom("shelf", {"kit": "1"})
    planned = plan(bench, "kit", "1")
    for sku in ("kit", "shelf"):
        with refused(bench, BomCycle, "bom-cycle", says="kit"):
            edit(bench, planned, components=[ComponentInput(sku=sku, quantity="1")])


def test_only_what_can_be_built_is_planned(bench: Shop) -> None:
    with refused(bench, NoActiveBom, "no-active-bom"):
        plan(bench, "panel", "1")
    with refused(bench, Invalid, "invalid", field="quantity"):
        plan(bench, "kit", "-1")
    update(bench, "kit", is_active=False)
    with refused(bench, Invalid, "invalid", field="product_id", says="inactive"):
        plan(bench, "kit", "1")


def test_builds_are_dragged_into_an_order(bench: Shop) -> None:
    first, second, third = (plan(bench, "kit", "1") for _ in range(3))
    ordered = bench.write(lambda s: planning.reorder(s, bench.act, [third.id, first.id]))
    assert references(ordered) == ["PSB-000003", "PSB-000001", "PSB-000002"]
    with bench.reading() as session:
        assert references(list(planning.list_planned(session))) == ["PSB-000003", "PSB-000001", "PSB-000002"]
    with refused(bench, Invalid, "invalid", field="build_ids", says="twice"):
        bench.write(lambda s: planning.reorder(s, bench.act, [second.id, second.id]))
    execute(bench, second)
    with refused(bench, Conflict, "conflict", field="build_ids", says="PSB-000002 isn't planned any more"):
        bench.write(lambda s: planning.reorder(s, bench.act, [second.id]))
    stranger = a_shop(bench.engine)
    with refused(stranger, NotFound, "not-found"):
        stranger.write(lambda s: planning.reorder(s, stranger.act, [first.id]))


def test_overdue_is_what_should_have_been_done_before_today(bench: Shop) -> None:
    for day in ("2026-05-03", "2026-05-04", "", "2026-04-30"):
        plan(bench, "kit", "1", target_on=day)
    with bench.reading() as session:
        assert references(planning.list_overdue(session, today=TODAY)) == ["PSB-000004", "PSB-000001"]
    done = bench.rows(sa.select(Build).where(Build.number == 4))[0]
    execute(bench, done)
    with bench.reading() as session:
        assert references(planning.list_overdue(session, today=TODAY)) == ["PSB-000001"]


def test_n4_forty_bolts_at_two_allow_twenty_kits_and_planned_ones_leave_the_rest(bench: Shop) -> None:
    bench.product("nameplate")
    bench.save(
        "kit",
        ComponentInput(sku="panel", quantity="1"),
        ComponentInput(sku="bolt", quantity="2"),
        ComponentInput(sku="nameplate", quantity="1", optional=True),
    )
    assert bench.view("kit").buildable == 20
    plan(bench, "kit", "15")
    assert bench.view("kit").buildable == 20, "nothing is reserved unless the company says so"
    set_options(bench, reserve_stock=True)
    assert bench.view("kit").buildable == 5
    plan(bench, "kit", "15")
    assert bench.view("kit").buildable == 0


def test_reserved_stock_is_kept_for_planned_builds_in_the_order_of_their_priority(bench: Shop) -> None:
    set_options(bench, reserve_stock=True)
    first, second = plan(bench, "kit", "15"), plan(bench, "kit", "10")
    (short,) = preview(bench, "kit", "1").costing.shortages
    assert (short.needed, short.available, short.reserved) == (2, 0, 40)
    with refused(bench, StockShort, "stock-short", says="0 not reserved for planned builds, 2 missing"):
        build(bench, "kit", "1")
    assert planned_preview(bench, first).costing.shortages == ()
    (short,) = planned_preview(bench, second).costing.shortages
    assert (short.needed, short.available, short.missing) == (20, 10, 10)
    with refused(bench, StockShort, "stock-short", says="higher priority"):
        execute(bench, second)
    bench.write(lambda s: planning.reorder(s, bench.act, [second.id]))
    assert planned_preview(bench, second).costing.shortages == ()
    assert execute(bench, second).state == "completed"
    with refused(bench, StockShort, "stock-short", says="20 available|20 not reserved"):
        execute(bench, first)
    edit(bench, first, quantity="10")
    assert execute(bench, first).state == "completed"
    assert bench.balance("bolt").quantity == 0
    assert unconserved(bench) == {}


def test_the_shortage_list_adds_up_what_all_planned_builds_lack(bench: Shop) -> None:
    bench.products("shelf")
    bench.bom("shelf", {"bolt": "5", "nut": "1"})
    plan(bench, "kit", "15")
    plan(bench, "shelf", "4")

    def short() -> list[tuple[str, Decimal, Decimal]]:
        with bench.reading() as session:
            return [(p.sku, s.needed, s.missing) for p, s in planning.list_shortages(session, today=TODAY)]

    assert short() == [("bolt", 50, 10), ("nut", 4, 4)]
    bench.stock("nut", "4")
    assert short() == [("bolt", 50, 10)]
    (lot,) = bench.lots("panel")
    with bench.engine.begin() as connection:
        connection.execute(sa.text("UPDATE lots SET state = 'held', hold_reason = 'x' WHERE id = :i"), {"i": lot.id})
    assert short() == [("bolt", 50, 10), ("panel", 15, 15)], "what is on hold can't be taken"


def test_n10_and_n11_a_build_point_suggests_what_is_missing_to_the_target(bench: Shop) -> None:
    build(bench, "kit", "2")

    def told() -> list[tuple[str, Decimal, str]]:
        with bench.reading() as session:
            found = planning.list_suggestions(session)
        return [(s.product.sku, s.suggestion.quantity, s.suggestion.alert.value) for s in found]

    assert told() == []
    update(bench, "kit", build_point="3", build_target="10")
    assert told() == [("kit", 8, "below")]
    update(bench, "kit", build_point="1.5", build_target="10")
    assert told() == [("kit", 0, "approaching")]
    update(bench, "kit", build_point="1", build_target="10")
    assert told() == []
    update(bench, "kit", build_point="3", build_target="10")
    plan(bench, "kit", "1.5")
    assert told() == [("kit", 0, "approaching")], "what a person planned counts"
    update(bench, "kit", build_point=None, build_target="")
    assert told() == []


def test_n12_a_reorder_point_alerts_at_it_and_below(bench: Shop) -> None:
    update(bench, "panel", reorder_point="50")
    update(bench, "bolt", reorder_point="39.999999")
    update(bench, "nut", reorder_point="1")

    def alerts() -> list[tuple[str, Decimal]]:
        with bench.reading() as session:
            return [(alert.product.sku, alert.stock) for alert in list_reorder_alerts(session)]

    assert alerts() == [("nut", 0), ("panel", 50)]
    update(bench, "nut", is_active=False)
    build(bench, "kit", "1")
    assert alerts() == [("bolt", 38), ("panel", 49)]


def sync(shop: Shop) -> list[tuple[str, str, Decimal]]:
    changed = shop.write(lambda s: planning.sync_automatic(s, shop.act))
    return [(b.reference, b.state, b.quantity) for b in changed]


def test_the_planners_own_build_is_made_once_adjusted_and_given_up(bench: Shop) -> None:
    update(bench, "kit", build_point="3", build_target="10")
    assert sync(bench) == [("PSB-000001", "planned", 10)]
    assert sync(bench) == []
    build(bench, "kit", "2")
    assert sync(bench) == [("PSB-000001", "planned", 8)]
    automatic = bench.rows(sa.select(Build).where(Build.is_automatic))[0]
    assert lines(bench, automatic) == [("panel", 8), ("bolt", 16)]
    person = plan(bench, "kit", "5")
    assert sync(bench) == [("PSB-000001", "cancelled", 8)]
    bench.write(lambda s: planning.cancel_planned(s, bench.act, person.id))
    assert sync(bench) == [("PSB-000004", "planned", 8)]
    assert unconserved(bench) == {}


def test_the_planners_build_becomes_the_persons_by_an_edit_and_is_not_doubled(bench: Shop) -> None:
    update(bench, "kit", build_point="3", build_target="10")
    sync(bench)
    (automatic,) = bench.rows(sa.select(Build))
    assert edit(bench, automatic, assignee="Bo").is_automatic
    assert not edit(bench, automatic, quantity="9").is_automatic
    assert sync(bench) == []
    set_options(bench, qa_review=True)
    pending = execute(bench, automatic)
    assert sync(bench) == [], "what waits for review is coming"
    reject(bench, pending, "full")
    assert sync(bench) == [("PSB-000002", "planned", 10)]


def test_two_planners_at_once_plan_one_build(bench: Shop) -> None:
    update(bench, "kit", build_point="3", build_target="10")
    in_threads(*[(sync, bench)] * 4)
    assert [b.quantity for b in bench.rows(sa.select(Build))] == [10]


def test_a_planned_build_is_executed_once_however_many_try(bench: Shop) -> None:
    planned = plan(bench, "kit", "5")
    outcomes: list[str] = []

    def work() -> None:
        try:
            execute(bench, planned)
            outcomes.append("ok")
        except WrongState:
            outcomes.append("refused")

    in_threads(*[(work,)] * 3)
    assert sorted(outcomes) == ["ok", "refused", "refused"]
    assert bench.balance("bolt").quantity == 30
    assert unconserved(bench) == {}


def test_a_planned_build_waits_for_review_too_and_keeps_to_open_periods(bench: Shop) -> None:
    planned = plan(bench, "kit", "5")
    set_options(bench, qa_review=True, locked_through=TODAY - dt.timedelta(days=1))
    with refused(bench, PeriodLocked, "period-locked", field="built_on"):
        execute(bench, planned, built_on=TODAY - dt.timedelta(days=1))
    with refused(bench, Invalid, "invalid", field="built_on"):
        execute(bench, planned, built_on=TODAY + dt.timedelta(days=1))
    assert execute(bench, planned).state == "pending_qa"
    assert bench.rows(sa.select(BuildLine).where(BuildLine.build_id == planned.id))[0].quantity_needed == 5


def test_a_short_planned_build_stays_planned(bench: Shop) -> None:
    planned = plan(bench, "kit", "21")
    before = contents(bench)
    with pytest.raises(StockShort):
        execute(later(bench, 1), planned)
    assert contents(bench) == before
