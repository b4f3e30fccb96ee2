"""Xero's items: read to be linked to products. Quantities stay here, for Xero has no call to change them."""

from __future__ import annotations

from collections.abc import Mapping

from partsemble_core.plugin_api import BackendContext, Item, Page
from partsemble_xero.client import read, rows_of, text_of
from partsemble_xero.wire import decimal_of


def list_items(ctx: BackendContext, cursor: str | None, limit: int) -> Page[Item]:
    """The items in pages of ours: Xero ignores ``page`` on items and gives all, so the cursor is the last id shown."""
    rows = rows_of(read(ctx, "Items", params={"unitdp": "4"}), "Items")
    items = sorted((item_from(row) for row in rows), key=lambda item: item.external_id)
    left = [item for item in items if item.external_id > (cursor or "")]
    page = tuple(left[:limit])
    return Page(
        records=page,
        next_cursor=page[-1].external_id if page else cursor,
        has_more=len(left) > limit,
        complete=True,
    )


def item_from(row: Mapping[str, object]) -> Item:
    """One row of ``/Items``: ``Name`` may be missing, and the price objects may be empty."""
    return Item(
        external_id=text_of(row, "ItemID"),
        code=text_of(row, "Code"),
        name=text_of(row, "Name") or text_of(row, "Code"),
        description=text_of(row, "Description") or text_of(row, "PurchaseDescription"),
        purchase_cost=decimal_of(_part(row, "PurchaseDetails"), "UnitPrice"),
        sales_price=decimal_of(_part(row, "SalesDetails"), "UnitPrice"),
        quantity_on_hand=decimal_of(row, "QuantityOnHand"),
        is_tracked=row.get("IsTrackedAsInventory") is True,
        tracked_in=_accounts_of(row) if row.get("IsTrackedAsInventory") is True else (),
    )


def _accounts_of(row: Mapping[str, object]) -> tuple[str, ...]:
    """The accounts that Xero books a tracked item's stock and its cost of goods to."""
    purchases = _part(row, "PurchaseDetails")
    found = (
        text_of(row, "InventoryAssetAccountCode"),
        text_of(purchases, "COGSAccountCode") or text_of(purchases, "AccountCode"),
    )
    return tuple(code for code in dict.fromkeys(found) if code)


def _part(row: Mapping[str, object], name: str) -> Mapping[str, object]:
    part = row.get(name)
    return part if isinstance(part, dict) else {}
