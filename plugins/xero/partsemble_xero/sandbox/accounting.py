"""The Accounting API over HTTP: every check before an endpoint runs, in one place and one order.

Token, tenant, limits, scope, formats, idempotency key, endpoint. All of it is one transaction with
what the endpoint does.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from flask import Blueprint, Response, request

from .access import check_scope, find_callers_tenant, read_bearer
from .context import Sandbox
from .endpoint import Call, Route
from .endpoints import ENDPOINTS
from .idempotency import find_answer, keep_answer, request_hash
from .limits import count_call, remaining
from .problems import Answer, Problem, data_refused, not_found, plain_refusal
from .responses import to_response
from .tenants import Tenant, find_tenant
from .wire import NIL_GUID, WireError, decode

BASE_PATH = "/api.xro/2.0"
_WRITING = {"POST", "PUT", "PATCH"}
_METHODS = ("GET", "PUT", "POST", "DELETE")


class Accounting:
    """The views of the Accounting API over one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def blueprint(self) -> Blueprint:
        """One rule per route of every endpoint, and one that says what is not spoken here."""
        routes = Blueprint("accounting", __name__, url_prefix=BASE_PATH)
        for endpoint in ENDPOINTS:
            for number, route in enumerate(endpoint.routes):
                routes.add_url_rule(
                    route.path,
                    endpoint=f"{endpoint.name}_{number}",
                    view_func=partial(self._view, route),
                    methods=[route.method],
                )
        routes.add_url_rule("/<path:rest>", endpoint="unspoken", view_func=self.refuse_unspoken, methods=_METHODS)
        return routes

    def refuse_unspoken(self, rest: str) -> Response:
        """404 for an endpoint or method that Xero may have and this sandbox has not."""
        response = to_response(not_found(f"This sandbox does not speak {request.method} {BASE_PATH}/{rest}").answer)
        with self._sandbox.state.reading() as connection:
            now_ms = self._sandbox.clock.now_ms(connection)
            response.headers.extend(_limit_headers(connection, now_ms=now_ms))
        return response

    def _view(self, route: Route, **path: str) -> Response:
        raw = request.get_data()  # before the write lock is taken: a slow sender must hold up nobody
        with self._sandbox.state.writing() as connection:
            now_ms = self._sandbox.clock.now_ms(connection)
            try:
                tenant = self._admit(connection, route, now_ms=now_ms)
                call = Call(
                    connection=connection,
                    tenant=tenant,
                    now_ms=now_ms,
                    query=request.args,
                    headers=dict(request.headers),
                    path=path,
                )
                answer = _answer_once(route, call, raw)
            except Problem as problem:
                answer = problem.answer
            response = to_response(answer)
            response.headers.extend(_limit_headers(connection, now_ms=now_ms))
            return response

    def _admit(self, connection: sqlite3.Connection, route: Route, *, now_ms: int) -> Tenant:
        """Everything that has to hold before the request is looked at. Raises the problem."""
        bearer = read_bearer(connection, request.headers.get("Authorization", ""), now_ms=now_ms)
        tenant = find_callers_tenant(connection, bearer, tenant_id=_tenant_header())
        count_call(
            connection,
            tenant_id=tenant.tenant_id,
            in_flight=self._sandbox.in_flight.count(tenant.tenant_id),
            is_enforced=self._sandbox.options.limits,
            now_ms=now_ms,
        )
        check_scope(bearer, wanted=route.scopes)
        if request.accept_mimetypes["application/json"] <= 0 or not _names_json():
            raise plain_refusal(
                406,
                "Xero would answer XML here. This sandbox speaks JSON only: send Accept: application/json",
            )
        return tenant


def _answer_once(route: Route, call: Call, raw: bytes) -> Answer:
    """Run the endpoint, or give again what it answered under the same idempotency key."""
    key = request.headers.get("Idempotency-Key", "") if route.method in _WRITING else ""
    if not key:
        return _run(route, call, raw)
    url = request.full_path
    wanted = request_hash(method=route.method, url=url, tenant_id=call.tenant.tenant_id, body=raw)
    kept = find_answer(call.connection, key=key, request_hash=wanted, now_ms=call.now_ms)
    if kept is not None:
        return kept
    answer = _run(route, call, raw)
    keep_answer(call.connection, answer, key=key, request_hash=wanted, now_ms=call.now_ms)
    return answer


def _run(route: Route, call: Call, raw: bytes) -> Answer:
    """Run the endpoint; a problem undoes what it did and becomes the answer."""
    call.connection.execute("SAVEPOINT endpoint")
    try:
        if route.method in _WRITING:
            call = _with_body(call, raw)
        answer = route.handler(call)
    except Problem as problem:
        call.connection.execute("ROLLBACK TO endpoint")
        answer = problem.answer
    call.connection.execute("RELEASE endpoint")
    return answer


def _with_body(call: Call, raw: bytes) -> Call:
    if request.mimetype not in {"application/json", "text/json"}:
        raise plain_refusal(415, "This sandbox reads JSON only: send Content-Type: application/json")
    try:
        return replace(call, body=decode(raw))
    except WireError as error:
        raise data_refused(f"JSON for post data was invalid,{error}") from error


def _names_json() -> bool:
    """Whether Accept names JSON: for ``*/*`` or nothing Xero sends XML."""
    return "json" in request.headers.get("Accept", "").lower()


def _tenant_header() -> str:
    return request.headers.get("Xero-Tenant-Id", "")


def _limit_headers(connection: sqlite3.Connection, *, now_ms: int) -> Mapping[str, str]:
    """The limits of the organisation that the header names, or untouched ones."""
    tenant = find_tenant(connection, _tenant_header())
    return remaining(connection, tenant_id=tenant.tenant_id if tenant else NIL_GUID, now_ms=now_ms)
