"""BOMs as they are edited: what one would cost, what tells two versions apart; and many products changed at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from partsemble_core.api import bom_schemas, schemas
from partsemble_core.api.areas import Area
from partsemble_core.api.door import Json, reading, today, writing
from partsemble_core.api.products import recipe_of
from partsemble_core.errors import NotFound
from partsemble_core.services.admitting import MAY_WRITE
from partsemble_core.services.altering import activate_products, deactivate_products, set_reorder_points
from partsemble_core.services.depicting import planned_needs_of, stock_history
from partsemble_core.services.differing import CostPair, VersionDifference, difference_of
from partsemble_core.services.estimating import Estimate, LineEstimate, Part, cost_parts, estimate_bom
from partsemble_core.store.products import Product

area = Area("boms", "BOMs while they are edited, the stock of a product over time, and changes to many products.")


@area.route("POST", "/products/<id:product_id>/bom/estimate", takes=schemas.BomIn, gives=bom_schemas.EstimateOut)
def estimate(body: dict[str, Any], product_id: int) -> Json:
    """What a BOM would cost as it is sent, line by line, and everything that is wrong with it. Writes nothing."""
    with reading() as session:
        found = estimate_bom(session, product_id, today=today(), **recipe_of(body))
    return _estimate_body(found)


@area.route("GET", "/products/<id:product_id>/bom/parts", asks=schemas.QuantityQuery, gives=bom_schemas.BomParts)
def show_parts(query: Mapping[str, str], product_id: int) -> Json:
    """One level of what a quantity takes, each part at the cost of making it, or as it was bought."""
    with reading() as session:
        found = cost_parts(session, product_id, quantity=query["quantity"])
    return {
        "product_id": product_id,
        "quantity": found.quantity,
        "parts": [_part_row(part) for part in found.parts],
        "cost_lines": [{"label": label, "cost": cost} for label, cost in found.cost_lines],
        "cost": found.cost,
    }


@area.route(
    "GET",
    "/products/<id:product_id>/bom/difference",
    asks=bom_schemas.DifferenceQuery,
    gives=bom_schemas.DifferenceOut,
)
def show_difference(query: Mapping[str, str], product_id: int) -> Json:
    """What version `after` changes against `before`, and what that does to the cost of one unit."""
    with reading() as session:
        found = difference_of(session, product_id, before=query["before"], after=query["after"])
    if found is None:
        raise NotFound("second BOM version of product", product_id)
    return _difference_body(found)


@area.route("GET", "/products/<id:product_id>/stock-history", gives=bom_schemas.StockHistory)
def show_stock_history(product_id: int) -> Json:
    """Quantity and value at the end of every day of the last year on which stock of it moved."""
    with reading() as session:
        return {"rows": stock_history(session, product_id, today=today())}


@area.route("GET", "/products/<id:product_id>/planned-needs", gives=bom_schemas.PlannedNeeds)
def show_planned_needs(product_id: int) -> Json:
    """What planned builds need of it, in the order in which stock serves them."""
    with reading() as session:
        return {
            "rows": [
                {
                    "build_id": need.build.id,
                    "reference": need.build.reference,
                    "product_id": need.made.id,
                    "sku": need.made.sku,
                    "target_on": need.build.target_on,
                    "quantity": need.quantity,
                    "optional": need.is_optional,
                }
                for need in planned_needs_of(session, product_id)
            ]
        }


@area.route(
    "POST", "/products/activate", takes=bom_schemas.ProductIds, gives=bom_schemas.ProductsChanged, roles=MAY_WRITE
)
def activate_many(body: dict[str, Any]) -> Json:
    """Offers products everywhere again."""
    return writing(lambda session, act: _changed(activate_products(session, act, body["ids"])))


@area.route(
    "POST", "/products/deactivate", takes=bom_schemas.ProductIds, gives=bom_schemas.ProductsChanged, roles=MAY_WRITE
)
def deactivate_many(body: dict[str, Any]) -> Json:
    """Offers products nowhere any more, if nothing that is active or planned needs one of them."""
    return writing(lambda session, act: _changed(deactivate_products(session, act, body["ids"])))


@area.route(
    "POST",
    "/products/reorder-point",
    takes=bom_schemas.ReorderPoints,
    gives=bom_schemas.ProductsChanged,
    roles=MAY_WRITE,
)
def set_reorder_point(body: dict[str, Any]) -> Json:
    """Gives products the same reorder point."""
    point = body["reorder_point"]
    return writing(lambda session, act: _changed(set_reorder_points(session, act, body["ids"], reorder_point=point)))


def _changed(products: Sequence[Product]) -> Json:
    return {"ids": [product.id for product in products]}


def _estimate_body(found: Estimate) -> Json:
    return {
        "product_id": found.product.id,
        "output_quantity": found.output_quantity,
        "components": [_line_row(line) for line in found.lines],
        "cost_lines": found.cost_lines,
        "estimated_cost": found.estimated_cost,
        "rolled_up_cost": found.rolled_up_cost,
        "unknown_costs": found.unknown_costs,
        "rolled_up_unknown_costs": found.rolled_up_unknown_costs,
        "buildable": found.buildable,
        "problems": [asdict(problem) for problem in found.problems],
    }


def _line_row(line: LineEstimate) -> Json:
    product = line.product
    return {
        "product_id": product.id if product else None,
        "sku": product.sku if product else "",
        "name": product.name if product else "",
        "stock": line.stock,
        "average_cost": line.unit_cost,
        "needed": line.needed,
        "cost": line.cost,
        "rolled_up_cost": line.rolled_up_cost,
        "is_made": line.is_made,
        "is_cost_known": line.is_cost_known,
    }


def _part_row(part: Part) -> Json:
    product = part.product
    return {
        "product_id": product.id,
        "sku": product.sku,
        "name": product.name,
        "unit": product.unit,
        "quantity": part.quantity,
        "unit_cost": part.unit_cost,
        "cost": part.cost,
        "is_made": part.is_made,
        "is_cost_known": part.is_cost_known,
    }


def _difference_body(found: VersionDifference) -> Json:
    changes = found.changes
    return {
        "product_id": found.product.id,
        "before": found.before.version,
        "after": found.after.version,
        "output_quantity": changes.output_quantity,
        "components": [
            {
                "product_id": change.product_id,
                "sku": found.products[change.product_id].sku,
                "difference": change.difference,
                "before": change.before,
                "after": change.after,
            }
            for change in changes.components
        ],
        "cost_lines": [
            {"label": cost.label, "difference": cost.difference, "before": cost.before, "after": cost.after}
            for cost in changes.costs
        ],
        "unit_cost": _pair(found.direct),
        "rolled_up_unit_cost": _pair(found.rolled_up) if found.rolled_up else None,
        "unknown_cost_skus": found.unknown_skus,
        "rolled_up_unknown_cost_skus": found.rolled_up_unknown_skus,
    }


def _pair(pair: CostPair) -> Json:
    return {"before": pair.before, "after": pair.after, "effect": pair.effect}
