"""The value of stock by product as a list: searched, sorted, cut to pages and sent as a file, on any day."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.web.people import Visitor, text_of
from tests.web.shop import Shop

Visit = Callable[[Shop, str], Visitor]


def skus(visitor: Visitor, query: str) -> list[str]:
    page = visitor.get(f"/valuation/products?{query}").text
    return re.findall(r'<a href="/products/\d+"[^>]*>([^<]+)', page)


def test_the_value_by_product_can_do_what_lists_can(full_shop: Shop, visit: Visit) -> None:
    viewer = visit(full_shop, "viewer")
    assert skus(viewer, "") == ["PANEL-24", "LAMP-01", "FRAME-AL", "SCREW-M3"], "the most valuable first"
    assert skus(viewer, "sort=sku") == ["FRAME-AL", "LAMP-01", "PANEL-24", "SCREW-M3"]
    assert skus(viewer, "sort=-quantity") == ["SCREW-M3", "PANEL-24", "LAMP-01", "FRAME-AL"]
    assert skus(viewer, "search=light+24") == ["PANEL-24"]
    assert skus(viewer, "kind=raw_material") == ["SCREW-M3"]
    assert skus(viewer, "page_size=3&page=2") == ["SCREW-M3"]
    assert skus(viewer, "on=2026-04-02") == ["PANEL-24"]
    shown = text_of(viewer.get("/valuation/products?on=2026-04-02"))
    assert "At the end of 2 Apr 2026: 690.00 USD in all." in shown
    assert "On: 2 Apr 2026" in shown
    file = viewer.get("/valuation/products.csv?kind=component&sort=sku&page=2").text.splitlines()
    assert [line.split(",")[0] for line in file[1:]] == ["FRAME-AL", "PANEL-24"]
    assert "Search and sort" in text_of(viewer.get("/valuation"))


def test_what_the_list_does_not_have_is_refused_by_name(full_shop: Shop, visit: Visit) -> None:
    viewer = visit(full_shop, "viewer")
    for query, said in (
        ("sort=weight", "There is no column 'weight'"),
        ("colour=red", "There is no filter 'colour'"),
        ("kind=gas", "There is no kind 'gas'"),
        ("page=0", "A page is a whole number"),
        ("columns=weight", "have no column 'weight'"),
        ("on=soon", "soon"),
    ):
        answer = viewer.get(f"/valuation/products?{query}")
        assert (answer.status_code, said in text_of(answer)) == (422, True), (query, text_of(answer))
