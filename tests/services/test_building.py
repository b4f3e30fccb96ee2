"""Builds: the figures of the worked cases, the same on both databases, and in the preview."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from partsemble_core.domain.fifo import Shortage, StockShort
from partsemble_core.errors import Invalid, NotFound
from partsemble_core.services import building
from partsemble_core.services.building import NoActiveBom
from partsemble_core.services.cataloguing import ComponentInput, CostInput
from partsemble_core.services.exporting import AccountNotSet
from partsemble_core.store.builds import Build, cost_lines_of, lines_of
from partsemble_core.store.lots import DrawRow, StockEntry
from partsemble_core.store.products import balances_of
from tests.services.laws import broken_laws
from tests.services.makers import TODAY, Shop, a_line, a_shop, connect, contents, refused

LABOUR = CostInput(kind="labour", label="Assembly", rate="25.00", quantity="0.5")
PACKAGING = CostInput(kind="other", label="Packaging", amount="2.00")
WRONG_QUANTITIES = ["0", "-1", 10**400, "NaN", "1e5", "1.0000001", 1.5, True, None, "", "１", "1000000000"]


@pytest.fixture
def panels(shop: Shop) -> Shop:
    """N1: lots 20 @ 34.50, 50 @ 35.50, 100 @ 36.00, and a kit of one panel."""
    shop.products("panel", "kit")
    for day, quantity, price in ((1, "20", "34.50"), (2, "50", "35.50"), (3, "100", "36.00")):
        shop.stock("panel", quantity, price, on=f"2026-04-0{day}")
    shop.bom("kit", {"panel": "1"})
    return shop


def draws_of(shop: Shop, build: Build) -> list[tuple[int, Decimal, Decimal]]:
    """Line, quantity and cost of each taking, in the order of taking."""
    draws = shop.rows(sa.select(DrawRow).where(DrawRow.document_id == build.id).order_by(DrawRow.id))
    return [(draw.line, draw.quantity, draw.cost) for draw in draws]


def test_n1_sixty_come_from_the_two_oldest_lots(panels: Shop) -> None:
    build = panels.build("kit", "60")
    assert (build.components_cost, build.added_cost) == (2110, 0)
    assert draws_of(panels, build) == [(0, 20, 690), (0, 40, 1420)]
    assert panels.left("panel") == [("ACM-20260401", 0, 0), ("ACM-20260402", 10, 355), ("ACM-20260403", 100, 3600)]
    assert [lot.state for lot in panels.lots("panel")] == ["exhausted", "open", "open"]


def test_n5_four_bolts_a_bracket_make_forty_for_ten(shop: Shop) -> None:
    shop.products("bolt", "bracket")
    shop.stock("bolt", "100")
    shop.bom("bracket", {"bolt": "4"})
    build = shop.build("bracket", "10")
    with shop.reading() as session:
        assert [line.quantity_needed for line in lines_of(session, build.id)] == [40]
    assert shop.balance("bolt").quantity == 60


def test_n7_and_n9_labour_and_packaging_are_borne_by_the_build(shop: Shop) -> None:
    shop.products("bolt", "bracket")
    shop.stock("bolt", "100", "1.50")
    shop.bom("bracket", {"bolt": "4"}, LABOUR, PACKAGING)
    build = shop.build("bracket", "3")
    with shop.reading() as session:
        costs = [(line.kind, line.label, line.cost) for line in cost_lines_of(session, build.id)]
    assert costs == [("labour", "Assembly", Decimal("37.5")), ("other", "Packaging", 6)]
    assert (build.components_cost, build.added_cost) == (18, Decimal("43.5"))
    assert shop.left("bracket") == [("PSB-000001", 3, Decimal("61.5"))]
    assert shop.balance("bracket").average_cost == Decimal("20.5")


def test_a_build_is_written_whole(panels: Shop) -> None:
    build = panels.build("kit", "60", on="2026-04-05")
    assert (build.reference, build.number, build.state) == ("PSB-000001", 1, "completed")
    assert (build.quantity, build.built_on) == (60, dt.date(2026, 4, 5))
    assert (build.executed_by, build.executed_at) == (panels.act.by, panels.act.at)
    entries = panels.rows(sa.select(StockEntry).where(StockEntry.reference == "PSB-000001").order_by(StockEntry.id))
    kit, panel = panels.find("kit").id, panels.find("panel").id
    assert [(e.product_id, e.quantity, e.cost) for e in entries] == [
        (panel, -20, -690),
        (panel, -40, -1420),
        (kit, 60, 2110),
    ]
    assert {(e.effective_on, e.recorded_by, e.recorded_at) for e in entries} == {
        (dt.date(2026, 4, 5), panels.act.by, panels.act.at)
    }
    (output,) = panels.lots("kit")
    assert (output.number, output.build_id, output.received_on) == ("PSB-000001", build.id, dt.date(2026, 4, 5))
    assert broken_laws(panels) == {}


def test_a_preview_writes_nothing_and_says_what_executing_does(panels: Shop) -> None:
    panels.bom("kit", {"panel": "1"}, LABOUR)
    panels.stock("panel", "7", "33.333333", on="2026-03-31")
    before = contents(panels)
    preview = panels.preview("kit", "61.5")
    assert contents(panels) == before
    build = panels.build("kit", "61.5")
    costing = preview.costing
    assert (costing.components_cost, costing.added_cost) == (build.components_cost, build.added_cost)
    assert [(d.line, d.quantity, d.cost) for d in costing.draws] == draws_of(panels, build)
    assert [preview.lots[d.lot_id].number for d in costing.draws] == ["ACM-20260331", "ACM-20260401", "ACM-20260402"]
    assert panels.left("kit") == [("PSB-000001", Decimal("61.5"), costing.total)]
    assert (costing.shortages, costing.total) == ((), Decimal("2916.833331"))


def test_a_preview_of_too_many_names_what_is_missing_without_refusing(panels: Shop) -> None:
    (shortage,) = panels.preview("kit", "200").costing.shortages
    assert (shortage.needed, shortage.available, shortage.missing) == (200, 170, 30)


def test_lots_are_taken_by_day_of_receipt_then_by_creation(shop: Shop) -> None:
    shop.products("panel", "kit")
    for day, price in (("2026-04-03", "3"), ("2026-04-01", "1"), ("2026-04-01", "2")):
        shop.stock("panel", "10", price, on=day)
    shop.bom("kit", {"panel": "1"})
    assert draws_of(shop, shop.build("kit", "25")) == [(0, 10, 10), (0, 10, 20), (0, 5, 15)]


def test_a_build_takes_nothing_that_came_after_its_own_day(panels: Shop) -> None:
    day = dt.date(2026, 4, 2)
    assert [d.quantity for d in panels.preview("kit", "60", on=day).costing.draws] == [20, 40]
    short = Shortage(product_id=panels.find("panel").id, needed=Decimal(71), available=Decimal(70))
    assert panels.preview("kit", "71", on=day).costing.shortages == (short,)
    with refused(panels, StockShort, "stock-short") as caught:
        panels.build("kit", "71", on="2026-04-02")
    assert isinstance(caught.value, StockShort)
    assert caught.value.shortages == (short,)
    panels.build("kit", "70", on="2026-04-02")
    assert panels.left("panel")[2] == ("ACM-20260403", 100, 3600)
    assert broken_laws(panels) == {}


def test_a_shortage_refuses_the_whole_build_and_lists_every_one(shop: Shop) -> None:
    shop.products("panel", "bolt", "nut", "plate", "kit")
    shop.stock("panel", "100")
    shop.stock("bolt", "39.5")
    shop.save(
        "kit",
        ComponentInput(sku="panel", quantity="1"),
        ComponentInput(sku="bolt", quantity="4"),
        ComponentInput(sku="plate", quantity="1", optional=True),
        ComponentInput(sku="nut", quantity="2"),
    )
    says = r"bolt: 40 needed, 39\.5 available, 0\.5 missing; nut: 20 needed, 0 available, 20 missing\. Receive"
    with refused(shop, StockShort, "stock-short", says=says):
        shop.build("kit", "10")


def test_of_an_optional_component_what_is_there_is_taken(shop: Shop) -> None:
    shop.products("panel", "plate", "kit")
    shop.stock("panel", "100", "2")
    shop.stock("plate", "3", "1")
    shop.save(
        "kit", ComponentInput(sku="plate", quantity="1", optional=True), ComponentInput(sku="panel", quantity="1")
    )
    assert draws_of(shop, shop.build("kit", "10")) == [(1, 10, 20), (0, 3, 3)]
    assert draws_of(shop, shop.build("kit", "10")) == [(1, 10, 20)]
    assert broken_laws(shop) == {}


def test_scrap_and_batches_are_reckoned_in(shop: Shop) -> None:
    shop.products("flour", "loaf")
    shop.stock("flour", "100", "1")
    shop.save("loaf", ComponentInput(sku="flour", quantity="10", scrap_percent="5"), makes="20")
    build = shop.build("loaf", "30")
    assert draws_of(shop, build) == [(0, Decimal("15.75"), Decimal("15.75"))]


def test_thirds_of_a_cent_are_not_lost(shop: Shop) -> None:
    shop.products("panel", "kit")
    shop.receive(a_line("panel", "3", total_cost="10"))
    shop.bom("kit", {"panel": "1"})
    costs = [shop.build("kit", "1").components_cost for _ in range(3)]
    assert costs == [Decimal("3.333333"), Decimal("3.333334"), Decimal("3.333333")]
    assert sum(costs) == 10


def test_what_was_built_is_built_into_the_next(shop: Shop) -> None:
    shop.products("bolt", "bracket", "shelf")
    shop.stock("bolt", "100", "0.333333")
    shop.bom("bracket", {"bolt": "3"}, PACKAGING)
    shop.bom("shelf", {"bracket": "2", "bolt": "1"})
    shop.build("bracket", "10")
    shelf = shop.build("shelf", "5")
    assert shelf.components_cost == shop.lots("bracket")[0].cost_in + Decimal("1.666665")
    assert shop.balance("bracket").quantity == 0
    assert shop.balance("bracket").average_cost == Decimal("2.999999"), "the last known one"
    assert broken_laws(shop) == {}


def test_build_numbers_have_no_gaps_after_refusals_and_rollbacks(panels: Shop) -> None:
    kit = panels.find("kit").id

    def build_and_fail(session: Any) -> None:
        assert building.build_now(session, panels.act, product_id=kit, quantity="1").number == panels_built + 1
        raise ZeroDivisionError

    for panels_built in range(3):
        with pytest.raises(StockShort):
            panels.build("kit", "1000")
        with pytest.raises(ZeroDivisionError):
            panels.write(build_and_fail)
        assert panels.build("kit", "1").number == panels_built + 1
    assert broken_laws(panels) == {}


def test_the_output_lot_steps_aside_when_its_number_is_taken(panels: Shop) -> None:
    panels.receive(a_line("kit", "1", lot_number="psb-000001"), a_line("kit", "1", lot_number="PSB-000001-002"))
    panels.build("kit", "1")
    assert panels.lots("kit")[-1].number == "PSB-000001-003"
    panels.receive(a_line("panel", "1", lot_number="PSB-000002"))  # another product's number is in nobody's way
    panels.build("kit", "1")
    assert panels.lots("kit")[-1].number == "PSB-000002"


def test_a_session_that_built_shows_the_new_stock(panels: Shop) -> None:
    kit, panel = panels.find("kit").id, panels.find("panel").id

    def work(session: Any) -> list[Decimal]:
        before = balances_of(session, [panel])[panel].quantity
        building.build_now(session, panels.act, product_id=kit, quantity="60")
        return [before, balances_of(session, [panel])[panel].quantity]

    assert panels.write(work) == [170, 110]


@pytest.mark.parametrize("quantity", WRONG_QUANTITIES)
def test_a_quantity_that_is_none_is_refused(panels: Shop, quantity: object) -> None:
    with refused(panels, Invalid, "invalid", field="quantity"):
        panels.build("kit", quantity)
    with refused(panels, Invalid, "invalid", field="quantity"):
        panels.preview("kit", quantity)


@pytest.mark.parametrize("day", [TODAY + dt.timedelta(days=1), "2026-05-05", "2026-02-30", "yesterday", 5])
def test_a_day_to_come_or_none_at_all_is_refused(panels: Shop, day: object) -> None:
    with refused(panels, Invalid, "invalid", field="built_on"):
        panels.build("kit", "1", on=day)


def test_amounts_that_multiply_beyond_the_limit_are_refused(shop: Shop) -> None:
    shop.products("bolt", "plate", "kit", "gold")
    shop.stock("bolt", "999999999", "1")
    shop.save("kit", ComponentInput(sku="plate", quantity="1000000", optional=True))
    with refused(shop, Invalid, "invalid", field="quantity", says=r"1,000,000,000 or more\. Build less"):
        shop.build("kit", "1000000")
    shop.bom("kit", {"bolt": "1"}, CostInput(kind="other", label="Gold leaf", amount="1000000"))
    with refused(shop, Invalid, "invalid", field="quantity", says=r"1,000,000,000 or more\. Build less"):
        shop.build("kit", "1000000")
    shop.stock("gold", "0.000001", "900000000")
    shop.stock("gold", "0.000001", "900000000")
    shop.bom("kit", {"gold": "2"})
    with refused(shop, Invalid, "invalid", field="quantity", says="1,000,000,000 or more"):
        shop.build("kit", "0.000001")


def test_a_product_without_a_recipe_is_not_built(panels: Shop) -> None:
    with refused(panels, NoActiveBom, "no-active-bom", says="panel has no active BOM. Save one first"):
        panels.build("panel", "1")
    with refused(panels, NoActiveBom, "no-active-bom"):
        panels.preview("panel", "1")


def test_a_missing_or_foreign_product_is_not_built(panels: Shop) -> None:
    foreign = a_shop(panels.engine)
    foreign.products("bolt", "their kit")
    foreign.bom("their kit", {"bolt": "1"})
    for key in (foreign.find("their kit").id, 987_654_321):
        with refused(panels, NotFound, "not-found", says=f"There is no product {key} in this company"):
            panels.write(lambda s, key=key: building.build_now(s, panels.act, product_id=key, quantity="1"))


def test_a_build_whose_accounts_are_not_set_is_not_made(panels: Shop) -> None:
    connect(panels, roles=[])
    with refused(panels, AccountNotSet, "account-not-set", field="build_credit"):
        panels.build("kit", "1")


def test_a_build_of_any_size_is_a_constant_number_of_statements(shop: Shop) -> None:
    """Set by set, never line by line: sixty components in three lots each cost as many as three."""
    counts = [statements_of_a_build(shop, components=n) for n in (3, 60)]
    assert counts[0] == counts[1] <= 40
    assert broken_laws(shop) == {}


def statements_of_a_build(shop: Shop, *, components: int) -> int:
    made = f"made of {components}"
    skus = [f"{made}: {n:02d}" for n in range(components)]
    shop.products(made, *skus)
    for _ in range(3):
        shop.receive(*(a_line(sku, "1") for sku in skus))
    shop.bom(made, dict.fromkeys(skus, "1"), LABOUR, PACKAGING)
    if shop.balance(skus[0]).quantity != 3:
        raise AssertionError("the lots aren't there")
    product_id = shop.find(made).id
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(shop.engine, "before_cursor_execute", note)
    try:
        shop.write(lambda s: building.build_now(s, shop.act, product_id=product_id, quantity="2.5"))
    finally:
        event.remove(shop.engine, "before_cursor_execute", note)
    return len(seen)
