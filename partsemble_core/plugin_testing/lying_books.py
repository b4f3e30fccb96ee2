"""The books behind `LyingBackend`: what they hold, which calls arrived, and which lies are still to be told.

They are a SQLite file, so that other threads and processes see the same ones and a test asserts on *them*, not on what
the core believes.
"""

from __future__ import annotations

import enum
import json
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from partsemble_core.errors import say
from partsemble_core.plugin_api import KeyReused, Posting, Rejected

SCHEMA = """
CREATE TABLE IF NOT EXISTS journals (
    external_id TEXT PRIMARY KEY, token TEXT NOT NULL, status TEXT NOT NULL, lines TEXT NOT NULL,
    day TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS keys (key TEXT PRIMARY KEY, body TEXT NOT NULL, external_id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS lies (
    id INTEGER PRIMARY KEY, lie TEXT NOT NULL, step TEXT NOT NULL, token TEXT NOT NULL,
    times INTEGER NOT NULL, seconds INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS late (id INTEGER PRIMARY KEY, due INTEGER NOT NULL, request TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS calls (
    id INTEGER PRIMARY KEY, step TEXT NOT NULL, key TEXT NOT NULL, token TEXT NOT NULL, external_id TEXT NOT NULL,
    lie TEXT NOT NULL, bearer TEXT NOT NULL
);
"""


