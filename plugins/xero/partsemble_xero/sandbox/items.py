"""Items, read only: things bought and sold, one of them with Xero's own stock tracking."""

from __future__ import annotations

import sqlite3
import uuid
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from .accounts import SETTINGS_READ
from .endpoint import Call, Endpoint, Route
from .problems import Answer, not_found
from .queries import Column, read_order, read_where
from .tenants import Tenant
from .wire import instant

_SCOPES = (*SETTINGS_READ, "accounting.invoices", "accounting.invoices.read")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS items (
    item_id TEXT PRIMARY KEY, tenant_id TEXT NOT NULL REFERENCES tenants, code TEXT NOT NULL, name TEXT,
    description TEXT, cost_e4 INTEGER, price_e4 INTEGER, cost_account TEXT, sales_account TEXT,
    asset_account TEXT, quantity_e4 INTEGER, pool_cents INTEGER, updated_ms INTEGER NOT NULL,
    UNIQUE (tenant_id, code)
) STRICT;
"""
_COLUMNS = {
    "ItemID": Column("item_id", "guid"),
    "Code": Column("code", "text"),
    "Name": Column("name", "text"),
    "Description": Column("description", "text"),
    "IsSold": Column("(price_e4 IS NOT NULL)", "flag"),
    "IsPurchased": Column("(cost_e4 IS NOT NULL)", "flag"),
    "IsTrackedAsInventory": Column("(asset_account IS NOT NULL)", "flag"),
    "UpdatedDateUTC": Column("updated_ms", "moment"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _FirstItem:
    """A seeded item. Prices and quantity in ten-thousandths, the cost pool in cents."""

    code: str
    name: str | None = None
    description: str | None = None
    cost_e4: int | None = None
    price_e4: int | None = None
    quantity_e4: int | None = None
    pool_cents: int | None = None


_FIRST_ITEMS = (
    _FirstItem(code="BOLT-M6", name="Bolt M6 x 20", description="Zinc, 8.8", cost_e4=1250),
    _FirstItem(code="PANEL-A", name="Panel A", description="Powder-coated panel", cost_e4=345000),
    _FirstItem(code="PCB-BLANK", cost_e4=41999),
    _FirstItem(code="SENSOR-KIT", name="Sensor Kit", description="Sensor kit, assembled", price_e4=2490000),
    _FirstItem(code="SETUP", name="Set-up on site", price_e4=950000),
    _FirstItem(
        code="MOTOR-12V",
        name="Motor 12 V",
        description="Stock kept by Xero",
        cost_e4=185000,
        price_e4=320000,
        quantity_e4=400000,
        pool_cents=74000,
    ),
)


def list_items(call: Call) -> Answer:
    """GET /Items: all of them at once; ``page`` is ignored, as by Xero."""
    where = read_where(call.query.get("where"), columns=_COLUMNS, entity="Item")
    order = read_order(call.query.get("order"), columns=_COLUMNS, entity="Item", default="Code ASC")
    rows = call.connection.execute(
        "SELECT * FROM items WHERE tenant_id = ? AND updated_ms >= ?"  # noqa: S608 - words from queries.py, values bound
        f" AND {where.sql} ORDER BY {order}",
        (call.tenant.tenant_id, call.modified_since_ms() or 0, *where.values),
    )
    return call.answer({"Items": [_shown(row, call) for row in rows]})


def get_item(call: Call) -> Answer:
    """GET /Items/{ItemID or Code}."""
    wanted = call.path["item"]
    row = call.connection.execute(
        "SELECT * FROM items WHERE tenant_id = ? AND (item_id = ? OR code = ?)",
        (call.tenant.tenant_id, wanted.lower(), wanted),
    ).fetchone()
    if row is None:
        raise not_found()
    return call.answer({"Items": [_shown(row, call)]})


def _seed(connection: sqlite3.Connection, tenant: Tenant, now_ms: int) -> None:
    for item in _FIRST_ITEMS:
        tracked = item.quantity_e4 is not None
        connection.execute(
            "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                str(uuid.uuid4()),
                tenant.tenant_id,
                item.code,
                item.name,
                item.description,
                item.cost_e4,
                item.price_e4,
                "310" if item.cost_e4 is not None else None,
                "200" if item.price_e4 is not None else None,
                "630" if tracked else None,
                item.quantity_e4,
                item.pool_cents,
                now_ms,
            ),
        )


def _shown(row: sqlite3.Row, call: Call) -> dict[str, object]:
    places = 4 if call.query.get("unitdp") == "4" else 2
    region = call.tenant.region
    tracked = row["asset_account"] is not None
    shown = {
        "ItemID": row["item_id"],
        "Code": row["code"],
        "Name": row["name"],
        "Description": row["description"],
        "UpdatedDateUTC": instant(row["updated_ms"]),
        "PurchaseDetails": _details(
            row["cost_e4"],
            places,
            {
                "COGSAccountCode" if tracked else "AccountCode": row["cost_account"],
                "TaxType": region.purchase_tax,
            },
        ),
        "SalesDetails": _details(
            row["price_e4"], places, {"AccountCode": row["sales_account"], "TaxType": region.sales_tax}
        ),
        "IsTrackedAsInventory": tracked,
        "InventoryAssetAccountCode": row["asset_account"],
        "TotalCostPool": _scaled(row["pool_cents"], 2),
        "QuantityOnHand": _scaled(row["quantity_e4"], 4),
        "IsSold": row["price_e4"] is not None,
        "IsPurchased": row["cost_e4"] is not None,
    }
    return {name: value for name, value in shown.items() if value is not None}


def _scaled(number: int | None, places: int) -> Decimal | None:
    return None if number is None else Decimal(number).scaleb(-places)


def _details(price_e4: int | None, places: int, rest: dict[str, object]) -> dict[str, object]:
    """Purchase or sales details; ``{}`` where the item is not bought or not sold."""
    if price_e4 is None:
        return {}
    price = Decimal(price_e4).scaleb(-4).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return {"UnitPrice": price, **rest}


ENDPOINT = Endpoint(
    name="Items",
    schema=_SCHEMA,
    seed=_seed,
    routes=(
        Route(method="GET", path="/Items", handler=list_items, scopes=_SCOPES),
        Route(method="GET", path="/Items/<item>", handler=get_item, scopes=_SCOPES),
    ),
)
