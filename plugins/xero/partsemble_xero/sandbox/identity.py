"""Sign-in over HTTP: the consent page, the token and revocation endpoints, and ``/connections``."""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Mapping
from urllib.parse import unquote_plus

from flask import Blueprint, Response, render_template, request
from werkzeug.datastructures import Authorization

from . import connections, consent, tokens
from .access import Bearer, read_bearer
from .context import Sandbox
from .problems import JSON, Problem
from .responses import to_response
from .state import get_setting
from .tenants import find_tenant, list_tenants
from .users import find_user, list_users
from .wire import encode

_NOT_FRAMED = {
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}
TOKEN_PATH = "/connect/token"  # noqa: S105 - an address, not a token
_GRANT_TYPES = {"authorization_code", "refresh_token"}
_NOT_STORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class Identity:
    """The views of sign-in over one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def blueprint(self) -> Blueprint:
        """The routes. Clients write ``/connections`` and ``/Connections``."""
        routes = Blueprint("identity", __name__)
        add = routes.add_url_rule
        add("/identity/connect/authorize", view_func=self.show_consent, methods=["GET"])
        add("/identity/connect/authorize", view_func=self.take_consent, methods=["POST"])
        add(TOKEN_PATH, view_func=self.issue_tokens, methods=["POST"])
        add("/connect/revocation", view_func=self.revoke, methods=["POST"])
        for path in ("/connections", "/Connections"):
            add(path, endpoint=f"list{path[1]}", view_func=self.list_connections, methods=["GET"])
            add(
                f"{path}/<connection_id>",
                endpoint=f"delete{path[1]}",
                view_func=self.delete_connection,
                methods=["DELETE"],
            )
        return routes

    def show_consent(self) -> Response:
        """GET: the page on which the user picks an organisation and says yes or no."""
        with self._sandbox.state.reading() as connection:
            return self._consent_page(connection, request.args)

    def take_consent(self) -> Response:
        """POST: the user's answer; back to the app by a redirect."""
        form = request.form  # read before the write lock is taken: a slow sender must hold up nobody
        with self._sandbox.state.writing() as connection:
            try:
                wanted = self._read_request(connection, form)
            except consent.ConsentRefused as refusal:
                return _error_page(refusal)
            if form.get("answer") != "allow":
                return _redirect(consent.cancel(wanted))
            tenant = find_tenant(connection, form.get("organisation", ""))
            user = find_user(connection, form.get("user", ""))
            if tenant is None or tenant.tenant_type != "ORGANISATION" or user is None:
                return self._consent_page(connection, form, notice="Choose an organisation first.")
            try:
                address = consent.allow(
                    connection,
                    wanted,
                    user_id=user.user_id,
                    tenant_id=tenant.tenant_id,
                    connections_max=self._sandbox.options.connections_max,
                    now_ms=self._sandbox.clock.now_ms(connection),
                )
            except consent.ConsentRefused as refusal:
                return _error_page(refusal)
            return _redirect(address)

    def issue_tokens(self) -> Response:
        """POST /connect/token: a code or a refresh token for a token set."""
        form = request.form
        with self._sandbox.state.writing() as connection:
            refusal = _check_client(connection, form)
            if refusal is not None:
                return refusal
            try:
                return _json(self._grant(connection, form))
            except tokens.GrantRefused:
                return _json({"error": "invalid_grant"}, status=400)

    def revoke(self) -> Response:
        """POST /connect/revocation: ends the user's whole grant; an unknown token is no error (RFC 7009)."""
        form = request.form
        with self._sandbox.state.writing() as connection:
            refusal = _check_client(connection, form)
            user_id = None if refusal else tokens.revoke(connection, token=form.get("token", ""))
            if user_id is not None:
                connections.disconnect_all(connection, user_id=user_id)
            return refusal or Response(status=200, headers=_NOT_STORED)

    def list_connections(self) -> Response:
        """GET /connections, all of the user's or those of one consent (``authEventId``)."""
        with self._sandbox.state.reading() as connection:
            try:
                bearer = self._bearer(connection)
            except Problem as problem:
                return to_response(problem.answer)
            shown = connections.list_connections(
                connection, user_id=bearer.user_id, auth_event_id=request.args.get("authEventId")
            )
            return _json(shown)

    def delete_connection(self, connection_id: str) -> Response:
        """DELETE /connections/{id}: 204; 404 where there is no such live connection."""
        with self._sandbox.state.writing() as connection:
            try:
                bearer = self._bearer(connection)
            except Problem as problem:
                return to_response(problem.answer)
            ended = connections.disconnect(connection, user_id=bearer.user_id, connection_id=connection_id)
            return Response(status=204 if ended else 404)

    def _bearer(self, connection: sqlite3.Connection) -> Bearer:
        now_ms = self._sandbox.clock.now_ms(connection)
        return read_bearer(connection, request.headers.get("Authorization", ""), now_ms=now_ms)

    def _read_request(self, connection: sqlite3.Connection, sent: Mapping[str, str]) -> consent.ConsentRequest:
        client_id = consent.app_client_id(connection)
        return consent.read_request(sent, options=self._sandbox.options, client_id=client_id)

    def _consent_page(self, connection: sqlite3.Connection, sent: Mapping[str, str], *, notice: str = "") -> Response:
        try:
            wanted = self._read_request(connection, sent)
        except consent.ConsentRefused as refusal:
            return _error_page(refusal)
        organisations = list_tenants(connection, tenant_type="ORGANISATION")
        users = list_users(connection)
        page = render_template("consent.html", wanted=wanted, organisations=organisations, users=users, notice=notice)
        return Response(page, status=400 if notice else 200, headers=_NOT_FRAMED)

    def _grant(self, connection: sqlite3.Connection, form: Mapping[str, str]) -> Mapping[str, object]:
        now_ms = self._sandbox.clock.now_ms(connection)
        if form["grant_type"] == "refresh_token":
            options = self._sandbox.options
            return tokens.refresh(
                connection,
                token=form.get("refresh_token", ""),
                retry=options.refresh_retry,
                grace_ms=options.refresh_grace_seconds * 1000,
                now_ms=now_ms,
            )
        return tokens.exchange_code(
            connection,
            code=form.get("code", ""),
            redirect_uri=form.get("redirect_uri", ""),
            verifier=form.get("code_verifier"),
            now_ms=now_ms,
        )


