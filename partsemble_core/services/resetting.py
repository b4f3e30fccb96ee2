"""Resetting: a new password, for whoever knows the old one, or reads mail at the account's address."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets

import sqlalchemy as sa
from sqlalchemy.orm import Session

from partsemble_core.errors import Conflict, Invalid
from partsemble_core.services.admitting import Person, find_user, give_password, matches
from partsemble_core.services.house import House
from partsemble_core.services.mailing import Letter
from partsemble_core.store.audits import Actor
from partsemble_core.store.companies import Membership, User
from partsemble_core.store.database import reading_anywhere, write_anywhere
from partsemble_core.store.people import PasswordReset
from partsemble_core.store.session import CompanySession

LASTS = dt.timedelta(hours=1)
RESET = "/reset-password"


class ResetOver(Conflict):
    """The link was used, replaced, or is too old."""

    code = "reset-over"

    def __init__(self) -> None:
        super().__init__("This link doesn't hold any more. Ask for a new one.", field="code")


def change_password(
    session: CompanySession, person: Person, *, old: str, new: object, key: str, now: dt.datetime
) -> None:
    """Ends every other sign-in of the person; the browser of ``key`` goes on. Raises Invalid."""
    user = session.get_one(User, person.user_id)
    if not matches(user.password_hash, old):
        raise Invalid("old_password", "That isn't your password. Type it again.")
    give_password(session, user, new, now=now, but_key=key)


def ask_reset(house: House, email: str) -> Letter | None:
    """A letter with a link for the person at this address; None if there is nobody, which nobody is told.

    Older links end.
    """
    code, now = secrets.token_urlsafe(32), house.clock()

    def note(session: Session) -> str | None:
        user = find_user(session, email)
        if user is None or not user.is_active:
            return None
        for older in session.scalars(_open().where(PasswordReset.user_id == user.id)):
            older.used_at = now
        session.add(PasswordReset(user_id=user.id, token_sha256=_hashed(code), asked_at=now, expires_at=now + LASTS))
        return user.email

    known = write_anywhere(house.engine, note)
    if known is None:
        return None
    text = (
        "Somebody, probably you, asked for a new password at Partsemble.\n\n"
        f"Open this link to choose one. It works once, for an hour:\n{house.settings.base_url}{RESET}#{code}\n\n"
        "If it wasn't you, ignore this: your password stays as it is.\n"
    )
    return Letter(to=known, subject="A new password for Partsemble", text=text)


def reset_password(house: House, code: str, *, password: object, address: str = "") -> str:
    """Sets the password that the link was asked for, and ends every sign-in. Returns the person's address.

    Raises ResetOver, Invalid.
    """
    now = house.clock()
    with reading_anywhere(house.engine) as reader:
        row = reader.execute(
            sa.select(PasswordReset.id, Membership.company_id, User.email)
            .join(User, User.id == PasswordReset.user_id)
            .join(Membership, Membership.user_id == User.id)
            .where(
                PasswordReset.token_sha256 == _hashed(code.strip()),
                PasswordReset.used_at.is_(None),
                PasswordReset.expires_at > now,
                User.is_active,
            )
            .order_by(Membership.id)
        ).first()
    if row is None:
        raise ResetOver
    reset_id, company_id, email = row
    owner = house.opened_by(Actor(by=email, door=house.actor.door, address=address))

    def renew(session: CompanySession) -> None:
        reset = session.scalar(_open().where(PasswordReset.id == reset_id).with_for_update())
        if reset is None:
            raise ResetOver
        give_password(session, session.get_one(User, reset.user_id), password, now=now)
        reset.used_at = now

    owner.write(company_id, renew)
    return str(email)


def _open() -> sa.Select[PasswordReset]:
    return sa.select(PasswordReset).where(PasswordReset.used_at.is_(None))


def _hashed(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "replace")).hexdigest()
