"""Contacts in the state file. Every change of a contact, by an app or by a person, goes through ``save_contact``."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from .queries import EVERY_ROW, Column, Condition, Paging
from .webhooks import announce

ACTIVE = "ACTIVE"
ARCHIVED = "ARCHIVED"
SCHEMA = """
CREATE TABLE IF NOT EXISTS contacts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, contact_id TEXT NOT NULL UNIQUE,
    tenant_id TEXT NOT NULL REFERENCES tenants, name TEXT NOT NULL, name_key TEXT NOT NULL, contact_number TEXT,
    account_number TEXT, email TEXT NOT NULL, first_name TEXT NOT NULL, last_name TEXT NOT NULL, searched TEXT NOT NULL,
    status TEXT NOT NULL, merged_to TEXT, is_supplier INTEGER NOT NULL, is_customer INTEGER NOT NULL,
    details TEXT NOT NULL, updated_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS contacts_by_name ON contacts (tenant_id, name_key);
CREATE INDEX IF NOT EXISTS contacts_by_number ON contacts (tenant_id, contact_number);
"""
COLUMNS = {
    "ContactID": Column("contact_id", "guid"),
    "ContactNumber": Column("contact_number", "text"),
    "AccountNumber": Column("account_number", "text"),
    "Name": Column("name", "text"),
    "FirstName": Column("first_name", "text"),
    "LastName": Column("last_name", "text"),
    "EmailAddress": Column("email", "text"),
    "ContactStatus": Column("status", "text"),
    "IsSupplier": Column("is_supplier", "flag"),
    "IsCustomer": Column("is_customer", "flag"),
    "UpdatedDateUTC": Column("updated_ms", "moment"),
}
Details = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One contact as stored; ``details`` are the fields that are only kept and shown again."""

    contact_id: str
    name: str
    contact_number: str | None
    account_number: str | None
    email: str
    first_name: str
    last_name: str
    status: str
    merged_to: str | None
    is_supplier: bool
    is_customer: bool
    details: Details
    updated_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowing:
    """What a list leaves: changed since, archived ones or not, these ids, this text in one of the searched fields."""

    where: Condition = EVERY_ROW
    since_ms: int = 0
    with_archived: bool = False
    ids: tuple[str, ...] | None = None
    search: str = ""

    def condition(self) -> Condition:
        """All of it as one condition."""
        parts = [self.where, Condition("updated_ms >= ?", (self.since_ms,))]
        if not self.with_archived:
            parts.append(Condition("status <> 'ARCHIVED'"))
        if self.ids is not None:
            parts.append(Condition(f"contact_id IN ({', '.join('?' * len(self.ids))})", self.ids))
        if self.search:
            parts.append(Condition("instr(searched, ?) > 0", (self.search.casefold(),)))
        return Condition(" AND ".join(part.sql for part in parts), tuple(v for part in parts for v in part.values))


def find_contact(connection: sqlite3.Connection, *, tenant_id: str, named: str) -> Contact | None:
    """The contact with this id, or else with this contact number; archived ones too."""
    row = connection.execute(
        "SELECT * FROM contacts WHERE tenant_id = ? AND (contact_id = ? OR contact_number = ?)"
        " ORDER BY contact_id = ? DESC LIMIT 1",
        (tenant_id, named.lower(), named, named.lower()),
    ).fetchone()
    return None if row is None else _from_row(row)


def find_other(
    connection: sqlite3.Connection, *, tenant_id: str, contact_id: str, column: str, value: str
) -> Contact | None:
    """Another contact that has the value already: of a name only active ones count. ``column``: see the queries."""
    queries = {
        "name": "SELECT * FROM contacts WHERE tenant_id = ? AND contact_id <> ? AND name_key = ? AND status = 'ACTIVE'",
        "contact_number": "SELECT * FROM contacts WHERE tenant_id = ? AND contact_id <> ? AND contact_number = ?",
        "account_number": "SELECT * FROM contacts WHERE tenant_id = ? AND contact_id <> ? AND account_number = ?",
    }
    wanted = value.casefold() if column == "name" else value
    row = connection.execute(queries[column], (tenant_id, contact_id, wanted)).fetchone()
    return None if row is None else _from_row(row)


def count_contacts(connection: sqlite3.Connection, *, tenant_id: str, narrowing: Narrowing) -> int:
    """How many a list leaves, all its pages together."""
    condition = narrowing.condition()
    (count,) = connection.execute(
        f"SELECT count(*) FROM contacts WHERE tenant_id = ? AND {condition.sql}",  # noqa: S608 - words from queries.py, values bound
        (tenant_id, *condition.values),
    ).fetchone()
    return int(count)


def list_contacts(
    connection: sqlite3.Connection,
    *,
    tenant_id: str,
    narrowing: Narrowing,
    order: str = "seq",
    paging: Paging | None = None,
) -> list[Contact]:
    """One page of contacts, or all of them; equals come in the order of their making."""
    condition = narrowing.condition()
    limit = (paging.size, (paging.number - 1) * paging.size) if paging else (-1, 0)
    rows = connection.execute(
        f"SELECT * FROM contacts WHERE tenant_id = ? AND {condition.sql} ORDER BY {order}, seq LIMIT ? OFFSET ?",  # noqa: S608 - words from queries.py, values bound
        (tenant_id, *condition.values, *limit),
    )
    return [_from_row(row) for row in rows]


def save_contact(connection: sqlite3.Connection, contact: Contact, *, tenant_id: str) -> None:
    """Stores a contact, new or changed, and tells the app's webhook of it. The only way in."""
    searched = (contact.name, contact.first_name, contact.last_name, contact.contact_number or "", contact.email)
    values = {
        "contact_id": contact.contact_id,
        "tenant_id": tenant_id,
        "name": contact.name,
        "name_key": contact.name.casefold(),
        "contact_number": contact.contact_number,
        "account_number": contact.account_number,
        "email": contact.email,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "searched": "\n".join(searched).casefold(),
        "status": contact.status,
        "merged_to": contact.merged_to,
        "is_supplier": int(contact.is_supplier),
        "is_customer": int(contact.is_customer),
        "details": json.dumps(contact.details),
        "updated_ms": contact.updated_ms,
    }
    known = connection.execute("SELECT 1 FROM contacts WHERE contact_id = ?", (contact.contact_id,)).fetchone()
    changes = ", ".join(f"{name} = excluded.{name}" for name in values if name not in ("contact_id", "tenant_id"))
    connection.execute(
        f"INSERT INTO contacts ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})"  # noqa: S608 - names from above
        f" ON CONFLICT (contact_id) DO UPDATE SET {changes}",
        tuple(values.values()),
    )
    announce(
        connection,
        tenant_id=tenant_id,
        category="CONTACT",
        resource_id=contact.contact_id,
        change="UPDATE" if known else "CREATE",
        now_ms=contact.updated_ms,
    )


def _from_row(row: sqlite3.Row) -> Contact:
    return Contact(
        contact_id=row["contact_id"],
        name=row["name"],
        contact_number=row["contact_number"],
        account_number=row["account_number"],
        email=row["email"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        status=row["status"],
        merged_to=row["merged_to"],
        is_supplier=bool(row["is_supplier"]),
        is_customer=bool(row["is_customer"]),
        details=json.loads(row["details"]),
        updated_ms=row["updated_ms"],
    )
