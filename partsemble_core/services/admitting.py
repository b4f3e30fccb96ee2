"""Admitting: companies, the people in them, their passwords and API tokens."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
import unicodedata
from dataclasses import dataclass
from zoneinfo import ZoneInfo, available_timezones

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy.orm import Session

from partsemble_core.domain.products import NAME_LENGTH, clean_address, clean_text
from partsemble_core.errors import Conflict, Forbidden, Invalid, NotFound, WrongState, say, word
from partsemble_core.store.audits import Actor, AuditAction, AuditEntry, Door
from partsemble_core.store.base import Base, can_be_stored
from partsemble_core.store.companies import ApiToken, Company, Membership, Role, User
from partsemble_core.store.people import SignIn

HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""OWASP's argon2id setting of 19 MiB, two passes."""
PASSWORD_LENGTH = 12
TOKEN_PREFIX = "psb_live_"  # noqa: S105 - what secret scanners look for, no secret itself
DECIMALS = {
    "BIF": 0,
    "CLP": 0,
    "DJF": 0,
    "GNF": 0,
    "ISK": 0,
    "JPY": 0,
    "KMF": 0,
    "KRW": 0,
    "PYG": 0,
    "RWF": 0,
    "UGX": 0,
    "VND": 0,
    "VUV": 0,
    "XAF": 0,
    "XOF": 0,
    "XPF": 0,
    "BHD": 3,
    "IQD": 3,
    "JOD": 3,
    "KWD": 3,
    "LYD": 3,
    "OMR": 3,
    "TND": 3,
}
"""Currencies whose minor unit isn't a hundredth (ISO 4217)."""
MAY_WRITE = frozenset({Role.OWNER, Role.ADMIN, Role.BUILDER})
MAY_SET_UP = frozenset({Role.OWNER, Role.ADMIN})
MAY_EXPORT = frozenset({Role.OWNER, Role.ADMIN, Role.ACCOUNTANT})
MAY_LOCK = MAY_EXPORT
"""Who may lock and unlock periods."""
MAY_AUDIT = MAY_EXPORT
"""Who may read the audit log."""
MAY_MANAGE = MAY_SET_UP
"""Who may invite people, change their roles and end their sign-ins."""
MAY_OWN = frozenset({Role.OWNER})
"""Who may hand the company over, and take another's second factor off."""


