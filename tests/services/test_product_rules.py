"""Rules of the product that no other test holds: products, BOMs, trace, figures at a glance, the books' lock day."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from partsemble_core.domain.exports import Doubt, ExportState
from partsemble_core.errors import Invalid, WrongState
from partsemble_core.services import cataloguing, closing, mapping, planning, tracing, versioning
from partsemble_core.services.cataloguing import ComponentInput, CostInput
from partsemble_core.services.closing import lock_through
from partsemble_core.services.overseeing import Overview, oversee
from partsemble_core.store.boms import BomCostLine, BomLine
from partsemble_core.store.builds import Build, lines_of
from partsemble_core.store.exports import Export
from tests.faults.xero_stage import ORGANISATION, XeroStage, a_xero_stage
from tests.services.makers import TODAY, Shop, a_line, connect, refused
from tests.services.stockroom import days_ago
from tests.services.test_versioning import a_ladder, activate, draft
from tests.services.workshop import build, plan, set_options, update

PACKAGING = CostInput(kind="other", label="Packaging", amount="2.00")


def one(sku: str, quantity: str, **more: Any) -> ComponentInput:
    return ComponentInput(sku=sku, quantity=quantity, **more)


@contextmanager
def statements(shop: Shop) -> Iterator[list[str]]:
    """Every statement that is sent meanwhile, without the beginnings of transactions."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    event.listen(shop.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(shop.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("field", ["quantity", "stock", "average_cost", "last_unit_cost", "value"])
def test_stock_and_its_value_are_derived_and_never_typed(shop: Shop, field: str) -> None:
    """“Stock on hand, average cost and value are derived, never typed.”"""
    shop.products("bolt")
    shop.stock("bolt", "4", "2.50")
    with refused(shop, Invalid, "invalid", field=field, says="has no"):
        update(shop, "bolt", **{field: "99"})
    assert (shop.balance("bolt").quantity, shop.balance("bolt").value, shop.balance("bolt").average_cost) == (
        4,
        10,
        Decimal("2.5"),
    )


def test_with_no_stock_the_last_known_average_cost_is_shown_and_estimated_with(shop: Shop) -> None:
    """“Average cost shown = remaining cost ÷ remaining quantity over open lots (N3); with no stock, the last known
    one.” 100 @ 5.00 and 50 @ 6.00; 90 are used, oldest first: 10 @ 5.00 and 50 @ 6.00 are left, 350 ÷ 60 = 5.833333.
    When these are used too, that stays, and a BOM of four is estimated at 4 × 5.833333.
    """
    shop.products("bolt", "kit", "case")
    shop.stock("bolt", "100", "5.00")
    shop.stock("bolt", "50", "6.00")
    shop.bom("kit", {"bolt": "1"})
    shop.bom("case", {"bolt": "4"})
    shop.build("kit", "90")
    assert shop.balance("bolt").average_cost == Decimal("5.833333")
    shop.build("kit", "60")
    assert (shop.balance("bolt").quantity, shop.balance("bolt").value) == (0, 0)
    assert shop.balance("bolt").average_cost == Decimal("5.833333")
    assert shop.view("case").estimated_cost == Decimal("23.333332")


def test_lines_keep_the_position_that_they_were_typed_in(shop: Shop) -> None:
    """“Component line: product, quantity per unit of output, scrap %, optional flag, position.”"""
    shop.products("zeta", "alpha", "mid", "kit")
    shop.save(
        "kit",
        one("zeta", "3"),
        one("alpha", "1", optional=True, scrap_percent="2"),
        one("mid", "2"),
        costs=[PACKAGING, CostInput(kind="labour", label="Assembly", rate="25.00", quantity="0.5")],
    )
    view = shop.view("kit")
    assert [view.products[line.product_id].sku for line in view.bom.components] == ["zeta", "alpha", "mid"]
    assert [(line.quantity, line.optional, line.scrap_percent) for line in view.bom.components] == [
        (3, False, 0),
        (1, True, 2),
        (2, False, 0),
    ]
    assert [line.label for line in view.bom.cost_lines] == ["Packaging", "Assembly"]
    planned = plan(shop, "kit", "10")
    with shop.reading() as session:
        assert [(line.position, line.product_id) for line in lines_of(session, planned.id)] == [
            (1, shop.find("zeta").id),
            (2, shop.find("alpha").id),
            (3, shop.find("mid").id),
        ]


