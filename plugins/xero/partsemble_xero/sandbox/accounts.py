"""Accounts: the chart, read only."""

from __future__ import annotations

import sqlite3
import uuid
from dataclasses import dataclass

from .chart import CHART, CLASS_OF_TYPE, ChartLine
from .endpoint import Call, Endpoint, Route
from .problems import Answer, not_found
from .queries import Column, read_order, read_where
from .tenants import Tenant
from .wire import instant

SETTINGS_READ = ("accounting.settings", "accounting.settings.read")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (
    account_id TEXT PRIMARY KEY, tenant_id TEXT NOT NULL REFERENCES tenants, code TEXT, name TEXT NOT NULL,
    type TEXT NOT NULL, class TEXT NOT NULL, status TEXT NOT NULL, system_account TEXT,
    tax_type TEXT NOT NULL, bank_number TEXT, currency TEXT, updated_ms INTEGER NOT NULL,
    UNIQUE (tenant_id, code)
) STRICT;
"""
_COLUMNS = {
    "AccountID": Column("account_id", "guid"),
    "Code": Column("code", "text"),
    "Name": Column("name", "text"),
    "Type": Column("type", "text"),
    "Class": Column("class", "text"),
    "Status": Column("status", "text"),
    "SystemAccount": Column("system_account", "text"),
    "TaxType": Column("tax_type", "text"),
    "UpdatedDateUTC": Column("updated_ms", "moment"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account as stored; ``code`` is None where the user gave it none."""

    account_id: str
    code: str | None
    name: str
    type: str
    account_class: str
    status: str
    system_account: str | None
    tax_type: str
    bank_number: str | None
    currency: str | None
    updated_ms: int


def list_accounts(call: Call) -> Answer:
    """GET /Accounts: the whole chart, or what ``where`` and ``If-Modified-Since`` leave of it."""
    where = read_where(call.query.get("where"), columns=_COLUMNS, entity="Account")
    order = read_order(call.query.get("order"), columns=_COLUMNS, entity="Account", default="Code ASC")
    rows = call.connection.execute(
        "SELECT * FROM accounts WHERE tenant_id = ? AND updated_ms >= ?"  # noqa: S608 - words from queries.py, values bound
        f" AND {where.sql} ORDER BY {order}, name",
        (call.tenant.tenant_id, call.modified_since_ms() or 0, *where.values),
    )
    return call.answer({"Accounts": [_shown(_from_row(row)) for row in rows]})


def get_account(call: Call) -> Answer:
    """GET /Accounts/{AccountID}."""
    account = find_account(call.connection, tenant_id=call.tenant.tenant_id, account_id=call.path["account_id"])
    if account is None:
        raise not_found()
    return call.answer({"Accounts": [_shown(account)]})


def chart_of(connection: sqlite3.Connection, tenant_id: str) -> list[Account]:
    """Every account of an organisation, by code; those without one first."""
    rows = connection.execute("SELECT * FROM accounts WHERE tenant_id = ? ORDER BY code, name", (tenant_id,))
    return [_from_row(row) for row in rows]


def find_account(connection: sqlite3.Connection, *, tenant_id: str, account_id: str) -> Account | None:
    """The account with this id, or None."""
    row = connection.execute(
        "SELECT * FROM accounts WHERE tenant_id = ? AND account_id = ?", (tenant_id, account_id.lower())
    ).fetchone()
    return None if row is None else _from_row(row)


def set_status(connection: sqlite3.Connection, *, tenant_id: str, code: str, status: str, now_ms: int) -> bool:
    """Make an account ACTIVE or ARCHIVED, as a person would in Xero; False if there is none."""
    changed = connection.execute(
        "UPDATE accounts SET status = ?, updated_ms = ? WHERE tenant_id = ? AND code = ?",
        (status, now_ms, tenant_id, code),
    )
    return changed.rowcount == 1


def _seed(connection: sqlite3.Connection, tenant: Tenant, now_ms: int) -> None:
    connection.executemany(
        "INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [_seed_row(tenant, line, now_ms) for line in CHART],
    )


def _seed_row(tenant: Tenant, line: ChartLine, now_ms: int) -> tuple[str | int | None, ...]:
    region = tenant.region
    tax_type = {"none": "NONE", "sales": region.sales_tax, "purchases": region.purchase_tax}[line.tax]
    return (
        str(uuid.uuid4()),
        tenant.tenant_id,
        line.code,
        line.name,
        line.type,
        CLASS_OF_TYPE[line.type],
        "ARCHIVED" if line.archived else "ACTIVE",
        line.system,
        tax_type,
        line.bank_number,
        tenant.currency if line.type == "BANK" else None,
        now_ms,
    )


def _from_row(row: sqlite3.Row) -> Account:
    return Account(
        account_id=row["account_id"],
        code=row["code"],
        name=row["name"],
        type=row["type"],
        account_class=row["class"],
        status=row["status"],
        system_account=row["system_account"],
        tax_type=row["tax_type"],
        bank_number=row["bank_number"],
        currency=row["currency"],
        updated_ms=row["updated_ms"],
    )


def _shown(account: Account) -> dict[str, object]:
    """The account as Xero shows it: fields that do not apply are left out."""
    shown = {
        "AccountID": account.account_id,
        "Code": account.code,
        "Name": account.name,
        "Status": account.status,
        "Type": account.type,
        "TaxType": account.tax_type,
        "Class": account.account_class,
        "SystemAccount": account.system_account,
        "EnablePaymentsToAccount": False,
        "ShowInExpenseClaims": account.type == "EXPENSE" and account.system_account is None,
        "BankAccountNumber": account.bank_number,
        "BankAccountType": "BANK" if account.type == "BANK" else None,
        "CurrencyCode": account.currency,
        "HasAttachments": False,
        "UpdatedDateUTC": instant(account.updated_ms),
        "AddToWatchlist": False,
    }
    return {name: value for name, value in shown.items() if value is not None}


ENDPOINT = Endpoint(
    name="Accounts",
    schema=_SCHEMA,
    seed=_seed,
    routes=(
        Route(method="GET", path="/Accounts", handler=list_accounts, scopes=SETTINGS_READ),
        Route(method="GET", path="/Accounts/<account_id>", handler=get_account, scopes=SETTINGS_READ),
    ),
)
