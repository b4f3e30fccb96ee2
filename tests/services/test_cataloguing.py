"""Products, suppliers and BOMs, through the services, on both databases."""

from __future__ import annotations

import itertools
import threading
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from partsemble_core.domain.boms import BomCycle, BomTooDeep
from partsemble_core.errors import Conflict, Invalid, NotFound, PartsembleError
from partsemble_core.services import cataloguing
from partsemble_core.services.cataloguing import ComponentInput, CostInput
from partsemble_core.store import database
from partsemble_core.store.boms import BomLine, BomVersion
from partsemble_core.store.companies import hold_bom_nesting
from partsemble_core.store.products import Product
from partsemble_core.store.session import CompanySession
from tests.services.makers import Shop, a_shop, in_threads, refused

LABOUR = CostInput(kind="labour", label="Assembly", rate="25.00", quantity="0.5")
PACKAGING = CostInput(kind="other", label="Packaging", amount="2.00")
WRONG_QUANTITIES = ["0", "-1", 10**400, "NaN", "1e5", "1.0000001", "1,000", 1.5, True, None, "", "１", "1000000000"]


def versions_of(shop: Shop, sku: str) -> list[tuple[int, str]]:
    product_id = shop.find(sku).id
    statement = sa.select(BomVersion).where(BomVersion.product_id == product_id).order_by(BomVersion.version)
    return [(version.version, version.state) for version in shop.rows(statement)]


def test_a_product_is_kept_as_it_was_typed_but_trimmed(shop: Shop) -> None:
    product = shop.write(
        lambda s: cataloguing.create_product(
            s, shop.act, sku="  Bolt-M4 ", name=" A bolt ", kind="raw_material", unit="kg", reorder_point="2.5"
        )
    )
    kept = shop.find("bolt-m4")
    assert kept.id == product.id
    assert (kept.sku, kept.name, kept.kind, kept.unit) == ("Bolt-M4", "A bolt", "raw_material", "kg")
    assert (kept.reorder_point, kept.is_active, kept.created_at) == (Decimal("2.5"), True, shop.act.at)


@pytest.mark.parametrize(
    ("first", "again"),
    [("Bolt", "bOLT"), ("Straße", "STRASSE"), ("caf\u00e9", "CAFE\u0301"), ("cafe\u0301", "caf\u00e9"), ("A", " a ")],
    ids=["case", "sharp s", "NFD after NFC", "NFC after NFD", "blanks"],
)
def test_a_sku_is_taken_whatever_its_case_and_form(shop: Shop, first: str, again: str) -> None:
    shop.product(first)
    with refused(shop, Conflict, "conflict", field="sku", says="Choose another SKU"):
        shop.product(again)
    assert shop.find(again).name


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sku", ""),
        ("sku", "   "),
        ("sku", "x" * 65),
        ("sku", "a\x00b"),
        ("sku", 5),
        ("name", ""),
        ("name", "\ud800"),
        ("kind", "gadget"),
        ("unit", ""),
        ("reorder_point", "-1"),
        ("reorder_point", 1.5),
        ("notes", "x" * 2001),
    ],
)
def test_a_product_that_makes_no_sense_is_refused(shop: Shop, field: str, value: object) -> None:
    values: dict[str, Any] = {"sku": "A", "name": "a", field: value}
    with refused(shop, Invalid, "invalid", field=field):
        shop.write(lambda s: cataloguing.create_product(s, shop.act, **values))


def test_two_companies_may_use_the_same_sku_and_code(shop: Shop) -> None:
    other = a_shop(shop.engine)
    assert shop.product("A").company_id != other.product("A").company_id
    assert shop.write(lambda s: cataloguing.get_product(s, shop.find("A").id)).company_id == shop.company_id


@pytest.mark.parametrize("code", ["acm", "A", "ABCDE", "A1", "", "ÄB", "AB "])
def test_a_supplier_code_is_two_to_four_capitals(shop: Shop, code: str) -> None:
    with refused(shop, Invalid, "invalid", field="code"):
        shop.supplier(code)


def test_a_supplier_code_is_taken_once(shop: Shop) -> None:
    with refused(shop, Conflict, "conflict", field="code"):
        shop.supplier("ACM")


def test_n14_saving_an_active_bom_archives_it_and_activates_the_next_version(shop: Shop) -> None:
    shop.products("bolt", "nut", "bracket")
    for quantity in ("1", "2", "3"):
        shop.bom("bracket", {"bolt": quantity})
    assert versions_of(shop, "bracket") == [(1, "archived"), (2, "archived"), (3, "active")]
    saved = shop.bom("bracket", {"bolt": "4", "nut": "1"})
    assert (saved.version, saved.created_by, saved.created_at) == (4, shop.act.by, shop.act.at)
    assert versions_of(shop, "bracket") == [(1, "archived"), (2, "archived"), (3, "archived"), (4, "active")]
    lines = [
        shop.rows(sa.select(BomLine).where(BomLine.bom_id == version.id).order_by(BomLine.position))
        for version in shop.rows(sa.select(BomVersion).order_by(BomVersion.version))
    ]
    assert [[line.quantity for line in of_version] for of_version in lines] == [[1], [2], [3], [4, 1]]


