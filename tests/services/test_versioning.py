"""BOM versions through the services: drafts, readable differences, where-used, roll-up, explosion; and products."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from partsemble_core.domain.boms import BomCycle, BomTooDeep
from partsemble_core.errors import Conflict, Invalid, NotFound, WrongState
from partsemble_core.services import cataloguing, versioning
from partsemble_core.services.cataloguing import ComponentInput, CostInput
from partsemble_core.store.boms import BomVersion
from partsemble_core.store.products import Product
from tests.services.makers import Shop, a_shop, in_threads, refused
from tests.services.test_executing import statements_of
from tests.services.workshop import build, plan, unconserved, update

LABOUR = CostInput(kind="labour", label="Assembly", rate="25.00", quantity="0.5")
PACKAGING = CostInput(kind="other", label="Packaging", amount="2.00")


def draft(shop: Shop, sku: str, *components: ComponentInput, **more: Any) -> BomVersion:
    product_id = shop.find(sku).id
    return shop.write(
        lambda s: versioning.save_draft(s, shop.act, product_id=product_id, components=components, **more)
    )


def activate(shop: Shop, version: BomVersion) -> BomVersion:
    return shop.write(
        lambda s: versioning.activate_draft(s, shop.act, product_id=version.product_id, version_id=version.id)
    )


def states(shop: Shop, sku: str) -> list[tuple[int, str]]:
    product_id = shop.find(sku).id
    found = shop.rows(sa.select(BomVersion).where(BomVersion.product_id == product_id).order_by(BomVersion.version))
    return [(version.version, version.state) for version in found]


def one(sku: str, quantity: str = "1", **more: Any) -> ComponentInput:
    return ComponentInput(sku=sku, quantity=quantity, **more)


def test_a_draft_changes_nothing_until_it_is_activated(shop: Shop) -> None:
    shop.products("bolt", "kit")
    shop.bom("kit", {"bolt": "1"})
    version = draft(shop, "kit", one("bolt", "2"), cost_lines=[PACKAGING])
    assert states(shop, "kit") == [(1, "active"), (2, "draft")]
    assert shop.view("kit").bom.components[0].quantity == 1
    draft(shop, "kit", one("bolt", "3"), version_id=version.id, output_quantity="4")
    activate(shop, version)
    assert states(shop, "kit") == [(1, "archived"), (2, "active")]
    bom = shop.view("kit").bom
    assert (bom.components[0].quantity, bom.cost_lines, bom.output_quantity) == (3, (), 4)


def test_only_a_draft_is_changed_activated_or_thrown_away(shop: Shop) -> None:
    shop.products("bolt", "kit", "shelf")
    active = shop.bom("kit", {"bolt": "1"})
    with refused(shop, WrongState, "wrong-state", says="Version 1 is active; only a draft"):
        activate(shop, active)
    with refused(shop, WrongState, "wrong-state"):
        draft(shop, "kit", one("bolt"), version_id=active.id)
    with refused(shop, NotFound, "not-found"):
        draft(shop, "shelf", one("bolt"), version_id=active.id)
    older, newer = draft(shop, "kit", one("bolt")), draft(shop, "kit", one("bolt"))

    def drop(version: BomVersion) -> None:
        shop.write(lambda s: versioning.drop_draft(s, shop.act, product_id=version.product_id, version_id=version.id))

    with refused(shop, WrongState, "wrong-state", says="isn't the newest"):
        drop(older)
    drop(newer)
    drop(older)
    assert states(shop, "kit") == [(1, "active")]


def test_a_draft_that_has_come_to_close_a_ring_is_not_activated(shop: Shop) -> None:
    shop.products("bolt", "kit", "shelf")
    version = draft(shop, "kit", one("shelf"))
    shop.bom("shelf", {"kit": "1"})
    with refused(shop, BomCycle, "bom-cycle", says="kit → shelf → kit"):
        activate(shop, version)


def test_two_activations_at_once_leave_one_active(shop: Shop) -> None:
    shop.products("bolt", "kit")
    drafts = [draft(shop, "kit", one("bolt", q)) for q in ("1", "2", "3")]
    in_threads(*[(activate, shop, version) for version in drafts])
    assert sorted(state for _, state in states(shop, "kit")) == ["active", "archived", "archived"]


def test_the_history_says_what_changed_in_words(shop: Shop) -> None:
    shop.products("bolt", "nut", "panel", "kit")
    shop.save("kit", one("bolt", "4"), one("panel"), costs=[PACKAGING])
    shop.save(
        "kit",
        one("bolt", "5", scrap_percent="2.5"),
        one("nut", "2", optional=True, designators=("N1", "N2")),
        costs=[CostInput(kind="other", label="Packaging", amount="2.50"), LABOUR],
        makes="10",
    )
    with shop.reading() as session:
        newer, older = versioning.bom_history(session, shop.find("kit").id)
    assert (newer.version.version, older.version.version) == (2, 1)
    assert newer.words == (
        "Makes 10 instead of 1",
        "bolt: quantity 4 → 5, scrap 0 % → 2.5 %",
        "nut: added, quantity 2, scrap 0 %, optional yes, places N1, N2",
        "panel: removed, was quantity 1, scrap 0 %, optional no, places none",
        "Packaging: amount 2 → 2.5",
        "Assembly: added, kind labour, rate 25, quantity 0.5",
    )
    assert (older.words, older.changes) == ((), None)


def test_a_product_without_a_bom_has_no_history(shop: Shop) -> None:
    shop.product("nail")
    with shop.reading() as session:
        assert versioning.bom_history(session, shop.find("nail").id) == []


def test_a_history_is_a_constant_number_of_statements(shop: Shop) -> None:
    shop.products("bolt", "nut", "kit")
    kit = shop.find("kit").id

    def read() -> None:
        with shop.reading() as session:
            versioning.bom_history(session, kit)

    counts = []
    for count in (2, 8):
        for n in range(count):
            shop.bom("kit", {"bolt": str(n + 1), "nut": "1"})
        counts.append(statements_of(shop, read))
    assert counts[0] == counts[1] <= 7


def test_where_a_part_is_used_directly_and_over_all_levels(shop: Shop) -> None:
    shop.products("bolt", "plate", "board", "kit", "rack", "old")
    shop.bom("board", {"bolt": "3"})
    shop.bom("kit", {"board": "1", "bolt": "0.5"})
    shop.bom("rack", {"kit": "2", "plate": "1"})
    shop.bom("old", {"bolt": "1"})
    shop.bom("old", {"plate": "1"})
    stranger = a_shop(shop.engine)
    stranger.products("bolt", "theirs")
    stranger.bom("theirs", {"bolt": "1"})

    def used(sku: str) -> list[tuple[str, int, Decimal | None]]:
        with shop.reading() as session:
            found = versioning.where_used(session, shop.find(sku).id)
        return [(use.product.sku, use.levels, use.quantity) for use in found]

    assert used("bolt") == [("board", 1, 3), ("kit", 1, Decimal("0.5")), ("rack", 2, None)]
    assert used("plate") == [("old", 1, 1), ("rack", 1, 1)]
    assert used("rack") == []
    with pytest.raises(NotFound), shop.reading() as session:
        versioning.where_used(session, stranger.find("bolt").id)


def test_a_rolled_up_cost_builds_sub_assemblies_while_a_direct_one_takes_them_from_stock(shop: Shop) -> None:
    shop.products("bolt", "board", "kit")
    shop.stock("bolt", "10", "2")
    shop.stock("board", "1", "50")
    shop.bom("board", {"bolt": "3"}, PACKAGING)
    shop.bom("kit", {"board": "2", "bolt": "1"}, LABOUR)
    view = shop.view("kit")
    assert view.estimated_cost == 100 + 2 + Decimal("12.5")
    assert view.rolled_up_cost == 2 * (6 + 2) + 2 + Decimal("12.5")


def test_n15_ten_sensor_kits_explode_to_what_is_bought(shop: Shop) -> None:
    bought = {"PCB Blank": 10, "Resistor Pack": 30, "Capacitor": 50, "LED": 20, "Enclosure": 10, "Cable Harness": 10}
    shop.products(*bought, "Circuit Board", "Sensor Kit")
    shop.bom("Circuit Board", {"PCB Blank": "1", "Resistor Pack": "3", "Capacitor": "5", "LED": "2"})
    shop.bom("Sensor Kit", {"Circuit Board": "1", "Enclosure": "1", "Cable Harness": "1"})
    with shop.reading() as session:
        found = cataloguing.explode_bom(session, product_id=shop.find("Sensor Kit").id, quantity="10")
    assert {product.sku: quantity for product, quantity in found} == bought


def a_ladder(shop: Shop, levels: int) -> int:
    """A product of so many levels, each of two of the next and one bolt of its own; the id of the top."""
    name = f"ladder {levels}"
    skus = [f"{name} {n}" for n in range(levels + 1)]
    shop.products(*skus, f"{name} bolt")
    for made, below in reversed(list(itertools.pairwise(skus))):
        shop.bom(made, {below: "2", f"{name} bolt": "1"})
    return shop.find(skus[0]).id


def test_ten_levels_explode_in_as_many_statements_as_two(shop: Shop) -> None:
    counts, bought = [], {}

    def explode(top: int) -> None:
        with shop.reading() as session:
            bought.update({p.sku: q for p, q in cataloguing.explode_bom(session, product_id=top, quantity="1")})

    for levels in (2, 10):
        top = a_ladder(shop, levels)
        counts.append(statements_of(shop, lambda top=top: explode(top)))
    assert counts[0] == counts[1] <= 7
    assert (bought["ladder 10 10"], bought["ladder 10 bolt"]) == (1024, 1023)
    shop.product("roof")
    with refused(shop, BomTooDeep, "bom-too-deep"):
        shop.bom("roof", {"ladder 10 0": "1"})


def test_a_product_is_edited_field_by_field(shop: Shop) -> None:
    shop.products("bolt")
    changed = update(
        shop,
        "bolt",
        sku=" Bolt-M4 ",
        name="A bolt",
        kind="raw_material",
        unit="kg",
        reorder_point="2.5",
        build_point="3",
        build_target="10",
        weight="0.004",
        notes="Steel",
        is_active=False,
    )
    kept = shop.find("BOLT-M4")
    assert kept.id == changed.id
    assert (kept.sku, kept.name, kept.kind, kept.unit, kept.notes) == (
        "Bolt-M4",
        "A bolt",
        "raw_material",
        "kg",
        "Steel",
    )
    assert (kept.reorder_point, kept.build_point, kept.build_target) == (Decimal("2.5"), 3, 10)
    assert (kept.weight, kept.is_active) == (Decimal("0.004"), False)
    cleared = update(shop, "Bolt-M4", build_point="", build_target=None, weight="")
    assert (cleared.build_point, cleared.build_target, cleared.weight, cleared.name) == (None, None, None, "A bolt")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"kind": "gadget"}, "kind"),
        ({"reorder_point": "-1"}, "reorder_point"),
        ({"build_point": "3"}, "build_target"),
        ({"build_target": "3"}, "build_point"),
        ({"build_point": "3", "build_target": "2"}, "build_target"),
        ({"is_active": "no"}, "is_active"),
        ({"company_id": 7}, "company_id"),
        ({"id": 7}, "id"),
    ],
)
def test_a_bad_change_of_a_product_names_its_field(shop: Shop, changes: dict[str, Any], field: str) -> None:
    shop.products("bolt")
    with refused(shop, Invalid, "invalid", field=field):
        update(shop, "bolt", **changes)


def test_a_sku_changes_only_to_a_free_one(shop: Shop) -> None:
    shop.products("bolt", "nut")
    with refused(shop, Conflict, "conflict", field="sku", says="SKU NUT is taken"):
        update(shop, "bolt", sku="NUT")
    assert update(shop, "bolt", sku="BOLT").sku == "BOLT", "its own is free"


def test_a_product_with_history_is_deactivated_and_never_deleted(shop: Shop) -> None:
    shop.products("bolt", "nut", "kit", "loose")
    shop.stock("bolt", "10")
    shop.bom("kit", {"bolt": "1", "nut": "1"})

    def delete(sku: str) -> None:
        product_id = shop.find(sku).id
        shop.write(lambda s: cataloguing.delete_product(s, shop.act, product_id))

    for sku in ("bolt", "nut", "kit"):
        with refused(shop, Conflict, "conflict", says=f"{sku} has history, which stays. Deactivate it"):
            delete(sku)
    delete("loose")
    assert [p.sku for p in shop.rows(sa.select(Product).order_by(Product.id))] == ["bolt", "nut", "kit"]
    assert not update(shop, "bolt", is_active=False).is_active
    shop.stock("nut", "10")
    for use in (
        lambda: build(shop, "kit", "1"),
        lambda: plan(shop, "kit", "1"),
        lambda: shop.bom("kit", {"bolt": "2"}),
    ):
        with refused(shop, Invalid, "invalid", field="components[0].sku", says="bolt is inactive"):
            use()
    update(shop, "bolt", is_active=True)
    assert build(shop, "kit", "1").state == "completed"
    assert unconserved(shop) == {}
