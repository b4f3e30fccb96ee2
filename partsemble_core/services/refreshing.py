"""Refreshing: an access token that is good for a while, from single-use refresh tokens, under concurrency.

A sign-in (grant) belongs to the person, so all companies and organisations that it serves share one set of tokens.
Token sets are appended and never overwritten; a lease lets one worker refresh at a time; a try is committed before
its request leaves; after a lost answer the grant rests until no request of ours can still be travelling, then the
newest set is tried first, and older ones only within their grace.
"""

from __future__ import annotations

import datetime as dt
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from partsemble_core.errors import PartsembleError, say
from partsemble_core.plugin_api.errors import RetryLater, SignedOut
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.services.crashing import crashpoint
from partsemble_core.services.house import House
from partsemble_core.services.serving import tell_served
from partsemble_core.services.token_asking import CALL_SECONDS, App, LostAnswer, app_of, ask_for_tokens
from partsemble_core.services.token_keeping import (
    SignInBroken,
    good_token,
    keep_tokens,
    newest_set,
    usable_sets,
)
from partsemble_core.store.connections import (
    Connection,
    ConnectionState,
    Grant,
    GrantState,
    RefreshTry,
    TokenSet,
    TokenState,
)
from partsemble_core.store.database import database_now, reading_anywhere, write_anywhere

log = logging.getLogger(__name__)
EARLY = dt.timedelta(minutes=5)
"""A token with less time left isn't used: the call could come too late."""
SOON = dt.timedelta(minutes=10)
"""With less, whoever needs a token renews it, and does without if that can't be done now."""
WAIT_SECONDS = 30.0
POLL_SECONDS = 0.25
UNUSED = dt.timedelta(days=1)
ALARM = dt.timedelta(days=50)
"""A sign-in that could not be renewed for so long is about to be forgotten by its service."""