def test_a_version_that_a_build_used_never_changes(shop: Shop) -> None:
    """“A version used by a build never changes.” There is no door to its lines, active or archived, and the build goes
    on pointing to it.
    """
    shop.products("bolt", "nut", "kit")
    shop.stock("bolt", "10")
    first = shop.bom("kit", {"bolt": "2"}, PACKAGING)
    made = build(shop, "kit", "1")
    before = _lines_of_version(shop, first.id)
    for _ in ("active", "archived"):
        with refused(shop, WrongState, "wrong-state", says="only a draft can be changed"):
            draft(shop, "kit", one("nut", "1"), version_id=first.id)
        with refused(shop, WrongState, "wrong-state", says="only a draft can be changed"):
            activate(shop, first)
        with refused(shop, WrongState, "wrong-state", says="only a draft can be changed"):
            shop.write(lambda s: versioning.drop_draft(s, shop.act, product_id=first.product_id, version_id=first.id))
        shop.bom("kit", {"nut": "5"})
    assert _lines_of_version(shop, first.id) == before
    assert shop.rows(sa.select(Build.bom_id).where(Build.id == made.id)) == [first.id]


def _lines_of_version(shop: Shop, bom_id: int) -> list[list[tuple[Any, ...]]]:
    with shop.reading() as session:
        return [
            [
                tuple(row)
                for row in session.execute(
                    sa.select(table.__table__).where(table.bom_id == bom_id).order_by(table.position)
                )
            ]
            for table in (BomLine, BomCostLine)
        ]


def test_a_bom_of_ten_levels_is_shown_and_looked_up_in_as_many_statements_as_one_of_two(shop: Shop) -> None:
    """Estimates (“direct, and rolled up”) and where-used, like the explosion, ask set by set and never level by level.

    The bolt of a ladder goes into each level: as many users as levels, the nearest way counted.
    """
    counts: list[list[int]] = []
    for levels in (2, 10):
        top = a_ladder(shop, levels)
        bolt = shop.find(f"ladder {levels} {levels}").id
        shown = _counted(shop, lambda session, product_id=top: cataloguing.view_bom(session, product_id))
        used = _counted(shop, lambda session, product_id=bolt: versioning.where_used(session, product_id))
        counts.append([shown, used])
        with shop.reading() as session:
            assert [use.levels for use in versioning.where_used(session, bolt)] == list(range(1, levels + 1))
    assert counts[0] == counts[1]
    assert counts[0][1] <= 3


def _counted(shop: Shop, work: Callable[[Any], object]) -> int:
    with shop.reading() as session, statements(shop) as seen:
        work(session)
    return len(seen)


def test_a_trace_over_ten_levels_is_the_four_recursive_statements_that_one_over_two_is(shop: Shop) -> None:
    """“From any lot back to suppliers' lots and forward …, across any number of assembly levels, on one page and one
    call.” Each statement follows all levels by itself.
    """
    seen = {levels: _trace_of_a_chain(shop, levels) for levels in (2, 10)}
    assert len(seen[10]) == len(seen[2]) == 4
    assert all("RECURSIVE" in statement for statement in seen[10])


def _trace_of_a_chain(shop: Shop, levels: int) -> list[str]:
    """What is asked to trace the supplier's lot of a product of so many levels, one of each being made."""
    skus = [f"chain {levels} {n}" for n in range(levels + 1)]
    shop.products(*skus)
    shop.stock(skus[0], "1")
    for below, made in itertools.pairwise(skus):
        shop.bom(made, {below: "1"})
        shop.build(made, "1")
    (lot,) = shop.lots(skus[0])
    with shop.reading() as session, statements(shop) as seen:
        report = tracing.trace_lot(session, lot.id)
    assert [product.level for product in report.products] == list(range(1, levels + 1))
    return seen


