"""The one way out: whatever a plugin says to the network goes through ``Http``.

One policy for every backend: explicit time-outs, no library retries, no redirects, no cookies, a bounded
answer, and no header or query text in any error. A failure says whether anything can have left the machine
(RFC 9110 9.2.2: only the caller knows whether a request may be sent twice), because posting twice is the one
mistake nobody forgives.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import json as stdlib_json
import socket
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from decimal import Decimal
from http.cookiejar import DefaultCookiePolicy
from types import TracebackType
from typing import Any, NoReturn, Protocol, Self

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from partsemble_core.errors import say, word
from partsemble_core.plugin_api.errors import BackendError, OutcomeUnknown, Rejected, RetryLater
from partsemble_core.plugin_api.secret import Secret

JsonBody = None | bool | int | str | Decimal | Sequence["JsonBody"] | Mapping[str, "JsonBody"]
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
MAX_ANSWER_BYTES = 10 * 1024 * 1024
LONGEST_WAIT = 7 * 24 * 3600
"""Seconds; whoever asks for more is asked again after that."""
SHORTEST_SECRET = 12
"""Shorter texts are not blotted out of answers: they would hit innocent words."""


def json_text(value: JsonBody) -> str:
    """JSON with every ``Decimal`` written digit by digit as a plain number: no amount passes through a float.

    Raises TypeError for a float and ValueError for NaN or infinity: neither can be money.
    """
    return _exact_json(value)


def _exact_json(value: object) -> str:
    if value is None or isinstance(value, bool | int | str):
        return stdlib_json.dumps(value)
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("A number in a request must be finite.")
        return format(value, "f")
    if isinstance(value, Mapping):
        members = (f"{stdlib_json.dumps(name)}: {_exact_json(member)}" for name, member in value.items())
        return "{" + ", ".join(members) + "}"
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return "[" + ", ".join(_exact_json(member) for member in value) + "]"
    raise TypeError(f"{type(value).__name__} can't be written as exact JSON; use Decimal, int or text.")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One complete answer, whatever its status. ``place`` is the method and the address without its query."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    place: str = ""
    is_repeatable: bool = True

    def json(self) -> object:
        """The body as JSON, with every fraction as ``Decimal``.

        Raises OutcomeUnknown where a write answered something unreadable, RetryLater where a read did.
        """
        try:
            return stdlib_json.loads(self.body, parse_float=Decimal, parse_constant=_refuse_constant)
        except (ValueError, ArithmeticError, RecursionError):
            unreadable = self.unreadable(say("is not JSON: {excerpt!r}", excerpt=self.excerpt()))
        raise unreadable  # outside of the handler, for the parser's error holds the whole body

    def unreadable(self, why: str) -> BackendError:
        """The error for an answer that can't be understood: after a write nobody knows what happened."""
        message = say(
            "{place}: the answer (status {status}) {why}", place=self.place, status=self.status, why=word(why)
        )
        return RetryLater(message) if self.is_repeatable else OutcomeUnknown(message)

    def excerpt(self, *, limit: int = 200) -> str:
        """The start of the body as printable text, for an error message."""
        text = self.body[: limit * 4].decode("utf-8", "replace")
        return "".join(letter if letter.isprintable() else " " for letter in text)[:limit].strip()

    def retry_after(self, *, now: dt.datetime | None = None) -> int | None:
        """Seconds to wait by ``Retry-After`` (RFC 9110 10.2.3: seconds or a date); None where not given.

        A date is read by the clock that wrote it, where the answer tells its own time.
        """
        text = self.headers.get("Retry-After", "").strip()
        if text.isascii() and text.isdigit():
            return min(int(text[:9]), LONGEST_WAIT)
        until = _http_date(text)
        if until is None:
            return None
        told_at = _http_date(self.headers.get("Date", "")) or now or dt.datetime.now(dt.UTC)
        return min(max(0, int((until - told_at).total_seconds())), LONGEST_WAIT)


def _http_date(text: str) -> dt.datetime | None:
    try:
        found = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


