"""Token keeping: the sets of tokens of a sign-in: appended, opened, erased when nobody needs them any more."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

from partsemble_core.errors import PartsembleError
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.services.house import House
from partsemble_core.store.connections import (
    Connection,
    ConnectionState,
    Grant,
    GrantState,
    RefreshTry,
    SignInFlow,
    TokenSet,
    TokenState,
)
from partsemble_core.store.database import database_now, write_anywhere
from partsemble_core.vault import Place

KEPT = dt.timedelta(days=7)
"""How long old token sets, tries and sign-ins that were begun are kept, and a sign-in that no connection uses."""
MOST_SETS = 3
"""How many sets are tried, newest first."""


class SignInBroken(PartsembleError):
    """The sign-in service answered something that can't be used."""

    code = "sign-in-broken"


def keep_tokens(house: House, session: Session, grant_id: int, answer: Mapping[str, object]) -> TokenSet:
    """Appends a token set from a token answer and makes it the current one. Raises SignInBroken."""
    access, refresh = answer.get("access_token"), answer.get("refresh_token")
    if not isinstance(access, str) or not isinstance(refresh, str) or not access or not refresh:
        raise SignInBroken("The sign-in answered without both tokens. Check that offline access is among the scopes.")
    now = house.clock()
    newest = newest_set(session, grant_id)
    session.execute(
        sa.update(TokenSet)
        .where(TokenSet.grant_id == grant_id, TokenSet.state == TokenState.CURRENT)
        .values(state=TokenState.SUPERSEDED)
    )
    row_key = secrets.token_hex(16)
    seconds = answer.get("expires_in")
    row = TokenSet(
        grant_id=grant_id,
        sequence=newest.sequence + 1 if newest else 1,
        row_key=row_key,
        access_sealed=house.vault.seal(Secret(access), place(row_key, "access_sealed")),
        refresh_sealed=house.vault.seal(Secret(refresh), place(row_key, "refresh_sealed")),
        scope=str(answer.get("scope") or (newest.scope if newest else "")),
        access_expires_at=now + dt.timedelta(seconds=seconds if isinstance(seconds, int) else 1800),
        received_at=now,
        state=TokenState.CURRENT,
    )
    session.add(row)
    session.flush()
    return row


def good_token(
    house: House, session: Session, grant_id: int, *, refused: Secret | None, left: dt.timedelta
) -> Secret | None:
    """The current access token if it has as much time ``left`` and isn't the one that was refused."""
    row = session.scalar(sa.select(TokenSet).where(TokenSet.grant_id == grant_id, TokenSet.state == TokenState.CURRENT))
    if row is None or row.access_expires_at <= house.clock() + left:
        return None
    token = house.vault.unseal(row.access_sealed, place(row.row_key, "access_sealed"))
    return None if refused is not None and token == refused else token


def usable_sets(house: House, session: Session, grant: Grant) -> list[tuple[int, Secret]]:
    """(sequence, refresh token) of the newest set, then of older ones while a lost answer's grace lasts."""
    rows = session.scalars(
        sa.select(TokenSet)
        .where(TokenSet.grant_id == grant.id, TokenSet.state != TokenState.DEAD)
        .order_by(TokenSet.sequence.desc())
        .limit(MOST_SETS + 1)
    ).all()
    grace = house.clock() - dt.timedelta(seconds=grant.grace_seconds)
    kept = [row for i, row in enumerate(rows) if i == 0 or rows[i - 1].received_at > grace]
    return [
        (row.sequence, house.vault.unseal(row.refresh_sealed, place(row.row_key, "refresh_sealed")))
        for row in kept[:MOST_SETS]
    ]


def newest_set(session: Session, grant_id: int) -> TokenSet | None:
    """The set that was received last, whatever became of it."""
    return session.scalar(
        sa.select(TokenSet).where(TokenSet.grant_id == grant_id).order_by(TokenSet.sequence.desc()).limit(1)
    )


def is_in_use(grant_id: int | sa.SQLColumnExpression[int]) -> sa.Exists:
    """Whether any company's connection goes through the sign-in."""
    return sa.exists().where(Connection.grant_id == grant_id, Connection.state != ConnectionState.DISCONNECTED)


def end_grant(house: House, session: Session, grant: Grant) -> Secret | None:
    """Erases all secrets of a sign-in. Returns the newest refresh token, for the service to be told of the end."""
    sets = usable_sets(house, session, grant) if grant.state != GrantState.ENDED else []
    session.execute(
        sa.update(TokenSet)
        .where(TokenSet.grant_id == grant.id)
        .values(state=TokenState.DEAD, access_sealed="", refresh_sealed="")
    )
    grant.state, grant.quarantine_until = GrantState.ENDED, None
    return sets[0][1] if sets else None


def purge_sign_ins(house: House) -> int:
    """Erases what nobody needs any more: secrets of sign-ins that no connection has used for a week, and all of
    old token sets, tries and begun sign-ins. Returns how many sign-ins were ended."""

    def purge(session: Session) -> int:
        old = house.clock() - KEPT
        fresh = sa.exists().where(TokenSet.grant_id == Grant.id, TokenSet.received_at > old)
        unused = sa.select(Grant).where(Grant.state != GrantState.ENDED, ~is_in_use(Grant.id), ~fresh)
        ended = session.scalars(unused.with_for_update()).all()
        for grant in ended:
            end_grant(house, session, grant)
        of_today = TokenSet.state == TokenState.CURRENT
        session.execute(sa.delete(TokenSet).where(~of_today, TokenSet.received_at < old))
        long_ago = database_now(session) - KEPT
        session.execute(sa.delete(RefreshTry).where(RefreshTry.outcome.is_not(None), RefreshTry.sent_at < long_ago))
        session.execute(sa.delete(SignInFlow).where(SignInFlow.begun_at < old))
        return len(ended)

    return write_anywhere(house.engine, purge)


def place(row_key: str, column: str) -> Place:
    """What a token's seal is bound to."""
    return Place(table="token_sets", column=column, row_key=row_key)
