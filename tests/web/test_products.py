"""Products at the console: edited, weighed, deactivated; the history of a BOM, and where a part is used."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from partsemble_core.services.cataloguing import ComponentInput, save_bom
from partsemble_core.store.products import get_product
from tests.web.people import Visitor, text_of
from tests.web.shop import Shop

Visit = Callable[[Shop, str], Visitor]
FIELDS = {
    "sku": "PANEL-24W",
    "name": "Panel, 24 W",
    "kind": "component",
    "unit": "pc",
    "reorder_point": "30",
    "build_point": "",
    "build_target": "",
    "weight": "0.42",
    "notes": "Heavy",
    "is_active": "yes",
}


def test_a_product_is_edited_and_deactivated(shop: Shop, visit: Visit) -> None:
    builder = visit(shop, "builder")
    form = builder.get("/products/1/edit").text
    assert 'value="PANEL-24"' in form
    assert 'value="25"' in form
    assert builder.post("/products/1/edit", FIELDS).status_code == 303
    page = text_of(builder.get("/products/1"))
    assert "PANEL-24W Panel, 24 W" in page
    assert "Reorder point 30 pc" in page
    assert "Weight of one unit 0.42" in page
    wrong = builder.post("/products/1/edit", {**FIELDS, "weight": "heavy"})
    assert wrong.status_code == 422
    assert "is-invalid" in wrong.text.split('name="weight"')[0].rpartition("<input")[2]
    off = {**FIELDS, "weight": "", "is_active": "no"}
    assert builder.post("/products/1/edit", off).status_code == 303
    assert "Inactive" in text_of(builder.get("/products/1"))
    with shop.house.reading(shop.company_id) as session:
        product = get_product(session, 1)
        assert (product.is_active, product.weight, product.reorder_point) == (False, None, Decimal(30))
    assert visit(shop, "viewer").post("/products/1/edit", FIELDS).status_code == 403


def test_a_new_product_may_have_a_build_point_and_a_weight(shop: Shop, visit: Visit) -> None:
    builder = visit(shop, "builder")
    new = {**FIELDS, "sku": "LAMP-02", "build_point": "5", "build_target": "4"}
    assert builder.post("/products", new).status_code == 422, "the target lies below the point"
    assert "LAMP-02" not in text_of(builder.get("/products"))
    assert builder.post("/products", {**new, "build_target": "20"}).status_code == 303
    assert "Build point 5 pc Build target 20 pc" in text_of(builder.get("/products/6"))


def test_the_history_of_a_bom_and_where_a_part_is_used(shop: Shop, visit: Visit) -> None:
    parts = [ComponentInput(sku="PANEL-24", quantity="2"), ComponentInput(sku="FRAME-AL", quantity="1")]
    shop.write(lambda session, act: save_bom(session, act, product_id=shop.ids["LAMP-01"], components=parts))
    viewer = visit(shop, "viewer")
    history = text_of(viewer.get("/products/5/bom/versions"))
    assert history.index("2 Active") < history.index("1 Archived")
    assert "PANEL-24: quantity 1 → 2" in history
    assert "Used in" in text_of(viewer.get("/products/1"))
    assert "LAMP-01 Workshop lamp directly 2" in text_of(viewer.get("/products/1"))
    assert "Used in" not in text_of(viewer.get("/products/3")), "the new version has no screws"
