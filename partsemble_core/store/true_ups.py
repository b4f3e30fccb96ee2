"""True-ups: journals that move accumulated rounding out of a stock account. Numbered, and taken back by another one."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from partsemble_core.errors import NotFound
from partsemble_core.store.base import Base, CompanyOwned, Id, link, owned, whole
from partsemble_core.store.session import CompanySession


class TrueUp(CompanyOwned, Base):
    """``amount`` is what the stock account is debited, below zero what it is credited; rounding gets the opposite."""

    __tablename__ = "true_ups"
    number: Mapped[int]
    reference: Mapped[str]
    amount: Mapped[Decimal]
    trued_up_on: Mapped[dt.date]
    reverses_id: Mapped[int | None] = mapped_column(Id)
    """The true-up that this one takes back: each at most once."""
    reason: Mapped[str]
    created_at: Mapped[dt.datetime]
    created_by: Mapped[str]
    __table_args__ = owned(
        link("reverses_id", "true_ups"),
        sa.UniqueConstraint("company_id", "number"),
        sa.UniqueConstraint("company_id", "reverses_id"),
        *whole("amount"),
        sa.CheckConstraint("amount <> 0", name="amount_moves"),
    )


def get_true_up(session: CompanySession, true_up_id: int) -> TrueUp:
    """Raises NotFound."""
    found = session.scalar(sa.select(TrueUp).where(TrueUp.id == true_up_id))
    if found is None:
        raise NotFound("true-up", true_up_id)
    return found
