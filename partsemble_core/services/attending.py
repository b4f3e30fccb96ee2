"""Attending: what lies still until somebody decides: builds under review, lots on hold, and open lots that expired."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from partsemble_core.domain.builds import BuildState
from partsemble_core.domain.lots import LotState
from partsemble_core.store.base import Millionths
from partsemble_core.store.builds import Build
from partsemble_core.store.lots import Lot
from partsemble_core.store.products import Product
from partsemble_core.store.session import CompanySession

SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """The first few of each kind, the oldest first."""

    in_review: Sequence[tuple[Build, Product]]
    value_in_review: Decimal
    held: Sequence[tuple[Lot, Product]]
    expired: Sequence[tuple[Lot, Product]]


def attend(session: CompanySession, *, today: dt.date) -> Attention:
    """What waits for a decision ``today``, in four statements."""
    reviewed = (
        sa.select(Build, Product)
        .join(Product, sa.and_(Product.id == Build.product_id, Product.company_id == Build.company_id))
        .where(Build.state == BuildState.PENDING_QA)
        .order_by(Build.id)
        .limit(SHOWN)
    )
    return Attention(
        in_review=[(build, product) for build, product in session.execute(reviewed)],
        value_in_review=value_in_review(session),
        held=_lots(session, Lot.state == LotState.HELD),
        expired=_lots(session, sa.and_(Lot.state == LotState.OPEN, Lot.expires_on < today)),
    )


def value_in_review(session: CompanySession) -> Decimal:
    """What the components cost that builds under review have taken: no lot holds it until they are decided on."""
    total = sa.type_coerce(sa.func.coalesce(sa.func.sum(Build.components_cost), 0), Millionths())
    return session.scalars(sa.select(total).where(Build.state == BuildState.PENDING_QA)).one()


def _lots(session: CompanySession, condition: sa.ColumnElement[bool]) -> list[tuple[Lot, Product]]:
    rows = session.execute(
        sa.select(Lot, Product)
        .join(Product, sa.and_(Product.id == Lot.product_id, Product.company_id == Lot.company_id))
        .where(condition)
        .order_by(Lot.received_on, Lot.id)
        .limit(SHOWN)
    )
    return [(lot, product) for lot, product in rows]
