"""Lacking: why a build falls short of a product although there is some of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

import sqlalchemy as sa

from partsemble_core.domain.amounts import add
from partsemble_core.domain.boms import BomState
from partsemble_core.domain.fifo import NOTHING, Shortage, Withheld
from partsemble_core.domain.lots import LotState
from partsemble_core.store.availability import takeable
from partsemble_core.store.boms import BomVersion
from partsemble_core.store.companies import CompanyOptions
from partsemble_core.store.lots import Lot
from partsemble_core.store.session import CompanySession


def withheld_of(
    session: CompanySession,
    shortages: Sequence[Shortage],
    day: dt.date | None,
    *,
    today: dt.date,
    options: CompanyOptions,
) -> dict[int, Withheld]:
    """By product: what is on hold, what had expired by ``day`` and may not be taken, what came only after it, and
    whether it is made here. Four statements, however many fall short.
    """
    ids = {short.product_id for short in shortages}
    on = day or today
    blocked = on if options.block_expired else None
    held = _left(session, ids, Lot.state == LotState.HELD)
    good = takeable(session, ids, not_expired_on=blocked)
    every = takeable(session, ids) if blocked else good
    made = set(
        session.scalars(
            sa.select(BomVersion.product_id).where(BomVersion.product_id.in_(ids), BomVersion.state == BomState.ACTIVE)
        )
    )
    return {
        short.product_id: Withheld(
            held=held.get(short.product_id, NOTHING),
            expired=add([every[short.product_id], -good[short.product_id]]),
            later=_later(short, good[short.product_id]) if on < today else NOTHING,
            day=on,
            is_made=short.product_id in made,
        )
        for short in shortages
    }


def _later(short: Shortage, now: Decimal) -> Decimal:
    """What can be taken now beyond what could be on the day; with reservation that isn't told apart."""
    return NOTHING if short.reserved else max(add([now, -short.available]), NOTHING)


def _left(session: CompanySession, ids: set[int], which: sa.ColumnElement[bool]) -> dict[int, Decimal]:
    rows = session.execute(
        sa.select(Lot.product_id, sa.func.sum(Lot.quantity_left))
        .where(Lot.product_id.in_(ids), which)
        .group_by(Lot.product_id)
    )
    return {row[0]: row[1] for row in rows}
