from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from partsemble_core.errors import Conflict, Invalid
from partsemble_core.plugin_host import PluginHost
from partsemble_core.services.importing import (
    BomUpload,
    FileHasProblems,
    ImportPlan,
    apply_bom_import,
    plan_bom_import,
)
from partsemble_core.store.boms import BomVersion
from tests.services.makers import Shop, contents, refused

REAL_FILE = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "hackrf-one-bom.csv"
FILE = "part_number,name,quantity,designator\nR-10K,Resistor 10k,2,R1 R2\nCAP-1U,Capacitor,1,C1\n"


@pytest.fixture(scope="module")
def host() -> PluginHost:
    found = PluginHost()
    found.load_entry_points({"csv_import"})
    assert found.failures == {}
    return found


def upload(
    content: bytes | str = FILE, *, product: str = "BOARD", name: str = "", mapping: Mapping[str, str] | None = None
) -> BomUpload:
    raw = content.encode() if isinstance(content, str) else content
    return BomUpload(content=raw, filename="bom.csv", product_sku=product, mapping=mapping or {}, product_name=name)


def planned(shop: Shop, host: PluginHost, file: BomUpload) -> ImportPlan:
    with shop.reading() as session:
        return plan_bom_import(session, host, file)


def applied(shop: Shop, host: PluginHost, file: BomUpload, *, sha256: str = "") -> BomVersion:
    checked = sha256 or planned(shop, host, file).sha256
    return shop.write(lambda session: apply_bom_import(session, shop.act, host, file, sha256=checked))


def test_a_plan_says_what_is_new_and_writes_nothing(shop: Shop, host: PluginHost) -> None:
    shop.products("board", "r-10k")
    before = contents(shop)
    plan = planned(shop, host, upload())
    assert [(line.sku, line.is_new) for line in plan.lines] == [("r-10k", False), ("CAP-1U", True)]
    assert (plan.product_sku, plan.creates_product, plan.problems) == ("board", False, ())
    assert contents(shop) == before


def test_an_import_creates_what_is_missing_and_saves_the_bom_with_designators(shop: Shop, host: PluginHost) -> None:
    version = applied(shop, host, upload(name="Board, assembled"))
    view = shop.view("BOARD")
    assert version.version == view.version.version == 1
    assert (shop.find("BOARD").kind, shop.find("BOARD").name) == ("finished_good", "Board, assembled")
    assert (shop.find("R-10K").kind, shop.find("R-10K").name) == ("component", "Resistor 10k")
    lines = {view.products[line.product_id].sku: line for line in view.bom.components}
    assert (lines["R-10K"].quantity, lines["R-10K"].designators) == (2, ("R1", "R2"))


def test_the_same_file_again_makes_the_next_version_and_no_product(shop: Shop, host: PluginHost) -> None:
    applied(shop, host, upload(name="Board"))
    assert planned(shop, host, upload()).new_products == ()
    assert applied(shop, host, upload()).version == 2


def test_a_missing_product_is_created_only_when_that_is_said(shop: Shop, host: PluginHost) -> None:
    plan = planned(shop, host, upload())
    assert plan.creates_product
    assert "no product with SKU BOARD" in plan.problems[0]
    with refused(shop, FileHasProblems, "file-has-problems", field="file"):
        applied(shop, host, upload())


def test_another_file_than_the_one_that_was_checked_is_refused(shop: Shop, host: PluginHost) -> None:
    checked = planned(shop, host, upload(name="Board"))
    other = upload(FILE.replace(",2,R1 R2", ",1,R1"), name="Board")
    with refused(shop, Conflict, "conflict", field="sha256"):
        applied(shop, host, other, sha256=checked.sha256)


def test_a_file_with_problems_changes_nothing(shop: Shop, host: PluginHost) -> None:
    broken = upload(FILE + "LED-1,LED,many,D1\n", name="Board")
    assert planned(shop, host, broken).problems
    with refused(shop, FileHasProblems, "file-has-problems", field="file"):
        applied(shop, host, broken)


def test_a_part_that_is_inactive_is_a_problem_named_with_its_row(shop: Shop, host: PluginHost) -> None:
    shop.product("R-10K")

    def end(session: object) -> None:
        shop_product = session.merge(shop.find("R-10K"))  # type: ignore[attr-defined]
        shop_product.is_active = False

    shop.write(end)
    problems = planned(shop, host, upload(name="Board")).problems
    assert len(problems) == 1
    assert problems[0].startswith("Row 2: R-10K: R-10K is inactive.")


def test_a_bom_that_would_hold_its_own_product_is_refused_whole(shop: Shop, host: PluginHost) -> None:
    with refused(shop, type(_cycle()), "bom-cycle"):
        applied(shop, host, upload(product="R-10K", name="Resistor made of itself"))


def _cycle() -> Exception:
    from_domain = pytest.importorskip("partsemble_core.domain.boms")
    return from_domain.BomCycle(["a", "a"])  # type: ignore[no-any-return]


def test_a_file_that_is_too_large_is_not_read(shop: Shop, host: PluginHost) -> None:
    with refused(shop, Invalid, "invalid", field="file"):
        planned(shop, host, upload(b"x" * (10 * 1024 * 1024 + 1)))


@pytest.mark.parametrize("sku", ["", "a\x00b", "x" * 65])
def test_a_target_that_can_not_be_is_refused_by_name(shop: Shop, host: PluginHost, sku: str) -> None:
    with refused(shop, Invalid, "invalid", field="product_sku"):
        planned(shop, host, upload(product=sku))


def test_a_real_board_is_imported_in_one_go(shop: Shop, host: PluginHost) -> None:
    if not REAL_FILE.exists():
        pytest.skip("the file of the real board isn't beside the project")
    file = upload(REAL_FILE.read_bytes(), product="HACKRF", name="HackRF One")
    plan = planned(shop, host, file)
    assert (len(plan.lines), sum(line.quantity for line in plan.lines), len(plan.skipped)) == (65, 300, 114)
    assert plan.problems == ()
    applied(shop, host, file)
    view = shop.view("HACKRF")
    assert (len(view.bom.components), sum(line.quantity for line in view.bom.components)) == (65, 300)
    assert sum(len(line.designators) for line in view.bom.components) == 300
