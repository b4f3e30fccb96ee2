"""Idempotency keys: the first answer under a key is given again for six minutes, errors too.

After that the key counts as new, as with Xero. The answer is stored in the same transaction as what
the request did, so that neither exists without the other.
"""

from __future__ import annotations

import hashlib
import sqlite3

from .problems import Answer, refused_access

WINDOW_MS = 6 * 60_000
KEY_MAX = 128

SCHEMA = """
CREATE TABLE IF NOT EXISTS idempotency_keys (
    key TEXT PRIMARY KEY, request_hash TEXT NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL,
    content_type TEXT NOT NULL, first_ms INTEGER NOT NULL
) STRICT;
"""


def request_hash(*, method: str, url: str, tenant_id: str, body: bytes) -> str:
    """What has to be the same for a request to count as a repetition."""
    head = "\n".join((method, url, tenant_id)).encode()
    return hashlib.sha256(head + b"\n\n" + body).hexdigest()


def find_answer(connection: sqlite3.Connection, *, key: str, request_hash: str, now_ms: int) -> Answer | None:
    """The answer kept under ``key``, or None. Raises the 400 for a key that belongs to another request."""
    if len(key) > KEY_MAX:
        raise refused_access(400, title="BadRequest", detail=f"The Idempotency-Key is longer than {KEY_MAX} characters")
    connection.execute("DELETE FROM idempotency_keys WHERE first_ms <= ?", (now_ms - WINDOW_MS,))
    row = connection.execute("SELECT * FROM idempotency_keys WHERE key = ?", (key,)).fetchone()
    if row is None:
        return None
    if row["request_hash"] != request_hash:
        detail = "The Idempotency-Key has already been used with a different request"
        raise refused_access(400, title="BadRequest", detail=detail)
    return Answer(row["status"], row["body"], row["content_type"])


def keep_answer(connection: sqlite3.Connection, answer: Answer, *, key: str, request_hash: str, now_ms: int) -> None:
    """Keep the first answer under ``key``."""
    connection.execute(
        "INSERT INTO idempotency_keys VALUES (?, ?, ?, ?, ?, ?)",
        (key, request_hash, answer.status, answer.body, answer.content_type, now_ms),
    )
