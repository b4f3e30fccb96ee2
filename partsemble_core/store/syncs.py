"""What is read from the books at times: the schedule, each run of a sync, and what it brought."""

from __future__ import annotations

import datetime as dt
import enum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from partsemble_core.store.base import Base, CompanyOwned, Id, link, one_of, owned


class SyncKind(enum.StrEnum):
    """What one sync reads."""

    ACCOUNTS = "accounts"
    ITEMS = "items"
    CONTACTS = "contacts"
    SALES = "sales"


class SyncState(enum.StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class SyncCause(enum.StrEnum):
    """Who asked for a run."""

    PERSON = "person"
    SCHEDULE = "schedule"
    HOOK = "hook"
    COMMAND = "command"


class SyncSchedule(CompanyOwned, Base):
    """When a connection's sync is due next. No row: never by itself."""

    __tablename__ = "sync_schedules"
    connection_id: Mapped[int] = mapped_column(Id)
    kind: Mapped[str]
    every_minutes: Mapped[int]
    next_at: Mapped[dt.datetime]
    __table_args__ = owned(
        link("connection_id", "connections"),
        sa.UniqueConstraint("company_id", "connection_id", "kind"),
        one_of("kind", SyncKind),
        sa.CheckConstraint("every_minutes BETWEEN 5 AND 10080", name="every_minutes_sane"),
        sa.Index("ix_sync_schedules_due", "next_at"),
    )


class SyncRun(CompanyOwned, Base):
    """One run. While it runs its lease is renewed; a run whose lease ran out has died and is in nobody's way."""

    __tablename__ = "sync_runs"
    connection_id: Mapped[int] = mapped_column(Id)
    kind: Mapped[str]
    cause: Mapped[str]
    state: Mapped[str]
    started_by: Mapped[str]
    started_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]
    lease_owner: Mapped[str | None]
    """The process that works on it; none yet: it waits for a worker."""
    lease_until: Mapped[dt.datetime | None]
    records: Mapped[int] = mapped_column(default=0)
    """Records read so far: the progress that is shown."""
    added: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    gone: Mapped[int] = mapped_column(default=0)
    message: Mapped[str] = mapped_column(default="")
    __table_args__ = owned(
        link("connection_id", "connections"),
        one_of("kind", SyncKind),
        one_of("state", SyncState),
        one_of("cause", SyncCause),
        sa.CheckConstraint("(state = 'running') = (ended_at IS NULL)", name="ended_has_a_time"),
        sa.Index(
            "uq_sync_runs_one_at_a_time",
            "company_id",
            "connection_id",
            "kind",
            unique=True,
            sqlite_where=sa.text("state = 'running'"),
            postgresql_where=sa.text("state = 'running'"),
        ),
        sa.Index("ix_sync_runs_latest", "company_id", "connection_id", "kind", "id"),
    )


class RemoteItem(CompanyOwned, Base):
    """An item as last read from the backend."""

    __tablename__ = "remote_items"
    connection_id: Mapped[int] = mapped_column(Id)
    external_id: Mapped[str]
    code: Mapped[str]
    code_key: Mapped[str]
    """What it has in common with the SKU of the same product."""
    name: Mapped[str]
    is_tracked: Mapped[bool]
    """The books keep its stock too: its cost of goods would be counted twice."""
    tracked_in: Mapped[str] = mapped_column(default="")
    """Codes of the accounts that hold its stock and its cost there, divided by line ends."""
    is_gone: Mapped[bool]
    synced_at: Mapped[dt.datetime]
    __table_args__ = owned(
        link("connection_id", "connections"),
        sa.UniqueConstraint("company_id", "connection_id", "external_id"),
        # Few are, and home warns of them.
        sa.Index(
            "ix_remote_items_tracked",
            "company_id",
            "connection_id",
            sqlite_where=sa.text("is_tracked IS 1"),
            postgresql_where=sa.text("is_tracked IS true"),
        ),
    )


class RemoteContact(CompanyOwned, Base):
    """A contact as last read from the backend."""

    __tablename__ = "remote_contacts"
    connection_id: Mapped[int] = mapped_column(Id)
    external_id: Mapped[str]
    name: Mapped[str]
    email: Mapped[str]
    is_supplier: Mapped[bool]
    is_customer: Mapped[bool]
    is_gone: Mapped[bool]
    synced_at: Mapped[dt.datetime]
    __table_args__ = owned(
        link("connection_id", "connections"),
        sa.UniqueConstraint("company_id", "connection_id", "external_id"),
    )
