"""Introducing: a supplier is created as a contact in the connected books, once.

The row of the link is written before anything is sent, with the key that the contact will carry. Whatever is lost on
the way, doing it again finds the contact by that key: nobody needs to know how the last try ended.
"""

from __future__ import annotations

import datetime as dt
import logging
from contextlib import closing
from dataclasses import dataclass

import sqlalchemy as sa

from partsemble_core.errors import Conflict, PartsembleError, Refused, WrongState, say
from partsemble_core.plugin_api.errors import RetryLater, SignedOut
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.plugin_api.types import Contact, ContactOutcome
from partsemble_core.services.acting import Act
from partsemble_core.services.addressing import context_of, token_for
from partsemble_core.services.house import House
from partsemble_core.services.keeping import contact_fields, plain
from partsemble_core.services.relating import Relation, link_for_update, refuse_second, relation_of, set_link
from partsemble_core.services.syncing import get_live_connection
from partsemble_core.store.connections import Connection, ConnectionState, get_connection
from partsemble_core.store.database import database_now
from partsemble_core.store.receipts import get_supplier_by_id
from partsemble_core.store.session import CompanySession, LockRank
from partsemble_core.store.supplier_contacts import LinkState, SupplierContact
from partsemble_core.store.syncs import RemoteContact

log = logging.getLogger(__name__)
UNDER_WAY = "It is being created in the books. If that takes more than a minute, do it again: nothing is created twice."
OVERWRITTEN = (
    "The books answered with a contact that they had before, so somebody else's may have been changed. Look at it "
    "there, then link to it or rename the supplier."
)


class BooksWithoutContacts(Refused):
    """The connected books can't be given contacts."""

    code = "books-without-contacts"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Introduction:
    """What is sent, and which contacts the books were known to have before."""

    connection: Connection
    contact: Contact
    known: frozenset[str]


def introduce(house: House, act: Act, company_id: int, supplier_id: int) -> Relation:
    """Creates the supplier's contact in the books, or finds the one that an earlier try has created.

    A supplier that is linked stays as it is. Look at the state of what is given: linked, conflict or refused. Raises
    NotFound, NotConnected, WrongState, BooksWithoutContacts, and BackendError where nobody can say how it ended; then
    it is safe to do it again.
    """
    intent = house.write(company_id, lambda session: _prepare(house, session, act, supplier_id))
    if intent is None:
        with house.reading(company_id) as session:
            return relation_of(session, supplier_id)
    try:
        outcome = _ask(house, intent)
    except PartsembleError as error:
        refusal = error
        house.write(company_id, lambda session: _note(session, act, supplier_id, intent, refusal))
        raise
    house.write(company_id, lambda session: _settle(session, act, supplier_id, intent, outcome))
    with house.reading(company_id) as session:
        return relation_of(session, supplier_id)


def _prepare(house: House, session: CompanySession, act: Act, supplier_id: int) -> _Introduction | None:
    """What is to be asked of the books, written down; None where the supplier is linked already."""
    session.locking(LockRank.DOCUMENT)
    supplier, connection = get_supplier_by_id(session, supplier_id), get_live_connection(session)
    info = house.host.info(connection.backend)
    if not info.capabilities.contacts_push:
        raise BooksWithoutContacts(
            say("{title} can't be given contacts. Enter the supplier there by hand.", title=info.title)
        )
    _refuse_unfit(connection, database_now(session))
    link = link_for_update(session, act, supplier_id, connection.id)
    if link.state == LinkState.LINKED:
        return None
    set_link(link, act, LinkState.PENDING, message=UNDER_WAY)
    known = session.scalars(sa.select(RemoteContact.external_id).where(RemoteContact.connection_id == connection.id))
    return _Introduction(
        connection=connection,
        contact=Contact(
            local_id=link.local_id, external_id=None, name=supplier.name, email=supplier.email, is_supplier=True
        ),
        known=frozenset(known),
    )


def _refuse_unfit(connection: Connection, now: dt.datetime) -> None:
    name = connection.organisation_name
    if connection.state == ConnectionState.RECONNECT_NEEDED:
        raise WrongState(say("The sign-in to {name} has ended. Reconnect it, then create the contact.", name=name))
    if connection.paused_until and connection.paused_until > now:
        until = say("{paused_until:%Y-%m-%d %H:%M} UTC", paused_until=connection.paused_until)
        raise WrongState(
            say("{name} is left alone until {until}. Create the contact after that.", name=name, until=until)
        )


def _ask(house: House, intent: _Introduction) -> ContactOutcome:
    """A token that is refused is renewed once."""
    token = token_for(house, intent.connection)
    try:
        return _call(house, intent, token)
    except SignedOut:
        return _call(house, intent, token_for(house, intent.connection, refused=token))


def _call(house: House, intent: _Introduction, token: Secret | None) -> ContactOutcome:
    ctx = context_of(house, intent.connection, token=token)
    with closing(ctx.http):
        result = house.host.sync_contacts(intent.connection.backend, ctx, push=(intent.contact,), limit=0)
    return result.pushed[0]


def _note(session: CompanySession, act: Act, supplier_id: int, intent: _Introduction, error: PartsembleError) -> None:
    """It stays pending with the reason; what another made of it meanwhile isn't touched."""
    link = link_for_update(session, act, supplier_id, intent.connection.id)
    if link.state == LinkState.PENDING:
        set_link(link, act, LinkState.PENDING, message=plain(str(error)))
    if isinstance(error, RetryLater) and error.whole_organisation:
        pause = database_now(session) + dt.timedelta(seconds=error.after)
        get_connection(session, intent.connection.id).paused_until = pause
    log.warning("creating a contact for supplier %s failed (%s)", supplier_id, error.code)


def _settle(
    session: CompanySession, act: Act, supplier_id: int, intent: _Introduction, outcome: ContactOutcome
) -> None:
    session.locking(LockRank.DOCUMENT)
    link = link_for_update(session, act, supplier_id, intent.connection.id)
    if link.state == LinkState.LINKED:
        return  # somebody has linked it by hand meanwhile, which is what a person wants
    theirs, message = plain(outcome.external_id or ""), plain(outcome.message)
    if outcome.outcome == "created" and theirs in intent.known:
        set_link(link, act, LinkState.CONFLICT, external_id=theirs, message=OVERWRITTEN)
    elif outcome.outcome in ("created", "unchanged") and theirs:
        _link(session, act, link, intent, theirs)
    elif outcome.outcome == "conflict" and theirs:
        set_link(link, act, LinkState.CONFLICT, external_id=theirs, message=message)
    else:
        set_link(link, act, LinkState.REFUSED, message=message or "The books refused the contact without saying why.")


def _link(session: CompanySession, act: Act, link: SupplierContact, intent: _Introduction, external_id: str) -> None:
    """Linked; and the contact is kept as if it had been read, until it is."""
    connection_id = intent.connection.id
    try:
        refuse_second(session, connection_id, external_id, supplier_id=link.supplier_id)
    except Conflict as error:
        set_link(link, act, LinkState.CONFLICT, external_id=external_id, message=str(error))
        return
    fields = contact_fields(intent.contact) | {"is_supplier": False, "is_gone": False}
    row = {**fields, "connection_id": connection_id, "external_id": external_id, "synced_at": database_now(session)}
    session.insert_missing(RemoteContact, row, key=("company_id", "connection_id", "external_id"))
    set_link(link, act, LinkState.LINKED, external_id=external_id)