def _check_client(connection: sqlite3.Connection, form: Mapping[str, str]) -> Response | None:
    """None when the app has shown its id and secret and named a grant type; else the refusal."""
    is_basic = request.headers.get("Authorization", "").lower().startswith("basic ")
    client_id, secret = _credentials(request.authorization if is_basic else None, form)
    if not client_id:
        return _json({"error": "unauthorized_client"}, status=400)
    if not _is_the_app(connection, client_id=client_id, secret=secret):
        headers = {"WWW-Authenticate": 'Basic realm="identity"'} if is_basic else {}
        return _json({"error": "invalid_client"}, status=401 if is_basic else 400, headers=headers)
    if request.path == TOKEN_PATH and form.get("grant_type") not in _GRANT_TYPES:
        return _json({"error": "unsupported_grant_type"}, status=400)
    return None


def _is_the_app(connection: sqlite3.Connection, *, client_id: str, secret: str) -> bool:
    is_id = hmac.compare_digest(client_id.encode(), get_setting(connection, "client_id").encode())
    is_secret = hmac.compare_digest(secret.encode(), get_setting(connection, "client_secret").encode())
    return is_id and is_secret


def _credentials(basic: Authorization | None, form: Mapping[str, str]) -> tuple[str, str]:
    """Id and secret from the Basic header (form-encoded there, RFC 6749 2.3.1) or from the body."""
    if basic is not None:
        return unquote_plus(basic.get("username") or ""), unquote_plus(basic.get("password") or "")
    return form.get("client_id", ""), form.get("client_secret", "")


def _json(payload: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(encode(payload), status=status, content_type=JSON, headers={**_NOT_STORED, **(headers or {})})


def _redirect(address: str) -> Response:
    return Response(status=302, headers={**_NOT_FRAMED, "Location": address})


def _error_page(refusal: consent.ConsentRefused) -> Response:
    page = render_template("error.html", refusal=refusal)
    return Response(page, status=400, headers=_NOT_FRAMED)
