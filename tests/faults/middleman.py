"""Somebody between us and Xero, over real HTTP: passes on what comes, and answers as a test has it."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HOP = frozenset({"connection", "transfer-encoding", "content-length", "keep-alive"})
Pieces = Iterator[bytes] | Sequence[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mishap:
    """What becomes of the next ``times`` requests that fit, a text such as ``POST /api.xro/2.0/*``.

    ``is_applied``: it is passed on, and only the answer is another. ``status`` None: that of the answer; ``pieces``
    make a body of the real one, sent one by one. What the test asked of time is the pieces' own affair.
    """

    match: str
    is_applied: bool = True
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: Callable[[bytes], Pieces] | None = None
    times: int = 1


@dataclass(slots=True)
class Middleman:
    """``seen`` are method and path of all that came."""

    address: str
    planned: list[Mishap] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def plan(self, *mishaps: Mishap) -> None:
        for mishap in mishaps:
            self.planned += [mishap] * mishap.times

    def take(self, request: str) -> Mishap | None:
        with self.lock:
            self.seen.append(request)
            for mishap in self.planned:
                if fnmatchcase(request, mishap.match):
                    self.planned.remove(mishap)
                    return mishap
        return None


class Quiet(BaseHTTPRequestHandler):
    """Tells the terminal nothing."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        return


@contextlib.contextmanager
def a_middleman(behind: str) -> Iterator[Middleman]:
    """Passes on to the server at the address ``behind``."""

    class Handler(Quiet):
        def answer(self) -> None:
            path = urlsplit(self.path).path
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            mishap = man.take(f"{self.command} {path}")
            status, headers, body = 200, [], b""
            if mishap is None or mishap.is_applied:
                status, headers, body = pass_on(behind, self.command, self.path, dict(self.headers), sent)
            if mishap is None:
                self.reply(status, headers, [body], len(body))
                return
            changed = {name.lower() for name in mishap.headers}
            headers = [each for each in headers if each[0].lower() not in changed] + list(mishap.headers.items())
            pieces = [body] if mishap.pieces is None else mishap.pieces(body)
            self.reply(mishap.status or status, headers, pieces, None)

        def reply(self, status: int, headers: list[tuple[str, str]], pieces: Pieces, length: int | None) -> None:
            self.send_response_only(status)
            for name, value in headers:
                self.send_header(name, value)
            if length is None:
                self.close_connection = True
                self.send_header("Connection", "close")
            else:
                self.send_header("Content-Length", str(length))
            self.end_headers()
            with contextlib.suppress(OSError):  # they hung up
                for piece in pieces:
                    self.wfile.write(piece)
                    self.wfile.flush()

        do_GET = do_POST = do_PUT = do_DELETE = answer

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        man = Middleman(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield man
        finally:
            server.shutdown()
            thread.join()


def pass_on(
    behind: str, method: str, target: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, list[tuple[str, str]], bytes]:
    """The real answer."""
    parts = urlsplit(behind)
    with contextlib.closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)) as connection:
        connection.request(method, target, body, {**headers, "Host": parts.netloc})
        answer = connection.getresponse()
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in HOP]
        return answer.status, kept, answer.read()
