"""The audit log: who changed what, when and from where. Rows are written once and never touched again."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from partsemble_core.store.base import Base, CompanyOwned, Id, one_of, owned


class Door(enum.StrEnum):
    """Which way somebody came in."""

    CONSOLE = "console"
    API = "api"
    COMMAND_LINE = "cli"
    WORKER = "worker"


class AuditAction(enum.StrEnum):
    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts, and from where. ``by`` is what histories show, ``address`` the network's, where there is one."""

    by: str
    door: Door
    address: str = ""


WORKER = Actor(by="Partsemble", door=Door.WORKER)
"""Whoever acts without a person: workers and the schedule."""


class AuditEntry(CompanyOwned, Base):
    """One change. The database refuses to change or delete it."""

    __tablename__ = "audit_entries"
    at: Mapped[dt.datetime]
    by: Mapped[str]
    door: Mapped[str]
    address: Mapped[str]
    action: Mapped[str]
    kind: Mapped[str]
    """What was changed, in a word: ``receipt``, ``member``, ``settings``."""
    subject_id: Mapped[int | None] = mapped_column(Id)
    subject: Mapped[str]
    """Which one, as people call it."""
    changes: Mapped[str]
    """``state: draft → confirmed; …``. What is secret is named without its value."""
    __table_args__ = owned(
        sa.Index("ix_audit_entries_company_at", "company_id", "at"),
        sa.Index("ix_audit_entries_subject", "company_id", "kind", "subject_id", "id"),
        one_of("door", Door),
        one_of("action", AuditAction),
    )