class Lie(enum.StrEnum):
    """What a call does instead of the truth. Of those that raise, only the last six may have written."""

    REFUSE = "refuse"
    PERIOD_CLOSED = "period_closed"
    LIMIT = "limit"
    BUSY = "busy"
    SIGNED_OUT = "signed_out"
    NOT_PERMITTED = "not_permitted"
    SLOW = "slow"
    SLOW_ANSWER = "slow_answer"
    CLOSE_BEFORE = "close_before"
    LOSE_ANSWER = "lose_answer"
    APPLY_LATE = "apply_late"
    WRONG_ID = "wrong_id"
    LEFT_OUT = "left_out"
    BREAK = "break"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldJournal:
    """A journal in these books. ``status`` is draft, posted, voided or deleted; ``lines`` are canonical JSON."""

    external_id: str
    token: str
    status: str
    lines: str
    day: str = ""
    """Its date in ISO; empty for one that a test made without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call that arrived. ``bearer`` is a short hash of the access token, empty without one."""

    step: str
    key: str
    token: str
    external_id: str
    lie: str
    bearer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a call asks the books to do; kept where it is applied late."""

    step: str
    key: str
    token: str
    lines: str
    external_id: str
    day: str = ""


class LyingBooks:
    """The books in a file, and the lies that are still to be told. Safe for threads and processes."""

    def __init__(self, path: Path, *, posting: Posting = Posting.DRAFT_THEN_POST) -> None:
        self.posting = posting
        self._path = path
        with self._writing() as books:
            for statement in SCHEMA.split(";"):
                books.execute(statement)

    def tell(self, lie: Lie, *, step: str = "", token: str = "", times: int = 1, seconds: int = 0) -> None:
        """Orders a lie for the next calls of ``step`` (create, post, look_up, discard; empty = any) about ``token``."""
        with self._writing() as books:
            row = (lie.value, step, token, times, seconds)
            books.execute("INSERT INTO lies (lie, step, token, times, seconds) VALUES (?, ?, ?, ?, ?)", row)

    def heal(self) -> None:
        """No more lies; every late request arrives now."""
        with self._writing() as books:
            books.execute("DELETE FROM lies")
            self._arrive(books, due=None)

    def calm(self) -> None:
        """No more lies, but what is late stays on its way."""
        with self._writing() as books:
            books.execute("DELETE FROM lies")

    def forget_keys(self) -> None:
        """The key window is over."""
        with self._writing() as books:
            books.execute("DELETE FROM keys")

    def set_status(self, external_id: str, status: str) -> None:
        """A person posts, voids or deletes a journal by hand."""
        with self._writing() as books:
            books.execute("UPDATE journals SET status = ? WHERE external_id = ?", (status, external_id))

    def set_lines(self, external_id: str, lines: str) -> None:
        """A person edits a journal by hand."""
        with self._writing() as books:
            books.execute("UPDATE journals SET lines = ? WHERE external_id = ?", (lines, external_id))

    def set_day(self, external_id: str, day: str) -> None:
        """A person moves a journal to another day."""
        with self._writing() as books:
            books.execute("UPDATE journals SET day = ? WHERE external_id = ?", (day, external_id))

    def enter(self, *, day: str, lines: str) -> str:
        """A person posts a journal of their own; its id."""
        with self._writing() as books:
            external_id = str(uuid.uuid4())
            books.execute("INSERT INTO journals VALUES (?, '', 'posted', ?, ?)", (external_id, lines, day))
        return external_id

    def remove(self, external_id: str) -> None:
        """The journal is gone without a trace."""
        with self._writing() as books:
            books.execute("DELETE FROM journals WHERE external_id = ?", (external_id,))

    def journals(self, *, status: str = "", token: str = "") -> list[HeldJournal]:
        """What the books hold, in order of arrival."""
        with self._writing() as books:
            rows = books.execute(
                "SELECT external_id, token, status, lines, day FROM journals"
                " WHERE ? IN ('', status) AND ? IN ('', token) ORDER BY rowid",
                (status, token),
            ).fetchall()
        return [HeldJournal(external_id=i, token=t, status=s, lines=body, day=day) for i, t, s, body, day in rows]

    def calls(self, *, step: str = "") -> list[Call]:
        """Every call that arrived, oldest first."""
        with self._writing() as books:
            rows = books.execute(
                "SELECT step, key, token, external_id, lie, bearer FROM calls WHERE ? IN ('', step) ORDER BY id",
                (step,),
            ).fetchall()
        return [Call(step=s, key=k, token=t, external_id=i, lie=lie, bearer=b) for s, k, t, i, lie, b in rows]

    def arrive(self, request: Request, *, bearer: str) -> tuple[Lie | None, int]:
        """Notes a call and picks its lie: (lie, its seconds)."""
        with self._writing() as books:
            self._arrive(books, due=_now_ms())
            row = books.execute(
                "SELECT id, lie, seconds FROM lies WHERE times > 0 AND step IN ('', ?) AND token IN ('', ?)"
                " ORDER BY id LIMIT 1",
                (request.step, request.token),
            ).fetchone()
            told = "" if row is None else str(row[1])
            if row is not None:
                books.execute("UPDATE lies SET times = times - 1 WHERE id = ?", (row[0],))
            books.execute(
                "INSERT INTO calls (step, key, token, external_id, lie, bearer) VALUES (?, ?, ?, ?, ?, ?)",
                (request.step, request.key, request.token, request.external_id, told, bearer),
            )
        return (None, 0) if row is None else (Lie(told), int(row[2]))

    def apply(self, request: Request) -> HeldJournal:
        """Does what a call asked for. Raises Rejected, KeyReused."""
        with self._writing() as books:
            return self._apply(books, request)

    def apply_late(self, request: Request, *, seconds: int) -> None:
        """Applies it at the first call after ``seconds``, or when healed: a packet that was on its way for long."""
        with self._writing() as books:
            body = json.dumps(asdict(request))
            books.execute("INSERT INTO late (due, request) VALUES (?, ?)", (_now_ms() + seconds * 1000, body))

    def _arrive(self, books: sqlite3.Connection, *, due: int | None) -> None:
        for row_id, body in books.execute(
            "SELECT id, request FROM late WHERE ? IS NULL OR due <= ? ORDER BY id", (due, due)
        ).fetchall():
            books.execute("DELETE FROM late WHERE id = ?", (row_id,))
            try:
                self._apply(books, Request(**json.loads(body)))
            except (Rejected, KeyReused):
                continue  # refused, and nobody waits for the answer any more

    def _apply(self, books: sqlite3.Connection, request: Request) -> HeldJournal:
        if request.step == "create":
            return self._create(books, request)
        held = held_journal(books, request.external_id)
        wanted = "deleted" if request.step == "discard" else "posted"
        if held.status not in ("draft", wanted):
            raise Rejected(
                say(
                    "Journal {external_id} is {status}; it can't become {wanted}.",
                    external_id=held.external_id,
                    status=held.status,
                    wanted=wanted,
                )
            )
        if wanted == "posted" and held.lines != request.lines:
            raise Rejected(
                say("Journal {external_id} holds other lines.", external_id=held.external_id), fields=("lines",)
            )
        books.execute("UPDATE journals SET status = ? WHERE external_id = ?", (wanted, held.external_id))
        return held_journal(books, held.external_id)

    def _create(self, books: sqlite3.Connection, request: Request) -> HeldJournal:
        known = books.execute("SELECT body, external_id FROM keys WHERE key = ?", (request.key,)).fetchone()
        if known is not None and known[0] != request.lines:
            raise KeyReused("This key was used with other content.")
        if known is not None:
            return held_journal(books, known[1])
        external_id = str(uuid.uuid4())
        status = "draft" if self.posting == Posting.DRAFT_THEN_POST else "posted"
        row = (external_id, request.token, status, request.lines, request.day)
        books.execute("INSERT INTO journals VALUES (?, ?, ?, ?, ?)", row)
        books.execute("INSERT INTO keys VALUES (?, ?, ?)", (request.key, request.lines, external_id))
        return held_journal(books, external_id)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=30, isolation_level=None)) as books:
            books.execute("PRAGMA synchronous=OFF")
            books.execute("BEGIN IMMEDIATE")
            try:
                yield books
            except BaseException:
                books.execute("ROLLBACK")
                raise
            books.execute("COMMIT")


def held_journal(books: sqlite3.Connection, external_id: str) -> HeldJournal:
    """Raises Rejected for an id that the books don't know."""
    row = books.execute(
        "SELECT external_id, token, status, lines, day FROM journals WHERE external_id = ?", (external_id,)
    ).fetchone()
    if row is None:
        raise Rejected(say("There is no journal {external_id}.", external_id=external_id))
    return HeldJournal(external_id=row[0], token=row[1], status=row[2], lines=row[3], day=row[4])


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
