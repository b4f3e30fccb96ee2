"""What every request passes first and last: the record of requests, and the faults on order."""

from __future__ import annotations

import io
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from .context import Sandbox
from .faults import Fault, is_ordered, take_fault
from .recording import Arrival, is_recorded, record_arrival, record_status
from .spoiling import SPOILT, spoil

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

DRAINED_MAX = 16_000_000
HOLD_SECONDS = 0.02  # how often a held request looks whether it may go


class Dropped(ConnectionAbortedError):
    """The connection is to be closed without an answer; the server knows this as a dropped client."""


class FrontDoor:
    """WSGI middleware around the application."""

    def __init__(self, application: WSGIApplication, sandbox: Sandbox) -> None:
        self._application = application
        self._sandbox = sandbox

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not is_recorded(environ["PATH_INFO"]):
            return self._application(environ, start_response)
        tenant_id = environ.get("HTTP_XERO_TENANT_ID", "").lower()
        self._sandbox.in_flight.enter(tenant_id)
        try:
            return self._answer(environ, start_response)
        finally:
            self._sandbox.in_flight.leave(tenant_id)

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request_id, fault = self._arrive(environ)
        kind = fault.kind if fault else ""
        if fault and kind in {"close-before", "status"}:
            environ["wsgi.input"].read(min(int(environ.get("CONTENT_LENGTH") or 0), DRAINED_MAX))
            if kind == "close-before":
                raise Dropped
            return self._answer_fault(fault, request_id, start_response)
        if fault and kind == "hold":
            self._hold(fault)
        if kind == "twice":
            _run(self._application, _copied(environ))
        status, headers, body = _run(self._application, environ)
        self._record(request_id, int(status.split()[0]))
        if kind == "close-after":
            raise Dropped
        if fault and kind == "status-after":
            return self._answer_fault(fault, request_id, start_response)
        if kind in SPOILT:
            headers, body = spoil(kind, headers, body)
        start_response(status, headers)
        return self._stalled(fault, body) if fault and kind == "stall" else [body]

    def _stalled(self, fault: Fault, body: bytes) -> Iterator[bytes]:
        """The first byte lets the head go; the rest comes when the time is over."""
        yield body[:1]
        self._hold(fault)
        yield body[1:]

    def _arrive(self, environ: WSGIEnvironment) -> tuple[int, Fault | None]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        arrival = Arrival(
            method=method,
            path=path,
            query=environ.get("QUERY_STRING", ""),
            tenant_id=environ.get("HTTP_XERO_TENANT_ID"),
            idempotency_key=environ.get("HTTP_IDEMPOTENCY_KEY"),
        )
        with self._sandbox.state.writing() as connection:
            fault = take_fault(connection, method=method, path=path)
            now_ms = self._sandbox.clock.now_ms(connection)
            kind = fault.kind if fault else None
            return record_arrival(connection, arrival, fault=kind, now_ms=now_ms), fault

    def _hold(self, fault: Fault) -> None:
        end_ns = time.monotonic_ns() + fault.hold_ms * 1_000_000
        while time.monotonic_ns() < end_ns:
            with self._sandbox.state.reading() as connection:
                if not is_ordered(connection, fault):
                    return
            time.sleep(HOLD_SECONDS)

    def _record(self, request_id: int, status: int) -> None:
        with self._sandbox.state.writing() as connection:
            record_status(connection, request_id=request_id, status=status)

    def _answer_fault(self, fault: Fault, request_id: int, start_response: StartResponse) -> Iterable[bytes]:
        self._record(request_id, fault.status)
        body = f"The sandbox was told to answer {fault.status}".encode()
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
        start_response(f"{fault.status} Fault", headers)
        return [body]


def _copied(environ: WSGIEnvironment) -> WSGIEnvironment:
    """The same request once more, without its key; the body is kept for both."""
    body = environ["wsgi.input"].read(min(int(environ.get("CONTENT_LENGTH") or 0), DRAINED_MAX))
    environ["wsgi.input"] = io.BytesIO(body)
    copy = {name: value for name, value in environ.items() if name != "HTTP_IDEMPOTENCY_KEY"}
    return {**copy, "wsgi.input": io.BytesIO(body)}


def _run(application: WSGIApplication, environ: WSGIEnvironment) -> tuple[str, list[tuple[str, str]], bytes]:
    """Let the application answer in full: its status line, headers and body."""
    head: list[tuple[str, list[tuple[str, str]]]] = []

    def keep(status: str, headers: list[tuple[str, str]], _: object = None) -> object:
        head.append((status, headers))
        return parts.append

    parts: list[bytes] = []
    parts.extend(application(environ, keep))  # type: ignore[arg-type]
    status, headers = head[-1]
    return status, headers, b"".join(parts)
