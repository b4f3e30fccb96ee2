"""Issuing: API tokens of a company, for programs that work in somebody's name. Owner and admin, at the doors."""

from __future__ import annotations

import datetime as dt
import logging

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from partsemble_core.errors import Forbidden, Invalid, NotFound, say
from partsemble_core.services.acting import Act
from partsemble_core.services.admitting import WITHIN, Person, issue_token, token_digest
from partsemble_core.store.base import Base
from partsemble_core.store.companies import ApiToken, Membership, Role
from partsemble_core.store.database import write_anywhere
from partsemble_core.store.session import CompanySession

log = logging.getLogger(__name__)
USED_EVERY = dt.timedelta(minutes=10)
"""How often a use is written down at most."""
MOST_DAYS = 3650
TOKENS = Base.metadata.tables[ApiToken.__tablename__]
"""The bare table: that a token was used is nothing for the audit log."""


def issue(
    session: CompanySession, act: Act, person: Person, *, name: object, role: object = None, days: object = None
) -> tuple[ApiToken, str]:
    """A token that works in the person's name, and what it reads; it can't be read again.

    Without ``role`` it may what the person may, whatever they become; ``days`` end it by itself. One that a token asks
    for ends no later than that, and is revoked with it. Raises Invalid, and Forbidden for a role that may what the
    person may not.
    """
    limit = _checked_role(session, person, role)
    lasts = _checked_days(days)
    ends = [act.at + lasts] if lasts else []
    if person.token_id is not None:
        issuer = _locked(session, ApiToken.id == person.token_id)[0]
        if issuer.revoked_at is not None:
            raise Forbidden("This API token was revoked just now.")
        ends += [issuer.expires_at] if issuer.expires_at else []
    text = issue_token(
        session,
        membership_id=person.membership_id,
        name=name,
        now=act.at,
        role=limit,
        expires_at=min(ends, default=None),
        issued_by_token_id=person.token_id,
    )
    return session.scalars(sa.select(ApiToken).where(ApiToken.token_sha256 == token_digest(text))).one(), text


def get_token(session: CompanySession, token_id: int) -> ApiToken:
    """Raises NotFound."""
    found = session.scalar(sa.select(ApiToken).where(ApiToken.id == token_id))
    if found is None:
        raise NotFound("API token", token_id)
    return found


def revoke(session: CompanySession, token_id: int, *, now: dt.datetime) -> ApiToken:
    """From the next request on it opens nothing, nor does what it issued. One that is revoked stays as it is.

    Raises NotFound.
    """
    found = get_token(session, token_id)
    tokens = _locked(session, ApiToken.id == found.id)
    while tokens:
        for token in tokens:
            token.revoked_at = token.revoked_at or now
        session.flush()
        tokens = _locked(session, ApiToken.issued_by_token_id.in_([token.id for token in tokens]))
    return found


def is_use_due(session: Session, token: str, *, now: dt.datetime) -> bool:
    """Whether the last use that was written down is a while ago."""
    used_at = session.scalar(sa.select(ApiToken.used_at).where(ApiToken.token_sha256 == token_digest(token)))
    return used_at is None or now - used_at >= USED_EVERY


def note_use(engine: sa.Engine, token: str, *, now: dt.datetime) -> None:
    """Writes down that a token was used. A database that is busy loses the note, never the request."""
    used = sa.update(TOKENS).where(TOKENS.c.token_sha256 == token_digest(token)).values(used_at=now)
    try:
        write_anywhere(engine, lambda session: session.connection().execute(used))
    except OperationalError:
        log.info("the use of an API token wasn't noted: the database is busy")


def _locked(session: CompanySession, which: sa.ColumnElement[bool]) -> list[ApiToken]:
    """As they are now; who issues by one of them waits for whoever revokes it, and the other way round."""
    statement = sa.select(ApiToken).where(which).order_by(ApiToken.id).with_for_update()
    return list(session.scalars(statement.execution_options(populate_existing=True)))


def _checked_role(session: CompanySession, person: Person, role: object) -> Role | None:
    if role is None:
        # A token that was narrowed issues none that is wider than itself.
        of_member = session.get_one(Membership, person.membership_id).role
        return None if person.role == of_member else person.role
    if not isinstance(role, str) or role not in set(Role):
        raise Invalid("role", say("There is no such role. Choose one of {roles}.", roles=", ".join(Role)))
    if role not in WITHIN[person.role]:
        raise Forbidden(
            say(
                "As {mine} you can't issue a token that may do what {role} may. Choose a lesser role.",
                mine=person.role.value,
                role=role,
            )
        )
    return Role(role)


def _checked_days(days: object) -> dt.timedelta | None:
    text = "" if days is None else str(days).strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MOST_DAYS):
        raise Invalid(
            "days", say("Days are a whole number from 1 to {most}. Leave it empty for no end.", most=MOST_DAYS)
        )
    return dt.timedelta(days=int(text))
