"""Enlisting: suppliers made from contacts of the connected books, linked from the beginning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from partsemble_core.domain.products import NAME_LENGTH
from partsemble_core.domain.suppliers import propose_code
from partsemble_core.errors import Conflict, Invalid, NotFound, say, word
from partsemble_core.services.acting import Act
from partsemble_core.services.cataloguing import create_supplier
from partsemble_core.services.relating import find_contact, link_supplier
from partsemble_core.services.syncing import get_live_connection
from partsemble_core.store.receipts import Supplier
from partsemble_core.store.session import CompanySession
from partsemble_core.store.supplier_contacts import linked_supplier_ids
from partsemble_core.store.syncs import RemoteContact

AT_ONCE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A contact to make a supplier of. Without a code one is found."""

    external_id: str
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a contact would become. ``namesake``: a supplier that has the name already."""

    contact: RemoteContact
    code: str
    namesake: Supplier | None
    supplier: Supplier | None
    """The supplier that it is already."""


def propose(session: CompanySession, external_ids: Sequence[str]) -> list[Proposal]:
    """A code for each contact that nobody has, not even another one of these. Raises NotFound, NotConnected."""
    _check_count(external_ids)
    connection = get_live_connection(session)
    taken = set(session.scalars(sa.select(Supplier.code)))
    found = []
    for external_id in dict.fromkeys(external_ids):
        contact = _contact(session, connection.id, external_id)
        linked = linked_supplier_ids(session, connection.id, external_id)
        code = propose_code(contact.name, taken)
        taken.add(code)
        found.append(
            Proposal(
                contact=contact,
                code=code,
                namesake=_namesake(session, contact.name),
                supplier=session.get_one(Supplier, linked[0]) if linked else None,
            )
        )
    return found


def contacts_by_id(session: CompanySession, ids: Sequence[int]) -> list[str]:
    """Their ids of contacts by ours, those of the connected books, in the order of their names."""
    connection = get_live_connection(session)
    return list(
        session.scalars(
            sa.select(RemoteContact.external_id)
            .where(RemoteContact.connection_id == connection.id, RemoteContact.id.in_(ids))
            .order_by(RemoteContact.name, RemoteContact.id)
        )
    )


def enlist(session: CompanySession, act: Act, choices: Sequence[Choice]) -> list[Supplier]:
    """A supplier for each contact, with its name and e-mail, and linked to it. All of them or none.

    Raises NotFound, NotConnected, WrongState for an archived contact, Conflict for one that is a supplier already, and
    Invalid or Conflict naming the contact, such as ``contacts[2].code``.
    """
    _check_count(choices)
    if len({choice.external_id for choice in choices}) < len(choices):
        raise Invalid("contacts", "A contact is named twice. Name each once.")
    connection = get_live_connection(session)
    given = [choice.code.strip().upper() for choice in choices]
    taken = {*session.scalars(sa.select(Supplier.code)), *given}
    made = []
    for i, choice in enumerate(choices):
        contact = _contact(session, connection.id, choice.external_id)
        code = given[i] or propose_code(contact.name, taken)
        taken.add(code)
        try:
            supplier = create_supplier(session, act, code=code, name=contact.name[:NAME_LENGTH], email=contact.email)
        except Invalid as error:
            raise Invalid(
                f"contacts[{i}].{error.field}", say("{name}: {error}", name=contact.name, error=word(error.message))
            ) from error
        except Conflict as error:
            raise Conflict(
                say("{name}: {error}", name=contact.name, error=word(error.message)),
                field=f"contacts[{i}].{error.field}",
            ) from error
        link_supplier(session, act, supplier.id, external_id=contact.external_id)
        made.append(supplier)
    return made


def _check_count(wanted: Sequence[object]) -> None:
    if not 1 <= len(wanted) <= AT_ONCE:
        raise Invalid("contacts", say("Name 1 to {most} contacts.", most=AT_ONCE))


def _contact(session: CompanySession, connection_id: int, external_id: str) -> RemoteContact:
    contact = find_contact(session, connection_id, external_id)
    if contact is None:
        raise NotFound("contact", external_id[:60])
    return contact


def _namesake(session: CompanySession, name: str) -> Supplier | None:
    """A supplier of the same name, compared without case."""
    return session.scalar(
        sa.select(Supplier).where(sa.func.lower(Supplier.name) == name.strip().lower()).order_by(Supplier.id).limit(1)
    )
