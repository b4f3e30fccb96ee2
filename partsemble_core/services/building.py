"""Building: components leave their lots by FIFO, one lot of the product comes in at exactly their cost."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from partsemble_core.domain.amounts import parse_quantity
from partsemble_core.domain.boms import Bom
from partsemble_core.domain.builds import BuildState, Costing, cost_build
from partsemble_core.domain.fifo import StockShort, after
from partsemble_core.domain.lots import LotState, OpenLot, first_free
from partsemble_core.domain.products import clean_text
from partsemble_core.errors import Refused
from partsemble_core.services.acting import Act, parse_day
from partsemble_core.services.exporting import queue_build
from partsemble_core.store import boms
from partsemble_core.store.boms import BomVersion
from partsemble_core.store.builds import Build, BuildCostLine, BuildLine
from partsemble_core.store.companies import next_number
from partsemble_core.store.lots import (
    DocumentKind,
    Lot,
    StockEntry,
    gates_for_update,
    move_gates,
    numbers_taken,
    open_lots,
    open_lots_for_update,
    record_draws,
    take,
)
from partsemble_core.store.products import Product, StockBalance, get_product, names_of, products_by_id
from partsemble_core.store.session import CompanySession


class NoActiveBom(Refused):
    """The product can't be built: it has no active BOM."""

    code = "no-active-bom"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a build would take and cost right now; nothing is written. ``lots`` are those drawn from, by id."""

    product: Product
    version: BomVersion
    costing: Costing
    lots: dict[int, OpenLot]
    products: dict[int, Product]


def preview_build(
    session: CompanySession, *, product_id: int, quantity: object, built_on: dt.date | None = None
) -> Preview:
    """The lots that FIFO would take, with cost, and every shortage. Executing right after gives the same figures.

    Raises Invalid, NotFound, NoActiveBom.
    """
    amount = parse_quantity(quantity)
    product, version, bom = _recipe(session, product_id)
    ids = {line.product_id for line in bom.components}
    lots = _there_on(open_lots(session, ids), built_on)
    costing = cost_build(bom, amount, lots)
    drawn = {d.lot_id for d in costing.draws}
    return Preview(
        product=product,
        version=version,
        costing=costing,
        lots={lot.lot_id: lot for lot in lots if lot.lot_id in drawn},
        products=products_by_id(session, ids),
    )


def build_now(
    session: CompanySession,
    act: Act,
    *,
    product_id: int,
    quantity: object,
    built_on: object = None,
    notes: object = "",
) -> Build:
    """Plans and executes a build at once, in one transaction: draws, output lot, ledger, export.

    Raises StockShort listing every shortage, Invalid, NotFound, NoActiveBom; then nothing has happened.
    """
    amount = parse_quantity(quantity)
    day = parse_day(built_on, field="built_on", today=act.today)
    note = clean_text(notes, field="notes", length=2000, required=False, many_lines=True)
    product, version, bom = _recipe(session, product_id)
    ids = {line.product_id for line in bom.components}
    gates = gates_for_update(session, ids | {product_id})
    lots = _there_on(open_lots_for_update(session, ids), day)
    costing = cost_build(bom, amount, lots)
    components = products_by_id(session, ids)
    if costing.shortages:
        raise StockShort(costing.shortages, names_of(components.values()))
    build = _insert_build(session, act, product, version, costing, day=day, notes=note)
    _write_stock(session, act, build, costing, lots=lots, gates=gates)
    queue_build(session, act, build, product=product, costing=costing, components=components)
    return build


def _there_on(lots: list[OpenLot], day: dt.date | None) -> list[OpenLot]:
    """A build can't take what arrived after its own day: stock would have been negative then."""
    return [lot for lot in lots if day is None or lot.received_on <= day]


def _recipe(session: CompanySession, product_id: int) -> tuple[Product, BomVersion, Bom]:
    product = get_product(session, product_id)
    version = boms.find_active(session, product_id)
    if version is None:
        raise NoActiveBom(f"{product.sku} has no active BOM. Save one first, then build.")
    return product, version, boms.load(session, [version])[version.id]


def _insert_build(
    session: CompanySession,
    act: Act,
    product: Product,
    version: BomVersion,
    costing: Costing,
    *,
    day: dt.date,
    notes: str,
) -> Build:
    number = next_number(session, "build")
    build = Build(
        number=number,
        reference=f"PSB-{number:06d}",
        product_id=product.id,
        bom_id=version.id,
        quantity=costing.quantity,
        state=BuildState.COMPLETED,
        notes=notes,
        components_cost=costing.components_cost,
        added_cost=costing.added_cost,
        built_on=day,
        executed_at=act.at,
        executed_by=act.by,
    )
    session.add(build)
    session.flush()
    session.insert_all(
        BuildLine,
        [
            {
                "build_id": build.id,
                "position": need.line + 1,
                "product_id": need.product_id,
                "quantity_needed": need.quantity,
                "is_optional": need.optional,
            }
            for need in costing.needs
        ],
    )
    session.insert_all(
        BuildCostLine,
        [
            {"build_id": build.id, "position": i, "kind": line.kind, "label": line.label, "cost": line.cost}
            for i, line in enumerate(costing.costs, start=1)
        ],
    )
    return build


def _write_stock(
    session: CompanySession,
    act: Act,
    build: Build,
    costing: Costing,
    *,
    lots: list[OpenLot],
    gates: dict[int, StockBalance],
) -> None:
    drawn = {d.lot_id for d in costing.draws}
    if drawn:
        take(session, [lot for lot in after(lots, costing.draws) if lot.lot_id in drawn])
    shared: dict[str, object] = {
        "reference": build.reference,
        "effective_on": build.built_on,
        "recorded_at": act.at,
        "recorded_by": act.by,
    }
    record_draws(session, costing.draws, entry=shared, kind=DocumentKind.BUILD, document_id=build.id)
    lot_id = _insert_output(session, act, build, costing.total)
    session.insert_all(
        StockEntry,
        [
            {
                **shared,
                "product_id": build.product_id,
                "lot_id": lot_id,
                "quantity": build.quantity,
                "cost": costing.total,
                "document_kind": DocumentKind.BUILD,
                "document_id": build.id,
            }
        ],
    )
    moves = [(d.product_id, -d.quantity, -d.cost) for d in costing.draws]
    move_gates(session, gates, [*moves, (build.product_id, build.quantity, costing.total)])


def _insert_output(session: CompanySession, act: Act, build: Build, cost: Decimal) -> int:
    taken = numbers_taken(session, [build.product_id], build.reference)[build.product_id]
    number = first_free(build.reference, taken)
    row = {
        "product_id": build.product_id,
        "number": number,
        "number_key": number.upper(),
        "received_on": build.built_on,
        "quantity_in": build.quantity,
        "cost_in": cost,
        "quantity_left": build.quantity,
        "cost_left": cost,
        "state": LotState.OPEN,
        "build_id": build.id,
        "created_at": act.at,
    }
    return session.insert_all(Lot, [row])[0]
