"""Codes, access tokens and refresh tokens: issuing, rotating, ending them.

A refresh token works once. Sent again within 30 minutes of that, it brings a new set (the answer to
the first use may have been lost); what becomes of the set issued before is ``refresh_retry``. Codes
and refresh tokens are kept as hashes only.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import sqlite3
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from . import jwt
from .options import RefreshRetry
from .scopes import read_scopes
from .state import get_setting
from .users import User, find_user

MINUTE_MS = 60_000
CODE_MS = 5 * MINUTE_MS
ACCESS_MS = 30 * MINUTE_MS
ID_MS = 5 * MINUTE_MS
REFRESH_MS = 60 * 24 * 60 * MINUTE_MS

SCHEMA = """
CREATE TABLE IF NOT EXISTS codes (
    code_hash TEXT PRIMARY KEY, redirect_uri TEXT NOT NULL, scopes TEXT NOT NULL, challenge TEXT,
    nonce TEXT, user_id TEXT NOT NULL, auth_event_id TEXT NOT NULL, expires_ms INTEGER NOT NULL,
    is_used INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS refresh_tokens (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, token_hash TEXT NOT NULL UNIQUE, user_id TEXT NOT NULL,
    auth_event_id TEXT NOT NULL, scopes TEXT NOT NULL, expires_ms INTEGER NOT NULL, rotated_ms INTEGER,
    is_dead INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS granted (
    user_id TEXT NOT NULL, scope TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (user_id, scope)
) STRICT;
"""


class GrantRefused(Exception):
    """``invalid_grant``: a code or refresh token that is unknown, used, expired or revoked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRequest:
    """What the user agreed to, to be kept with the code."""

    user_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    challenge: str | None
    nonce: str | None
    auth_event_id: str


def issue_code(connection: sqlite3.Connection, wanted: CodeRequest, *, now_ms: int) -> str:
    """A fresh code, good for one use within five minutes. Scopes add to those granted before."""
    for scope in wanted.scopes:
        connection.execute(
            "INSERT INTO granted VALUES (?, ?, (SELECT count(*) FROM granted)) ON CONFLICT DO NOTHING",
            (wanted.user_id, scope),
        )
    rows = connection.execute("SELECT scope FROM granted WHERE user_id = ? ORDER BY position", (wanted.user_id,))
    granted = [row["scope"] for row in rows]
    code = get_setting(connection, "secret_prefix") + secrets.token_urlsafe(24)
    connection.execute(
        "INSERT INTO codes VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)",
        (
            _digest(code),
            wanted.redirect_uri,
            " ".join(granted),
            wanted.challenge,
            wanted.nonce,
            wanted.user_id,
            wanted.auth_event_id,
            now_ms + CODE_MS,
        ),
    )
    return code


def exchange_code(
    connection: sqlite3.Connection, *, code: str, redirect_uri: str, verifier: str | None, now_ms: int
) -> Mapping[str, object]:
    """The token set for a code. Raises :class:`GrantRefused`; a code is spent by its first right use."""
    row = connection.execute("SELECT * FROM codes WHERE code_hash = ?", (_digest(code),)).fetchone()
    if row is None or row["is_used"] or row["expires_ms"] < now_ms or row["redirect_uri"] != redirect_uri:
        raise GrantRefused
    if row["challenge"] is not None and row["challenge"] != _challenge(verifier or ""):
        raise GrantRefused
    connection.execute("UPDATE codes SET is_used = 1 WHERE code_hash = ?", (row["code_hash"],))
    return _token_set(
        connection,
        user_id=row["user_id"],
        scopes=read_scopes(row["scopes"]),
        auth_event_id=row["auth_event_id"],
        nonce=row["nonce"],
        now_ms=now_ms,
    )


def refresh(
    connection: sqlite3.Connection, *, token: str, retry: RefreshRetry, grace_ms: int, now_ms: int
) -> Mapping[str, object]:
    """The next token set. Raises :class:`GrantRefused`."""
    row = connection.execute("SELECT * FROM refresh_tokens WHERE token_hash = ?", (_digest(token),)).fetchone()
    if row is None or row["is_dead"] or row["expires_ms"] < now_ms:
        raise GrantRefused
    if row["rotated_ms"] is None:
        connection.execute("UPDATE refresh_tokens SET rotated_ms = ? WHERE seq = ?", (now_ms, row["seq"]))
    elif now_ms - row["rotated_ms"] > grace_ms:
        raise GrantRefused
    elif retry == "supersede":
        connection.execute(
            "UPDATE refresh_tokens SET is_dead = 1 WHERE auth_event_id = ? AND seq > ?",
            (row["auth_event_id"], row["seq"]),
        )
    return _token_set(
        connection,
        user_id=row["user_id"],
        scopes=read_scopes(row["scopes"]),
        auth_event_id=row["auth_event_id"],
        nonce=None,
        now_ms=now_ms,
    )


def revoke(connection: sqlite3.Connection, *, token: str) -> str | None:
    """End the whole grant that ``token`` belongs to: its user's id; None if the token is unknown or dead."""
    row = connection.execute(
        "SELECT user_id FROM refresh_tokens WHERE token_hash = ? AND NOT is_dead", (_digest(token),)
    ).fetchone()
    if row is None:
        return None
    revoke_all(connection, user_id=row["user_id"])
    return str(row["user_id"])


def revoke_all(connection: sqlite3.Connection, *, user_id: str | None = None) -> None:
    """End every refresh token and code and forget the granted scopes, of everybody or of one user."""
    whose = {"user": user_id}
    connection.execute("UPDATE refresh_tokens SET is_dead = 1 WHERE :user IS NULL OR user_id = :user", whose)
    connection.execute("UPDATE codes SET is_used = 1 WHERE :user IS NULL OR user_id = :user", whose)
    connection.execute("DELETE FROM granted WHERE :user IS NULL OR user_id = :user", whose)


def _token_set(
    connection: sqlite3.Connection,
    *,
    user_id: str,
    scopes: tuple[str, ...],
    auth_event_id: str,
    nonce: str | None,
    now_ms: int,
) -> Mapping[str, object]:
    key, prefix = get_setting(connection, "signing_key"), get_setting(connection, "secret_prefix")
    claims = _access_claims(connection, user_id=user_id, scopes=scopes, auth_event_id=auth_event_id, now_ms=now_ms)
    token_set: dict[str, object] = {
        "access_token": jwt.sign(claims, key=key, key_id=prefix),
        "expires_in": ACCESS_MS // 1000,
        "token_type": "Bearer",
        "scope": " ".join(scopes),
    }
    if "openid" in scopes:
        user = find_user(connection, user_id)
        about = _id_claims(claims, user=user, scopes=scopes, nonce=nonce, now_ms=now_ms)
        token_set["id_token"] = jwt.sign(about, key=key, key_id=prefix)
    if "offline_access" in scopes:
        token = prefix + secrets.token_urlsafe(32)
        connection.execute(
            "INSERT INTO refresh_tokens (token_hash, user_id, auth_event_id, scopes, expires_ms, is_dead)"
            " VALUES (?, ?, ?, ?, ?, 0)",
            (_digest(token), user_id, auth_event_id, " ".join(scopes), now_ms + REFRESH_MS),
        )
        token_set["refresh_token"] = token
    return token_set


def _access_claims(
    connection: sqlite3.Connection, *, user_id: str, scopes: tuple[str, ...], auth_event_id: str, now_ms: int
) -> dict[str, object]:
    client_id = get_setting(connection, "client_id")
    return {
        "nbf": now_ms // 1000,
        "exp": (now_ms + ACCESS_MS) // 1000,
        "iss": "https://identity.xero.com",
        "aud": "https://identity.xero.com/resources",
        "client_id": client_id,
        "sub": hashlib.sha256(user_id.encode()).hexdigest()[:32],
        "xero_userid": user_id,
        "jti": uuid.uuid4().hex,
        "authentication_event_id": auth_event_id,
        "scope": list(scopes),
    }


def _id_claims(
    access: Mapping[str, object], *, user: User | None, scopes: tuple[str, ...], nonce: str | None, now_ms: int
) -> dict[str, object]:
    claims: dict[str, object] = {
        "nbf": now_ms // 1000,
        "iat": now_ms // 1000,
        "exp": (now_ms + ID_MS) // 1000,
        "iss": access["iss"],
        "aud": access["client_id"],
        "sub": access["sub"],
        "xero_userid": access["xero_userid"],
    }
    if "email" in scopes and user is not None:
        claims["email"] = user.email
    if "profile" in scopes and user is not None:
        given, _, family = user.name.partition(" ")
        claims |= {"name": user.name, "given_name": given, "family_name": family}
    return claims if nonce is None else {**claims, "nonce": nonce}


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
