"""A program that is told of events: a real HTTP server that answers as it is told to and keeps what came."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Came:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def is_signed_with(self, secret: str) -> bool:
        """As a receiver would check it, by the specification's text alone."""
        key = base64.b64decode(secret.split("_", 1)[1])
        content = b".".join(
            (self.headers["webhook-id"].encode(), self.headers["webhook-timestamp"].encode(), self.body)
        )
        wanted = "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
        return wanted in self.headers["webhook-signature"].split(" ")


Answer = Callable[[BaseHTTPRequestHandler, Came], None]


@dataclass(slots=True)
class Receiver:
    """``answer`` is asked for every request; by default it says 204."""

    url: str
    came: list[Came] = field(default_factory=list)
    answer: Answer = lambda handler, came: say(handler, 204)

    def at(self, path: str) -> list[Came]:
        return [request for request in self.came if request.path == path]


def say(handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def answering(*statuses: int) -> Answer:
    """These in turn, the last one for ever."""
    left = list(statuses)

    def answer(handler: BaseHTTPRequestHandler, came: Came) -> None:
        say(handler, left.pop(0) if len(left) > 1 else left[0])

    return answer


@contextmanager
def a_receiver(context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Speaks TLS where it is given a context."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "https" if context is not None else "http"
    receiver = Receiver(url=f"{scheme}://127.0.0.1:{server.server_port}/hooks")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", "0")))
            came = Came(self.path, headers, body)
            receiver.came.append(came)
            try:
                receiver.answer(self, came)
            except OSError:
                self.close_connection = True  # the sender has gone

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server.RequestHandlerClass = Handler
    thread = threading.Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
