"""Suppliers ticked in the list: activated and deactivated, all of them or none, and the log tells each."""

from __future__ import annotations

from collections.abc import Callable

from tests.web.people import Visitor, text_of
from tests.web.shop import Shop
from tests.web.test_audits import log_of

Visit = Callable[[Shop, str], Visitor]


def codes(visitor: Visitor, state: str) -> list[str]:
    rows = visitor.get(f"/suppliers.csv?state={state}").text.splitlines()[1:]
    return [row.split(",")[0] for row in rows]


def test_ticked_suppliers_are_deactivated_and_the_list_keeps_its_filters(shop: Shop, visit: Visit) -> None:
    builder = visit(shop, "builder")
    page = builder.get("/suppliers?sort=-code").text
    assert page.count('type="checkbox" name="ids"') == 2
    assert 'data-opens="deactivate-picked"' in page, "it is asked first"
    answer = builder.post("/suppliers/deactivate", {"ids": ["1", "2"], "sort": "-code", "state": "active"})
    assert (answer.status_code, answer.location) == (303, "/suppliers?sort=-code&state=active")
    assert "2 suppliers are inactive now." in text_of(builder.get("/suppliers"))
    assert codes(builder, "inactive") == ["ACM", "NTL"]
    assert '<option value="ACM"' not in builder.get("/receipts/new").text, "a new receipt doesn't offer them"
    assert builder.post("/suppliers/activate", {"ids": ["2"]}).status_code == 303
    assert codes(builder, "active") == ["NTL"]
    told = [row["by"] for row in log_of(shop, "supplier")]
    assert told.count("builder@lumen.example") == 3, "one line each"


def test_all_of_the_ticked_suppliers_or_none(shop: Shop, visit: Visit) -> None:
    builder = visit(shop, "builder")
    for ids, wanted in ((["1", "99"], 404), (["1", "x"], 404), ([], 422), ([str(n) for n in range(1, 502)], 422)):
        assert builder.post("/suppliers/deactivate", {"ids": ids}).status_code == wanted
    assert "No supplier is chosen." in text_of(builder.post("/suppliers/activate", {}))
    assert codes(builder, "inactive") == []
    refused = builder.post("/suppliers/deactivate", {"ids": ["1", "99"], "sort": "-code", "columns": "phone"})
    assert 'name="ids" value="1" form="picked" checked' in refused.text, "the list again, with its ticks"
    assert 'name="sort" value="-code"' in refused.text
    assert 'name="columns" value="phone"' in refused.text
    assert 'id="failure"' in refused.text
    for role in ("accountant", "viewer"):
        visitor = visit(shop, role)
        assert 'type="checkbox" name="ids"' not in visitor.get("/suppliers").text
        assert visitor.post("/suppliers/deactivate", {"ids": ["1"]}, page="/").status_code == 403
