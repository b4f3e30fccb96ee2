"""The first steps of a company over the API: the example, and products for items of its books."""

from __future__ import annotations

import sqlalchemy as sa

from partsemble_core.services.keeping import keep
from partsemble_core.store.syncs import RemoteItem
from tests.api.callers import Firm
from tests.services.makers import connect


def test_the_example_is_added_once(firm: Firm) -> None:
    found = firm.owner.send("POST", "/company/first-steps/example", status=201)
    assert [(row["sku"], row["kind"]) for row in found["rows"]] == [("LAMP-01", "finished_good")]
    assert len(firm.owner.get(f"/products/{found['rows'][0]['id']}/bom")["components"]) == 4
    assert firm.owner.refused("POST", "/company/first-steps/example")[:2] == (409, "wrong-state")


def test_items_of_the_books_become_products_all_or_none(firm: Firm) -> None:
    path = "/company/first-steps/items"
    assert firm.owner.refused("POST", path, {"ids": [1]})[:2] == (409, "not-connected")
    connection_id = connect(firm.shop).id
    items = {
        f"i{code}": {"code": code, "code_key": code.lower(), "name": name, "is_tracked": False}
        for code, name in (("BOLT", "Bolt, M4"), ("NUT", ""), ("PANEL", "Panel"))
    }
    firm.shop.products("PANEL")
    firm.shop.write(lambda session: keep(session, RemoteItem, connection_id, items, firm.shop.act.at))
    ids = {item.code: item.id for item in firm.shop.rows(sa.select(RemoteItem))}
    assert firm.owner.refused("POST", path, {"ids": [ids["BOLT"], 10**9]})[:2] == (404, "not-found")
    assert firm.owner.get("/products")["total"] == 1, "none was added"
    assert firm.owner.refused("POST", path, {"ids": []})[:2] == (422, "invalid")
    found = firm.owner.send("POST", path, {"ids": list(ids.values())}, status=201)
    assert [(row["sku"], row["name"]) for row in found["rows"]] == [("BOLT", "Bolt, M4"), ("NUT", "NUT")]
    assert firm.owner.send("POST", path, {"ids": [ids["BOLT"]]}, status=201)["rows"] == []