def overview_of(shop: Shop) -> Overview:
    with shop.reading() as session:
        return oversee(session, today=TODAY)


def test_the_overview_shows_low_stock_stuck_exports_and_the_value_of_stock(shop: Shop) -> None:
    """“Reorder point (alert at or below; N12). Dashboard: … exports needing attention, value of stock …”

    At the point and below it counts, the emptiest first; above it, without a point, and inactive it doesn't. What
    waits for a person comes before what is being looked up; what merely waits isn't there.
    """
    connect(shop)
    shop.products("at", "below", "above", "none", "gone", "never")
    for sku, quantity in (("at", "5"), ("below", "4.999999"), ("above", "5.000001"), ("none", "1"), ("gone", "1")):
        shop.stock(sku, quantity, "2")
    for sku in ("at", "below", "above", "gone", "never"):
        update(shop, sku, reorder_point="5")
    update(shop, "gone", is_active=False)
    checked, refused_one, *_ = shop.rows(sa.select(Export.id).order_by(Export.id))
    states = {checked: (ExportState.UNKNOWN, Doubt.CREATING), refused_one: (ExportState.REVIEW, Doubt.NONE)}
    for export_id, (state, doubt) in states.items():
        _set(shop, export_id, state=state, doubt=doubt)
    seen = overview_of(shop)
    assert [(low.product.sku, low.stock) for low in seen.low_stock] == [
        ("never", 0),
        ("below", Decimal("4.999999")),
        ("at", 5),
    ]
    assert [export.id for export in seen.stuck_exports] == [refused_one, checked]
    assert seen.stock_value == 2 * (Decimal(5) + Decimal("4.999999") + Decimal("5.000001") + 1 + 1)
    assert seen.exports[ExportState.PENDING] == 3


def test_the_overview_shows_what_can_be_built_what_is_short_and_what_is_overdue(shop: Shop) -> None:
    """“Dashboard: what can I build, shortages, …” and “Overdue planned builds.”

    Ten bolts make five kits at two each; six kits, due the day before yesterday, need twelve: two are missing. A plan
    for today isn't overdue, and what can't be built isn't shown as if it could.
    """
    shop.products("bolt", "nut", "kit", "case")
    shop.stock("bolt", "10")
    shop.bom("kit", {"bolt": "2"})
    shop.bom("case", {"nut": "1"})
    late = plan(shop, "kit", "6", target_on=f"{days_ago(2)}")
    plan(shop, "kit", "0.000001", target_on=f"{TODAY}")
    seen = overview_of(shop)
    assert [(each.product.sku, each.quantity) for each in seen.buildable] == [("kit", 5)]
    assert [(product.sku, short.missing) for product, short in seen.shortages] == [("bolt", Decimal("2.000002"))]
    assert [planned.id for planned in seen.overdue] == [late.id]


def _set(shop: Shop, export_id: int, **values: Any) -> None:
    shop.write(lambda s: s.execute(sa.update(Export).where(Export.id == export_id).values(**values)) and None)


def test_n10_and_n11_with_their_own_figures(shop: Shop) -> None:
    """“N10: point 3, target 10, stock 2 → suggest 8; N11: point 20 → "approaching" up to 30.”"""
    shop.products("bolt", "kit")
    shop.bom("kit", {"bolt": "1"})
    shop.stock("kit", "2")
    told = []
    for point, target, added in (("3", "10", None), ("20", "40", "18"), ("20", "40", "1"), ("20", "40", "9")):
        update(shop, "kit", build_point=point, build_target=target)
        if added:
            shop.stock("kit", added)
        told.append(_suggested(shop))
    shop.stock("kit", "0.000001")
    assert told == [
        [(2, 8, "below")],
        [(20, 20, "below")],
        [(21, 0, "approaching")],
        [(30, 0, "approaching")],
    ]
    assert _suggested(shop) == []


def _suggested(shop: Shop) -> list[tuple[Decimal, Decimal, str]]:
    with shop.reading() as session:
        found = planning.list_suggestions(session)
    return [(each.stock, each.suggestion.quantity, each.suggestion.alert.value) for each in found]


