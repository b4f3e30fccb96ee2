"""Pruning: deliveries of events that ended long ago leave the log. What waits stays, however old it is."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from partsemble_core.services.house import House
from partsemble_core.store.database import database_now, reading_anywhere
from partsemble_core.store.events import EventDelivery
from partsemble_core.store.session import CompanySession

KEPT = dt.timedelta(days=30)
AT_ONCE = 1_000
"""In one transaction, so that nobody waits long for it; the rest goes in the next round."""


def prune_deliveries(house: House) -> int:
    """Deletes what ended more than thirty days ago, some of each company. Returns how many."""
    with reading_anywhere(house.engine) as session:
        before = database_now(session) - KEPT
        companies = session.scalars(sa.select(EventDelivery.company_id).where(_is_old(before)).distinct()).all()
    return sum(house.write(company_id, lambda session: _prune(session, before)) for company_id in companies)


def _prune(session: CompanySession, before: dt.datetime) -> int:
    wanted = sa.select(EventDelivery.id).where(_is_old(before)).order_by(EventDelivery.id).limit(AT_ONCE)
    old = session.scalars(wanted).all()
    if old:
        session.execute(sa.delete(EventDelivery).where(EventDelivery.id.in_(old), _is_old(before)))
    return len(old)


def _is_old(before: dt.datetime) -> sa.ColumnElement[bool]:
    return sa.and_(EventDelivery.ended_at.is_not(None), EventDelivery.ended_at < before)
