"""What an app asks the user for: checks of the authorize request, and the user's two answers."""

from __future__ import annotations

import re
import sqlite3
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit, urlunsplit

from .connections import connect, is_full
from .options import SandboxOptions, is_registrable
from .scopes import BROAD, KNOWN, read_scopes
from .state import get_setting
from .tokens import CodeRequest, issue_code

PARAMETERS = (
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
)


class ConsentRefused(Exception):
    """The request cannot be shown to the user; the app is never called back, as with Xero."""

    def __init__(self, error: str, text: str) -> None:
        super().__init__(f"{error}: {text}")
        self.error = error
        self.text = text


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRequest:
    """A checked authorize request; ``sent`` is what the page's form has to carry on."""

    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    nonce: str | None
    challenge: str | None
    sent: Mapping[str, str]


def read_request(sent: Mapping[str, str], *, options: SandboxOptions, client_id: str) -> ConsentRequest:
    """Check an authorize request. Raises :class:`ConsentRefused`."""
    if sent.get("client_id") != client_id:
        raise ConsentRefused("unauthorized_client", "Unknown client or client not enabled: check the client_id")
    _check_redirect(sent.get("redirect_uri", ""), options)
    if sent.get("response_type") != "code":
        raise ConsentRefused("unsupported_response_type", "response_type must be code")
    challenge = sent.get("code_challenge")
    if challenge is not None and (
        sent.get("code_challenge_method") != "S256" or not re.fullmatch(r"[A-Za-z0-9_-]{43}", challenge)
    ):
        raise ConsentRefused("invalid_request", "code_challenge must be S256: 43 characters of base64url")
    return ConsentRequest(
        redirect_uri=sent["redirect_uri"],
        scopes=_check_scopes(sent.get("scope", "")),
        state=sent.get("state"),
        nonce=sent.get("nonce"),
        challenge=challenge,
        sent={name: sent[name] for name in PARAMETERS if name in sent},
    )


def allow(
    connection: sqlite3.Connection,
    request: ConsentRequest,
    *,
    user_id: str,
    tenant_id: str,
    connections_max: int,
    now_ms: int,
) -> str:
    """Connect the organisation and give the address to send the user back to, with a code.

    Raises :class:`ConsentRefused` where the app has all the organisations that it may have.
    """
    if is_full(connection, most=connections_max, tenant_id=tenant_id):
        raise ConsentRefused(
            "connection_limit",
            "This app needs to complete certification before it can connect to more Xero organisations",
        )
    auth_event_id = str(uuid.uuid4())
    connect(connection, user_id=user_id, tenant_id=tenant_id, auth_event_id=auth_event_id, now_ms=now_ms)
    wanted = CodeRequest(
        user_id=user_id,
        redirect_uri=request.redirect_uri,
        scopes=request.scopes,
        challenge=request.challenge,
        nonce=request.nonce,
        auth_event_id=auth_event_id,
    )
    return _address(request, code=issue_code(connection, wanted, now_ms=now_ms))


def cancel(request: ConsentRequest) -> str:
    """The address to send the user back to who said no."""
    return _address(request, error="access_denied")


def app_client_id(connection: sqlite3.Connection) -> str:
    """The id of the one app that this sandbox knows."""
    return get_setting(connection, "client_id")


def _check_redirect(uri: str, options: SandboxOptions) -> None:
    if urlsplit_host(uri) in {"127.0.0.1", "::1"}:
        raise ConsentRefused(
            "invalid_request",
            "Invalid redirect_uri: Xero refuses http://127.0.0.1, use http://localhost instead",
        )
    if options.redirect_uris:
        if uri not in options.redirect_uris:
            raise ConsentRefused(
                "invalid_request", "Invalid redirect_uri: it must equal a registered one, byte for byte"
            )
    elif not is_registrable(uri) or urlsplit_host(uri) != "localhost":
        raise ConsentRefused(
            "invalid_request",
            "Invalid redirect_uri: without --redirect-uri this sandbox returns to http://localhost addresses only",
        )


def urlsplit_host(uri: str) -> str | None:
    """The host of an address, or None for one that has none or cannot be read."""
    try:
        return urlsplit(uri).hostname
    except ValueError:
        return None


def _check_scopes(text: str) -> tuple[str, ...]:
    scopes = read_scopes(text)
    broad = [scope for scope in scopes if scope in BROAD]
    if broad:
        raise ConsentRefused(
            "unauthorized_client",
            f"Invalid scope for client: {broad[0]} is not given to apps made since March 2026",
        )
    unknown = [scope for scope in scopes if scope not in KNOWN]
    if unknown or not scopes:
        raise ConsentRefused("invalid_scope", f"Unknown scope: {unknown[0]}" if unknown else "No scope was asked for")
    return scopes


def _address(request: ConsentRequest, **answer: str) -> str:
    parts = urlsplit(request.redirect_uri)
    added = answer if request.state is None else {**answer, "state": request.state}
    query = "&".join(text for text in (parts.query, urlencode(added)) if text)
    return urlunsplit(parts._replace(query=query))
