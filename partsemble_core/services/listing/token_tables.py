"""The list of API tokens. What a token reads stands nowhere: only its hash is kept."""

from __future__ import annotations

import sqlalchemy as sa

from partsemble_core.services.listing.asking import Column
from partsemble_core.services.listing.paging import Statement, Table, choice
from partsemble_core.store.companies import ApiToken, Membership, User

TOKEN_STATES = ("active", "revoked", "expired")
STATE = sa.case(
    (ApiToken.revoked_at.is_not(None), "revoked"),
    (ApiToken.expires_at <= sa.func.now(), "expired"),
    else_="active",
)
ROLE = sa.func.coalesce(ApiToken.role, Membership.role)


def _tokens(statement: Statement) -> Statement:
    member = sa.and_(Membership.id == ApiToken.membership_id, Membership.company_id == ApiToken.company_id)
    return statement.select_from(ApiToken).join(Membership, member).join(User, User.id == Membership.user_id)


API_TOKENS = Table(
    name="api_tokens",
    title="API tokens",
    columns=(
        Column("name", "Name"),
        Column("email", "Works as"),
        Column("role", "At most", "state"),
        Column("state", "State", "state"),
        Column("created_at", "Issued", "time"),
        Column("used_at", "Last used", "time"),
        Column("expires_at", "Ends", "time"),
        Column("revoked_at", "Revoked", "time"),
    ),
    row_id=ApiToken.id,
    reads={
        "name": ApiToken.name,
        "email": User.email,
        "role": ROLE,
        "state": STATE,
        "created_at": ApiToken.created_at,
        "used_at": ApiToken.used_at,
        "expires_at": ApiToken.expires_at,
        "revoked_at": ApiToken.revoked_at,
    },
    join=_tokens,
    searched=("name", "email"),
    order="created_at",
    descending=True,
    filters={"state": choice(STATE, TOKEN_STATES, key="state")},
)