def test_what_can_be_built_is_told_of_all_products_as_of_each(shop: Shop) -> None:
    """“Dashboard: what can I build, …” by N4: panels 50 at 1, bolts 40 at 2 → 20. Optional lines don't count, nor does
    a product that is inactive or has no BOM; a lot that expired yesterday doesn't where expired lots are blocked; with
    reservation, what planned builds need is taken off: 3 kits need 6 bolts, of 40 there are 34 left, for 17.
    """
    shop.products("panel", "bolt", "plate", "kit", "case", "old", "loose")
    shop.stock("panel", "50")
    shop.receive(a_line("bolt", "39"), a_line("bolt", "1", expires_on=f"{days_ago(1)}"), on=days_ago(2))
    shop.save("kit", one("panel", "1"), one("bolt", "2"), one("plate", "1", optional=True))
    shop.bom("case", {"bolt": "3", "kit": "1"})
    shop.bom("old", {"panel": "1"})
    shop.save("loose", one("plate", "1", optional=True))
    update(shop, "old", is_active=False)

    def told() -> dict[str, Decimal | None]:
        with shop.reading() as session:
            found = planning.list_buildable(session, today=TODAY)
            for each in found:
                view = cataloguing.view_bom(session, each.product.id, today=TODAY)
                assert view is not None
                assert view.buildable == each.quantity, each.product.sku
        return {each.product.sku: each.quantity for each in found}

    assert told() == {"case": 0, "kit": 20, "loose": None}
    assert list(told()) == ["case", "kit", "loose"]
    set_options(shop, block_expired=True)
    assert told()["kit"] == 19
    set_options(shop, block_expired=False, reserve_stock=True)
    plan(shop, "kit", "3")
    assert told()["kit"] == 17


def test_what_can_be_built_is_asked_in_as_many_statements_for_two_products_as_for_twenty(shop: Shop) -> None:
    """A list is asked set by set."""
    shop.products("bolt", *(f"kit {n:02d}" for n in range(20)))
    shop.stock("bolt", "10")
    set_options(shop, reserve_stock=True)
    counts = []
    for number in range(20):
        shop.bom(f"kit {number:02d}", {"bolt": "3"})
        if number in (1, 19):
            counts.append(_counted(shop, lambda session: planning.list_buildable(session, today=TODAY)))
    assert counts[0] == counts[1] <= 8


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path) -> Iterator[XeroStage]:
    """Real books that can be locked."""
    with a_xero_stage(engine, tmp_path) as made:
        yield made


def _proposed(stage: XeroStage) -> dt.date | None:
    with stage.shop.reading() as session:
        return closing.proposed_lock_day(session, today=stage.act.today)


def test_the_day_through_which_the_books_are_locked_is_proposed_as_it_moves(stage: XeroStage) -> None:
    """“Period lock: … lock date proposed from the backend's own”: as of connecting, and anew with the accounts."""
    stage.sandbox.lock(ORGANISATION, period="2026-01-31")
    connection = stage.connect()
    assert _proposed(stage) == dt.date(2026, 1, 31)
    stage.sandbox.lock(ORGANISATION, period="2026-02-28")
    mapping.sync_accounts(stage.house, connection)
    assert _proposed(stage) == dt.date(2026, 2, 28)
    stage.shop.write(lambda s: lock_through(s, dt.date(2026, 2, 28), today=stage.act.today))
    assert _proposed(stage) is None
    stage.sandbox.lock(ORGANISATION, period=None)
    mapping.sync_accounts(stage.house, connection)
    assert stage.connection().locked_through is None


def test_a_posting_refused_for_a_locked_period_brings_the_day_along(stage: XeroStage) -> None:
    """The books were locked after they were connected: the refusal says through which day, and that is proposed."""
    stage.connect()
    assert _proposed(stage) is None
    day = stage.shop.act.today
    export_id = stage.queue()
    stage.sandbox.lock(ORGANISATION, period=day.isoformat())
    assert stage.post(export_id) == ExportState.REVIEW
    assert "lock" in stage.export(export_id).problem
    assert _proposed(stage) == day - dt.timedelta(days=1), "today itself can't be locked yet"
