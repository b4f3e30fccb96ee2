"""Webhooks: the one address of the app, what is to be told to it, and what became of each message.

Every change that Xero tells of goes through :func:`announce`, in the transaction that makes the change. Sending is
the work of ``webhook_sender``.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from .wire import from_ms

CATEGORIES = ("CONTACT", "INVOICE", "CREDITNOTE", "PREPAYMENT", "OVERPAYMENT", "PAYMENT", "SUBSCRIPTION")
CHANGES = ("CREATE", "UPDATE")
ODDITIES = ("duplicate", "reorder", "forged", "replay", "lost")
PATHS = {"CONTACT": "Contacts", "INVOICE": "Invoices", "CREDITNOTE": "CreditNotes"}
IN_MESSAGE = 20
"""Events of one message at most."""
LOGGED = 500
RETRY_MS = 15 * 60_000
GIVE_UP_MS = 24 * 3600_000
SCHEMA = """
CREATE TABLE IF NOT EXISTS webhook (
    id INTEGER PRIMARY KEY CHECK (id = 1), url TEXT NOT NULL, categories TEXT NOT NULL, status TEXT NOT NULL,
    failing_since_ms INTEGER, next_ms INTEGER NOT NULL, last_body BLOB
) STRICT;
CREATE TABLE IF NOT EXISTS webhook_events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, tenant_id TEXT NOT NULL, category TEXT NOT NULL,
    resource_id TEXT NOT NULL, change TEXT NOT NULL, at_ms INTEGER NOT NULL, is_sent INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS webhook_oddities (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS webhook_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, first_sequence INTEGER NOT NULL,
    last_sequence INTEGER NOT NULL, status INTEGER, is_good INTEGER NOT NULL, at_ms INTEGER NOT NULL
) STRICT;
"""


class WebhookRefused(Exception):
    """A webhook that can't be set up so: code, field at fault, and what to send instead."""

    def __init__(self, code: str, *, field: str, cure: str) -> None:
        super().__init__(cure)
        self.code, self.field, self.cure = code, field, cure


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is sent in one go: numbered events, written once, so that a repetition is the same bytes."""

    first: int
    last: int
    body: bytes


def announce(
    connection: sqlite3.Connection, *, tenant_id: str, category: str, resource_id: str, change: str, now_ms: int
) -> bool:
    """Tell the app of a change: ``CREATE`` or ``UPDATE`` (archived and voided too). False where nobody listens.

    Call it with the connection that makes the change: what is undone isn't told.
    """
    webhook = find_webhook(connection)
    if webhook is None or webhook["status"] != "ENABLED" or category not in webhook["categories"].split():
        return False
    connection.execute(
        "INSERT INTO webhook_events (tenant_id, category, resource_id, change, at_ms) VALUES (?, ?, ?, ?, ?)",
        (tenant_id, category, resource_id, change, now_ms),
    )
    return True


def read_set_up(fields: Mapping[str, object]) -> tuple[str, tuple[str, ...]]:
    """Address and categories of a body. Raises :class:`WebhookRefused`."""
    url, categories = fields.get("url"), fields.get("categories", list(CATEGORIES))
    parts = urlsplit(url) if isinstance(url, str) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise WebhookRefused("url-not-valid", field="url", cure="send the http or https address to call")
    if not isinstance(categories, list) or not categories or not set(categories) <= set(CATEGORIES):
        cure = f"send a list of {', '.join(CATEGORIES)}"
        raise WebhookRefused("categories-not-valid", field="categories", cure=cure)
    return str(url), tuple(str(category) for category in categories)


def read_event(fields: Mapping[str, object]) -> dict[str, str]:
    """Category, resource and change of an event that is announced by hand. Raises :class:`WebhookRefused`."""
    category, change = fields.get("category"), fields.get("change", "UPDATE")
    resource_id = fields.get("resource_id")
    if not isinstance(category, str) or not category or len(category) > 40:
        raise WebhookRefused("category-not-valid", field="category", cure=f"send one of {', '.join(CATEGORIES)}")
    if change not in CHANGES:
        raise WebhookRefused("change-not-valid", field="change", cure="send CREATE or UPDATE")
    if not isinstance(resource_id, str) or not resource_id:
        raise WebhookRefused("resource-not-valid", field="resource_id", cure="send the id of the resource")
    return {"category": category, "change": str(change), "resource_id": resource_id}


def order_oddity(connection: sqlite3.Connection, kind: object) -> None:
    """Have the next message go out oddly. Raises :class:`WebhookRefused`."""
    if kind not in ODDITIES:
        raise WebhookRefused("oddity-not-valid", field="kind", cure=f"send one of {', '.join(ODDITIES)}")
    connection.execute("INSERT INTO webhook_oddities (kind) VALUES (?)", (kind,))


def take_oddity(connection: sqlite3.Connection, *, has_messages: int) -> str:
    """The oddity whose turn it is, or nothing: one that needs messages waits for them."""
    row = connection.execute("SELECT * FROM webhook_oddities ORDER BY id LIMIT 1").fetchone()
    needed = {"replay": 0, "reorder": 2}
    if row is None or has_messages < needed.get(row["kind"], 1):
        return ""
    connection.execute("DELETE FROM webhook_oddities WHERE id = ?", (row["id"],))
    return str(row["kind"])


def find_webhook(connection: sqlite3.Connection) -> sqlite3.Row | None:
    """The app's webhook, or None."""
    row: sqlite3.Row | None = connection.execute("SELECT * FROM webhook").fetchone()
    return row


