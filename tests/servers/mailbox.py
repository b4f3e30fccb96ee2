"""A real SMTP server on this machine, which keeps what it is sent."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message


class Mailbox(socketserver.ThreadingTCPServer):
    """Takes every letter, or none while ``is_full``."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.letters: list[Message] = []
        self.is_full = False
        self.arrived = threading.Event()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"

    def last(self) -> Message:
        """The newest letter, once there is one."""
        assert self.arrived.wait(timeout=10), "no letter came"
        return self.letters[-1]


class _Session(socketserver.StreamRequestHandler):
    server: Mailbox

    def handle(self) -> None:
        self._say("220 mailbox")
        while line := self.rfile.readline():
            word = line.strip().upper().split(b" ")[0]
            if word == b"QUIT":
                self._say("221 bye")
                return
            if word == b"DATA" and not self.server.is_full:
                self._say("354 go on")
                self._keep()
            else:
                self._say("452 full" if word == b"DATA" else "250 fine")

    def _keep(self) -> None:
        text = b""
        while (line := self.rfile.readline()) != b".\r\n":
            text += line
        self.server.letters.append(message_from_bytes(text))
        self._say("250 kept")
        self.server.arrived.set()

    def _say(self, words: str) -> None:
        self.wfile.write(words.encode() + b"\r\n")


@contextmanager
def a_mailbox() -> Iterator[Mailbox]:
    with Mailbox() as box:
        thread = threading.Thread(target=box.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield box
        finally:
            box.shutdown()
            thread.join()
