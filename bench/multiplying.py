"""Copies a small company's rows many times over within the same company, by bulk loading: a big company in minutes.

Ids, numbers, references, lot numbers, SKUs and tokens are moved on, copy by copy; one product is shared by all copies,
so that there is one with a very long history. What the copies can't inherit (balances of the shared product, counters)
is worked out at the end. The doctor has the last word.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from partsemble_core.store.everything import metadata

SHARED = frozenset(
    [
        "companies",
        "company_options",
        "users",
        "memberships",
        "connections",
        "counters",
        "event_endpoints",
        "invitations",
        "sign_ins",
        "api_tokens",
        "remote_accounts",
        "account_mappings",
        "sync_runs",
        "sync_cursors",
        "sync_schedules",
        "remote_tracking",
        "tracking_choices",
        "month_ends",
        "month_end_lots",
        "stock_balances",
        "backend_records",
        "token_sets",
        "grants",
        "backend_settings",
        "rate_buckets",
        "rate_calls",
        "heard_messages",
        "password_resets",
        "recovery_codes",
        "refresh_tries",
        "sign_in_flows",
    ]
)
"""Not copied: a company has these once. Balances are copied apart."""
NUMBERED = {"PSB-RCV-": "receipts", "PSB-CNT-": "stock_counts", "PSB-ADJ-": "adjustments", "PSB-REV-": "reversals"}
NUMBERED |= {"PSB-TRU-": "true_ups", "PSB-": "builds"}
OF_KIND = {"receipt": "receipts", "build": "builds", "waste": "builds", "adjustment": "adjustments", "split": "lots"}
OF_KIND |= {"reversal": "reversals", "true_up": "true_ups"}
OF_NOUN = {"product": "products", "receipt": "receipts", "build": "builds", "adjustment": "adjustments", "BOM": "boms"}
OF_NOUN |= {"count": "stock_counts", "lot": "lots", "reversal": "reversals", "supplier": "suppliers"}
UNLINKED = {"after_export_id": "exports", "through_entry_id": "stock_entries", "lot_id": "lots"}
UNLINKED |= {"count_id": "stock_counts"}
"""Columns that hold ids without a foreign key."""
REFERENCE = re.compile(r"(PSB-(?:[A-Z]{3}-)?)(\d{4,})")
TEXTS = frozenset({"reference", "reversed_reference", "subject"})
OWN_TEXTS = frozenset({"sku", "sku_key", "external_id", "event_id", "code_key", "resource_id", "email"})
LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
Row = dict[str, Any]


class Copier:
    """Knows how far each table's ids and numbers are moved from copy to copy."""

    def __init__(self, connection: sa.Connection, *, shared_sku: str) -> None:
        self.rows: dict[str, list[Row]] = {}
        self.span: dict[str, int] = {}
        self.numbers: dict[str, int] = {}
        for table in metadata.sorted_tables:
            found = connection.execute(sa.text(f"SELECT * FROM {table.name} ORDER BY id")).mappings()  # noqa: S608
            self.rows[table.name] = [dict(row) for row in found]
            self.span[table.name] = max((row["id"] for row in self.rows[table.name]), default=0)
            self.numbers[table.name] = max((row.get("number") or 0 for row in self._numbered(table.name)), default=0)
        self.shared_id = next(row["id"] for row in self.rows["products"] if row["sku"] == shared_sku)
        self.tokens = {row["token"]: i for i, row in enumerate(self.rows["exports"])}

    def _numbered(self, table: str) -> list[Row]:
        return self.rows[table] if table in NUMBERED.values() else []

    def copies(self, table: sa.Table, count: int) -> Iterator[tuple[Any, ...]]:
        """Rows of copies 1 to ``count``, columns in the table's order."""
        if table.name in SHARED and table.name != "stock_balances":
            return
        moves = [self._mover(table, column) for column in table.columns]
        rows = [row for row in self.rows[table.name] if not self._is_shared(table.name, row)]
        for copy in range(1, count + 1):
            for row in rows:
                yield tuple(move(row, copy) for move in moves)

    def _is_shared(self, table: str, row: Row) -> bool:
        key = {"products": "id", "stock_balances": "product_id"}.get(table)
        return key is not None and row[key] == self.shared_id

    def _mover(self, table: sa.Table, column: sa.Column[Any]) -> Callable[[Row, int], Any]:
        name = column.name
        target = self._target(table, column)
        if name == "product_id":
            return lambda row, copy: (
                row[name] if row[name] == self.shared_id else row[name] + copy * self.span["products"]
            )
        if target is not None:
            return lambda row, copy: None if row[name] is None else row[name] + copy * self.span[target]
        if name in ("document_id", "subject_id"):
            kinds, kind = (OF_KIND, "document_kind") if name == "document_id" else (OF_NOUN, "kind")
            return lambda row, copy: self._pointed(row, name, kinds.get(row[kind]), copy)
        if name == "number" and table.name in self.numbers and self.numbers[table.name]:
            return lambda row, copy: None if row[name] is None else row[name] + copy * self.numbers[table.name]
        return self._text_mover(table.name, name)

    def _text_mover(self, table: str, name: str) -> Callable[[Row, int], Any]:
        if name == "body":
            return lambda row, copy: self._body(row, copy) if table == "exports" else row[name]
        if name == "body_sha256":
            return lambda row, copy: hashlib.sha256(self._body(row, copy)).hexdigest()
        if name == "token":
            return lambda row, copy: self.token(row[name], copy)
        if table == "lots" and name in ("number", "number_key"):
            return lambda row, copy: self.moved(row[name], copy) if row["build_id"] else f"{row[name]}-{copy}"
        if name in TEXTS:
            return lambda row, copy: self.moved(row[name], copy)
        if name == "code" and table == "suppliers":
            return lambda row, copy: _letters(row["id"] + copy * self.span[table])
        is_code = name == "code" and table == "remote_items"
        if name in OWN_TEXTS or is_code or (table == "supplier_contacts" and name == "key"):
            return lambda row, copy: row[name] and f"{row[name]}-{copy}"
        return lambda row, copy: row[name]

    def _target(self, table: sa.Table, column: sa.Column[Any]) -> str | None:
        """The table whose ids the column holds."""
        if column.name == "id":
            return table.name
        for key in table.foreign_key_constraints:
            if column in list(key.columns) and column.name != "company_id" and key.referred_table.name not in SHARED:
                return key.referred_table.name
        return UNLINKED.get(column.name)

    def _pointed(self, row: Row, name: str, target: str | None, copy: int) -> Any:
        if row[name] is None or target is None or (target == "products" and row[name] == self.shared_id):
            return row[name]
        return row[name] + copy * self.span[target]

    def moved(self, text: str, copy: int) -> str:
        """Its references, of the copy."""
        if "PSB-" not in text:
            return text

        def move(found: re.Match[str]) -> str:
            number = int(found[2]) + copy * self.numbers[NUMBERED[found[1]]]
            return f"{found[1]}{number:0{len(found[2])}d}"

        return REFERENCE.sub(move, text)

    def token(self, token: str, copy: int) -> str:
        """Twelve letters, each token's own."""
        number, letters = copy * len(self.tokens) + self.tokens[token], ""
        for _ in range(9):
            number, rest = divmod(number, len(LETTERS))
            letters += LETTERS[rest]
        return f"ZZ2{letters}"

    def _body(self, row: Row, copy: int) -> bytes:
        text = self.moved(bytes(row["body"]).decode(), copy)
        for token in self.tokens:
            if token in text:
                text = text.replace(token, self.token(token, copy))
        return text.encode()


def _letters(number: int) -> str:
    """A supplier's code: four capitals, each supplier's own."""
    letters = ""
    for _ in range(4):
        number, rest = divmod(number, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def multiply(engine: sa.Engine, *, copies: int, shared_sku: str) -> None:
    """Adds ``copies`` copies of all that the one company of the database holds."""
    with engine.connect() as connection:
        copier = Copier(connection, shared_sku=shared_sku)
    load = _load_postgresql if engine.dialect.name == "postgresql" else _load_sqlite
    load(engine, [(table, copier.copies(table, copies)) for table in metadata.sorted_tables])
    with engine.begin() as connection:
        _settle(connection, copier, copies)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("VACUUM ANALYZE")


def _settle(connection: sa.Connection, copier: Copier, copies: int) -> None:
    shared = {"n": copies + 1, "id": copier.shared_id}
    of_shared = "UPDATE stock_balances SET quantity = quantity * :n, value = value * :n WHERE product_id = :id"
    connection.execute(sa.text(of_shared), shared)
    names = {"receipts": "receipt", "builds": "build", "adjustments": "adjustment", "stock_counts": "count"}
    for table, name in (names | {"reversals": "reversal"}).items():
        last = {"last": copier.numbers[table] * (copies + 1), "name": name}
        connection.execute(sa.text("UPDATE counters SET last = :last WHERE name = :name"), last)
    if connection.dialect.name == "postgresql":
        for table in metadata.sorted_tables:
            serial = f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), "
            connection.exec_driver_sql(f"{serial}(SELECT COALESCE(MAX(id), 1) FROM {table.name}))")  # noqa: S608 - own names


Load = Sequence[tuple[sa.Table, Iterator[tuple[Any, ...]]]]


def _load_sqlite(engine: sa.Engine, load: Load) -> None:
    """Indexes and triggers are made anew after it, as they were."""
    raw = engine.raw_connection()
    raw.isolation_level = None  # type: ignore[attr-defined]
    cursor = raw.cursor()
    for pragma in ("foreign_keys=OFF", "synchronous=OFF", "cache_size=-200000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.execute("SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL")
    kept = cursor.fetchall()
    cursor.execute("BEGIN")
    for kind, name, _ in kept:
        cursor.execute(f"DROP {kind} {name}")
    for table, rows in load:
        names = ", ".join(f'"{column.name}"' for column in table.columns)
        marks = ", ".join("?" for _ in table.columns)
        cursor.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", rows)  # noqa: S608 - own names
    for _, _, sql in kept:
        cursor.execute(sql)
    cursor.execute("COMMIT")
    raw.close()
    engine.dispose()


def _load_postgresql(engine: sa.Engine, load: Load) -> None:
    with engine.raw_connection() as raw:  # type: ignore[attr-defined]
        cursor = raw.cursor()
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(
            "SELECT i.indexname, i.indexdef FROM pg_indexes i WHERE i.schemaname = 'public' AND NOT EXISTS "
            "(SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname) AND i.tablename <> 'alembic_version'"
        )
        kept = cursor.fetchall()
        for name, _ in kept:
            cursor.execute(f"DROP INDEX {name}")
        for table, rows in load:
            names = ", ".join(f'"{column.name}"' for column in table.columns)
            with cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row([_written(value) for value in row])
        for _, definition in kept:
            cursor.execute(definition)
        raw.commit()
    engine.dispose()


def _written(value: Any) -> Any:
    """JSON columns come back as Python's own."""
    if isinstance(value, dict | list):
        return sa.types.JSON().bind_processor(sa.create_engine("sqlite://").dialect)(value)  # type: ignore[misc]
    return value if not isinstance(value, dt.datetime) else value.isoformat()
