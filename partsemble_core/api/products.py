"""Products, their BOMs, and suppliers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from partsemble_core.api import schemas
from partsemble_core.api.areas import Area
from partsemble_core.api.door import Json, reading, today, writing
from partsemble_core.api.lists import list_route
from partsemble_core.api.tags import check_match, tag
from partsemble_core.errors import NotFound
from partsemble_core.services.acting import Act
from partsemble_core.services.admitting import MAY_WRITE
from partsemble_core.services.cataloguing import (
    BomView,
    ComponentInput,
    CostInput,
    create_product,
    create_supplier,
    delete_product,
    explode_bom,
    save_bom,
    update_product,
    view_bom,
)
from partsemble_core.services.noticing import subject_of
from partsemble_core.store.products import Product, balances_of, get_product
from partsemble_core.store.receipts import Supplier
from partsemble_core.store.session import CompanySession

area = Area("products", "Products with stock, BOMs, and the suppliers that parts come from.")
NONE = Decimal(0)
list_route(area, "products", path="/products")
list_route(area, "suppliers", path="/suppliers")


@area.route("POST", "/products", takes=schemas.ProductIn, gives=schemas.ProductOut, status=201, roles=MAY_WRITE)
def add_product(body: dict[str, Any]) -> Json:
    """A new product. Its SKU is taken once in a company, whatever its case."""
    return writing(lambda session, act: _product_body(session, create_product(session, act, **body)))


@area.route("GET", "/products/<id:product_id>", gives=schemas.ProductOut)
def show_product(product_id: int) -> Json:
    """One product with its stock, value and average cost."""
    with reading() as session:
        tag(session, subject_of(Product, product_id))
        return _product_body(session, get_product(session, product_id))


@area.route("PUT", "/products/<id:product_id>", takes=schemas.ProductEdit, gives=schemas.ProductOut, roles=MAY_WRITE)
def put_product(body: dict[str, Any], product_id: int) -> Json:
    """Changes what is given of a product. With history it is deactivated, never deleted."""

    def save(session: CompanySession, act: Act) -> Json:
        check_match(session, subject_of(Product, product_id))
        return _product_body(session, update_product(session, act, product_id, **body))

    return writing(save)


@area.route("DELETE", "/products/<id:product_id>", gives=schemas.ProductOut, roles=MAY_WRITE)
def remove_product(product_id: int) -> Json:
    """Takes away a product that nothing ever referred to, and answers what it was."""

    def remove(session: CompanySession, act: Act) -> Json:
        was = _product_body(session, get_product(session, product_id))
        delete_product(session, act, product_id)
        return was

    return writing(remove)


@area.route("GET", "/products/<id:product_id>/bom", gives=schemas.BomOut)
def show_bom(product_id: int) -> Json:
    """The active BOM with today's stock, estimated cost and how many can be built."""
    with reading() as session:
        return _bom_body(session, product_id)


@area.route("PUT", "/products/<id:product_id>/bom", takes=schemas.BomSaved, gives=schemas.BomOut, roles=MAY_WRITE)
def put_bom(body: dict[str, Any], product_id: int) -> Json:
    """Saves the next version of the BOM and makes it the active one."""
    recipe = recipe_of(body)

    def save(session: CompanySession, act: Act) -> Json:
        save_bom(session, act, product_id=product_id, based_on=body["based_on"], **recipe)
        return _bom_body(session, product_id)

    return writing(save)


@area.route("GET", "/products/<id:product_id>/explosion", asks=schemas.QuantityQuery, gives=schemas.Explosion)
def show_explosion(query: Mapping[str, str], product_id: int) -> Json:
    """All that must be bought to make a quantity, over every level of BOMs."""
    with reading() as session:
        bought = explode_bom(session, product_id=product_id, quantity=query["quantity"])
    return {
        "rows": [
            {
                "product_id": product.id,
                "sku": product.sku,
                "name": product.name,
                "unit": product.unit,
                "quantity": quantity,
            }
            for product, quantity in bought
        ]
    }


@area.route("POST", "/suppliers", takes=schemas.SupplierIn, gives=schemas.SupplierOut, status=201, roles=MAY_WRITE)
def add_supplier(body: dict[str, Any]) -> Supplier:
    """A new supplier. Its code of two to four capitals begins the numbers of its lots."""
    return writing(lambda session, act: create_supplier(session, act, **body))


def components_of(rows: list[dict[str, Any]]) -> list[ComponentInput]:
    """Component lines of a body, as services take them."""
    return [ComponentInput(**{**row, "designators": tuple(row["designators"])}) for row in rows]


def recipe_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a BOM from a body, as services take it."""
    return {
        "components": components_of(body["components"]),
        "cost_lines": [CostInput(**line) for line in body["cost_lines"]],
        "output_quantity": body["output_quantity"],
    }


def _product_body(session: CompanySession, product: Product) -> Json:
    balance = balances_of(session, [product.id]).get(product.id)
    return {
        **{key: getattr(product, key) for key in schemas.ProductOut._declared_fields if hasattr(product, key)},
        "stock": balance.quantity if balance else NONE,
        "value": balance.value if balance else NONE,
        "average_cost": balance.average_cost if balance else NONE,
    }


def _bom_body(session: CompanySession, product_id: int) -> Json:
    view = view_bom(session, product_id, today=today())
    if view is None:
        raise NotFound("active BOM of product", product_id)
    return {
        "product_id": product_id,
        "version": view.version.version,
        "state": view.version.state,
        "output_quantity": view.bom.output_quantity,
        "components": _component_rows(view),
        "cost_lines": view.bom.cost_lines,
        "estimated_cost": view.estimated_cost,
        "rolled_up_cost": view.rolled_up_cost,
        "unknown_costs": sum(not line.optional and line.product_id in view.unknown for line in view.bom.components),
        "buildable": view.buildable,
    }


def _component_rows(view: BomView) -> list[Json]:
    rows = []
    for line in view.bom.components:
        product = view.products[line.product_id]
        rows.append(
            {
                "product_id": product.id,
                "sku": product.sku,
                "name": product.name,
                "unit": product.unit,
                "quantity": line.quantity,
                "scrap_percent": line.scrap_percent,
                "optional": line.optional,
                "designators": line.designators,
                "stock": view.stock[line.product_id],
                "average_cost": view.unit_costs[line.product_id],
                "is_cost_known": line.product_id not in view.unknown,
            }
        )
    return rows
