"""The list of suppliers, and what each is in the connected books."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from partsemble_core.domain.suppliers import GONE, NOT_LINKED
from partsemble_core.services.listing.asking import Column
from partsemble_core.services.listing.paging import Statement, Table, choice
from partsemble_core.store.connections import Connection, ConnectionState
from partsemble_core.store.receipts import Supplier
from partsemble_core.store.supplier_contacts import LinkState, SupplierContact
from partsemble_core.store.syncs import RemoteContact

ACTIVITY = ("active", "inactive")
LINKS = (
    NOT_LINKED,
    LinkState.LINKED.value,
    GONE,
    LinkState.PENDING.value,
    LinkState.CONFLICT.value,
    LinkState.REFUSED.value,
)
"""What a supplier can be in the connected books; gone: its contact is archived or no longer there."""
LINK = sa.case(
    (sa.or_(SupplierContact.id.is_(None), SupplierContact.state == LinkState.UNLINKED), NOT_LINKED),
    (sa.and_(SupplierContact.state == LinkState.LINKED, RemoteContact.is_gone), GONE),
    else_=SupplierContact.state,
)
STATE = sa.case((Supplier.is_active, "active"), else_="inactive")


def supplier_of(connection_id: Any, external_id: Any, what: Any) -> Any:
    """A value of the first supplier that is linked to a contact: two may be, where contacts were merged."""
    return (
        sa.select(what)
        .select_from(SupplierContact)
        .join(
            Supplier,
            sa.and_(Supplier.company_id == SupplierContact.company_id, Supplier.id == SupplierContact.supplier_id),
        )
        .where(
            SupplierContact.company_id == RemoteContact.company_id,
            SupplierContact.connection_id == connection_id,
            SupplierContact.external_id == external_id,
            SupplierContact.state == LinkState.LINKED,
        )
        .order_by(SupplierContact.supplier_id)
        .limit(1)
        .correlate(RemoteContact)
        .scalar_subquery()
    )


def _suppliers(statement: Statement) -> Statement:
    """A company has one live connection at most, so no supplier is shown twice."""
    live = sa.and_(Connection.company_id == Supplier.company_id, Connection.state != ConnectionState.DISCONNECTED)
    link = sa.and_(
        SupplierContact.company_id == Supplier.company_id,
        SupplierContact.supplier_id == Supplier.id,
        SupplierContact.connection_id == Connection.id,
    )
    contact = sa.and_(
        RemoteContact.company_id == Supplier.company_id,
        RemoteContact.connection_id == SupplierContact.connection_id,
        RemoteContact.external_id == SupplierContact.external_id,
    )
    return (
        statement.select_from(Supplier)
        .outerjoin(Connection, live)
        .outerjoin(SupplierContact, link)
        .outerjoin(RemoteContact, contact)
    )


SUPPLIERS = Table(
    name="suppliers",
    title="Suppliers",
    columns=(
        Column("code", "Code"),
        Column("name", "Name"),
        Column("contact", "Contact"),
        Column("email", "E-mail"),
        Column("phone", "Phone"),
        Column("link", "In the books", "state"),
        Column("link_name", "Contact in the books"),
        Column("state", "State", "state"),
    ),
    row_id=Supplier.id,
    reads={
        "code": Supplier.code,
        "name": Supplier.name,
        "contact": Supplier.contact,
        "email": Supplier.email,
        "phone": Supplier.phone,
        "link": LINK,
        "link_name": sa.func.coalesce(RemoteContact.name, ""),
        "state": STATE,
    },
    join=_suppliers,
    searched=("code", "name", "contact", "email", "phone"),
    order="code",
    filters={"state": choice(STATE, ACTIVITY, key="state"), "link": choice(LINK, LINKS, key="link")},
)
