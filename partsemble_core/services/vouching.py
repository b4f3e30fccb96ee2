"""Vouching: the second factor. A code of an authenticator app (TOTP, RFC 6238), or one of ten recovery codes."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets

import pyotp
import sqlalchemy as sa
from sqlalchemy.orm import Session

from partsemble_core.errors import Conflict, Forbidden, Invalid, WrongState
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.services.admitting import Person, find_person, matches
from partsemble_core.services.house import House
from partsemble_core.services.staffing import get_member
from partsemble_core.store.companies import User
from partsemble_core.store.database import reading_anywhere
from partsemble_core.store.people import RecoveryCode
from partsemble_core.store.session import CompanySession
from partsemble_core.vault import Place

STEP = 30
"""Seconds that a code holds; the one before and the one after are taken too, because clocks differ."""
CODES = 10
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Of recovery codes: none that looks like another."""
ISSUER = "Partsemble"


def is_vouched_for(session: Session, user_id: int) -> bool:
    """Whether the person's sign-in takes a second factor."""
    return session.scalar(sa.select(User.second_factor_since).where(User.id == user_id)) is not None


def begin_second_factor(house: House, session: CompanySession, person: Person) -> None:
    """Makes a secret that counts for nothing until a code of it was typed. Raises Conflict while one is in use."""
    user = _locked(session, person.user_id)
    if user.second_factor_since is not None:
        raise Conflict("Your second factor is on. Turn it off first.")
    user.second_factor_key = secrets.token_hex(16)
    user.second_factor_sealed = house.vault.seal(Secret(pyotp.random_base32()), _place(user))
    session.flush()


def pending_secret(house: House, session: Session, person: Person) -> Secret | None:
    """What the authenticator app is to be shown, between beginning and the first code."""
    user = session.get_one(User, person.user_id)
    if user.second_factor_since is not None or user.second_factor_sealed is None:
        return None
    return house.vault.unseal(user.second_factor_sealed, _place(user))


def address_of(secret: Secret, person: Person) -> Secret:
    """What the QR code says to the app."""
    return Secret(pyotp.TOTP(secret.reveal()).provisioning_uri(name=person.by, issuer_name=ISSUER))


def turn_on(house: House, session: CompanySession, person: Person, *, code: str, now: dt.datetime) -> list[str]:
    """From now on a sign-in takes a code. Returns the recovery codes, shown this once. Raises Invalid, WrongState."""
    user = _locked(session, person.user_id)
    if user.second_factor_sealed is None or user.second_factor_since is not None:
        raise WrongState("There is nothing to turn on. Begin again.")
    step = _step_of(house, user, code, now)
    if step is None:
        raise Invalid("code", "That isn't the code of this moment. Look at the app and its clock, and type it again.")
    user.second_factor_since, user.second_factor_step = now, step
    return _new_codes(session, user)


def turn_off(session: CompanySession, person: Person, *, password: str) -> None:
    """Raises Invalid for a wrong password."""
    user = _proven(session, person, password)
    _forget(session, user)


def renew_codes(session: CompanySession, person: Person, *, password: str) -> list[str]:
    """Ten new recovery codes; the old ones end. Raises Invalid, WrongState."""
    user = _proven(session, person, password)
    if user.second_factor_since is None:
        raise WrongState("Your second factor is off. Turn it on first.")
    return _new_codes(session, user)


def codes_left(session: Session, user_id: int) -> int:
    """Recovery codes that were not used yet."""
    unused = sa.select(sa.func.count(RecoveryCode.id)).where(
        RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None)
    )
    return session.scalar(unused) or 0


def take_off(session: CompanySession, membership_id: int) -> User:
    """For somebody who lost app and codes: the password alone is enough again. Owner only. Raises NotFound."""
    _, user = get_member(session, membership_id)
    _forget(session, user)
    return user


def mark_of(session: Session, user_id: int) -> str:
    """Changes with the password: half a sign-in, begun with an older one, is over."""
    hashed = session.scalar(sa.select(User.password_hash).where(User.id == user_id)) or ""
    return hashlib.sha256(hashed.encode()).hexdigest()[:16]


def vouch(house: House, membership_id: int, *, mark: str, code: str) -> Person:
    """The second half of a sign-in. A code works once. Raises Forbidden."""
    now = house.clock()
    with reading_anywhere(house.engine) as reader:
        person = find_person(reader, membership_id)
        is_same = person is not None and mark_of(reader, person.user_id) == mark
    if person is None or not is_same:
        raise Forbidden("Begin again with your password.")
    user_id = person.user_id

    def work(session: CompanySession) -> bool:
        user = _locked(session, user_id)
        step = _step_of(house, user, code, now)
        if step is not None:
            user.second_factor_step = step
            return True
        return _use_recovery_code(session, user, code, now)

    if not house.write(person.company_id, work):
        raise Forbidden("That code is wrong, or was used. Take the next one.")
    return person


def _step_of(house: House, user: User, code: str, now: dt.datetime) -> int | None:
    """Which moment's code it is, if it is later than any used before."""
    if user.second_factor_sealed is None:
        return None
    app = pyotp.TOTP(house.vault.unseal(user.second_factor_sealed, _place(user)).reveal())
    typed = "".join(code.split()).encode("utf-8", "replace")
    present = int(now.timestamp()) // STEP
    for step in (present, present - 1, present + 1):
        is_fresh = user.second_factor_step is None or step > user.second_factor_step
        if is_fresh and hmac.compare_digest(app.generate_otp(step).encode(), typed):
            return step
    return None


def _use_recovery_code(session: CompanySession, user: User, code: str, now: dt.datetime) -> bool:
    found = session.scalar(
        sa.select(RecoveryCode).where(
            RecoveryCode.user_id == user.id, RecoveryCode.code_sha256 == _hashed(code), RecoveryCode.used_at.is_(None)
        )
    )
    if found is None or user.second_factor_since is None:
        return False
    found.used_at = now
    return True


def _new_codes(session: CompanySession, user: User) -> list[str]:
    for old in session.scalars(sa.select(RecoveryCode).where(RecoveryCode.user_id == user.id)):
        session.delete(old)
    codes = [_random_code() for _ in range(CODES)]
    session.add_all(RecoveryCode(user_id=user.id, code_sha256=_hashed(code)) for code in codes)
    session.flush()
    return codes


def _random_code() -> str:
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(5)) for _ in range(3))


def _forget(session: CompanySession, user: User) -> None:
    user.second_factor_sealed = user.second_factor_since = user.second_factor_step = None
    for code in session.scalars(sa.select(RecoveryCode).where(RecoveryCode.user_id == user.id)):
        session.delete(code)
    session.flush()


def _proven(session: CompanySession, person: Person, password: str) -> User:
    user = _locked(session, person.user_id)
    if not matches(user.password_hash, password):
        raise Invalid("factor_password", "That isn't your password. Type it again.")
    return user


def _locked(session: CompanySession, user_id: int) -> User:
    """One at a time: a code that is typed twice at once works once."""
    wanted = sa.select(User).where(User.id == user_id).with_for_update()
    return session.scalars(wanted.execution_options(populate_existing=True)).one()


def _place(user: User) -> Place:
    return Place(table="users", column="second_factor_sealed", row_key=user.second_factor_key, company_id=0)


def _hashed(code: str) -> str:
    plain = "".join(letter for letter in code.lower() if letter.isalnum())
    return hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()
