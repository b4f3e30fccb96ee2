"""Inviting: a link that lets one person into the company, once, with a role."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets

import sqlalchemy as sa
from sqlalchemy.orm import Session

from partsemble_core.errors import Conflict, Invalid, NotFound, say
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.services.acting import Act
from partsemble_core.services.admitting import add_member, checked_address, is_in_use
from partsemble_core.services.house import House
from partsemble_core.services.mailing import Letter, send
from partsemble_core.store.audits import Actor
from partsemble_core.store.companies import User, get_company
from partsemble_core.store.database import reading_anywhere
from partsemble_core.store.people import Invitation, InvitedRole
from partsemble_core.store.session import CompanySession

LASTS = dt.timedelta(days=7)
JOIN = "/join"


class InvitationOver(Conflict):
    """The invitation was used, revoked, replaced, or is too old."""

    code = "invitation-over"

    def __init__(self) -> None:
        super().__init__("This invitation doesn't hold any more. Ask whoever invited you for a new one.", field="code")


def invite(session: CompanySession, act: Act, *, email: object, role: object) -> tuple[Invitation, Secret]:
    """A new invitation for the address; an older open one ends. Its code is handed out this once.

    Raises Invalid, and Conflict for somebody who has an account.
    """
    address = checked_address(email)
    if not isinstance(role, str) or role not in set(InvitedRole):
        raise Invalid("role", "A role is admin, accountant, builder or viewer; a company has one owner.")
    if is_in_use(session, address):
        raise Conflict(say("{address} is in use already. Use another address.", address=address), field="email")
    for older in session.scalars(_open().where(Invitation.email == address)):
        older.revoked_at = act.at
    code = secrets.token_urlsafe(32)
    made = Invitation(
        email=address,
        role=role,
        token_sha256=_hashed(code),
        invited_by=act.by,
        invited_at=act.at,
        expires_at=act.at + LASTS,
    )
    session.add(made)
    session.flush()
    return made, Secret(code)


def link_of(house: House, code: Secret) -> str:
    """The address to open. The code stands behind the #, which browsers send to nobody."""
    return f"{house.settings.base_url}{JOIN}#{code.reveal()}"


def mail_invitation(house: House, company_id: int, invitation: Invitation, code: Secret) -> bool:
    """Sends the link to the address. False where no mail is sent: whoever invites passes the link on. Not in a
    transaction."""
    with house.reading(company_id) as session:
        company = get_company(session).name
    days = LASTS.days
    text = (
        f"{invitation.invited_by} invites you to {company} on Partsemble, as {invitation.role}.\n\n"
        f"Open this link to choose a password. It works once, for {days} days:\n{link_of(house, code)}\n\n"
        "If you don't know what this is about, ignore it.\n"
    )
    return send(house.settings, Letter(to=invitation.email, subject=f"Join {company} on Partsemble", text=text))


def get_invitation(session: CompanySession, invitation_id: int) -> Invitation:
    """Raises NotFound."""
    found = session.scalar(sa.select(Invitation).where(Invitation.id == invitation_id))
    if found is None:
        raise NotFound("invitation", invitation_id)
    return found


def revoke_invitation(session: CompanySession, invitation_id: int, *, now: dt.datetime) -> Invitation:
    """Its link lets nobody in any more. Raises NotFound, and Conflict for one that was accepted."""
    found = get_invitation(session, invitation_id)
    if found.accepted_at is not None:
        raise Conflict(say("{email} has accepted already. Deactivate the member instead.", email=found.email))
    found.revoked_at = found.revoked_at or now
    session.flush()
    return found


def find_invitation(session: Session, code: str, *, now: dt.datetime) -> Invitation:
    """The open invitation with this code, whatever its company. Raises InvitationOver."""
    found = session.scalar(_open().where(Invitation.token_sha256 == _hashed(code), Invitation.expires_at > now))
    if found is None:
        raise InvitationOver
    return found


def check_invitation(house: House, code: str) -> None:
    """Whether the link still lets somebody in, before they type a password. Raises InvitationOver."""
    with reading_anywhere(house.engine) as reader:
        find_invitation(reader, code.strip(), now=house.clock())


def accept(house: House, code: str, *, name: object, password: object, address: str = "") -> User:
    """Makes the account that the invitation promised, in a transaction of its company.

    Raises InvitationOver, Invalid, Conflict.
    """
    now = house.clock()
    with reading_anywhere(house.engine) as reader:
        invitation = find_invitation(reader, code.strip(), now=now)
    joining = house.opened_by(Actor(by=invitation.email, door=house.actor.door, address=address))

    def join(session: CompanySession) -> User:
        wanted = _open().where(Invitation.id == invitation.id, Invitation.expires_at > now).with_for_update()
        held = session.scalar(wanted)
        if held is None:
            raise InvitationOver
        user = add_member(
            session,
            company_id=held.company_id,
            email=held.email,
            password=password,
            role=held.role,
            name=name,
            now=now,
        )
        held.accepted_at = now
        session.flush()
        return user

    return joining.write(invitation.company_id, join)


def _open() -> sa.Select[Invitation]:
    return sa.select(Invitation).where(Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None))


def _hashed(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "replace")).hexdigest()
