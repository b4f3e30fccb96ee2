"""Lacking: why a build falls short of a product although there is some of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

import sqlalchemy as sa

from partsemble_core.domain.amounts import add
from partsemble_core.domain.boms import BomState
from partsemble_core.domain.fifo import NOTHING, Shortage, Withheld
from partsemble_core.store.availability import held_by_product, takeable
from partsemble_core.store.boms import BomVersion
from partsemble_core.store.companies import CompanyOptions
from partsemble_core.store.lots import Lot
from partsemble_core.store.session import CompanySession


def with_held(session: CompanySession, shortages: Iterable[Shortage]) -> tuple[Shortage, ...]:
    """The same, each with what lots on hold have of it. One statement, and none where nothing falls short."""
    found = tuple(shortages)
    return held_from(held_of(session, {short.product_id for short in found}), found)


def held_from(held: Mapping[int, Decimal], shortages: Iterable[Shortage]) -> tuple[Shortage, ...]:
    """The same by what is known to be on hold."""
    return tuple(replace(short, held=held.get(short.product_id, NOTHING)) for short in shortages)


def held_of(session: CompanySession, product_ids: Collection[int]) -> dict[int, Decimal]:
    """What lots on hold have left, by product."""
    if not product_ids:
        return {}
    return dict(session.execute(held_by_product().where(Lot.product_id.in_(product_ids))).all())


def withheld_of(
    session: CompanySession,
    shortages: Sequence[Shortage],
    day: dt.date | None,
    *,
    today: dt.date,
    options: CompanyOptions,
) -> dict[int, Withheld]:
    """By product: what had expired by ``day`` and may not be taken, what came only after it, and whether it is made
    here. Three statements, however many fall short.
    """
    ids = {short.product_id for short in shortages}
    on = day or today
    blocked = on if options.block_expired else None
    good = takeable(session, ids, not_expired_on=blocked)
    every = takeable(session, ids) if blocked else good
    made = set(
        session.scalars(
            sa.select(BomVersion.product_id).where(BomVersion.product_id.in_(ids), BomVersion.state == BomState.ACTIVE)
        )
    )
    return {
        short.product_id: Withheld(
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
