"""The outbox: one row a posting, written with its document, and every attempt at it, kept for ever.

The shape is that of the protocol in ``docs/explanation/exactly-once.md``. Bytes are frozen at insert.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from partsemble_core.domain.exports import Doubt, ExportState
from partsemble_core.errors import NotFound
from partsemble_core.store.base import SUM_BOUND, Base, CompanyOwned, Id, link, one_of, owned, whole
from partsemble_core.store.lots import DocumentKind
from partsemble_core.store.session import CompanySession


class Export(CompanyOwned, Base):
    __tablename__ = "exports"
    connection_id: Mapped[int] = mapped_column(Id)
    backend: Mapped[str]
    document_kind: Mapped[str]
    document_id: Mapped[int] = mapped_column(Id)
    reference: Mapped[str]
    token: Mapped[str] = mapped_column(unique=True)
    """Twelve characters found again in their books; never used for anything else."""
    body: Mapped[bytes]
    body_sha256: Mapped[str]
    state: Mapped[str]
    doubt: Mapped[str]
    """What an unknown outcome is about: creating or posting."""
    external_id: Mapped[str | None]
    """Set once, by compare-and-set; only this id is ever posted."""
    after_export_id: Mapped[int | None] = mapped_column(Id)
    exact: Mapped[Decimal]
    posted: Mapped[Decimal]
    rounding: Mapped[Decimal]
    stock_accounts: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    """Their ids of the accounts that stood for stock when it was frozen; the choice may have changed since."""
    problem: Mapped[str]
    not_before: Mapped[dt.datetime]
    attempts: Mapped[int]
    priority: Mapped[int]
    created_at: Mapped[dt.datetime]
    posted_at: Mapped[dt.datetime | None]
    tidied_at: Mapped[dt.datetime | None]
    """When the books were searched for drafts of ours that lost, after it was posted."""
    is_replaced: Mapped[bool] = mapped_column(default=False)
    """Another export posts the document: this one never reached the books and never will."""
    lease_owner: Mapped[str | None]
    lease_epoch: Mapped[int]
    lease_until: Mapped[dt.datetime | None]
    __table_args__ = owned(
        link("connection_id", "connections"),
        link("after_export_id", "exports"),
        sa.Index(
            "uq_exports_one_a_document",
            "company_id",
            "connection_id",
            "document_kind",
            "document_id",
            unique=True,
            sqlite_where=sa.text("NOT is_replaced"),
            postgresql_where=sa.text("NOT is_replaced"),
        ),
        sa.CheckConstraint("NOT is_replaced OR state = 'cancelled'", name="replaced_is_cancelled"),
        sa.UniqueConstraint("company_id", "connection_id", "external_id"),
        one_of("state", ExportState),
        one_of("doubt", Doubt),
        one_of("document_kind", DocumentKind),
        *whole("exact", "posted", "rounding", below=SUM_BOUND),
        sa.CheckConstraint("(state = 'posted') = (posted_at IS NOT NULL)", name="posted_has_a_time"),
        sa.CheckConstraint("state <> 'posted' OR external_id IS NOT NULL", name="posted_has_an_id"),
        sa.Index("ix_exports_state", "company_id", "state"),
        sa.Index("ix_exports_due", "state", "not_before", "priority", "id"),
        sa.Index("ix_exports_document", "company_id", "document_kind", "document_id"),
    )


class ExportAttempt(CompanyOwned, Base):
    """One call. Committed before its request leaves; its outcome is filled in once."""

    __tablename__ = "export_attempts"
    export_id: Mapped[int] = mapped_column(Id)
    epoch: Mapped[int]
    step: Mapped[str]
    key: Mapped[str]
    sent_at: Mapped[dt.datetime]
    outcome: Mapped[str | None]
    message: Mapped[str]
    external_id: Mapped[str | None]
    ended_at: Mapped[dt.datetime | None]
    __table_args__ = owned(
        link("export_id", "exports"),
        sa.CheckConstraint("step IN ('create', 'look_up', 'post', 'discard')", name="step_known"),
        sa.CheckConstraint(
            "outcome IS NULL OR outcome IN ('ok', 'refused', 'unknown', 'not_sent')", name="outcome_known"
        ),
        sa.Index("ix_export_attempts_export", "company_id", "export_id", "id"),
    )


def get_export(session: CompanySession, export_id: int) -> Export:
    """Raises NotFound."""
    found = session.scalar(sa.select(Export).where(Export.id == export_id))
    if found is None:
        raise NotFound("export", export_id)
    return found


def find_for_document(session: CompanySession, kind: DocumentKind, document_id: int) -> Export | None:
    """The export that counts: one that was replaced doesn't."""
    return session.scalar(
        sa.select(Export).where(
            Export.document_kind == kind, Export.document_id == document_id, sa.not_(Export.is_replaced)
        )
    )
