"""First steps of a company for programs: the example, and products for items of the books, as the wizard adds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import marshmallow as ma

from partsemble_core.api.areas import Area
from partsemble_core.api.door import Json, writing
from partsemble_core.api.fields import Number, Strict
from partsemble_core.api.schemas import Integer, Nested, String
from partsemble_core.services.acting import Act
from partsemble_core.services.admitting import MAY_WRITE
from partsemble_core.services.beginning import MOST_ITEMS, add_items, load_example
from partsemble_core.services.syncing import get_live_connection
from partsemble_core.store.products import Product
from partsemble_core.store.session import CompanySession

area = Area("beginning", "The first products of a company: an example, or the items of its books.")


class AddedProduct(Strict):
    id = Integer(required=True)
    sku = String(required=True)
    name = String(required=True)
    kind = String(required=True)


class AddedProducts(Strict):
    rows = ma.fields.List(Nested(AddedProduct), required=True)


class ItemIds(Strict):
    ids = ma.fields.List(Number(), required=True, validate=ma.validate.Length(min=1, max=MOST_ITEMS))


@area.route("POST", "/company/first-steps/example", gives=AddedProducts, roles=MAY_WRITE, status=201)
def add_example() -> Json:
    """Adds a desk lamp with its parts, its BOM and a supplier, where there is no product yet; answers the lamp."""
    return writing(lambda session, act: _added([load_example(session, act)]))


@area.route("POST", "/company/first-steps/items", takes=ItemIds, gives=AddedProducts, roles=MAY_WRITE, status=201)
def add_items_as_products(body: dict[str, Any]) -> Json:
    """Adds a product for each of these items of the connected books, all or none; those that have one are left out."""

    def add(session: CompanySession, act: Act) -> Json:
        return _added(add_items(session, act, get_live_connection(session).id, body["ids"]))

    return writing(add)


def _added(products: Sequence[Product]) -> Json:
    return {"rows": list(products)}
