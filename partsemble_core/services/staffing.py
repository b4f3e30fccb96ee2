"""Staffing: the people of a company, what they may do, and how they leave. Owner and admin, at the doors."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from partsemble_core.errors import Conflict, Forbidden, Invalid, NotFound, Wording, WrongState, say
from partsemble_core.services.admitting import Person, matches
from partsemble_core.services.signing_in import end_all
from partsemble_core.store.companies import ApiToken, Membership, Role, User
from partsemble_core.store.people import Invitation, InvitedRole
from partsemble_core.store.session import CompanySession


def get_member(session: CompanySession, membership_id: int) -> tuple[Membership, User]:
    """Raises NotFound."""
    row = session.execute(
        sa.select(Membership, User).join(User, User.id == Membership.user_id).where(Membership.id == membership_id)
    ).first()
    if row is None:
        raise NotFound("member", membership_id)
    return row[0], row[1]


def change_role(session: CompanySession, membership_id: int, *, role: object) -> tuple[Membership, User]:
    """Another role from the next request on. Raises Invalid, Conflict for the owner, NotFound."""
    member, user = _for_update(session, membership_id)
    if not isinstance(role, str) or role not in set(InvitedRole):
        raise Invalid("role", "A role is admin, accountant, builder or viewer; a company has one owner.")
    if member.role == Role.OWNER:
        raise Conflict(_owner_stays(user), field="role")
    member.role = role
    session.flush()
    return member, user


def deactivate(session: CompanySession, membership_id: int, *, now: dt.datetime) -> tuple[Membership, User]:
    """Out at once: sign-ins end, API tokens and the invitations that they sent are revoked. What they did stays.

    Raises Conflict for the owner, NotFound.
    """
    member, user = _for_update(session, membership_id)
    if member.role == Role.OWNER:
        raise Conflict(_owner_stays(user))
    member.is_active = False
    end_all(session, member.id, now=now)
    tokens = sa.select(ApiToken).where(ApiToken.membership_id == member.id, ApiToken.revoked_at.is_(None))
    for token in session.scalars(tokens):
        token.revoked_at = now
    sent = sa.select(Invitation).where(
        Invitation.invited_by == user.email, Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None)
    )
    for invitation in session.scalars(sent):
        invitation.revoked_at = now
    session.flush()
    return member, user


def reactivate(session: CompanySession, membership_id: int) -> tuple[Membership, User]:
    """May sign in again, in the old role. Revoked tokens stay revoked. Raises NotFound."""
    member, user = _for_update(session, membership_id)
    member.is_active = True
    session.flush()
    return member, user


def transfer_ownership(
    session: CompanySession, person: Person | None, membership_id: int, *, password: str | None
) -> tuple[Membership, User]:
    """Makes another active member the owner; who owned becomes an admin.

    A person gives their password once more; the command line (None) need not. Raises Forbidden, WrongState, NotFound.
    """
    get_member(session, membership_id)
    if person is not None:
        _prove(session, person, password)
    members = session.scalars(sa.select(Membership).order_by(Membership.id).with_for_update()).all()
    owner = next(member for member in members if member.role == Role.OWNER)
    heir, user = get_member(session, membership_id)
    if not heir.is_active or not user.is_active:
        raise WrongState(say("{email} is inactive. Reactivate the member first.", email=user.email))
    if heir.id != owner.id:
        owner.role = Role.ADMIN
        session.flush()  # there is never more than one
        heir.role = Role.OWNER
        session.flush()
    return heir, user


def _owner_stays(user: User) -> Wording:
    return say("{email} owns the company. Hand it over to somebody else first.", email=user.email)


def _prove(session: CompanySession, person: Person, password: str | None) -> None:
    user = session.get_one(User, person.user_id)
    if person.role != Role.OWNER:
        raise Forbidden("Only the owner can hand the company over.")
    if not matches(user.password_hash, password or ""):
        raise Invalid("password", "That isn't your password. Type it again.")


def _for_update(session: CompanySession, membership_id: int) -> tuple[Membership, User]:
    session.execute(sa.select(Membership.id).where(Membership.id == membership_id).with_for_update())
    return get_member(session, membership_id)
