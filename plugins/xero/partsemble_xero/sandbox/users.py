"""Who may sign in. Each user has connections, scopes and tokens of their own."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
    position INTEGER PRIMARY KEY AUTOINCREMENT, user_id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE
) STRICT;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """``user_id`` is what tokens call ``xero_userid``."""

    user_id: str
    name: str

    @property
    def email(self) -> str:
        return f"{self.name.split()[0].lower()}@example.com"


def ensure_users(connection: sqlite3.Connection, names: Sequence[str]) -> None:
    """Add those that the file does not know by name yet."""
    for name in names:
        connection.execute(
            "INSERT INTO users (user_id, name) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", (str(uuid.uuid4()), name)
        )


def list_users(connection: sqlite3.Connection) -> list[User]:
    """All of them, the first first."""
    rows = connection.execute("SELECT * FROM users ORDER BY position")
    return [User(user_id=row["user_id"], name=row["name"]) for row in rows]


def find_user(connection: sqlite3.Connection, user_id: str) -> User | None:
    """The user with this id; for an empty one the first. None if there is no such user."""
    everybody = list_users(connection)
    return next((user for user in everybody if user_id in ("", user.user_id)), None)
