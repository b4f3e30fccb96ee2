"""Refreshing: an access token that is good for a while, from single-use refresh tokens, under concurrency.

Token sets are appended and never overwritten; a lease lets one worker refresh at a time; a try is committed before
its request leaves; after a lost answer the grant rests until no request of ours can still be travelling, then the
newest set is tried first, and older ones only within their grace.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import requests
import sqlalchemy as sa
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session

from partsemble_core.errors import PartsembleError
from partsemble_core.plugin_api.errors import RetryLater, SignedOut
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.services.crashing import crashpoint
from partsemble_core.services.house import House
from partsemble_core.store.connections import (
    Connection,
    ConnectionState,
    Grant,
    GrantState,
    RefreshTry,
    TokenSet,
    TokenState,
)
from partsemble_core.store.database import database_now, reading_anywhere
from partsemble_core.store.session import CompanySession
from partsemble_core.vault import Place

log = logging.getLogger(__name__)
EARLY = dt.timedelta(minutes=5)
LEASE = dt.timedelta(seconds=90)
QUARANTINE = dt.timedelta(seconds=120)
"""No request of ours outlives this; only then is a lost refresh tried again."""
TIME_OUT = (5, 20)
WAIT_SECONDS = 30.0
POLL_SECONDS = 0.25
UNUSED = dt.timedelta(days=1)


Needed = Callable[[CompanySession, Grant], bool]
"""Asked under the lock: whoever waited for it may find that the work was done meanwhile."""


class SignInBroken(PartsembleError):
    """The sign-in service answered something that can't be used."""

    code = "sign-in-broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """The right to refresh, with the sets to try, newest first."""

    epoch: int
    sets: tuple[tuple[int, Secret], ...]
    token_url: str
    client_id: str
    backend: str


def access_token(house: House, company_id: int, grant_id: int, *, refused: Secret | None = None) -> Secret:
    """A token with at least five minutes left. ``refused`` is one that the backend just said no to.

    Raises SignedOut when the person must connect again, RetryLater while the sign-in service doesn't answer.
    """
    give_up = time.monotonic() + WAIT_SECONDS
    while True:
        token = _current(house, company_id, grant_id, refused)
        if token is not None:
            return token
        token = _try_refresh(
            house,
            company_id,
            grant_id,
            is_needed=lambda session, grant: _good_token(house, session, grant, refused) is None,
        )
        if token is not None:
            return token
        if time.monotonic() > give_up:
            raise RetryLater("Another worker is refreshing the sign-in.", after=60)
        time.sleep(POLL_SECONDS)


def refresh_due(house: House) -> int:
    """Refreshes every sign-in in use whose last answer was lost, or that nobody used for a day. Returns how many.

    A lost answer must be settled within the grace of the token that was sent, whether or not anybody needs a token
    meanwhile, and a token that is never used dies after some weeks. A failure is logged and tried again.
    """
    with reading_anywhere(house.engine) as session:
        due = session.execute(_due_grants(database_now(session), unused_since=house.clock() - UNUSED)).all()

    def is_due(session: CompanySession, grant: Grant) -> bool:
        due_grants = _due_grants(database_now(session), unused_since=house.clock() - UNUSED)
        return session.execute(due_grants.where(Grant.id == grant.id)).first() is not None

    refreshed = 0
    for company_id, grant_id in due:
        try:
            refreshed += _try_refresh(house, company_id, grant_id, is_needed=is_due) is not None
        except PartsembleError as error:
            log.warning("the sign-in %s could not be refreshed (%s): %s", grant_id, error.code, error)
    return refreshed


def _due_grants(now: dt.datetime, *, unused_since: dt.datetime) -> sa.Select[int, int]:
    is_unended = sa.exists().where(RefreshTry.grant_id == Grant.id, RefreshTry.outcome.is_(None))
    is_unused = sa.exists().where(
        TokenSet.grant_id == Grant.id, TokenSet.state == TokenState.CURRENT, TokenSet.received_at < unused_since
    )
    is_in_use = sa.exists().where(
        Connection.grant_id == Grant.id, Connection.state.in_([ConnectionState.ACTIVE, ConnectionState.SETUP])
    )
    return sa.select(Grant.company_id, Grant.id).where(
        Grant.state != GrantState.RECONNECT_NEEDED,
        sa.or_(Grant.quarantine_until.is_(None), Grant.quarantine_until <= now),
        is_in_use,
        sa.or_(Grant.state == GrantState.IN_DOUBT, is_unended, is_unused),
    )


def keep_tokens(house: House, session: CompanySession, grant_id: int, answer: Mapping[str, object]) -> TokenSet:
    """Appends a token set from a token answer and makes it the current one. Raises SignInBroken."""
    access, refresh = answer.get("access_token"), answer.get("refresh_token")
    if not isinstance(access, str) or not isinstance(refresh, str) or not access or not refresh:
        raise SignInBroken("The sign-in answered without both tokens. Check that offline access is among the scopes.")
    now = house.clock()
    last = session.scalar(sa.select(sa.func.max(TokenSet.sequence)).where(TokenSet.grant_id == grant_id)) or 0
    session.execute(
        sa.update(TokenSet)
        .where(TokenSet.grant_id == grant_id, TokenSet.state == TokenState.CURRENT)
        .values(state=TokenState.SUPERSEDED)
    )
    row_key = secrets.token_hex(16)
    seconds = answer.get("expires_in")
    row = TokenSet(
        grant_id=grant_id,
        sequence=last + 1,
        row_key=row_key,
        access_sealed=house.vault.seal(Secret(access), place(session.company_id, row_key, "access_sealed")),
        refresh_sealed=house.vault.seal(Secret(refresh), place(session.company_id, row_key, "refresh_sealed")),
        scope=str(answer.get("scope") or ""),
        access_expires_at=now + dt.timedelta(seconds=seconds if isinstance(seconds, int) else 1800),
        received_at=now,
        state=TokenState.CURRENT,
    )
    session.add(row)
    session.flush()
    return row


def place(company_id: int, row_key: str, column: str) -> Place:
    """What a token's seal is bound to."""
    return Place(table="token_sets", column=column, row_key=row_key, company_id=company_id)


