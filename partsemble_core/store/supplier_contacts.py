"""Which contact of the books a supplier is, for each connection."""

from __future__ import annotations

import datetime as dt
import enum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from partsemble_core.store.base import Base, CompanyOwned, Id, link, one_of, owned
from partsemble_core.store.session import CompanySession


class LinkState(enum.StrEnum):
    """pending: it is being created there, or nobody knows. conflict: somebody else's contact has the name."""

    PENDING = "pending"
    LINKED = "linked"
    CONFLICT = "conflict"
    REFUSED = "refused"
    UNLINKED = "unlinked"


class SupplierContact(CompanyOwned, Base):
    """One supplier in one set of books. Written before anything is sent there, and never deleted."""

    __tablename__ = "supplier_contacts"
    supplier_id: Mapped[int] = mapped_column(Id)
    connection_id: Mapped[int] = mapped_column(Id)
    key: Mapped[str]
    """Random, and the same for ever: what a contact that we create carries, so that it is found again."""
    state: Mapped[str]
    external_id: Mapped[str]
    """The contact; with ``conflict`` the one in the way, else empty."""
    message: Mapped[str]
    changed_by: Mapped[str]
    changed_at: Mapped[dt.datetime]
    __table_args__ = owned(
        link("supplier_id", "suppliers"),
        link("connection_id", "connections"),
        sa.UniqueConstraint("company_id", "supplier_id", "connection_id"),
        sa.UniqueConstraint("company_id", "key"),
        one_of("state", LinkState),
        sa.CheckConstraint("state <> 'linked' OR external_id <> ''", name="linked_has_an_id"),
        sa.Index("ix_supplier_contacts_external", "company_id", "connection_id", "external_id"),
    )

    @property
    def local_id(self) -> str:
        """What the contact is called towards the books."""
        return f"{self.supplier_id}-{self.key}"


def find_link(session: CompanySession, supplier_id: int, connection_id: int) -> SupplierContact | None:
    return session.scalar(
        sa.select(SupplierContact).where(
            SupplierContact.supplier_id == supplier_id, SupplierContact.connection_id == connection_id
        )
    )


def linked_supplier_ids(session: CompanySession, connection_id: int, external_id: str) -> list[int]:
    """The suppliers that are linked to this contact."""
    return list(
        session.scalars(
            sa.select(SupplierContact.supplier_id)
            .where(
                SupplierContact.connection_id == connection_id,
                SupplierContact.external_id == external_id,
                SupplierContact.state == LinkState.LINKED,
            )
            .order_by(SupplierContact.supplier_id)
        )
    )
