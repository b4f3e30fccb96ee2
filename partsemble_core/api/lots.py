"""Lots: where one came from and went, and what is done to it: adjusted, held, released, split."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any

from flask import Response

from partsemble_core.api import schemas, stock_schemas, trace_schemas
from partsemble_core.api.areas import Area
from partsemble_core.api.door import Json, reading, writing
from partsemble_core.api.lists import list_route
from partsemble_core.services.acting import Act
from partsemble_core.services.adjusting import adjust_lot, open_stock
from partsemble_core.services.admitting import MAY_WRITE
from partsemble_core.services.downloading import CSV_TYPE, defused
from partsemble_core.services.explaining import LotStory, Use, explain_lot
from partsemble_core.services.holding import hold, release, split
from partsemble_core.services.tracing import TraceReport, recall_rows, trace_lot
from partsemble_core.store.adjustments import Adjustment, get_adjustment
from partsemble_core.store.session import CompanySession

area = Area("lots", "Lots, what is done to them, and the recall report of each.")
list_route(area, "lots", path="/lots")


@area.route("GET", "/lots/<id:lot_id>", gives=schemas.LotOut)
def show_lot(lot_id: int) -> Json:
    """One lot, the document it came from, and all that drew from it."""
    with reading() as session:
        return lot_body(explain_lot(session, lot_id))


@area.route(
    "POST",
    "/lots/<id:lot_id>/adjust",
    takes=stock_schemas.AdjustmentIn,
    gives=stock_schemas.AdjustmentOut,
    status=201,
    roles=MAY_WRITE,
)
def adjust(body: dict[str, Any], lot_id: int) -> Adjustment:
    """Changes a lot by a signed quantity with the cost that goes with it, and queues the posting."""
    return writing(lambda session, act: adjust_lot(session, act, lot_id, **body))


@area.route("POST", "/lots/<id:lot_id>/hold", takes=stock_schemas.Reason, gives=schemas.LotOut, roles=MAY_WRITE)
def hold_lot(body: dict[str, Any], lot_id: int) -> Json:
    """Sets an open lot aside: it stays in stock and value, and nothing takes of it."""

    def held(session: CompanySession, act: Act) -> Json:
        return lot_body(explain_lot(session, hold(session, act, lot_id, reason=body["reason"]).id))

    return writing(held)


@area.route("POST", "/lots/<id:lot_id>/release", gives=schemas.LotOut, roles=MAY_WRITE)
def release_lot(lot_id: int) -> Json:
    """Lets a held lot go: it is taken from again, in its old place."""
    return writing(lambda session, act: lot_body(explain_lot(session, release(session, act, lot_id).id)))


@area.route(
    "POST",
    "/lots/<id:lot_id>/split",
    takes=stock_schemas.SplitIn,
    gives=stock_schemas.SplitOut,
    status=201,
    roles=MAY_WRITE,
)
def split_lot(body: dict[str, Any], lot_id: int) -> Json:
    """Moves a quantity into a lot of its own, its cost carried exactly."""

    def part(session: CompanySession, act: Act) -> Json:
        moved = split(session, act, lot_id, quantity=body["quantity"])
        return {
            "stays": lot_body(explain_lot(session, lot_id)),
            "moved": lot_body(explain_lot(session, moved.id)),
        }

    return writing(part)


@area.route("GET", "/lots/<id:lot_id>/trace", gives=trace_schemas.TraceOut)
def show_trace(lot_id: int) -> Json:
    """The recall report: where the lot came from and where it went, over every level, with its mass balance."""
    with reading() as session:
        return _trace_body(trace_lot(session, lot_id))


@area.route("GET", "/lots/<id:lot_id>/trace.csv", gives=None)
def download_trace(lot_id: int) -> Response:
    """The recall report as CSV, a row a line."""
    with reading() as session:
        rows = recall_rows(trace_lot(session, lot_id))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(rows[0])
    writer.writerows([_cell(value) for value in row.values()] for row in rows)
    answer = Response(text.getvalue().encode("utf-8-sig"), content_type=CSV_TYPE)
    answer.headers["Content-Disposition"] = f"attachment; filename=trace-{lot_id}.csv"
    return answer


@area.route(
    "POST",
    "/stock/opening",
    takes=stock_schemas.OpeningIn,
    gives=stock_schemas.AdjustmentOut,
    status=201,
    roles=MAY_WRITE,
)
def add_opening_stock(body: dict[str, Any]) -> Adjustment:
    """A lot that was there before Partsemble. The books have its value already, so it isn't exported."""
    return writing(lambda session, act: open_stock(session, act, **body))


@area.route("GET", "/adjustments/<id:adjustment_id>", gives=stock_schemas.AdjustmentOut)
def show_adjustment(adjustment_id: int) -> Adjustment:
    """One change of one lot."""
    with reading() as session:
        return get_adjustment(session, adjustment_id)


def lot_body(story: LotStory) -> Json:
    """A lot, as `LotOut`."""
    lot = story.lot
    source = story.receipt or story.build
    computed = {"sku", "unit_cost", "receipt_id", "source", "draws"}
    return {
        **{key: getattr(lot, key) for key in schemas.LotOut._declared_fields.keys() - computed},
        "sku": story.product.sku,
        "unit_cost": story.unit_cost,
        "receipt_id": story.receipt.id if story.receipt else None,
        "source": source.reference if source else "",
        "draws": [_use_body(use) for use in story.uses],
    }


def _use_body(use: Use) -> Json:
    return {
        "document_kind": use.kind,
        "document_id": use.document_id,
        "reference": use.reference,
        "used_on": use.on,
        "quantity": use.quantity,
        "cost": use.cost,
        "made_sku": use.made.sku if use.made else None,
    }


def _trace_body(report: TraceReport) -> Json:
    """Everything of the report under its own names."""
    return {key: getattr(report, key) for key in trace_schemas.TraceOut._declared_fields}


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:f}" if isinstance(value, Decimal) else defused(str(value))