def oauth_session(
    house: House, backend: str, *, client_id: str, scope: str = "", redirect_uri: str = ""
) -> OAuth2Session:
    """Authlib's client with this installation's id and secret for ``backend``. Raises SignInBroken without a secret."""
    return OAuth2Session(
        client_id=client_id,
        client_secret=_client_secret(house, backend, client_id=client_id).reveal(),
        scope=scope or None,
        redirect_uri=redirect_uri or None,
        code_challenge_method="S256",
        default_timeout=TIME_OUT,
    )


def _client_secret(house: House, backend: str, *, client_id: str) -> Secret:
    secret = house.settings.settings_of(backend).get("client_secret")
    if not client_id or secret is None:
        raise SignInBroken(
            f"No client id and secret are set for {backend}. Set PARTSEMBLE_PLUGIN_{backend.upper()}_CLIENT_ID and "
            f"PARTSEMBLE_PLUGIN_{backend.upper()}_CLIENT_SECRET."
        )
    return secret


def _current(house: House, company_id: int, grant_id: int, refused: Secret | None) -> Secret | None:
    with house.reading(company_id) as session:
        grant = session.get_one(Grant, grant_id)
        if grant.state == GrantState.RECONNECT_NEEDED:
            raise SignedOut("The sign-in is no longer accepted. Reconnect in Integrations.")
        return _good_token(house, session, grant, refused)


def _good_token(house: House, session: CompanySession, grant: Grant, refused: Secret | None) -> Secret | None:
    """The newest access token, if it has time left and isn't the one that was refused."""
    row = session.scalar(sa.select(TokenSet).where(TokenSet.grant_id == grant.id, TokenSet.state == TokenState.CURRENT))
    if row is None or row.access_expires_at <= house.clock() + EARLY:
        return None
    token = house.vault.unseal(row.access_sealed, place(session.company_id, row.row_key, "access_sealed"))
    return None if refused is not None and token == refused else token


