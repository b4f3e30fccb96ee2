"""Whose books there are: organisations, and the demo user's practice, which has no books."""

from __future__ import annotations

import secrets
import sqlite3
import uuid
from dataclasses import dataclass
from datetime import date
from typing import Literal

from .options import OrganisationOption

TenantType = Literal["ORGANISATION", "PRACTICE"]
PRACTICE_NAME = "Demo Bookkeepers"

SCHEMA = """
CREATE TABLE IF NOT EXISTS tenants (
    tenant_id TEXT PRIMARY KEY, organisation_id TEXT NOT NULL UNIQUE, tenant_type TEXT NOT NULL,
    name TEXT NOT NULL, currency TEXT NOT NULL, short_code TEXT NOT NULL, created_ms INTEGER NOT NULL,
    period_lock TEXT, end_of_year_lock TEXT, UNIQUE (tenant_type, name)
) STRICT;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """What follows from the country: Xero's words for it, and the tax on sales and purchases.

    ``tax_rate`` is in basis points (1500 = 15 %).
    """

    version: str
    country: str | None
    timezone: str
    zone: str
    sales_tax: str
    purchase_tax: str
    tax_rate: int


_REGIONS = {
    "NZD": Region(
        version="NZ",
        country="NZ",
        timezone="NEWZEALANDSTANDARDTIME",
        zone="Pacific/Auckland",
        sales_tax="OUTPUT2",
        purchase_tax="INPUT2",
        tax_rate=1500,
    ),
    "AUD": Region(
        version="AU",
        country="AU",
        timezone="AUSEASTERNSTANDARDTIME",
        zone="Australia/Sydney",
        sales_tax="OUTPUT",
        purchase_tax="INPUT",
        tax_rate=1000,
    ),
    "GBP": Region(
        version="UK",
        country="GB",
        timezone="GMTSTANDARDTIME",
        zone="Europe/London",
        sales_tax="OUTPUT2",
        purchase_tax="INPUT2",
        tax_rate=2000,
    ),
    "USD": Region(
        version="US",
        country="US",
        timezone="EASTERNSTANDARDTIME",
        zone="America/New_York",
        sales_tax="OUTPUT",
        purchase_tax="INPUT",
        tax_rate=0,
    ),
}
_ELSEWHERE = Region(
    version="GLOBAL",
    country=None,
    timezone="UTC",
    zone="UTC",
    sales_tax="OUTPUT",
    purchase_tax="INPUT",
    tax_rate=0,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """One tenant as stored; ``currency`` is the base currency of its books."""

    tenant_id: str
    organisation_id: str
    tenant_type: TenantType
    name: str
    currency: str
    short_code: str
    created_ms: int
    period_lock: date | None
    end_of_year_lock: date | None

    @property
    def region(self) -> Region:
        """The country's rules, told by the base currency."""
        return _REGIONS.get(self.currency, _ELSEWHERE)


def find_tenant(connection: sqlite3.Connection, tenant_id: str) -> Tenant | None:
    """The tenant with this id, compared without regard to case, or None."""
    row = connection.execute("SELECT * FROM tenants WHERE tenant_id = ?", (tenant_id.lower(),)).fetchone()
    return None if row is None else _from_row(row)


def list_tenants(connection: sqlite3.Connection, *, tenant_type: TenantType) -> list[Tenant]:
    """All tenants of one type, by name."""
    rows = connection.execute("SELECT * FROM tenants WHERE tenant_type = ? ORDER BY name", (tenant_type,))
    return [_from_row(row) for row in rows]


def ensure_tenants(
    connection: sqlite3.Connection, *, organisations: tuple[OrganisationOption, ...], now_ms: int
) -> None:
    """Add the practice and those organisations that the file does not know by name yet."""
    _ensure(connection, "PRACTICE", OrganisationOption(name=PRACTICE_NAME, currency="NZD"), now_ms)
    for organisation in organisations:
        _ensure(connection, "ORGANISATION", organisation, now_ms)


def lock_dates(
    connection: sqlite3.Connection, *, tenant_id: str, period: date | None, end_of_year: date | None
) -> None:
    """Set both lock dates; None opens the books."""
    connection.execute(
        "UPDATE tenants SET period_lock = ?, end_of_year_lock = ? WHERE tenant_id = ?",
        (period and period.isoformat(), end_of_year and end_of_year.isoformat(), tenant_id),
    )


def _ensure(connection: sqlite3.Connection, tenant_type: TenantType, wanted: OrganisationOption, now_ms: int) -> None:
    connection.execute(
        "INSERT INTO tenants"
        " (tenant_id, organisation_id, tenant_type, name, currency, short_code, created_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant_type, name) DO NOTHING",
        (
            str(uuid.uuid4()),
            str(uuid.uuid4()),
            tenant_type,
            wanted.name,
            wanted.currency,
            "!" + secrets.token_hex(3),
            now_ms,
        ),
    )


def _from_row(row: sqlite3.Row) -> Tenant:
    return Tenant(
        tenant_id=row["tenant_id"],
        organisation_id=row["organisation_id"],
        tenant_type=row["tenant_type"],
        name=row["name"],
        currency=row["currency"],
        short_code=row["short_code"],
        created_ms=row["created_ms"],
        period_lock=_day(row["period_lock"]),
        end_of_year_lock=_day(row["end_of_year_lock"]),
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