WITHIN = {
    Role.OWNER: frozenset(Role),
    Role.ADMIN: frozenset(Role) - {Role.OWNER},
    Role.ACCOUNTANT: frozenset({Role.ACCOUNTANT, Role.VIEWER}),
    Role.BUILDER: frozenset({Role.BUILDER, Role.VIEWER}),
    Role.VIEWER: frozenset({Role.VIEWER}),
}
"""By role: those that may do nothing which it may not."""
SIGN_INS = Base.metadata.tables[SignIn.__tablename__]
MEMBERSHIPS = Base.metadata.tables[Membership.__tablename__]
"""Bare tables: a password is of a person, whatever the company of the session."""
FOUNDER = Actor(by="command line", door=Door.COMMAND_LINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who is signed in, in which company, as what. ``by`` is what histories show, ``locale`` what they chose.

    ``token_id`` is the API token that acts for them.
    """

    user_id: int
    membership_id: int
    company_id: int
    role: Role
    by: str
    locale: str = ""
    token_id: int | None = None


def found_company(
    session: Session,
    *,
    name: object,
    currency: object,
    email: object,
    password: object,
    now: dt.datetime,
    timezone: str = "UTC",
    owner_name: object = "Owner",
    actor: Actor = FOUNDER,
) -> tuple[Company, User]:
    """A new company and its owner. Raises Invalid, and Conflict for an address that is in use."""
    code = currency.strip().upper() if isinstance(currency, str) else ""
    if not re.fullmatch(r"[A-Z]{3}", code, re.ASCII):
        raise Invalid("currency", "A currency is three letters, such as NZD.")
    if timezone not in available_timezones():
        raise Invalid(
            "timezone",
            say("There is no time zone {timezone!r}. Use one such as Pacific/Auckland.", timezone=timezone[:40]),
        )
    company = Company(
        name=clean_text(name, field="name", length=NAME_LENGTH),
        currency=code,
        decimals=DECIMALS.get(code, 2),
        timezone=ZoneInfo(timezone).key,
        created_at=now,
    )
    user = _new_user(session, email=email, password=password, name=owner_name, now=now)
    session.add(company)
    session.flush()
    session.add(Membership(company_id=company.id, user_id=user.id, role=Role.OWNER))
    first = AuditEntry(company_id=company.id, at=now, by=actor.by, door=actor.door, address=actor.address)
    first.action, first.kind, first.subject_id, first.subject = AuditAction.ADDED, "company", company.id, company.name
    first.changes = f"owner: {user.email}"
    session.add(first)
    session.flush()
    return company, user


def add_member(
    session: Session,
    *,
    company_id: int,
    email: object,
    password: object,
    role: str,
    name: object,
    now: dt.datetime,
) -> User:
    """A new person in a company. Raises Invalid, Conflict."""
    if role not in set(Role) or role == Role.OWNER:
        raise Invalid("role", "A role is admin, accountant, builder or viewer; a company has one owner.")
    user = _new_user(session, email=email, password=password, name=name, now=now)
    session.add(Membership(company_id=company_id, user_id=user.id, role=Role(role)))
    session.flush()
    return user


def sign_in(session: Session, *, email: str, password: str) -> Person:
    """Raises Forbidden with the same words, after the same work, whether the address or the password is wrong."""
    user = find_user(session, email)
    known = user is not None and user.is_active
    is_right = matches(user.password_hash if user is not None and known else _DUMMY, password)
    if user is None or not known or not is_right:
        raise Forbidden("E-mail address or password is wrong.")
    mine = sa.select(Membership).where(Membership.user_id == user.id, Membership.is_active)
    membership = session.scalar(mine.order_by(Membership.id))
    if membership is None:
        raise Forbidden("You are a member of no company any more. Ask its owner to invite you.")
    return as_person(membership, user)


def set_password(session: Session, *, email: str, password: str, now: dt.datetime | None = None) -> None:
    """Gives a person a new password and ends their sign-ins. Raises NotFound, Invalid."""
    user = find_user(session, email)
    if user is None:
        raise NotFound("person", email)
    give_password(session, user, password, now=now or dt.datetime.now(dt.UTC))


def give_password(session: Session, user: User, password: object, *, now: dt.datetime, but_key: str = "") -> None:
    """Ends every sign-in with the old one, in whatever company, but for the browser of ``but_key``. Raises Invalid."""
    user.password_hash = HASHER.hash(_checked_password(password))
    session.flush()
    open_ones = sa.update(SIGN_INS).where(
        SIGN_INS.c.membership_id.in_(sa.select(MEMBERSHIPS.c.id).where(MEMBERSHIPS.c.user_id == user.id)),
        SIGN_INS.c.ended_at.is_(None),
        SIGN_INS.c.key_sha256 != hashlib.sha256(but_key.encode("utf-8", "replace")).hexdigest(),
    )
    session.connection().execute(open_ones.values(ended_at=now))


def find_person(session: Session, membership_id: int) -> Person | None:
    """The person behind a session cookie, while the membership lasts."""
    row = session.execute(
        sa.select(Membership, User)
        .join(User, User.id == Membership.user_id)
        .where(Membership.id == membership_id, Membership.is_active, User.is_active)
    ).first()
    return None if row is None else as_person(row[0], row[1])


def issue_token(
    session: Session,
    *,
    membership_id: int,
    name: object,
    now: dt.datetime,
    role: Role | None = None,
    expires_at: dt.datetime | None = None,
    issued_by_token_id: int | None = None,
) -> str:
    """A new API token with the rights of its member, or of a role within. Shown this once: only its SHA-256 is kept.

    Raises NotFound, Invalid, and WrongState for a member who was deactivated: the token would let nobody in.
    """
    membership = session.get(Membership, membership_id)
    if membership is None:
        raise NotFound("member", membership_id)
    user = session.get_one(User, membership.user_id)
    if not (membership.is_active and user.is_active):
        raise WrongState(
            say(
                "{email} was deactivated, and no token would let them in. Reactivate the member first, or name "
                "another one.",
                email=user.email,
            )
        )
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    session.add(
        ApiToken(
            company_id=membership.company_id,
            membership_id=membership.id,
            name=clean_text(name, field="name", length=100),
            role=role,
            token_sha256=token_digest(token),
            created_at=now,
            expires_at=expires_at,
            issued_by_token_id=issued_by_token_id,
        )
    )
    session.flush()
    return token


def token_digest(token: str) -> str:
    """All that is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def narrowed(role: Role, limit: Role | None) -> Role:
    """What somebody of ``role`` may do at most as ``limit``; of two that hold different doors, what both may."""
    if limit is None or role in WITHIN[limit]:
        return role
    return limit if limit in WITHIN[role] else Role.VIEWER


def find_token_holder(session: Session, token: str, *, now: dt.datetime) -> Person | None:
    """Whose token it is, while neither token nor member is revoked, nor the token too old."""
    row = session.execute(
        sa.select(Membership, User, ApiToken.name, ApiToken.role, ApiToken.id)
        .join(ApiToken, ApiToken.membership_id == Membership.id)
        .join(User, User.id == Membership.user_id)
        .where(
            ApiToken.token_sha256 == token_digest(token),
            ApiToken.revoked_at.is_(None),
            sa.or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > now),
            Membership.is_active,
            User.is_active,
        )
    ).first()
    if row is None:
        return None
    holder = as_person(row[0], row[1])
    return Person(
        user_id=holder.user_id,
        membership_id=holder.membership_id,
        company_id=holder.company_id,
        role=narrowed(holder.role, Role(row[3]) if row[3] else None),
        by=f"{holder.by} (token {row[2]})",
        token_id=row[4],
    )


