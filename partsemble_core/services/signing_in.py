"""Signing in: each sign-in is a row that can be ended here, whatever the browser keeps."""

from __future__ import annotations

import datetime as dt
import enum
import hashlib
import logging
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from partsemble_core.errors import NotFound
from partsemble_core.services.admitting import SIGN_INS, Person, as_person
from partsemble_core.store.companies import Membership, User
from partsemble_core.store.database import write_anywhere
from partsemble_core.store.people import SignIn
from partsemble_core.store.session import CompanySession

log = logging.getLogger(__name__)
IDLE = dt.timedelta(hours=12)
LASTS = dt.timedelta(days=30)
"""What holds where no setting says else: without a click, and in any case."""
SEEN_EVERY = dt.timedelta(minutes=5)
"""How often a click is written down at most."""
AGENT = 300


class Ended(enum.StrEnum):
    """Why a sign-in is over."""

    BY_SOMEBODY = "by somebody"
    IDLE = "idle"
    OLD = "old"


def begin_sign_in(
    session: CompanySession,
    person: Person,
    *,
    key: str,
    address: str,
    agent: str,
    now: dt.datetime,
    idle: dt.timedelta = IDLE,
) -> SignIn:
    """Remembers that a browser is signed in; ``key`` is the secret that it keeps. Without a click it ends by itself."""
    begun = SignIn(
        membership_id=person.membership_id,
        email=person.by,
        key_sha256=_hashed(key),
        begun_at=now,
        seen_at=now,
        ends_at=now + idle,
        address=address[:100],
        agent="".join(letter for letter in agent[:AGENT] if letter.isprintable()),
    )
    session.add(begun)
    session.flush()
    return begun


def find_signed_in(session: Session, key: str, *, now: dt.datetime) -> Person | None:
    """Who is signed in with the browser's secret, while neither the sign-in nor the membership has ended."""
    row = session.execute(
        sa.select(Membership, User)
        .join(User, User.id == Membership.user_id)
        .join(SignIn, SignIn.membership_id == Membership.id)
        .where(
            SignIn.key_sha256 == _hashed(key),
            SignIn.ended_at.is_(None),
            SignIn.ends_at > now,
            Membership.is_active,
            User.is_active,
        )
    ).first()
    return None if row is None else as_person(row[0], row[1])


def note_seen(
    engine: sa.Engine, key: str, *, now: dt.datetime, idle: dt.timedelta = IDLE, lasts: dt.timedelta = LASTS
) -> None:
    """Moves the end of an open sign-in: somebody has clicked. A database that is busy loses the note, never the click.

    Written by statement: a click is nothing for the audit log.
    """
    mine = sa.and_(SIGN_INS.c.key_sha256 == _hashed(key), SIGN_INS.c.ended_at.is_(None), SIGN_INS.c.ends_at > now)

    def work(session: Session) -> None:
        begun_at = session.connection().scalar(sa.select(SIGN_INS.c.begun_at).where(mine))
        if begun_at is not None:
            moved = sa.update(SIGN_INS).where(mine).values(seen_at=now, ends_at=min(now + idle, begun_at + lasts))
            session.connection().execute(moved)

    try:
        write_anywhere(engine, work)
    except OperationalError:
        log.info("a click wasn't noted: the database is busy")


def is_due(session: Session, key: str, *, now: dt.datetime) -> bool:
    """Whether the last click that was written down is a while ago."""
    seen_at = session.scalar(sa.select(SignIn.seen_at).where(SignIn.key_sha256 == _hashed(key)))
    return seen_at is not None and now - seen_at >= SEEN_EVERY


def why_ended(session: Session, key: str, *, now: dt.datetime, lasts: dt.timedelta = LASTS) -> Ended | None:
    """Why the browser with this secret is signed in no more; None where it still is, or nobody knows it."""
    found = session.scalar(sa.select(SignIn).where(SignIn.key_sha256 == _hashed(key)))
    if found is None:
        return None
    if found.ended_at is not None:
        return Ended.BY_SOMEBODY
    if found.ends_at > now:
        return None
    return Ended.OLD if found.ends_at >= found.begun_at + lasts else Ended.IDLE


def end_sign_in(session: CompanySession, *, key: str, now: dt.datetime) -> None:
    """Ends the sign-in of this browser, if it is still open."""
    for found in session.scalars(sa.select(SignIn).where(SignIn.key_sha256 == _hashed(key), SignIn.ended_at.is_(None))):
        found.ended_at = now
    session.flush()


def end_one(session: CompanySession, sign_in_id: int, *, now: dt.datetime, of: int | None = None) -> SignIn:
    """Ends a sign-in; with ``of`` only one of that member. Raises NotFound."""
    wanted = sa.select(SignIn).where(SignIn.id == sign_in_id)
    found = session.scalar(wanted if of is None else wanted.where(SignIn.membership_id == of))
    if found is None:
        raise NotFound("sign-in", sign_in_id)
    if found.ended_at is None:
        found.ended_at = now
    session.flush()
    return found


def end_all(session: CompanySession, membership_id: int, *, now: dt.datetime, but_key: str = "") -> int:
    """Ends every open sign-in of a member, but for the browser of ``but_key``. Returns how many."""
    spared = _hashed(but_key) if but_key else ""
    ended = 0
    for found in open_sign_ins(session, membership_id, now=now):
        if found.key_sha256 != spared:
            found.ended_at = now
            ended += 1
    session.flush()
    return ended


def open_sign_ins(session: CompanySession, membership_id: int, *, now: dt.datetime) -> Sequence[SignIn]:
    """Newest first."""
    return session.scalars(
        sa.select(SignIn)
        .where(SignIn.membership_id == membership_id, SignIn.ended_at.is_(None), SignIn.ends_at > now)
        .order_by(SignIn.begun_at.desc(), SignIn.id.desc())
    ).all()


def is_of(sign_in: SignIn, key: str) -> bool:
    """Whether it is this browser's."""
    return sign_in.key_sha256 == _hashed(key)


def _hashed(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
