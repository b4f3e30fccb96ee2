"""Relating: which contact of the books a supplier is."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import sqlalchemy as sa

from partsemble_core.domain.suppliers import GONE, NOT_LINKED
from partsemble_core.errors import Conflict, NotFound, WrongState, say
from partsemble_core.services.acting import Act
from partsemble_core.services.admitting import MAY_EXPORT, MAY_WRITE
from partsemble_core.services.syncing import get_live_connection
from partsemble_core.store.base import can_be_stored
from partsemble_core.store.connections import Connection, find_live
from partsemble_core.store.receipts import Supplier, get_supplier_by_id
from partsemble_core.store.session import CompanySession, LockRank
from partsemble_core.store.supplier_contacts import LinkState, SupplierContact, find_link, linked_supplier_ids
from partsemble_core.store.syncs import RemoteContact

MAY_LINK = MAY_WRITE | MAY_EXPORT
KEY_BYTES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A supplier, and what it is in the connected books: None where there are none, or nothing was ever tried."""

    supplier: Supplier
    connection: Connection | None = None
    link: SupplierContact | None = None
    contact: RemoteContact | None = None
    """The contact that is linked, or in the way, as last read."""

    @property
    def state(self) -> str:
        """not linked, pending, linked, gone, conflict or refused."""
        if self.link is None or self.link.state == LinkState.UNLINKED:
            return NOT_LINKED
        if self.link.state == LinkState.LINKED and self.contact is not None and self.contact.is_gone:
            return GONE
        return self.link.state

    @property
    def external_id(self) -> str:
        return self.link.external_id if self.link else ""

    @property
    def message(self) -> str:
        return self.link.message if self.link else ""

    @property
    def contact_name(self) -> str:
        return self.contact.name if self.contact else ""


def relation_of(session: CompanySession, supplier_id: int) -> Relation:
    """Raises NotFound for the supplier."""
    supplier, connection = get_supplier_by_id(session, supplier_id), find_live(session)
    found = find_link(session, supplier_id, connection.id) if connection else None
    if connection is None or found is None:
        return Relation(supplier=supplier, connection=connection)
    contact = find_contact(session, connection.id, found.external_id)
    return Relation(supplier=supplier, connection=connection, link=found, contact=contact)


def find_contact(session: CompanySession, connection_id: int, external_id: str) -> RemoteContact | None:
    """The contact with their id, as last read."""
    if not external_id or not can_be_stored(external_id):
        return None
    return session.scalar(
        sa.select(RemoteContact).where(
            RemoteContact.connection_id == connection_id, RemoteContact.external_id == external_id
        )
    )


def link_supplier(session: CompanySession, act: Act, supplier_id: int, *, external_id: str) -> Relation:
    """Says that the supplier is this contact of the connected books, or the one that is in its way.

    Raises NotFound, NotConnected, WrongState for an archived contact, Conflict for one that is another supplier.
    """
    session.locking(LockRank.DOCUMENT)
    get_supplier_by_id(session, supplier_id)
    connection = get_live_connection(session)
    link = link_for_update(session, act, supplier_id, connection.id)
    contact = find_contact(session, connection.id, external_id)
    is_in_the_way = link.state == LinkState.CONFLICT and link.external_id == external_id
    if contact is None and not is_in_the_way:
        raise NotFound("contact", external_id[:60])
    if contact is not None and contact.is_gone:
        raise WrongState(
            say("{name} is archived in the books. Restore it there and sync contacts, then link it.", name=contact.name)
        )
    refuse_second(session, connection.id, external_id, supplier_id=supplier_id)
    set_link(link, act, LinkState.LINKED, external_id=external_id)
    session.flush()
    return relation_of(session, supplier_id)


def unlink_supplier(session: CompanySession, act: Act, supplier_id: int) -> Relation:
    """Takes the link away, here only: the contact in the books stays. Raises NotFound, NotConnected, WrongState."""
    session.locking(LockRank.DOCUMENT)
    relation = relation_of(session, supplier_id)
    get_live_connection(session)
    if relation.link is None or relation.state == NOT_LINKED:
        raise WrongState(
            say("{code} isn't linked to a contact. There is nothing to take away.", code=relation.supplier.code)
        )
    set_link(relation.link, act, LinkState.UNLINKED)
    session.flush()
    return relation_of(session, supplier_id)


def link_for_update(session: CompanySession, act: Act, supplier_id: int, connection_id: int) -> SupplierContact:
    """The row of a supplier in these books, made where there is none, and locked until commit."""
    row = {
        "supplier_id": supplier_id,
        "connection_id": connection_id,
        "key": secrets.token_hex(KEY_BYTES).upper(),
        "state": LinkState.UNLINKED.value,
        "external_id": "",
        "message": "",
        "changed_by": act.by,
        "changed_at": act.at,
    }
    session.insert_missing(SupplierContact, row, key=("company_id", "supplier_id", "connection_id"))
    return session.scalars(
        sa.select(SupplierContact)
        .where(SupplierContact.supplier_id == supplier_id, SupplierContact.connection_id == connection_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def set_link(link: SupplierContact, act: Act, state: LinkState, *, external_id: str = "", message: str = "") -> None:
    """What is true of the link from now on, and who says so."""
    link.state, link.external_id, link.message = state, external_id, message[:1000]
    link.changed_by, link.changed_at = act.by, act.at


def refuse_second(session: CompanySession, connection_id: int, external_id: str, *, supplier_id: int) -> None:
    """Raises Conflict for a contact that another supplier is linked to."""
    others = [each for each in linked_supplier_ids(session, connection_id, external_id) if each != supplier_id]
    if others:
        code = get_supplier_by_id(session, others[0]).code
        raise Conflict(
            say("That contact is supplier {code} already. Unlink {code} first, or choose another contact.", code=code)
        )
