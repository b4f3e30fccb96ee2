"""Tracking options of the books, and which of them the lines of postings carry."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from partsemble_core.plugin_api.tracking import Tracking
from partsemble_core.store.base import Base, CompanyOwned, Id, link, owned
from partsemble_core.store.session import CompanySession


class RemoteTracking(CompanyOwned, Base):
    """An option as last read from the backend, with the category that it belongs to."""

    __tablename__ = "remote_tracking"
    connection_id: Mapped[int] = mapped_column(Id)
    external_id: Mapped[str]
    name: Mapped[str]
    category_id: Mapped[str]
    category: Mapped[str]
    is_active: Mapped[bool]
    is_gone: Mapped[bool]
    synced_at: Mapped[dt.datetime]
    __table_args__ = owned(
        link("connection_id", "connections"),
        sa.UniqueConstraint("company_id", "connection_id", "external_id"),
    )

    @property
    def is_usable(self) -> bool:
        return self.is_active and not self.is_gone


class TrackingChoice(CompanyOwned, Base):
    """The option of a category that every line carries. A change affects later exports only."""

    __tablename__ = "tracking_choices"
    connection_id: Mapped[int] = mapped_column(Id)
    category_id: Mapped[str]
    remote_tracking_id: Mapped[int] = mapped_column(Id)
    __table_args__ = owned(
        link("connection_id", "connections"),
        link("remote_tracking_id", "remote_tracking"),
        sa.UniqueConstraint("company_id", "connection_id", "category_id"),
    )


def chosen_options(session: CompanySession, connection_id: int) -> list[RemoteTracking]:
    """The options that were chosen, usable or not, by category."""
    chosen = sa.and_(
        TrackingChoice.remote_tracking_id == RemoteTracking.id,
        TrackingChoice.company_id == RemoteTracking.company_id,
    )
    return list(
        session.scalars(
            sa.select(RemoteTracking)
            .join(TrackingChoice, chosen)
            .where(TrackingChoice.connection_id == connection_id)
            .order_by(RemoteTracking.category, RemoteTracking.id)
        )
    )


def tracking_of(session: CompanySession, connection_id: int) -> tuple[Tracking, ...]:
    """What every line of a new posting carries."""
    return tuple(
        Tracking(category_id=each.category_id, category=each.category, option_id=each.external_id, option=each.name)
        for each in chosen_options(session, connection_id)
    )
