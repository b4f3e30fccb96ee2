"""Sending webhooks: the handshake at set-up, and a thread that tells the app what happened since."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ssl
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from . import webhooks
from .clock import Clock
from .state import StateFile, get_setting
from .webhooks import Message

SECONDS = 5
"""Xero waits no longer for an answer."""
LOOK_SECONDS = 0.05
INTENT = (True, False, True, False)
"""Which calls of the handshake are signed well. The app has to tell them apart."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back: no status where nothing did. ``is_bare``: no body and no cookie, as Xero asks for."""

    status: int | None
    is_bare: bool

    def is_good(self, *, wanted: int) -> bool:
        return self.status == wanted and self.is_bare


def signature(key: str, body: bytes) -> str:
    """Base64 of the HMAC-SHA256; the key is its text, not what its base64 stands for."""
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


def spoilt(text: str) -> str:
    """The same signature with one character off."""
    return ("B" if text[0] == "A" else "A") + text[1:]


class WebhookSender:
    """Sends what waits, for one sandbox. Its thread begins with the first address and ends with the sandbox."""

    def __init__(self, state: StateFile, clock: Clock) -> None:
        self._state, self._clock = state, clock
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.address = "http://localhost"

    def ensure_running(self) -> None:
        """Begin to send, unless it has begun."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="xero-sandbox-webhooks", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End after the call that is under way."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(2 * SECONDS)

    def set_up(self, url: str, categories: tuple[str, ...]) -> None:
        """Call the address as Xero does before it is used: well signed and mis-signed; then keep it."""
        calls = [(self._call(url, "intent", _empty(), is_signed=is_signed), is_signed) for is_signed in INTENT]
        is_good = all(answered.is_good(wanted=200 if is_signed else 401) for answered, is_signed in calls)
        with self._state.writing() as connection:
            webhooks.save_webhook(connection, url=url, categories=categories, is_good=is_good)
        if is_good:
            self.ensure_running()

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            self.send_waiting()

    def send_waiting(self) -> None:
        """One look: sends what is due, oddly where that was ordered."""
        with self._state.reading() as connection:
            webhook = webhooks.find_webhook(connection)
            is_odd = connection.execute("SELECT count(*) FROM webhook_oddities").fetchone()[0] > 0
            now_ms = self._clock.now_ms(connection)
            messages = webhooks.waiting_messages(connection, address=self.address, one_each=is_odd)
        if webhook is None or webhook["status"] != "ENABLED" or webhook["next_ms"] > now_ms:
            return
        oddity = ""
        if is_odd:
            with self._state.writing() as connection:
                oddity = webhooks.take_oddity(connection, has_messages=len(messages))
            if not oddity and messages:
                messages = messages[:1]
        self._send_oddly(webhook["url"], messages, oddity, last_body=webhook["last_body"])

    def _send_oddly(self, url: str, messages: list[Message], oddity: str, *, last_body: bytes | None) -> None:
        if oddity == "replay" and last_body is not None:
            self._call(url, "replay", Message(first=0, last=0, body=last_body), is_signed=True)
        if oddity == "forged":
            self._call(url, "forged", messages[0], is_signed=False)
        if oddity == "lost":
            with self._state.writing() as connection:
                webhooks.mark_sent(connection, messages[0])
            messages = messages[1:]
        if oddity == "reorder":
            messages = messages[::-1]
        for message in messages:
            if not self._deliver(url, message):
                return
            if oddity == "duplicate":
                self._call(url, "duplicate", message, is_signed=True)
                oddity = ""

    def _deliver(self, url: str, message: Message) -> bool:
        """At once a second time where the first went wrong; after that it waits."""
        for kind in ("event", "retry"):
            if self._call(url, kind, message, is_signed=True).is_good(wanted=200):
                self._write(lambda connection, now_ms: webhooks.note_success(connection, message))
                return True
        self._write(lambda connection, now_ms: webhooks.note_failure(connection, now_ms=now_ms))
        return False

    def _call(self, url: str, kind: str, message: Message, *, is_signed: bool) -> Answered:
        with self._state.reading() as connection:
            signed = signature(get_setting(connection, "webhook_key"), message.body)
        answered = _post(url, message.body, signed if is_signed else spoilt(signed))
        is_good = answered.is_good(wanted=200 if is_signed else 401)
        self._write(
            lambda connection, now_ms: webhooks.log_call(
                connection, kind=kind, message=message, status=answered.status, is_good=is_good, now_ms=now_ms
            )
        )
        return answered

    def _write(self, work: Callable[..., None]) -> None:
        with self._state.writing() as connection:
            work(connection, self._clock.now_ms(connection))


def _empty() -> Message:
    return Message(first=0, last=0, body=webhooks.body_of([], address=""))


def _post(url: str, body: bytes, signed: str) -> Answered:
    parts = urlsplit(url)
    headers = {"Content-Type": "application/json", "x-xero-signature": signed}
    host, port = parts.hostname or "", parts.port
    opened = (
        HTTPSConnection(host, port, timeout=SECONDS, context=ssl.create_default_context())
        if parts.scheme == "https"
        else HTTPConnection(host, port, timeout=SECONDS)
    )
    try:
        with closing(opened):
            opened.request("POST", f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}", body, headers)
            answer = opened.getresponse()
            content = answer.read(1)
            return Answered(answer.status, not content and answer.getheader("Set-Cookie") is None)
    except (OSError, HTTPException):
        return Answered(None, is_bare=False)