def save_webhook(connection: sqlite3.Connection, *, url: str, categories: Iterable[str], is_good: bool) -> None:
    """Keep the address with how it answered; what happened before isn't told to it."""
    connection.execute("DELETE FROM webhook")
    connection.execute("UPDATE webhook_events SET is_sent = 1")
    status = "ENABLED" if is_good else "INTENT FAILED"
    connection.execute("INSERT INTO webhook VALUES (1, ?, ?, ?, NULL, 0, NULL)", (url, " ".join(categories), status))


def waiting_messages(connection: sqlite3.Connection, *, address: str, one_each: bool) -> list[Message]:
    """What is still to be sent, in order, at most two messages at a time. ``one_each``: one event in each."""
    rows = connection.execute(
        "SELECT * FROM webhook_events WHERE is_sent = 0 ORDER BY sequence LIMIT ?", (2 * IN_MESSAGE,)
    ).fetchall()
    size = 1 if one_each else IN_MESSAGE
    groups = [rows[first : first + size] for first in range(0, len(rows), size)][:2]
    return [
        Message(first=group[0]["sequence"], last=group[-1]["sequence"], body=body_of(group, address=address))
        for group in groups
    ]


def body_of(rows: Sequence[sqlite3.Row], *, address: str) -> bytes:
    """The bytes of a message. Its spacing is as irregular as Xero's: whoever writes it again breaks the signature."""
    events = ",".join(_event_text(row, address) for row in rows)
    first, last = (rows[0]["sequence"], rows[-1]["sequence"]) if rows else (0, 0)
    entropy = "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ") for _ in range(20))
    return (
        f'{{"events":[{events}],"firstEventSequence": {first},"lastEventSequence":{last}, "entropy": "{entropy}"}}'
    ).encode()


def _event_text(row: sqlite3.Row, address: str) -> str:
    path = PATHS.get(row["category"], row["category"].capitalize())
    is_app = row["category"] == "SUBSCRIPTION"
    moment = from_ms(row["at_ms"]).replace(tzinfo=None).isoformat(timespec="milliseconds")
    return (
        f'{{"resourceUrl":"{address}/api.xro/2.0/{path}/{row["resource_id"]}", "resourceId": "{row["resource_id"]}"'
        f',"tenantId":"{row["tenant_id"]}","tenantType": "{"APPLICATION" if is_app else "ORGANISATION"}",'
        f' "eventCategory":"{row["category"]}","eventType": "{row["change"]}","eventDateUtc": "{moment}"}}'
    )


def mark_sent(connection: sqlite3.Connection, message: Message) -> None:
    """The app has it, or it was lost on the way by order."""
    connection.execute(
        "UPDATE webhook_events SET is_sent = 1 WHERE sequence BETWEEN ? AND ?", (message.first, message.last)
    )


def note_success(connection: sqlite3.Connection, message: Message) -> None:
    """The app answered as it should."""
    mark_sent(connection, message)
    connection.execute("UPDATE webhook SET failing_since_ms = NULL, next_ms = 0, last_body = ?", (message.body,))


def note_failure(connection: sqlite3.Connection, *, now_ms: int) -> None:
    """The app didn't: again in a quarter of an hour, and after a day the webhook is switched off."""
    connection.execute(
        "UPDATE webhook SET failing_since_ms = coalesce(failing_since_ms, ?), next_ms = ?", (now_ms, now_ms + RETRY_MS)
    )
    connection.execute("UPDATE webhook SET status = 'DISABLED' WHERE failing_since_ms <= ?", (now_ms - GIVE_UP_MS,))


def log_call(
    connection: sqlite3.Connection, *, kind: str, message: Message, status: int | None, is_good: bool, now_ms: int
) -> None:
    """Remember one call of the app."""
    connection.execute(
        "INSERT INTO webhook_log (kind, first_sequence, last_sequence, status, is_good, at_ms)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (kind, message.first, message.last, status, int(is_good), now_ms),
    )
    connection.execute("DELETE FROM webhook_log WHERE id <= (SELECT max(id) FROM webhook_log) - ?", (LOGGED,))


def shown(connection: sqlite3.Connection) -> dict[str, object]:
    """The webhook, what waits, and the calls so far."""
    webhook = find_webhook(connection)
    (waiting,) = connection.execute("SELECT count(*) FROM webhook_events WHERE is_sent = 0").fetchone()
    calls = connection.execute("SELECT * FROM webhook_log ORDER BY id").fetchall()
    return {
        "url": webhook and webhook["url"],
        "categories": webhook["categories"].split() if webhook else [],
        "status": webhook["status"] if webhook else "NONE",
        "waiting": waiting,
        "calls": [
            {
                "kind": call["kind"],
                "first": call["first_sequence"],
                "last": call["last_sequence"],
                "status": call["status"],
                "good": bool(call["is_good"]),
            }
            for call in calls
        ],
    }
