"""Calls to the books, counted for all processes and machines together.

These rows belong to no company: the limits are those of an organisation over there, which several may be connected to,
and of the whole installation. They hold counts and times alone.
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from partsemble_core.store.base import Base, Id


class RateBucket(Base):
    """One organisation, or all of a backend: until when it is left alone, and how much of its day is used."""

    __tablename__ = "rate_buckets"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    whose: Mapped[str] = mapped_column(unique=True)
    held_until: Mapped[dt.datetime | None]
    in_day: Mapped[int] = mapped_column(default=0)
    day_ends_at: Mapped[dt.datetime | None]
    day_told: Mapped[int | None]
    """Calls left of the day, by their last answer, less those let through since."""
    day_told_at: Mapped[dt.datetime | None]


class RateCall(Base):
    """One call that was let through. It takes up room at once while it is under way, and in the minute after it."""

    __tablename__ = "rate_calls"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organisation: Mapped[str]
    backend: Mapped[str]
    under_way_until: Mapped[dt.datetime]
    """Its end; before that, when it is given up: a process that was killed holds it no longer."""
    counts_until: Mapped[dt.datetime]
    __table_args__ = (
        sa.Index("ix_rate_calls_organisation", "organisation", "counts_until"),
        sa.Index("ix_rate_calls_backend", "backend", "counts_until"),
    )


def find_buckets(session: Session, *whose: str) -> dict[str, RateBucket]:
    """By name, those that are there, as they are committed now."""
    rows = session.scalars(sa.select(RateBucket).where(RateBucket.whose.in_(whose)))
    return {row.whose: row for row in rows}