@dataclass(slots=True)
class _Call:
    """What is known about the request under way in this thread."""

    dialled: bool = False
    sent: bool = False
    expired: bool = False
    socket: socket.socket | None = None

    def expire(self) -> None:
        """Ends the exchange at its deadline: a peer that drips bytes never trips a read time-out."""
        self.expired = True
        if self.socket is not None:
            try:  # the base class's method: ssl's own would drop its state under the reading thread
                socket.socket.shutdown(self.socket, socket.SHUT_RDWR)
            except OSError:
                return  # closed meanwhile, which is what was wanted

    @property
    def surely_unsent(self) -> bool:
        """True only on evidence: we were dialling, and no byte of the request had reached the socket."""
        return self.dialled and not self.sent


_CURRENT: ContextVar[_Call | None] = ContextVar("partsemble_http_call", default=None)


class _Watched(urllib3.connection.HTTPConnection):
    """Notes when dialling starts and when the first byte of the request leaves."""

    def connect(self) -> None:
        call = _CURRENT.get()
        if call is not None:
            call.dialled = True
        super().connect()

    def send(self, data: Any) -> None:
        call = _CURRENT.get()
        if call is not None:
            if self.sock is None and self.auto_open:
                self.connect()
            call.socket = self.sock
            if call.expired:
                raise TimeoutError("the deadline passed before the request was sent")
            call.sent = True
        super().send(data)


class _WatchedTLS(_Watched, urllib3.connection.HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _PoolTLS(HTTPSConnectionPool):
    ConnectionCls = _WatchedTLS


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _PoolTLS}


def _new_session(user_agent: str, ca_file: str) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no proxy by surprise, and no .netrc overwriting our Authorization header
    # Without this, organisations that share a session would share cookies.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["User-Agent"] = user_agent
    session.verify = ca_file or True
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter(max_retries=0))
    return session


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeOuts:
    """Seconds: to open a connection, between two pieces of the answer, and for everything together."""

    connect: float = 5
    read: float = 20
    total: float = 25


class Gate(Protocol):
    """What every request passes. ``enter`` may wait a moment or raise; each that let one through is left once."""

    def enter(self, *, is_read: bool) -> int | None:
        """Lets one request through, and names its permit. Raises RetryLater."""

    def leave(self, permit: int | None, answer: HttpAnswer | None) -> None:
        """The request is over, answered or not. Never raises."""


