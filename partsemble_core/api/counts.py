"""Counts of stock: what was expected, what was counted, and the adjustments that come of it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from partsemble_core.api import stock_schemas as schemas
from partsemble_core.api.areas import Area
from partsemble_core.api.door import Json, reading, writing
from partsemble_core.services.acting import Act
from partsemble_core.services.admitting import MAY_WRITE
from partsemble_core.services.counting import cancel_count, confirm_count, enter_counts, start_count, view_count
from partsemble_core.store.adjustments import Adjustment, get_count
from partsemble_core.store.session import CompanySession

area = Area("counts", "Counting stock: lots are put on a count, counted, and their differences become adjustments.")


@area.route("POST", "/counts", takes=schemas.CountIn, gives=schemas.CountOut, status=201, roles=MAY_WRITE)
def add_count(body: dict[str, Any]) -> Json:
    """A count of all lots in stock, or of those of ``skus``, or of ``lot_ids``. What is expected is fixed now."""
    return writing(lambda session, act: _count_body(session, start_count(session, act, **body).id))


@area.route("GET", "/counts/<id:count_id>", gives=schemas.CountOut)
def show_count(count_id: int) -> Json:
    """One count with its lots, their variances, and the adjustments that it made."""
    with reading() as session:
        return _count_body(session, count_id)


@area.route("PUT", "/counts/<id:count_id>/lines", takes=schemas.CountEntries, gives=schemas.CountOut, roles=MAY_WRITE)
def put_count_lines(body: dict[str, Any], count_id: int) -> Json:
    """Notes what was counted, by lot id. May be sent as often as it takes; lots left out keep what they have."""

    def enter(session: CompanySession, act: Act) -> Json:
        return _count_body(session, enter_counts(session, act, count_id, counted=body["counted"]).id)

    return writing(enter)


@area.route("POST", "/counts/<id:count_id>/confirm", gives=schemas.CountOut, roles=MAY_WRITE)
def confirm_it(count_id: int) -> Json:
    """Makes an adjustment for each variance, all or nothing. What isn't counted stays."""

    def confirm(session: CompanySession, act: Act) -> Json:
        confirm_count(session, act, count_id)
        return _count_body(session, count_id)

    return writing(confirm)


@area.route("POST", "/counts/<id:count_id>/cancel", gives=schemas.CountOut, roles=MAY_WRITE)
def cancel_it(count_id: int) -> Json:
    """Gives up a count that isn't confirmed. Nothing changes; its lots may be put on another count."""

    def cancel(session: CompanySession, act: Act) -> Json:
        return _count_body(session, cancel_count(session, act, count_id).id)

    return writing(cancel)


def _count_body(session: CompanySession, count_id: int) -> Json:
    session.flush()
    count = get_count(session, count_id)
    made = sa.select(Adjustment).where(Adjustment.count_id == count.id).order_by(Adjustment.id)
    same = schemas.CountOut._declared_fields.keys() - {"lines", "adjustments"}
    return {
        **{key: getattr(count, key) for key in same},
        "adjustments": session.scalars(made).all(),
        "lines": [
            {
                "lot_id": line.lot.id,
                "lot_number": line.lot.number,
                "sku": line.sku,
                "expected": line.expected,
                "late": line.late,
                "counted": line.counted,
                "variance": line.variance,
                "quantity_left": line.left,
            }
            for line in view_count(session, count.id)
        ],
    }