def _try_refresh(house: House, company_id: int, grant_id: int, *, is_needed: Needed) -> Secret | None:
    """Refreshes if it is still needed and nobody else does. Raises RetryLater while a lost answer may be on its way."""
    claim = house.write(company_id, lambda session: _claim(house, session, grant_id, is_needed))
    if isinstance(claim, dt.timedelta):
        raise RetryLater(
            "The sign-in service's last answer was lost; it is asked again when nothing can still be on its way.",
            after=int(claim.total_seconds()) + 1,
            whole_organisation=True,
        )
    if claim is None:
        return None
    crashpoint("refreshing.after_claim")
    return _refresh(house, company_id, grant_id, claim)


def _claim(house: House, session: CompanySession, grant_id: int, is_needed: Needed) -> _Claim | dt.timedelta | None:
    """Takes the lease by the database's clock and writes the try ahead of its request.

    None if somebody has it or has just brought a newer set, a time while the grant rests.
    """
    grant = session.scalar(sa.select(Grant).where(Grant.id == grant_id).with_for_update())
    now = database_now(session)
    if grant is None or (grant.lease_until and grant.lease_until > now):
        return None
    lost = session.scalar(sa.select(RefreshTry).where(RefreshTry.grant_id == grant_id, RefreshTry.outcome.is_(None)))
    if lost is not None:  # its worker died: the answer is lost, and may still be on its way
        lost.outcome = "lost"
        _into_doubt(grant, lost.sent_at)
    if grant.quarantine_until and grant.quarantine_until > now:
        return grant.quarantine_until - now
    if not is_needed(session, grant):
        return None
    _client_secret(house, grant.backend, client_id=grant.client_id)  # before anything is promised
    grant.lease_epoch += 1
    grant.lease_owner = secrets.token_hex(8)
    grant.lease_until = now + LEASE
    sets = _usable_sets(house, session, grant)
    session.add(RefreshTry(grant_id=grant_id, epoch=grant.lease_epoch, used_sequence=sets[0][0], sent_at=now))
    return _Claim(
        epoch=grant.lease_epoch,
        sets=tuple(sets),
        token_url=grant.token_url,
        client_id=grant.client_id,
        backend=grant.backend,
    )


def _into_doubt(grant: Grant, sent_at: dt.datetime) -> None:
    grant.state = GrantState.IN_DOUBT
    until = sent_at + QUARANTINE
    grant.quarantine_until = max(until, grant.quarantine_until or until)


def _usable_sets(house: House, session: CompanySession, grant: Grant) -> list[tuple[int, Secret]]:
    """The newest set, then older ones while a lost answer's grace lasts."""
    rows = session.scalars(
        sa.select(TokenSet)
        .where(TokenSet.grant_id == grant.id, TokenSet.state != TokenState.DEAD)
        .order_by(TokenSet.sequence.desc())
    ).all()
    grace = house.clock() - dt.timedelta(seconds=grant.grace_seconds)
    kept = [row for i, row in enumerate(rows) if i == 0 or rows[i - 1].received_at > grace]
    return [
        (
            row.sequence,
            house.vault.unseal(row.refresh_sealed, place(session.company_id, row.row_key, "refresh_sealed")),
        )
        for row in kept[:3]
    ]


def _refresh(house: House, company_id: int, grant_id: int, claim: _Claim) -> Secret | None:
    """The new token; None where somebody else got a newer set meanwhile."""
    for _, refresh_token in claim.sets:
        answer = _ask(house, company_id, grant_id, claim, refresh_token)
        if answer is not None:
            crashpoint("refreshing.after_answer")
            house.write(company_id, lambda session, got=answer: _keep(house, session, grant_id, claim, got))  # type: ignore[misc]
            crashpoint("refreshing.after_keep")
            return Secret(str(answer["access_token"]))
    if not house.write(company_id, lambda session: _give_up(session, grant_id, claim)):
        return None
    raise SignedOut("The sign-in was refused. Reconnect in Integrations; exports wait until then.")


