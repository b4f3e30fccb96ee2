"""Undoing a receipt, a build or an adjustment, exactly."""

from __future__ import annotations

from typing import Any

from partsemble_core.api import stock_schemas as schemas
from partsemble_core.api.areas import Area
from partsemble_core.api.door import writing
from partsemble_core.services.admitting import MAY_SET_UP
from partsemble_core.services.reversing import reverse
from partsemble_core.store.adjustments import Reversal
from partsemble_core.store.lots import DocumentKind

area = Area("reversals", "Undoing documents: stock exactly as before, and the opposite posting.")


@area.route(
    "POST",
    "/receipts/<id:receipt_id>/reverse",
    takes=schemas.ReversalIn,
    gives=schemas.ReversalOut,
    status=201,
    roles=MAY_SET_UP,
)
def reverse_receipt(body: dict[str, Any], receipt_id: int) -> Reversal:
    """Undoes a receipt whose lots are untouched. Otherwise every document that rests on it is named."""
    return writing(lambda session, act: reverse(session, act, DocumentKind.RECEIPT, receipt_id, **body))


@area.route(
    "POST",
    "/builds/<id:build_id>/reverse",
    takes=schemas.ReversalIn,
    gives=schemas.ReversalOut,
    status=201,
    roles=MAY_SET_UP,
)
def reverse_build(body: dict[str, Any], build_id: int) -> Reversal:
    """Undoes a completed build whose lot is untouched: its components go back to the lots that they came from."""
    return writing(lambda session, act: reverse(session, act, DocumentKind.BUILD, build_id, **body))


@area.route(
    "POST",
    "/adjustments/<id:adjustment_id>/reverse",
    takes=schemas.ReversalIn,
    gives=schemas.ReversalOut,
    status=201,
    roles=MAY_SET_UP,
)
def reverse_adjustment(body: dict[str, Any], adjustment_id: int) -> Reversal:
    """Undoes an adjustment of a lot, or opening stock that is untouched."""
    return writing(lambda session, act: reverse(session, act, DocumentKind.ADJUSTMENT, adjustment_id, **body))
