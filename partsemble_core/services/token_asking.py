"""Token asking: one request to the sign-in service, made with Authlib, and what its answer means."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from sqlalchemy.orm import Session

from partsemble_core.config import PLUGIN_PREFIX
from partsemble_core.errors import say
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.services.configuring import settings_in
from partsemble_core.services.house import House
from partsemble_core.services.token_keeping import SignInBroken

CALL_SECONDS = 20
CONNECT_SECONDS = 5
LARGEST = 256 * 1024


class LostAnswer(Exception):
    """An answer that leaves open what happened: none, a broken one, or one that can't be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """This installation, as the sign-in service knows it."""

    backend: str
    client_id: str
    secret: Secret = field(repr=False)


def app_of(session: Session, house: House, backend: str, *, client_id: str = "") -> App:
    """The app that the settings name. Raises SignInBroken without id or secret, or for a sign-in of another app."""
    settings = settings_in(session, house, backend)
    found, secret = settings.get("client_id"), settings.get("client_secret")
    if not found or not secret:
        raise SignInBroken(
            say(
                "No client id and secret are set for {backend}. Enter them in Integrations, or set {client_id} and "
                "{client_secret}.",
                backend=backend,
                client_id=f"{PLUGIN_PREFIX}{backend.upper()}_CLIENT_ID",
                client_secret=f"{PLUGIN_PREFIX}{backend.upper()}_CLIENT_SECRET",
            )
        )
    if client_id and found.reveal() != client_id:
        raise SignInBroken(
            say(
                "The client id of {backend} was changed since this sign-in. Put it back, or connect again with "
                "the new.",
                backend=backend,
            )
        )
    return App(backend=backend, client_id=found.reveal(), secret=secret)


def oauth_session(app: App, *, scope: str = "", redirect_uri: str = "") -> OAuth2Session:
    """Authlib's client for the app."""
    return OAuth2Session(
        client_id=app.client_id,
        client_secret=app.secret.reveal(),
        scope=scope or None,
        redirect_uri=redirect_uri or None,
        code_challenge_method="S256",
        default_timeout=(CONNECT_SECONDS, CALL_SECONDS),
    )


def ask_for_tokens(
    app: App, token_url: str, refresh_token: Secret, *, seconds: float = CALL_SECONDS
) -> Mapping[str, object] | None:
    """The next token set, or None where this refresh token was refused. Sent once, and given up after ``seconds``.

    Raises LostAnswer, and SignInBroken for an error that says what is wrong.
    """
    client = oauth_session(app)
    end = time.monotonic() + seconds
    try:
        with client.post(
            token_url,
            data={"grant_type": "refresh_token", "refresh_token": refresh_token.reveal()},
            auth=(client.client_id, client.client_secret),
            withhold_token=True,
            allow_redirects=False,
            stream=True,
            timeout=(min(CONNECT_SECONDS, seconds), seconds),
        ) as answer:
            return _read_answer(answer.status_code, _body(answer, end))
    except (requests.RequestException, AuthlibBaseError) as error:
        raise LostAnswer(type(error).__name__) from None
    finally:
        client.close()


def tell_of_the_end(app: App, revoke_url: str, refresh_token: Secret) -> bool:
    """Tells the service that the sign-in is over (RFC 7009). Whether it said yes."""
    client = oauth_session(app)
    try:
        answer = client.post(
            revoke_url,
            data={"token": refresh_token.reveal(), "token_type_hint": "refresh_token"},
            auth=(client.client_id, client.client_secret),
            withhold_token=True,
            allow_redirects=False,
            timeout=(CONNECT_SECONDS, CALL_SECONDS),
        )
        return bool(answer.status_code == 200)
    except (requests.RequestException, AuthlibBaseError):
        return False
    finally:
        client.close()


def _body(answer: requests.Response, end: float) -> bytes:
    """The whole body. A server that sends it drop by drop is given up in time."""
    parts: list[bytes] = []
    for part in answer.iter_content(8192):
        parts.append(part)
        if time.monotonic() > end:
            raise LostAnswer("too slow")
        if sum(map(len, parts)) > LARGEST:
            raise LostAnswer("too long")
    return b"".join(parts)


def _read_answer(status: int, content: bytes) -> Mapping[str, object] | None:
    """Raises SignInBroken for an error that says what is wrong (RFC 6749 5.2), LostAnswer for anything else."""
    try:
        body = json.loads(content)
    except ValueError:
        body = None
    if status == 200 and isinstance(body, dict) and _is_text(body, "access_token") and _is_text(body, "refresh_token"):
        return body
    problem = str(body.get("error", ""))[:60] if isinstance(body, dict) else ""
    if status in (400, 401) and problem == "invalid_grant":
        return None
    if status in (400, 401) and problem:
        raise SignInBroken(
            say(
                "The sign-in service refused this installation ({problem}). Check the client id and secret.",
                problem=problem,
            )
        )
    raise LostAnswer(f"status {status}")


def _is_text(body: Mapping[str, object], name: str) -> bool:
    return isinstance(body.get(name), str) and bool(body[name])
