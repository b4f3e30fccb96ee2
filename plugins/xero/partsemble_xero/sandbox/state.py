"""The one SQLite file that holds everything a sandbox knows.

Every request opens its own connection; a write takes the write lock at once. The file survives a
restart and ``kill -9``: an answer leaves only after its transaction is committed.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from .options import OptionRefused

APPLICATION_ID = 0x50535842  # "PSXB": tells a sandbox file from any other SQLite file
BUSY_SECONDS = 10.0
_SCHEMA = "CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;"
_MADE_ONCE = {"client_id": 16, "client_secret": 24, "webhook_key": 32, "signing_key": 32}


class StateFile:
    """The state file at ``path``, created with fresh credentials if it is not there.

    Raises :class:`OptionRefused` for a file that is not a sandbox's.
    """

    def __init__(self, path: Path, *, schema: str = "", secret_prefix: str = "") -> None:
        self.path = path
        self._prefix = secret_prefix
        try:
            path.touch(mode=0o600, exist_ok=True)  # it holds the client secret
            # SQLite folds the write-ahead log back when the last connection closes. One that stays open
            # spares every request that work.
            self._anchor = self._connect()
        except (OSError, sqlite3.DatabaseError) as error:
            raise self._refusal(str(error)) from error
        try:
            self._prepare(schema)
        except OptionRefused:
            self._anchor.close()
            raise

    def close(self) -> None:
        """Let the file go; requests still running keep their own connections."""
        self._anchor.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection on one unchanging view of the file."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection that holds the write lock; committed at the end, undone on an exception."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = NORMAL")
        except sqlite3.DatabaseError:
            connection.close()
            raise
        return connection

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with closing(self._connect()) as connection:
            connection.execute(begin)
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _prepare(self, schema: str) -> None:
        (mark,) = self._anchor.execute("PRAGMA application_id").fetchone()
        (tables,) = self._anchor.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if mark != APPLICATION_ID and (mark or tables):
            raise self._refusal("it is another program's database")
        self._anchor.execute("PRAGMA journal_mode = WAL")
        self._anchor.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        self._anchor.executescript(_SCHEMA + schema)
        for name, size in _MADE_ONCE.items():
            self._anchor.execute(
                "INSERT INTO settings VALUES (?, ?) ON CONFLICT DO NOTHING",
                (
                    name,
                    secrets.token_hex(size).upper()
                    if name == "client_id"
                    else self._prefix + secrets.token_urlsafe(size),
                ),
            )

    def _refusal(self, why: str) -> OptionRefused:
        return OptionRefused(
            "data-file-not-a-sandbox",
            option="--data",
            cure=f"{self.path} cannot be used ({why}); name a new file or one that a sandbox made",
        )


def get_setting(connection: sqlite3.Connection, name: str) -> str:
    """The setting ``name``, which must be there. Raises ``LookupError``."""
    value = find_setting(connection, name)
    if value is None:
        raise LookupError(f"the state file has no setting {name}")
    return value


def find_setting(connection: sqlite3.Connection, name: str) -> str | None:
    """The setting ``name``, or None."""
    row = connection.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row["value"])


def put_setting(connection: sqlite3.Connection, *, name: str, value: str) -> None:
    """Store a setting, replacing what was there."""
    connection.execute(
        "INSERT INTO settings VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )
