"""Builds: what one would take and cost, making it, and what it took."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from partsemble_core.api import build_schemas as schemas
from partsemble_core.api.areas import Area
from partsemble_core.api.door import Json, reading, today, writing
from partsemble_core.api.lists import list_route
from partsemble_core.api.tags import tag
from partsemble_core.domain.amounts import add
from partsemble_core.domain.builds import PROVISIONAL
from partsemble_core.domain.fifo import Draw, Shortage
from partsemble_core.services.acting import Act, parse_day
from partsemble_core.services.admitting import MAY_WRITE
from partsemble_core.services.building import Preview, build_now, preview_build
from partsemble_core.services.executing import Picked
from partsemble_core.services.explaining import explain_build
from partsemble_core.services.listing import build_label
from partsemble_core.services.noticing import subject_of
from partsemble_core.services.unfolding import unfold_costs
from partsemble_core.store.builds import Build
from partsemble_core.store.products import named_product
from partsemble_core.store.session import CompanySession

area = Area("builds", "Making products from lots, first in first out, at exactly the cost that went in.")
list_route(area, "builds", path="/builds")


@area.route("POST", "/builds/preview", takes=schemas.BuildAsk, gives=schemas.PreviewOut)
def preview(body: dict[str, Any]) -> Json:
    """The lots that a build would draw from, its cost and every shortage. Nothing is written."""
    built_on = parse_day(body["built_on"], field="built_on", today=today())
    with reading() as session:
        product = named_product(session, body["sku"])
        found = preview_build(
            session,
            product_id=product.id,
            quantity=body["quantity"],
            built_on=built_on,
            lots=picked(body),
            build_subassemblies=body["build_subassemblies"],
        )
    return preview_body(found)


@area.route("POST", "/builds", takes=schemas.BuildIn, gives=schemas.BuildOut, status=201, roles=MAY_WRITE)
def add_build(body: dict[str, Any]) -> Json:
    """Executes a build: components leave their lots, the output lot comes in, the export is queued."""

    def build(session: CompanySession, act: Act) -> Json:
        product = named_product(session, body["sku"])
        built = build_now(
            session,
            act,
            product_id=product.id,
            quantity=body["quantity"],
            built_on=body["built_on"],
            notes=body["notes"],
            lots=picked(body),
            build_subassemblies=body["build_subassemblies"],
        )
        return build_body(session, built.id)

    return writing(build)


@area.route("GET", "/builds/<id:build_id>", gives=schemas.BuildOut)
def show_build(build_id: int) -> Json:
    """One build with the lots that each line drew from, its cost lines, and its output lot."""
    with reading() as session:
        tag(session, subject_of(Build, build_id))
        return build_body(session, build_id)


@area.route("GET", "/builds/<id:build_id>/cost-tree", gives=schemas.CostTreeOut)
def show_cost_tree(build_id: int) -> Json:
    """What a build cost, down to what was bought: each level adds up to the line above it."""
    with reading() as session:
        tree = unfold_costs(session, build_id)
    return {
        "total_cost": tree.total,
        "is_cut": tree.is_cut,
        "rows": [
            {
                "level": line.level,
                "product_id": line.product.id if line.product else None,
                "sku": line.product.sku if line.product else None,
                "lot_id": line.lot.id if line.lot else None,
                "lot_number": line.lot.number if line.lot else None,
                "made_by": line.made_by.reference if line.made_by else None,
                "label": line.label,
                "quantity": line.quantity,
                "unit_cost": line.unit_cost,
                "cost": line.cost,
            }
            for line in tree.lines
        ],
    }


def picked(body: Mapping[str, Any]) -> Picked:
    """Lots chosen by hand, as services take them."""
    return {line: [(pick["lot_id"], pick["quantity"]) for pick in picks] for line, picks in body["lots"].items()}


def preview_body(found: Preview) -> Json:
    """What a build would take and cost, as `PreviewOut`."""
    costing = found.costing
    return {
        "sku": found.product.sku,
        "product_id": found.product.id,
        "quantity": costing.quantity,
        "bom_version": found.version.version,
        "components": _preview_parts(found),
        "cost_lines": costing.costs,
        "components_cost": costing.components_cost,
        "added_cost": costing.added_cost,
        "total_cost": costing.total,
        "unit_cost": costing.unit_cost,
        "shortages": [short_body(short, found.products[short.product_id].sku) for short in costing.shortages],
        "built_first": [
            {
                "product_id": step.bom.product_id,
                "sku": found.products[step.bom.product_id].sku,
                "quantity": step.costing.quantity,
                "total_cost": step.costing.total,
            }
            for step in found.first
        ],
    }


def _preview_parts(found: Preview) -> list[Json]:
    drawn: dict[int, list[Draw]] = {}
    for draw in found.costing.draws:
        drawn.setdefault(draw.line, []).append(draw)
    return [
        {
            "product_id": need.product_id,
            "sku": found.products[need.product_id].sku,
            "quantity_needed": need.quantity,
            "optional": need.optional,
            "cost": add([draw.cost for draw in drawn.get(need.line, [])]),
            "draws": [
                _draw_body(draw.lot_id, found.lots[draw.lot_id].number, draw.quantity, draw.cost)
                for draw in drawn.get(need.line, [])
            ],
        }
        for need in found.costing.needs
    ]


def short_body(short: Shortage, sku: str) -> Json:
    """A shortage, as `ShortOut`."""
    return {
        "product_id": short.product_id,
        "sku": sku,
        "needed": short.needed,
        "available": short.available,
        "missing": short.missing,
        "held": short.held,
    }


def build_body(session: CompanySession, build_id: int) -> Json:
    """A build in any state, as `BuildOut`. Raises NotFound."""
    story = explain_build(session, build_id)
    build, export = story.build, story.export
    computed = {"label", "sku", "bom_version", "components", "cost_lines", "total_cost", "unit_cost", "lot_id"}
    same = schemas.BuildOut._declared_fields.keys() - computed - {"export_id"}
    return {
        **{key: getattr(build, key) for key in same},
        "label": build_label(build.state, export.state if export else None),
        "sku": story.product.sku,
        "bom_version": story.bom.version,
        "components": [
            {
                "product_id": part.product.id,
                "sku": part.product.sku,
                "quantity": part.line.quantity_per_output,
                "scrap_percent": part.line.scrap_percent,
                "quantity_needed": part.line.quantity_needed,
                "optional": part.line.is_optional,
                "cost": part.cost,
                "draws": [_draw_body(d.lot.id, d.lot.number, d.quantity, d.cost) for d in part.draws],
            }
            for part in story.parts
        ],
        "cost_lines": story.cost_lines,
        "total_cost": story.total,
        "unit_cost": story.unit_cost,
        "lot_id": story.outputs[0].id if story.outputs else None,
        "export_id": export.id if export else None,
    }


def _draw_body(lot_id: int, number: str, quantity: Decimal, cost: Decimal) -> Json:
    known = lot_id if lot_id < PROVISIONAL else None
    return {"lot_id": known, "lot_number": number, "quantity": quantity, "cost": cost}
