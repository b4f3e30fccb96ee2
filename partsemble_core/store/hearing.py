"""What the books told by themselves: each message as it came, and the changes in it, company by company."""

from __future__ import annotations

import datetime as dt
import enum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from partsemble_core.store.base import Base, CompanyOwned, Id, link, one_of, owned


class HeardState(enum.StrEnum):
    """waiting: a sync is to follow. answered: it was done. ignored: nothing is read for it. left: to the poll."""

    WAITING = "waiting"
    ANSWERED = "answered"
    IGNORED = "ignored"
    LEFT = "left"


class HeardMessage(Base):
    """A genuine message, byte for byte. It may name many companies' books, so it is no company's, and no page's."""

    __tablename__ = "heard_messages"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    backend: Mapped[str]
    body: Mapped[bytes]
    body_sha256: Mapped[str]
    first_sequence: Mapped[int | None] = mapped_column(sa.BigInteger)
    last_sequence: Mapped[int | None] = mapped_column(sa.BigInteger)
    events: Mapped[int]
    strangers: Mapped[int]
    """How many of its events were about books that nobody has connected here."""
    problem: Mapped[str]
    received_at: Mapped[dt.datetime]
    __table_args__ = (
        sa.UniqueConstraint("backend", "body_sha256"),
        sa.Index("ix_heard_messages_received_at", "received_at"),
    )


class HeardEvent(CompanyOwned, Base):
    """One change in the books of one company, once however often it is told."""

    __tablename__ = "heard_events"
    connection_id: Mapped[int] = mapped_column(Id)
    subject: Mapped[str]
    category: Mapped[str]
    resource_id: Mapped[str]
    change: Mapped[str]
    happened_at: Mapped[str]
    """Their own text, so that a repetition is the same."""
    heard_at: Mapped[dt.datetime]
    state: Mapped[str]
    run_id: Mapped[int | None] = mapped_column(Id)
    """The sync that reads what changed."""
    tries: Mapped[int] = mapped_column(default=0)
    __table_args__ = owned(
        link("connection_id", "connections"),
        link("run_id", "sync_runs"),
        sa.UniqueConstraint(
            "company_id",
            "connection_id",
            "category",
            "resource_id",
            "happened_at",
            "change",
            name="uq_heard_events_once",
        ),
        one_of("state", HeardState),
        sa.Index("ix_heard_events_waiting", "state", "company_id", "connection_id"),
        sa.Index("ix_heard_events_heard_at", "heard_at"),
    )
