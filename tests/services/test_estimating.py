"""What a BOM would cost while it is typed: exact to the last digit, and every line that can't stand says why."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest

from partsemble_core.domain.boms import BomCycle
from partsemble_core.errors import Conflict, Invalid, NotFound
from partsemble_core.services.altering import (
    ProductsInUse,
    activate_products,
    deactivate_products,
    set_reorder_points,
)
from partsemble_core.services.cataloguing import ComponentInput, CostInput, save_bom
from partsemble_core.services.depicting import planned_needs_of, stock_history
from partsemble_core.services.differing import describe_overtaking, difference_of
from partsemble_core.services.estimating import Estimate, cost_parts, estimate_bom
from partsemble_core.services.overtaking import BomChanged
from tests.services.makers import TODAY, Shop, in_threads
from tests.services.test_executing import statements_of
from tests.services.workshop import plan

LABOUR = CostInput(kind="labour", label="Assembly", rate="25.00", quantity="0.5")


def one(sku: str, quantity: str = "1", **more: object) -> ComponentInput:
    return ComponentInput(sku=sku, quantity=quantity, **more)  # type: ignore[arg-type]


def estimated(
    shop: Shop, sku: str, *lines: ComponentInput, costs: Sequence[CostInput] = (), makes: str = "1"
) -> Estimate:
    with shop.reading() as session:
        return estimate_bom(
            session, shop.find(sku).id, components=lines, cost_lines=costs, output_quantity=makes, today=TODAY
        )


def problems_of(found: Estimate) -> list[tuple[str, str]]:
    return [(problem.field, problem.code) for problem in found.problems]


@pytest.fixture
def kits(shop: Shop) -> Shop:
    """bolt 2.00 and plate 3.50 make a frame with work worth 12.50; a frame of 20.00 is in stock."""
    shop.products("bolt", "plate", "frame", "kit", "box")
    shop.stock("bolt", "100", "2.00")
    shop.stock("plate", "10", "3.50")
    shop.stock("frame", "1", "20.00")
    shop.bom("frame", {"bolt": "4", "plate": "1"}, LABOUR)
    return shop


def test_what_never_was_in_stock_has_no_known_cost(kits: Shop) -> None:
    kits.bom("box", {"bolt": "1", "kit": "1"})
    found = estimated(kits, "frame", one("bolt"), one("kit"), one("box"))
    assert [line.is_cost_known for line in found.lines] == [True, False, False]
    assert (found.unknown_costs, found.rolled_up_unknown_costs) == (2, 1)
    assert found.estimated_cost == Decimal(2)
    with kits.reading() as session:
        parts = cost_parts(session, kits.find("box").id, quantity="1").parts
    assert [part.is_cost_known for part in parts] == [True, False]


def test_each_line_costs_what_it_adds_to_the_whole(kits: Shop) -> None:
    found = estimated(
        kits, "kit", one("frame", "2"), one("bolt", "8", scrap_percent="2"), one("plate", "9", optional=True),
        costs=[CostInput(kind="other", label="Box", amount="1.25")],
    )  # fmt: skip
    frame, bolt, plate = found.lines
    assert (frame.cost, frame.rolled_up_cost, frame.is_made) == (40, 48, True)
    assert (bolt.needed, bolt.cost, bolt.is_made) == (Decimal("8.16"), Decimal("16.32"), False)
    assert (plate.needed, plate.cost) == (9, None)
    assert found.cost_lines == (Decimal("1.25"),)
    assert (found.estimated_cost, found.rolled_up_cost) == (Decimal("57.57"), Decimal("65.57"))
    assert (found.buildable, found.problems) == (0, ())
    kits.save("kit", one("frame", "2"), one("bolt", "8", scrap_percent="2"), one("plate", "9", optional=True),
              costs=[CostInput(kind="other", label="Box", amount="1.25")])  # fmt: skip
    view = kits.view("kit")
    assert (view.estimated_cost, view.rolled_up_cost) == (found.estimated_cost, found.rolled_up_cost)


def test_what_can_be_built_goes_by_the_output_quantity(kits: Shop) -> None:
    assert estimated(kits, "kit", one("bolt", "10"), makes="4").buildable == 40
    wrong = estimated(kits, "kit", one("bolt", "10"), makes="none")
    assert (wrong.buildable, wrong.estimated_cost, problems_of(wrong)) == (None, 20, [("output_quantity", "invalid")])
    assert estimated(kits, "kit").buildable is None


def test_every_line_says_what_is_wrong_and_the_others_are_costed(kits: Shop) -> None:
    found = estimated(
        kits, "kit",
        one("bolt", "many"), one("nothing"), one("plate", "1", scrap_percent="100"), one("box"), one("BOX", "2"),
        one("plate", "2"),
        costs=[CostInput(kind="labour", label="", amount="1"), CostInput(kind="labour", label="Work", amount="7"),
               CostInput(kind="labour", label="Both", amount="1", rate="1")],
    )  # fmt: skip
    assert sorted(problems_of(found)) == [
        ("components[0].quantity", "invalid"),
        ("components[1].sku", "invalid"),
        ("components[2].scrap_percent", "invalid"),
        ("components[4].sku", "invalid"),
        ("cost_lines[0].label", "invalid"),
        ("cost_lines[2].amount", "invalid"),
    ]
    twice = next(problem for problem in found.problems if problem.field == "components[4].sku")
    assert twice.message.startswith("Lines 4 and 5 name the same component")
    assert found.lines[0].product is not None, "its SKU is known whatever its quantity"
    assert (found.estimated_cost, found.cost_lines) == (14, (None, 7, None))


def test_a_cycle_is_told_at_its_line_with_its_path(kits: Shop) -> None:
    kits.bom("kit", {"frame": "1"})
    found = estimated(kits, "frame", one("bolt"), one("kit"), one("frame"))
    assert problems_of(found) == [("components[1].sku", "bom-cycle"), ("components[2].sku", "bom-cycle")]
    assert "frame → kit → frame" in found.problems[0].message
    assert "frame → frame" in found.problems[1].message
    assert found.estimated_cost == 2
    with pytest.raises(BomCycle):
        kits.save("frame", one("bolt"), one("kit"))


def test_nesting_is_refused_at_its_line_beyond_ten_levels(shop: Shop) -> None:
    shop.products("part", *(f"level{i}" for i in range(12)))
    shop.bom("level1", {"part": "1"})
    for i in range(2, 11):
        shop.bom(f"level{i}", {f"level{i - 1}": "1"})
    assert problems_of(estimated(shop, "level11", one("part"), one("level10"))) == [
        ("components[1].sku", "bom-too-deep")
    ]
    assert problems_of(estimated(shop, "part", one("level0"), one("level11"))) == [
        ("components[0].sku", "bom-too-deep"),
        ("components[1].sku", "bom-too-deep"),
    ]


def test_an_estimate_takes_the_same_number_of_statements_however_many_lines(kits: Shop) -> None:
    kits.products(*(f"part{i}" for i in range(30)))
    parts = [one(f"part{i}") for i in range(30)]
    few = statements_of(kits, lambda: estimated(kits, "kit", one("bolt"), one("frame")))
    many = statements_of(kits, lambda: estimated(kits, "kit", one("bolt"), one("frame"), *parts))
    assert 0 < many == few


def test_one_level_of_parts_adds_up(kits: Shop) -> None:
    kits.save("kit", one("frame", "2"), one("bolt", "3", optional=True), costs=[LABOUR])
    with kits.reading() as session:
        found = cost_parts(session, kits.find("kit").id, quantity="3")
        frame, bolt = found.parts
        assert (frame.quantity, frame.unit_cost, frame.cost, frame.is_made) == (6, 24, 144, True)
        assert (bolt.quantity, bolt.unit_cost, bolt.cost) == (9, 2, None)
        assert (found.cost_lines, found.cost) == ((("Assembly", Decimal("37.5")),), Decimal("181.5"))
        with pytest.raises(NotFound):
            cost_parts(session, kits.find("bolt").id, quantity="1")
        with pytest.raises(Invalid):
            cost_parts(session, kits.find("kit").id, quantity="0")


def test_two_versions_are_told_apart_with_their_cost(kits: Shop) -> None:
    kits.save("kit", one("bolt", "2"), one("plate"), makes="2")
    kits.save("kit", one("bolt", "3", designators=("B1",)), one("frame"), costs=[LABOUR])
    with kits.reading() as session:
        found = difference_of(session, kits.find("kit").id)
        assert found is not None
        names = [(found.products[c.product_id].sku, c.difference) for c in found.changes.components]
        assert names == [("bolt", "changed"), ("frame", "added"), ("plate", "removed")]
        assert [(cost.label, cost.difference) for cost in found.changes.costs] == [("Assembly", "added")]
        assert found.changes.output_quantity == (2, 1)
        assert (found.direct.before, found.direct.after) == (Decimal("3.75"), Decimal("38.5"))
        assert found.rolled_up is not None
        assert (found.rolled_up.after, found.rolled_up.effect) == (Decimal("42.5"), Decimal("38.75"))
        turned = difference_of(session, kits.find("kit").id, before="2", after="1")
        assert turned is not None
        assert turned.direct.effect == Decimal("-34.75")
        assert difference_of(session, kits.find("frame").id) is None
        with pytest.raises(NotFound):
            difference_of(session, kits.find("kit").id, before="3")
        with pytest.raises(Invalid):
            difference_of(session, kits.find("kit").id, after="newest")


def test_a_save_over_somebody_elses_is_refused_and_told(kits: Shop) -> None:
    def save(based_on: object, quantity: str) -> int:
        lines = [one("bolt", quantity)]
        return kits.write(
            lambda s: save_bom(s, kits.act, product_id=kits.find("kit").id, components=lines, based_on=based_on)
        ).version

    assert save(0, "1") == 1
    assert save("1", "2") == 2
    with pytest.raises(BomChanged, match=r"ann@example.com made version 2 active .* saved on 2026-05-04 at 09:30"):
        save(1, "5")
    with pytest.raises(BomChanged):
        save(0, "5")
    with pytest.raises(Invalid, match="no version"):
        save("two", "5")
    assert kits.view("kit").bom.components[0].quantity == 2
    with kits.reading() as session:
        told = describe_overtaking(
            session,
            kits.find("kit").id,
            based_on="1",
            components=[one("bolt", "5")],
            cost_lines=[],
            output_quantity="1",
        )
    assert told == (("bolt: quantity 1 → 2",), ("bolt: quantity 2 → 5",))


def test_of_two_who_save_at_once_from_one_version_one_is_refused(kits: Shop) -> None:
    kits.bom("kit", {"bolt": "1"})
    product_id = kits.find("kit").id

    answers: list[str] = []

    def save(quantity: str) -> None:
        lines = [one("bolt", quantity)]
        try:
            saved = kits.write(lambda s: save_bom(s, kits.act, product_id=product_id, components=lines, based_on=1))
            answers.append(str(saved.version))
        except Conflict as error:
            answers.append(error.code)

    in_threads(*((save, str(quantity)) for quantity in range(2, 6)))
    assert sorted(answers) == ["2", "bom-changed", "bom-changed", "bom-changed"]


def test_stock_over_time_and_what_plans_need(kits: Shop) -> None:
    kits.bom("kit", {"bolt": "3"})
    kits.stock("bolt", "10", "5.00", on="2026-04-20")
    kits.stock("bolt", "7", "1.00", on="2024-01-02")
    kits.build("kit", "2")
    plan(kits, "kit", "4")
    with kits.reading() as session:
        bolt = kits.find("bolt").id
        days = [(row.day.isoformat(), row.quantity, row.value) for row in stock_history(session, bolt, today=TODAY)]
        assert days == [("2025-05-04", 7, 7), ("2026-04-20", 17, 57), ("2026-05-04", 111, 251)]
        assert stock_history(session, kits.find("box").id, today=TODAY) == []
        [need] = planned_needs_of(session, bolt)
        assert (need.made.sku, need.quantity, need.is_optional) == ("kit", 12, False)


def test_many_products_are_changed_at_once_or_none(kits: Shop) -> None:
    ids = {sku: kits.find(sku).id for sku in ("bolt", "plate", "frame", "kit", "box")}
    kits.write(lambda s: set_reorder_points(s, kits.act, [ids["bolt"], ids["box"]], reorder_point="7"))
    assert (kits.find("bolt").reorder_point, kits.find("box").reorder_point, kits.find("kit").reorder_point) == (
        7,
        7,
        0,
    )
    with pytest.raises(Invalid):
        kits.write(lambda s: set_reorder_points(s, kits.act, [ids["bolt"]], reorder_point="-1"))
    with pytest.raises(ProductsInUse, match=r"bolt \(in the BOM of frame\)") as refused:
        kits.write(lambda s: deactivate_products(s, kits.act, [ids["bolt"], ids["box"]]))
    assert refused.value.references == ("bolt (in the BOM of frame)",)
    assert kits.find("box").is_active
    kits.bom("kit", {"box": "1"})
    plan(kits, "kit", "1")
    for sku in ("kit", "box"):
        with pytest.raises(ProductsInUse, match="planned build PSB-"):
            kits.write(lambda s, sku=sku: deactivate_products(s, kits.act, [ids[sku], ids["frame"]]))  # type: ignore[misc]
    chosen = [ids["frame"], ids["bolt"], ids["plate"]]
    kits.write(lambda s: deactivate_products(s, kits.act, chosen))
    assert not any(kits.find(sku).is_active for sku in ("frame", "bolt", "plate"))
    kits.write(lambda s: activate_products(s, kits.act, chosen))
    assert kits.find("bolt").is_active
    for none in ([], [10**9], list(range(1, 502))):
        with pytest.raises((Invalid, NotFound)):
            kits.write(lambda s, none=none: activate_products(s, kits.act, none))  # type: ignore[misc]