Needed = Callable[[Session, Grant], bool]
"""Asked under the lock: whoever waited for it may find that the work was done meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """The right to refresh, with the sets to try, newest first. Nothing is sent after ``send_before``."""

    epoch: int
    sets: tuple[tuple[int, Secret], ...]
    token_url: str
    app: App
    send_before: float
    seconds: float


def access_token(house: House, grant_id: int, *, refused: Secret | None = None) -> Secret:
    """A token with at least five minutes left. ``refused`` is one that the backend just said no to.

    Raises SignedOut when the person must connect again, RetryLater while the sign-in service doesn't answer.
    """
    give_up = time.monotonic() + WAIT_SECONDS
    while True:
        token = _current(house, grant_id, refused, left=SOON)
        if token is not None:
            return token
        spare = _current(house, grant_id, refused, left=EARLY)
        try:
            token = _try_refresh(
                house,
                grant_id,
                is_needed=lambda session, grant: (
                    good_token(house, session, grant.id, refused=refused, left=SOON) is None
                ),
            )
        except PartsembleError:
            if spare is None:
                raise
        if token or spare:
            return token or spare  # type: ignore[return-value]
        if time.monotonic() > give_up:
            raise RetryLater("Another worker is refreshing the sign-in.", after=60)
        time.sleep(POLL_SECONDS)


def refresh_due(house: House) -> int:
    """Refreshes every sign-in in use whose last answer was lost, or that nobody used for a day. Returns how many.

    A lost answer must be settled within the grace of the token that was sent, whether or not anybody needs a token
    meanwhile, and a token that is never used dies after some weeks. A failure is logged and tried again.
    """
    with reading_anywhere(house.engine) as session:
        due = session.scalars(_due_grants(database_now(session), unused_since=house.clock() - UNUSED)).all()

    def is_due(session: Session, grant: Grant) -> bool:
        due_grants = _due_grants(database_now(session), unused_since=house.clock() - UNUSED)
        return session.execute(due_grants.where(Grant.id == grant.id)).first() is not None

    refreshed = 0
    for grant_id in due:
        try:
            refreshed += _try_refresh(house, grant_id, is_needed=is_due) is not None
        except PartsembleError as error:
            log.warning("the sign-in %s could not be refreshed (%s): %s", grant_id, error.code, error)
            _raise_alarm(house, grant_id)
    return refreshed


def _due_grants(now: dt.datetime, *, unused_since: dt.datetime) -> sa.Select[int]:
    is_unended = sa.exists().where(RefreshTry.grant_id == Grant.id, RefreshTry.outcome.is_(None))
    is_unused = sa.exists().where(
        TokenSet.grant_id == Grant.id, TokenSet.state == TokenState.CURRENT, TokenSet.received_at < unused_since
    )
    is_in_use = sa.exists().where(
        Connection.grant_id == Grant.id, Connection.state.in_([ConnectionState.ACTIVE, ConnectionState.SETUP])
    )
    return sa.select(Grant.id).where(
        Grant.state.in_([GrantState.ACTIVE, GrantState.IN_DOUBT]),
        sa.or_(Grant.quarantine_until.is_(None), Grant.quarantine_until <= now),
        is_in_use,
        sa.or_(Grant.state == GrantState.IN_DOUBT, is_unended, is_unused),
    )


def _raise_alarm(house: House, grant_id: int) -> None:
    """Tells the people in time, on every connection that would end."""
    with reading_anywhere(house.engine) as session:
        newest = newest_set(session, grant_id)
    if newest is None or newest.received_at > house.clock() - ALARM:
        return
    problem = (
        f"The sign-in could not be renewed since {newest.received_at:%Y-%m-%d} and ends after 60 days. Reconnect now."
    )
    if tell_served(house, grant_id, among=(ConnectionState.ACTIVE, ConnectionState.SETUP), problem=problem):
        log.error("the sign-in %s was not renewed for %s days and is about to end", grant_id, ALARM.days)


def _current(house: House, grant_id: int, refused: Secret | None, *, left: dt.timedelta) -> Secret | None:
    with reading_anywhere(house.engine) as session:
        return good_token(house, session, grant_id, refused=refused, left=left)


def _try_refresh(house: House, grant_id: int, *, is_needed: Needed) -> Secret | None:
    """Refreshes if it is still needed and nobody else does. Raises RetryLater while a lost answer may be on its way."""
    started = time.monotonic()
    claim = write_anywhere(house.engine, lambda session: _claim(house, session, grant_id, is_needed, started=started))
    if isinstance(claim, dt.timedelta):
        raise RetryLater(
            "The sign-in service's last answer was lost; it is asked again when nothing can still be on its way.",
            after=int(claim.total_seconds()) + 1,
            whole_organisation=True,
        )
    if claim is None:
        return None
    crashpoint("refreshing.after_claim")
    return _refresh(house, grant_id, claim)


def _claim(
    house: House, session: Session, grant_id: int, is_needed: Needed, *, started: float
) -> _Claim | dt.timedelta | None:
    """Takes the lease by the database's clock and writes the try ahead of its request.

    None if somebody has it or has just brought a newer set, a time while the grant rests.
    """
    grant = session.scalar(sa.select(Grant).where(Grant.id == grant_id).with_for_update())
    now = database_now(session)
    if grant is None or grant.state in (GrantState.RECONNECT_NEEDED, GrantState.ENDED):
        raise _signed_out()
    if grant.lease_until and grant.lease_until > now:
        return None
    lost = session.scalar(sa.select(RefreshTry).where(RefreshTry.grant_id == grant_id, RefreshTry.outcome.is_(None)))
    if lost is not None:  # its worker died: the answer is lost, and may still be on its way
        lost.outcome = "lost"
        _into_doubt(house, grant, lost.sent_at)
    if grant.quarantine_until and grant.quarantine_until > now:
        return grant.quarantine_until - now
    if not is_needed(session, grant):
        return None
    app = app_of(session, house, grant.backend, client_id=grant.client_id)  # before anything is promised
    sets = usable_sets(house, session, grant)
    if not sets:
        raise _signed_out()
    lease = house.settings.token_lease_seconds
    grant.lease_epoch += 1
    grant.lease_owner = secrets.token_hex(8)
    grant.lease_until = now + dt.timedelta(seconds=lease)
    session.add(RefreshTry(grant_id=grant_id, epoch=grant.lease_epoch, used_sequence=sets[0][0], sent_at=now))
    return _Claim(
        epoch=grant.lease_epoch,
        sets=tuple(sets),
        token_url=grant.token_url,
        app=app,
        send_before=started + lease * 5 / 9,  # 50 of 90 seconds: with 20 for the call, half a minute is to spare
        seconds=min(CALL_SECONDS, lease * 2 / 9),
    )


def _into_doubt(house: House, grant: Grant, sent_at: dt.datetime) -> None:
    grant.state = GrantState.IN_DOUBT
    until = sent_at + dt.timedelta(seconds=house.settings.token_quarantine_seconds)
    grant.quarantine_until = max(until, grant.quarantine_until or until)


def _refresh(house: House, grant_id: int, claim: _Claim) -> Secret | None:
    """The new token; None where somebody else got a newer set meanwhile, or it became too late to send."""
    for _, refresh_token in claim.sets:
        if time.monotonic() > claim.send_before:
            write_anywhere(house.engine, lambda session: _end_try(session, grant_id, claim, "not_sent"))
            return None
        answer = _ask(house, grant_id, claim, refresh_token)
        if answer is not None:
            crashpoint("refreshing.after_answer")
            write_anywhere(house.engine, lambda session, got=answer: _keep(house, session, grant_id, claim, got))  # type: ignore[misc]
            crashpoint("refreshing.after_keep")
            return Secret(str(answer["access_token"]))
    if not write_anywhere(house.engine, lambda session: _give_up(session, grant_id, claim)):
        return None
    tell_served(
        house,
        grant_id,
        among=(ConnectionState.ACTIVE,),
        problem="The sign-in was refused. Reconnect to go on.",
        state=ConnectionState.RECONNECT_NEEDED,
    )
    raise _signed_out()


def _ask(house: House, grant_id: int, claim: _Claim, refresh_token: Secret) -> Mapping[str, object] | None:
    """The token answer, or None where this refresh token was refused. Raises RetryLater after a lost answer."""
    try:
        return ask_for_tokens(claim.app, claim.token_url, refresh_token, seconds=claim.seconds)
    except SignInBroken:  # a clear answer: no token was changed, so nothing is in doubt
        write_anywhere(house.engine, lambda session: _end_try(session, grant_id, claim, "refused"))
        raise
    except LostAnswer as error:
        lost = str(error)
    write_anywhere(house.engine, lambda session: _lose(house, session, grant_id, claim))
    raise RetryLater(
        say("The sign-in service gave no usable answer ({lost}); it is asked again later.", lost=lost),
        after=house.settings.token_quarantine_seconds + 1,
        whole_organisation=True,
    )


def _keep(house: House, session: Session, grant_id: int, claim: _Claim, answer: Mapping[str, object]) -> None:
    """Whatever became of the lease a token is never thrown away, unless the sign-in was ended on purpose meanwhile."""
    grant = session.scalars(sa.select(Grant).where(Grant.id == grant_id).with_for_update()).one()
    _end_try(session, grant_id, claim, "ok")
    if grant.state == GrantState.ENDED:
        return
    keep_tokens(house, session, grant_id, answer)
    if grant.lease_epoch == claim.epoch:  # a late answer doesn't end the doubt about a try that came after it
        grant.state = GrantState.ACTIVE
        grant.quarantine_until = None


def _lose(house: House, session: Session, grant_id: int, claim: _Claim) -> None:
    sent_at = _end_try(session, grant_id, claim, "lost")
    grant = session.get_one(Grant, grant_id)
    if grant.state != GrantState.ENDED:
        _into_doubt(house, grant, sent_at)


def _give_up(session: Session, grant_id: int, claim: _Claim) -> bool:
    """True if the person must connect again; False where a newer set came in while ours was being refused."""
    _end_try(session, grant_id, claim, "refused")
    newest, grant = newest_set(session, grant_id), session.get_one(Grant, grant_id)
    if newest is not None and newest.sequence != claim.sets[0][0]:
        return False
    if grant.state != GrantState.ENDED:
        grant.state = GrantState.RECONNECT_NEEDED
    return True


def _end_try(session: Session, grant_id: int, claim: _Claim, outcome: str) -> dt.datetime:
    grant = session.scalars(sa.select(Grant).where(Grant.id == grant_id).with_for_update()).one()
    tried = session.scalars(
        sa.select(RefreshTry).where(RefreshTry.grant_id == grant_id, RefreshTry.epoch == claim.epoch)
    ).one()
    tried.outcome = outcome
    if grant.lease_epoch == claim.epoch:
        grant.lease_until = None
        grant.lease_owner = None
    return tried.sent_at


def _signed_out() -> SignedOut:
    return SignedOut("The sign-in was refused. Reconnect in Integrations; exports wait until then.")