def test_n3_the_average_cost_is_what_is_left_over_what_is_left(shop: Shop) -> None:
    shop.product("bolt")
    shop.stock("bolt", "100", "5.00")
    shop.stock("bolt", "50", "6.00")
    balance = shop.balance("bolt")
    assert (balance.quantity, balance.value) == (150, 800)
    assert balance.average_cost == Decimal("5.333333")


def test_n4_the_scarcest_required_part_limits_and_an_optional_one_does_not(shop: Shop) -> None:
    shop.products("panel", "bolt", "nameplate", "cabinet")
    shop.stock("panel", "50")
    shop.stock("bolt", "40")
    shop.save(
        "cabinet",
        ComponentInput(sku="panel", quantity="1"),
        ComponentInput(sku="BOLT", quantity="2"),
        ComponentInput(sku="nameplate", quantity="1", optional=True),
    )
    assert shop.view("cabinet").buildable == 20


def test_n7_and_n9_cost_lines_and_average_costs_make_the_estimate(shop: Shop) -> None:
    shop.products("bolt", "bracket")
    shop.stock("bolt", "100", "1.50")
    shop.bom("bracket", {"bolt": "4"}, LABOUR, PACKAGING)
    view = shop.view("bracket")
    assert [line.cost() for line in view.bom.cost_lines] == [Decimal("12.5"), 2]
    assert view.estimated_cost == Decimal("20.5")
    assert {p.sku for p in view.products.values()} == {"bolt", "bracket"}


def test_n15_an_explosion_lists_what_must_be_bought_for_ten_kits(shop: Shop) -> None:
    bought = ("PCB Blank", "Resistor Pack", "Capacitor", "LED", "Enclosure", "Cable Harness")
    shop.products(*bought, "Circuit Board", "Sensor Kit")
    board = {"PCB Blank": "1", "Resistor Pack": "3", "Capacitor": "5", "LED": "2"}
    shop.bom("Circuit Board", board)
    shop.bom("Sensor Kit", {"Circuit Board": "1", "Enclosure": "1", "Cable Harness": "1"})
    kit = shop.find("Sensor Kit").id
    with shop.reading() as session:
        rows = cataloguing.explode_bom(session, product_id=kit, quantity="10")
    assert [(product.sku, quantity) for product, quantity in rows] == [
        ("Cable Harness", 10),
        ("Capacitor", 50),
        ("Enclosure", 10),
        ("LED", 20),
        ("PCB Blank", 10),
        ("Resistor Pack", 30),
    ]


def test_a_product_that_is_only_bought_has_no_bom(shop: Shop) -> None:
    bolt = shop.product("bolt")
    with shop.reading() as session:
        assert cataloguing.view_bom(session, bolt.id) is None


def test_a_bom_of_a_missing_or_foreign_product_is_not_found(shop: Shop) -> None:
    foreign = a_shop(shop.engine).product("A").id
    shop.product("B")
    for product_id in (foreign, 987_654_321):
        with refused(shop, NotFound, "not-found", says=f"There is no product {product_id} in this company"):
            shop.write(
                lambda s, key=product_id: cataloguing.save_bom(
                    s, shop.act, product_id=key, components=[ComponentInput(sku="B", quantity="1")]
                )
            )
        with shop.reading() as session, pytest.raises(NotFound):
            cataloguing.view_bom(session, product_id)
        with shop.reading() as session, pytest.raises(NotFound):
            cataloguing.explode_bom(session, product_id=product_id, quantity="1")


@pytest.mark.parametrize("quantity", WRONG_QUANTITIES)
def test_a_component_quantity_that_is_no_amount_is_refused(shop: Shop, quantity: object) -> None:
    shop.products("bolt", "nut", "bracket")
    shop.bom("bracket", {"bolt": "1"})
    with refused(shop, Invalid, "invalid", field="components[1].quantity"):
        shop.bom("bracket", {"bolt": "1", "nut": quantity})


