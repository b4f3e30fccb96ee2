"""The lists of people, of invitations, and of sign-ins."""

from __future__ import annotations

import sqlalchemy as sa

from partsemble_core.services.listing.asking import Column
from partsemble_core.services.listing.paging import Statement, Table, by_id, choice
from partsemble_core.store.companies import Membership, Role, User
from partsemble_core.store.people import Invitation, InvitedRole, SignIn

MEMBER_STATES = ("active", "inactive")
INVITATION_STATES = ("open", "accepted", "revoked", "expired")
SIGN_IN_STATES = ("open", "ended", "expired")
MEMBER_STATE = sa.case((sa.and_(Membership.is_active, User.is_active), "active"), else_="inactive")
INVITATION_STATE = sa.case(
    (Invitation.accepted_at.is_not(None), "accepted"),
    (Invitation.revoked_at.is_not(None), "revoked"),
    (Invitation.expires_at <= sa.func.now(), "expired"),
    else_="open",
)
SIGN_IN_STATE = sa.case(
    (SignIn.ended_at.is_not(None), "ended"), (SignIn.ends_at <= sa.func.now(), "expired"), else_="open"
)


def _members(statement: Statement) -> Statement:
    return statement.select_from(Membership).join(User, User.id == Membership.user_id)


MEMBERS = Table(
    name="members",
    title="Users",
    columns=(
        Column("name", "Name"),
        Column("email", "E-mail"),
        Column("role", "Role", "state"),
        Column("state", "State", "state"),
        Column("created_at", "Since", "time"),
    ),
    row_id=Membership.id,
    reads={
        "name": User.name,
        "email": User.email,
        "role": Membership.role,
        "state": MEMBER_STATE,
        "created_at": User.created_at,
    },
    join=_members,
    searched=("name", "email"),
    order="name",
    filters={
        "role": choice(Membership.role, Role, key="role"),
        "state": choice(MEMBER_STATE, MEMBER_STATES, key="state"),
    },
)
INVITATIONS = Table(
    name="invitations",
    title="Invitations",
    columns=(
        Column("email", "E-mail"),
        Column("role", "Role", "state"),
        Column("state", "State", "state"),
        Column("invited_by", "Invited by"),
        Column("invited_at", "Invited", "time"),
        Column("expires_at", "Holds until", "time"),
    ),
    row_id=Invitation.id,
    reads={
        "email": Invitation.email,
        "role": Invitation.role,
        "state": INVITATION_STATE,
        "invited_by": Invitation.invited_by,
        "invited_at": Invitation.invited_at,
        "expires_at": Invitation.expires_at,
    },
    join=lambda statement: statement.select_from(Invitation),
    searched=("email", "invited_by"),
    order="invited_at",
    descending=True,
    filters={
        "role": choice(Invitation.role, InvitedRole, key="role"),
        "state": choice(INVITATION_STATE, INVITATION_STATES, key="state"),
    },
)
SIGN_INS = Table(
    name="sign_ins",
    title="Sign-ins",
    columns=(
        Column("email", "Who"),
        Column("state", "State", "state"),
        Column("begun_at", "Since", "time"),
        Column("seen_at", "Last click", "time"),
        Column("ends_at", "Ends by itself", "time"),
        Column("ended_at", "Ended", "time"),
        Column("address", "From"),
        Column("agent", "Browser"),
    ),
    row_id=SignIn.id,
    reads={
        "email": SignIn.email,
        "state": SIGN_IN_STATE,
        "begun_at": SignIn.begun_at,
        "seen_at": SignIn.seen_at,
        "ends_at": SignIn.ends_at,
        "ended_at": SignIn.ended_at,
        "address": SignIn.address,
        "agent": SignIn.agent,
        "member_id": SignIn.membership_id,
    },
    join=lambda statement: statement.select_from(SignIn),
    searched=("email", "address", "agent"),
    order="begun_at",
    descending=True,
    filters={
        "member": by_id(SignIn.membership_id, key="member"),
        "state": choice(SIGN_IN_STATE, SIGN_IN_STATES, key="state"),
    },
)
