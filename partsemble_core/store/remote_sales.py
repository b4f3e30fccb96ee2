"""Sales documents as last read from the books, and where the reading of them stands."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from partsemble_core.plugin_api.types import SalesKind, SalesStatus
from partsemble_core.store.base import SUM_BOUND, Base, CompanyOwned, Id, link, one_of, owned, whole
from partsemble_core.store.syncs import SyncKind


class SyncCursor(CompanyOwned, Base):
    """Where the next sync of a kind goes on: the plugin's own text, saved together with the page before it."""

    __tablename__ = "sync_cursors"
    connection_id: Mapped[int] = mapped_column(Id)
    kind: Mapped[str]
    cursor: Mapped[str]
    saved_at: Mapped[dt.datetime]
    __table_args__ = owned(
        link("connection_id", "connections"),
        sa.UniqueConstraint("company_id", "connection_id", "kind"),
        one_of("kind", SyncKind),
    )


class RemoteSale(CompanyOwned, Base):
    """An invoice, receipt or credit note of the books. It is never deleted: one that was voided says so.

    Amounts are as printed on it, a credit's positive too, net of tax and in the document's currency.
    """

    __tablename__ = "remote_sales"
    connection_id: Mapped[int] = mapped_column(Id)
    external_id: Mapped[str]
    kind: Mapped[str]
    status: Mapped[str]
    number: Mapped[str]
    date: Mapped[dt.date]
    contact_id: Mapped[str]
    """Theirs, of the customer."""
    contact_name: Mapped[str]
    currency: Mapped[str]
    rate: Mapped[str]
    """Units of its currency for one of the books', with all its digits: it may have more than an amount has."""
    net: Mapped[Decimal]
    problem: Mapped[str]
    """Why its lines aren't kept; empty where they are."""
    updated_at: Mapped[dt.datetime | None]
    """The last change there, by their clock. An older version never replaces a newer one."""
    synced_at: Mapped[dt.datetime]
    """When it was last read here."""
    __table_args__ = owned(
        link("connection_id", "connections"),
        sa.UniqueConstraint("company_id", "connection_id", "external_id"),
        one_of("kind", SalesKind),
        one_of("status", SalesStatus),
        *whole("net", below=SUM_BOUND),
        sa.Index("ix_remote_sales_by_day", "company_id", "date", "id"),
    )


class RemoteSaleLine(CompanyOwned, Base):
    """One line of it, in its order. All lines are replaced when a newer version comes."""

    __tablename__ = "remote_sale_lines"
    sale_id: Mapped[int] = mapped_column(Id)
    position: Mapped[int]
    external_id: Mapped[str]
    item_id: Mapped[str]
    """Theirs; empty for a line without an item."""
    item_code: Mapped[str]
    code_key: Mapped[str]
    """What it has in common with the SKU of the same product."""
    description: Mapped[str]
    quantity: Mapped[Decimal]
    net: Mapped[Decimal]
    __table_args__ = owned(
        link("sale_id", "remote_sales"),
        sa.UniqueConstraint("company_id", "sale_id", "position"),
        *whole("quantity", "net", below=SUM_BOUND),
    )