@pytest.mark.parametrize(
    ("field", "components", "more"),
    [
        ("components[0].sku", [{"sku": "ghost"}], {}),
        ("components[0].sku", [{"sku": "gh\x00st"}], {}),
        ("components[0].scrap_percent", [{"sku": "bolt", "scrap_percent": "100"}], {}),
        ("components[0].scrap_percent", [{"sku": "bolt", "scrap_percent": "-1"}], {}),
        ("components[1].sku", [{"sku": "bolt"}, {"sku": "BOLT"}], {}),
        ("components", [], {}),
        ("output_quantity", [{"sku": "bolt"}], {"output_quantity": "0"}),
        ("cost_lines[0].kind", [], {"cost_lines": [CostInput(kind="tax", label="x", amount="1")]}),
        ("cost_lines[0].label", [], {"cost_lines": [CostInput(kind="other", label=" ", amount="1")]}),
        ("cost_lines[0].amount", [], {"cost_lines": [CostInput(kind="other", label="x", amount="-1")]}),
        ("cost_lines[0].amount", [], {"cost_lines": [CostInput(kind="other", label="x", amount="1", rate="1")]}),
        ("cost_lines[0].quantity", [], {"cost_lines": [CostInput(kind="other", label="x", rate="1")]}),
        ("cost_lines[0].rate", [], {"cost_lines": [CostInput(kind="other", label="x", quantity=2.5, rate=2.5)]}),
    ],
)
def test_a_bom_that_makes_no_sense_is_refused(
    shop: Shop, field: str, components: list[dict[str, Any]], more: dict[str, Any]
) -> None:
    shop.products("bolt", "bracket")
    shop.bom("bracket", {"bolt": "1"})
    bracket = shop.find("bracket").id
    lines = [ComponentInput(**{"quantity": "1", **line}) for line in components]
    with refused(shop, Invalid, "invalid", field=field):
        shop.write(lambda s: cataloguing.save_bom(s, shop.act, product_id=bracket, components=lines, **more))
    assert versions_of(shop, "bracket") == [(1, "active")]


def test_an_inactive_component_is_refused(shop: Shop) -> None:
    shop.products("bolt", "bracket")
    shop.write(lambda s: s.execute(sa.update(Product).where(Product.sku == "bolt").values(is_active=False)) and None)
    with refused(shop, Invalid, "invalid", field="components[0].sku", says="bolt is inactive"):
        shop.bom("bracket", {"bolt": "1"})


@pytest.mark.parametrize(("chain", "path"), [("A", "A → A"), ("AB", "B → A → B"), ("ABCD", "D → A → B → C → D")])
def test_a_cycle_is_refused_at_any_depth_naming_its_path(shop: Shop, chain: str, path: str) -> None:
    shop.products(*chain)
    for made, component in reversed(list(itertools.pairwise(chain))):
        shop.bom(made, {component: "1"})
    with refused(shop, BomCycle, "bom-cycle", says=path):
        shop.bom(chain[-1], {"A": "1"})


def test_ten_levels_are_taken_and_the_eleventh_is_not(shop: Shop) -> None:
    skus = [f"L{level:02d}" for level in range(12)]
    shop.products(*skus)
    for made, component in zip(skus[1:11], skus, strict=False):
        shop.bom(made, {component: "1"})
    with refused(shop, BomTooDeep, "bom-too-deep", says="10 levels"):
        shop.bom(skus[11], {skus[10]: "1"})
    shop.product("deeper")
    with refused(shop, BomTooDeep, "bom-too-deep", says="10 levels"):
        shop.bom(skus[0], {"deeper": "1"})


def test_two_edits_that_close_a_ring_together_cannot_both_pass(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is fine by itself; the one that comes second sees the first. And they wait in line, not for each other."""
    monkeypatch.setattr(database, "TRIES", 1)  # a deadlock would show
    meet_before_holding(monkeypatch)
    shop.products("A", "B", "C")
    shop.bom("C", {"A": "1"})
    refusals: list[BaseException] = []

    def save(sku: str, component: str) -> None:
        try:
            shop.bom(sku, {component: "1"})
        except Exception as error:  # noqa: BLE001 - looked at below
            refusals.append(error)

    in_threads((save, "A", "B"), (save, "B", "C"))
    assert [type(error) for error in refusals] == [BomCycle]
    assert sorted(len(versions_of(shop, sku)) for sku in "AB") == [0, 1]


def meet_before_holding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that save BOMs get there together where the database lets them (SQLite admits one writer at a time)."""
    together = threading.Barrier(2)

    def meet(session: CompanySession) -> None:
        with suppress(threading.BrokenBarrierError):
            together.wait(timeout=0.3)
        hold_bom_nesting(session)

    monkeypatch.setattr(cataloguing, "hold_bom_nesting", meet)


def test_two_who_save_the_same_bom_at_once_make_two_versions(shop: Shop) -> None:
    shop.products("bolt", "bracket")
    in_threads(*((shop.bom, "bracket", {"bolt": str(n)}) for n in (1, 2, 3)))
    assert versions_of(shop, "bracket") == [(1, "archived"), (2, "archived"), (3, "active")]


def test_two_who_create_the_same_sku_at_once_are_told_apart(shop: Shop) -> None:
    outcomes: list[str] = []
    together = threading.Barrier(4)

    def create() -> None:
        together.wait()
        try:
            outcomes.append(shop.product("Wanted").sku)
        except PartsembleError as error:
            outcomes.append(error.code)

    in_threads(*[(create,)] * 4)
    assert sorted(outcomes) == ["Wanted", "conflict", "conflict", "conflict"]
