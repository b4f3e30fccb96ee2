"""Events that go out to the user's own programs, and every delivery of them."""

from __future__ import annotations

import datetime as dt
import enum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from partsemble_core.store.base import Base, CompanyOwned, Id, link, one_of, owned


class EventKind(enum.StrEnum):
    """What may be told."""

    BUILD_COMPLETED = "build.completed"
    EXPORT_POSTED = "export.posted"
    EXPORT_FAILED = "export.failed"
    STOCK_LOW = "stock.low"
    TEST = "test"
    """Sent when somebody asks for it; every address is told of it."""


class DeliveryState(enum.StrEnum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


class EventEndpoint(CompanyOwned, Base):
    """An address that is told of events, with the sealed secret that signs what is sent to it."""

    __tablename__ = "event_endpoints"
    url: Mapped[str]
    row_key: Mapped[str]
    """Binds the sealed secret to this row."""
    secret_sealed: Mapped[str]
    kinds: Mapped[str]
    """The kinds it is told of, divided by spaces."""
    is_active: Mapped[bool]
    created_by: Mapped[str]
    created_at: Mapped[dt.datetime]
    __table_args__ = owned(sa.UniqueConstraint("company_id", "url"))


class EventDelivery(CompanyOwned, Base):
    """One event for one address, written in the transaction of what happened."""

    __tablename__ = "event_deliveries"
    endpoint_id: Mapped[int] = mapped_column(Id)
    event_id: Mapped[str]
    """The same for every address, so that a receiver can tell a repetition."""
    kind: Mapped[str]
    body: Mapped[bytes]
    state: Mapped[str]
    attempts: Mapped[int]
    not_before: Mapped[dt.datetime]
    lease_until: Mapped[dt.datetime | None]
    last_status: Mapped[int | None]
    problem: Mapped[str]
    created_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]
    __table_args__ = owned(
        link("endpoint_id", "event_endpoints"),
        sa.UniqueConstraint("company_id", "endpoint_id", "event_id"),
        one_of("kind", EventKind),
        one_of("state", DeliveryState),
        sa.CheckConstraint("(state = 'waiting') = (ended_at IS NULL)", name="ended_has_a_time"),
        sa.Index("ix_event_deliveries_due", "state", "not_before"),
    )