class Http:
    """Sends requests for plugins. Thread-safe; one instance can serve many connections.

    ``secrets`` are blotted out of every answer, as is the bearer token of the request. ``before_each`` is
    called with method and address before anything leaves, and may raise; ``after_each`` sees every answer. ``gate``
    keeps the limits of calls. ``plain_http_hosts`` may be spoken to without TLS, as loopback may.
    ``ca_file``: certificates to trust instead of the usual ones (PEM).
    """

    def __init__(
        self,
        *,
        time_outs: TimeOuts | None = None,
        secrets: Sequence[Secret] = (),
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        user_agent: str = "partsemble",
        plain_http_hosts: Sequence[str] = (),
        ca_file: str = "",
        before_each: Callable[[str, str], None] | None = None,
        after_each: Callable[[HttpAnswer], None] | None = None,
        gate: Gate | None = None,
    ) -> None:
        self._time_outs = time_outs or TimeOuts()
        self._secrets = tuple(secrets)
        self._max_answer_bytes = max_answer_bytes
        self._plain_http_hosts = LOOPBACK_HOSTS | frozenset(plain_http_hosts)
        self._before_each = before_each
        self._after_each = after_each
        self._gate = gate
        self._session = _new_session(user_agent, ca_file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the pooled connections."""
        self._session.close()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: JsonBody = None,
        data: bytes | Mapping[str, str] | None = None,
        bearer: Secret | None = None,
        idempotent: bool | None = None,
    ) -> HttpAnswer:
        """One request, one answer of any status; redirects are answers too.

        ``idempotent`` says whether sending it twice is harmless (default: for GET, HEAD and OPTIONS).
        Raises RetryLater where surely nothing was sent, or where sending again is harmless; OutcomeUnknown
        where a write may have arrived; Rejected where a read answered more than ``max_answer_bytes``.
        """
        place = f"{method} {self._checked_place(url)}"
        is_repeatable = method in SAFE_METHODS if idempotent is None else idempotent
        if self._before_each is not None:
            self._before_each(method, url)
        prepared = self._prepared(method, url, headers=headers, params=params, json=json, data=data, bearer=bearer)
        permit = self._gate.enter(is_read=method in SAFE_METHODS) if self._gate is not None else None
        outcome: HttpAnswer | BackendError | None = None
        try:
            outcome = self._exchange(prepared, _Call(), place=place, is_repeatable=is_repeatable, bearer=bearer)
        finally:
            if self._gate is not None:
                self._gate.leave(permit, outcome if isinstance(outcome, HttpAnswer) else None)
        if isinstance(outcome, HttpAnswer):
            if self._after_each is not None:
                self._after_each(outcome)
            return outcome
        raise outcome

    def _checked_place(self, url: str) -> str:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
            raise Rejected("The address of the backend must be an http or https URL without a user name.")
        if parts.scheme == "http" and parts.hostname not in self._plain_http_hosts:
            host = str(parts.hostname)
            raise Rejected(say("{host} must be spoken to by https: a token would travel in the clear.", host=host))
        return f"{parts.scheme}://{parts.netloc}{parts.path}"

    def _prepared(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None,
        params: Mapping[str, str] | None,
        json: JsonBody,
        data: bytes | Mapping[str, str] | None,
        bearer: Secret | None,
    ) -> requests.PreparedRequest:
        sent_headers = dict(headers or {})
        if bearer is not None:
            sent_headers["Authorization"] = f"Bearer {bearer.reveal()}"
        body = data
        if json is not None:
            sent_headers.setdefault("Content-Type", "application/json")
            body = json_text(json).encode()
        request = requests.Request(method, url, headers=sent_headers, params=params, data=body)
        return self._session.prepare_request(request)

    def _exchange(
        self,
        prepared: requests.PreparedRequest,
        call: _Call,
        *,
        place: str,
        is_repeatable: bool,
        bearer: Secret | None,
    ) -> HttpAnswer | BackendError:
        """The answer, or the error to raise. The caller raises it, so that no library error, which holds
        the request with its headers, stays chained to it."""
        watchdog = threading.Timer(self._time_outs.total, call.expire)
        watchdog.daemon = True
        watchdog.start()
        mark = _CURRENT.set(call)
        started = time.monotonic()
        try:
            outcome = self._sent(prepared, place=place, is_repeatable=is_repeatable, bearer=bearer)
            if not call.expired:  # else a head cut short by us would pass for a whole answer
                return outcome
            reason, surely_unsent = word("the deadline passed"), False
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            reason = word("the deadline passed" if call.expired else type(error).__name__)
            surely_unsent = call.surely_unsent or isinstance(error, requests.ConnectTimeout)
        finally:
            _CURRENT.reset(mark)
            watchdog.cancel()
        seconds = time.monotonic() - started
        why = say("{reason} after {seconds:.1f} s", reason=reason, seconds=seconds)
        if surely_unsent:
            return RetryLater(say("{place}: no connection ({reason}); nothing was sent.", place=place, reason=reason))
        if is_repeatable:
            return RetryLater(say("{place}: no answer ({why}).", place=place, why=why))
        return OutcomeUnknown(say("{place}: no answer ({why}); it may have arrived.", place=place, why=why))

    def _sent(
        self, prepared: requests.PreparedRequest, *, place: str, is_repeatable: bool, bearer: Secret | None
    ) -> HttpAnswer | BackendError:
        limits = (self._time_outs.connect, self._time_outs.read)
        with self._session.send(prepared, timeout=limits, allow_redirects=False, stream=True) as response:
            body = bytearray()
            for piece in response.iter_content(64 * 1024):
                body += piece
                if len(body) > self._max_answer_bytes:
                    most = self._max_answer_bytes
                    message = say("{place}: the answer is larger than {most} bytes.", place=place, most=most)
                    return Rejected(message) if is_repeatable else OutcomeUnknown(message)
            return HttpAnswer(
                status=response.status_code,
                headers=CaseInsensitiveDict(response.headers),
                body=self._blotted(bytes(body), bearer),
                place=place,
                is_repeatable=is_repeatable,
            )

    def _blotted(self, body: bytes, bearer: Secret | None) -> bytes:
        """An echoed token must not reach a log by way of somebody else's error page."""
        for secret in (*self._secrets, *((bearer,) if bearer is not None else ())):
            text = secret.reveal().encode()
            if len(text) >= SHORTEST_SECRET:
                body = body.replace(text, b"***")
        return body
