"""Forms of a company with more products than a page holds: cut lists say so, and the rest is found while typing."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from partsemble_core.services.acting import Act
from partsemble_core.services.cataloguing import ComponentInput, create_product, save_bom
from partsemble_core.store.boms import BomLine, BomVersion
from partsemble_core.store.session import CompanySession
from tests.web.many import add_many
from tests.web.people import Visitor, text_of
from tests.web.shop import Shop, plan_lamps

Visit = Callable[[Shop, str], Visitor]
MANY = 2_100
SKU_FORMS = ("/receipts/new", "/counts/new", "/opening-stock/new", "/products/5/bom", "/planned-builds/1/edit")


def add_kits(session: CompanySession, act: Act, count: int) -> None:
    """As many screws, of which each can be built: by copies of one BOM."""
    ids = add_many(session, act.at, count)
    made = create_product(session, act, sku="ZZ-LAST", name="Last kit", kind="finished_good")
    version = save_bom(session, act, product_id=made.id, components=[ComponentInput(sku="PANEL-24", quantity="1")])
    session.flush()
    old, line = (
        dict(session.execute(sa.select(table.__table__).where(key == version.id)).mappings().one())
        for table, key in ((BomVersion, BomVersion.__table__.c.id), (BomLine, BomLine.__table__.c.bom_id))
    )
    for row in (old, line):
        del row["id"], row["company_id"]
    versions = session.insert_all(BomVersion, [{**old, "product_id": product_id} for product_id in ids])
    session.insert_all(BomLine, [{**line, "bom_id": version_id} for version_id in versions])


def options(page: str) -> list[str]:
    return re.findall(r'<option value="([^"]*)"', page)


def test_a_small_company_has_whole_lists_and_no_script(shop: Shop, visit: Visit) -> None:
    plan_lamps(shop, "2")
    builder = visit(shop, "builder")
    for path in (*SKU_FORMS, "/builds/new", "/planned-builds/new"):
        page = builder.get(path)
        assert page.status_code == 200, path
        assert "data-more" not in page.text, path
        assert "offering.js" not in page.text, path


def test_cut_lists_say_where_the_rest_is(shop: Shop, visit: Visit) -> None:
    plan_lamps(shop, "2")
    shop.write(lambda session, act: add_many(session, act.at, MANY))
    builder = visit(shop, "builder")
    for path in SKU_FORMS:
        page = builder.get(path).text
        held = page.split('<datalist id="skus"')[1].split("</datalist>")[0]
        assert held.startswith(' data-more="/products/offered'), path
        assert len(options(held)) == 500, path
        assert page.count("offering.js") == 1, path
    assert 'data-more="/products/offered?but=5&amp;stock=yes"' in builder.get("/products/5/bom").text
    assert f'data-more="/products/offered?but={shop.ids["LAMP-01"]}"' in builder.get("/planned-builds/1/edit").text


@pytest.mark.parametrize("path", ["/builds/new", "/planned-builds/new"])
def test_a_cut_choice_says_so_and_keeps_what_was_chosen(shop: Shop, visit: Visit, path: str) -> None:
    shop.write(lambda session, act: add_kits(session, act, MANY))
    with shop.house.reading(shop.company_id) as session:
        last = session.scalar(sa.text("SELECT id FROM products WHERE sku = 'ZZ-LAST'"))
    builder = visit(shop, "builder")
    page = builder.get(path)
    assert "These are the first 500 of 2,102. The others are found by typing, or built from their own pages." in (
        text_of(page)
    )
    assert 'data-fills="f-product" data-more="/products/offered?makes=yes"' in page.text
    assert f'<option value="{last}"' not in page.text
    assert f'<option value="{last}" selected>ZZ-LAST · Last kit</option>' in builder.get(f"{path}?product={last}").text
    found = builder.get("/products/offered?makes=yes&search=kit+last").text
    assert found.strip() == f'<option value="{last}">ZZ-LAST · Last kit</option>'


def test_what_is_typed_is_found_as_options(shop: Shop, visit: Visit) -> None:
    shop.write(lambda session, act: add_many(session, act.at, MANY))
    viewer = visit(shop, "viewer")
    found = viewer.get("/products/offered?search=2099")
    assert found.text.strip() == '<option value="SCREW-2099">Screw of length 2099</option>'
    with_stock = viewer.get("/products/offered?search=length+2099&stock=yes").text
    assert "Screw of length 2099 · 0 each in stock" in with_stock
    assert len(options(viewer.get("/products/offered?search=screw").text)) == 50
    assert options(viewer.get("/products/offered?search=panel").text) == ["PANEL-24"]
    panel = shop.ids["PANEL-24"]
    for but, wanted in ((str(panel), []), ("x", ["PANEL-24"]), ("9" * 30, ["PANEL-24"])):
        assert options(viewer.get(f"/products/offered?search=panel&but={but}").text) == wanted
    shop.write(lambda session, act: create_product(session, act, sku='<b>"', name="<script>", kind="component"))
    hostile = viewer.get("/products/offered?search=<b>").text
    assert hostile.strip() == '<option value="&lt;b&gt;&#34;">&lt;script&gt;</option>'
    assert viewer.get("/products/offered?search=" + "x" * 201).status_code == 422
    assert Visitor(shop).get("/products/offered").status_code == 303