def _ask(
    house: House, company_id: int, grant_id: int, claim: _Claim, refresh_token: Secret
) -> Mapping[str, object] | None:
    """The token answer, or None where this refresh token was refused. Raises RetryLater after a lost answer."""
    client = oauth_session(house, claim.backend, client_id=claim.client_id)
    lost: str = ""
    try:
        answer = client.post(
            claim.token_url,
            data={"grant_type": "refresh_token", "refresh_token": refresh_token.reveal()},
            auth=(client.client_id, client.client_secret),
            withhold_token=True,
            allow_redirects=False,
            timeout=TIME_OUT,
        )
        return _read_answer(answer)
    except SignInBroken:  # a clear answer: no token was changed, so nothing is in doubt
        house.write(company_id, lambda session: _end_try(session, grant_id, claim, "refused"))
        raise
    except (requests.RequestException, AuthlibBaseError, _Unreadable) as error:
        lost = str(error) if isinstance(error, _Unreadable) else type(error).__name__
    finally:
        client.close()
    house.write(company_id, lambda session: _lose(session, grant_id, claim))
    raise RetryLater(
        f"The sign-in service gave no usable answer ({lost}); it is asked again later.",
        after=int(QUARANTINE.total_seconds()) + 1,
        whole_organisation=True,
    )


class _Unreadable(Exception):
    """An answer that leaves open what happened."""


def _read_answer(answer: requests.Response) -> Mapping[str, object] | None:
    """Raises SignInBroken for an error that says what is wrong (RFC 6749 5.2), _Unreadable for anything else."""
    try:
        body = json.loads(answer.content)
    except ValueError:
        body = None
    if answer.status_code == 200 and isinstance(body, dict) and body.get("access_token") and body.get("refresh_token"):
        return body
    problem = str(body.get("error", ""))[:60] if isinstance(body, dict) else ""
    if answer.status_code in (400, 401) and problem == "invalid_grant":
        return None
    if answer.status_code in (400, 401) and problem:
        raise SignInBroken(
            f"The sign-in service refused this installation ({problem}). Check the client id and secret."
        )
    raise _Unreadable(f"status {answer.status_code}")


def _keep(house: House, session: CompanySession, grant_id: int, claim: _Claim, answer: Mapping[str, object]) -> None:
    keep_tokens(house, session, grant_id, answer)  # whatever became of the lease: a token is never thrown away
    _end_try(session, grant_id, claim, "ok")
    grant = session.get_one(Grant, grant_id)
    grant.state = GrantState.ACTIVE
    grant.quarantine_until = None


def _lose(session: CompanySession, grant_id: int, claim: _Claim) -> None:
    sent_at = _end_try(session, grant_id, claim, "lost")
    _into_doubt(session.get_one(Grant, grant_id), sent_at)


def _give_up(session: CompanySession, grant_id: int, claim: _Claim) -> bool:
    """True if the person must connect again; False where a newer set came in while ours was being refused."""
    _end_try(session, grant_id, claim, "refused")
    newest = session.scalar(sa.select(sa.func.max(TokenSet.sequence)).where(TokenSet.grant_id == grant_id))
    if newest != claim.sets[0][0]:
        return False
    session.get_one(Grant, grant_id).state = GrantState.RECONNECT_NEEDED
    active = sa.select(Connection).where(Connection.grant_id == grant_id, Connection.state == ConnectionState.ACTIVE)
    for connection in session.scalars(active.execution_options(populate_existing=True)):
        connection.state = ConnectionState.RECONNECT_NEEDED
        connection.problem = "The sign-in was refused. Reconnect to go on."
    return True


def _end_try(session: CompanySession, grant_id: int, claim: _Claim, outcome: str) -> dt.datetime:
    tried = session.scalars(
        sa.select(RefreshTry).where(RefreshTry.grant_id == grant_id, RefreshTry.epoch == claim.epoch)
    ).one()
    tried.outcome = outcome
    grant = session.scalars(sa.select(Grant).where(Grant.id == grant_id).with_for_update()).one()
    if grant.lease_epoch == claim.epoch:
        grant.lease_until = None
        grant.lease_owner = None
    return tried.sent_at