def must_be(person: Person, roles: frozenset[Role]) -> None:
    """Raises Forbidden, naming the roles that may."""
    if person.role not in roles:
        allowed = ", ".join(sorted(role.value for role in roles))
        raise Forbidden(
            say("As {role} you may not do this. It takes one of: {allowed}.", role=word(person.role), allowed=allowed)
        )


def _new_user(session: Session, *, email: object, password: object, name: object, now: dt.datetime) -> User:
    address = checked_address(email)
    checked = _checked_password(password)
    if is_in_use(session, address):
        raise Conflict(say("{address} is in use already. Use another address.", address=address), field="email")
    user = User(
        email=address,
        name=clean_text(name, field="name", length=NAME_LENGTH),
        password_hash=HASHER.hash(checked),
        is_active=True,
        created_at=now,
    )
    session.add(user)
    try:
        session.flush()
    except sa.exc.IntegrityError as error:  # somebody else was a moment faster
        raise Conflict(
            say("{address} is in use already. Use another address.", address=address), field="email"
        ) from error
    return user


def checked_address(email: object) -> str:
    """As it is kept. Raises Invalid."""
    return clean_address(email, length=254).lower()


def is_in_use(session: Session, address: str) -> bool:
    """Whether somebody has an account with this address, in whatever company."""
    return session.scalar(sa.select(User.id).where(User.email == address)) is not None


def find_user(session: Session, email: str) -> User | None:
    """By the address as `checked_address` keeps it, whatever its case."""
    address = unicodedata.normalize("NFC", email).strip().lower()
    return session.scalar(sa.select(User).where(User.email == address)) if can_be_stored(address) else None


def _checked_password(password: object) -> str:
    if not isinstance(password, str) or not PASSWORD_LENGTH <= len(password) <= 128:
        raise Invalid(
            "password", say("A password has {password_length} to 128 characters.", password_length=PASSWORD_LENGTH)
        )
    if not can_be_stored(password):
        raise Invalid("password", "The password contains characters that nobody can type. Choose another.")
    return password


def matches(hashed: str, password: str) -> bool:
    """Whether the password is the one that was hashed."""
    try:
        return HASHER.verify(hashed, password[:1000].encode("utf-8", "surrogatepass"))
    except (VerifyMismatchError, InvalidHashError):
        return False


def as_person(membership: Membership, user: User) -> Person:
    """The member as doors know them."""
    return Person(
        user_id=user.id,
        membership_id=membership.id,
        company_id=membership.company_id,
        role=Role(membership.role),
        by=user.email,
        locale=user.locale or "",
    )


_DUMMY = HASHER.hash(secrets.token_urlsafe(16))
