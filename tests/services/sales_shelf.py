"""Sales as a backend tells them, and what is kept of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from partsemble_core.plugin_api import BackendContext, Page, SalesDocument, SalesKind, SalesLine, SalesStatus, hookimpl
from partsemble_core.store.remote_sales import RemoteSale, RemoteSaleLine, SyncCursor
from tests.services.shelf import Shelf, ShelfBackend

NOON = dt.datetime(2026, 10, 5, 12, 0, tzinfo=dt.UTC)


class SalesBackend(ShelfBackend):
    """The shelf with versions of sales, oldest first; a cursor counts how many were read."""

    def __init__(self) -> None:
        super().__init__()
        self.versions: list[SalesDocument] = []

    @hookimpl
    def fetch_sales(self, ctx: BackendContext, cursor: str | None, limit: int) -> Page[SalesDocument]:
        self.asked.append(cursor)
        self.before_page(cursor)
        start = int(cursor or 0)
        end = min(start + limit, len(self.versions))
        return Page(records=tuple(self.versions[start:end]), next_cursor=str(end), has_more=end < len(self.versions))


@dataclass(frozen=True, slots=True)
class Sold:
    """What is kept of sales, for assertions."""

    shelf: Shelf
    backend: SalesBackend = field(repr=False)

    def tell(self, *documents: SalesDocument) -> None:
        self.backend.versions += documents

    def rows(self) -> list[RemoteSale]:
        return self.shelf.shop.rows(sa.select(RemoteSale).order_by(RemoteSale.external_id))

    def states(self) -> list[tuple[str, str]]:
        return [(sale.external_id, sale.status) for sale in self.rows()]

    def lines(self) -> list[tuple[Any, ...]]:
        found = self.shelf.shop.rows(
            sa.select(RemoteSaleLine)
            .join(RemoteSale, RemoteSale.id == RemoteSaleLine.sale_id)
            .order_by(RemoteSale.external_id, RemoteSaleLine.position)
        )
        return [(line.external_id, line.item_code, line.quantity, line.net) for line in found]

    def cursors(self) -> list[str]:
        return [each.cursor for each in self.shelf.shop.rows(sa.select(SyncCursor))]


def a_line(net: str, *, quantity: str = "1", code: str | None = "PUMP", **fields: Any) -> SalesLine:
    given = {"line_id": "l1", "description": "A pump", **fields}
    return SalesLine(quantity=Decimal(quantity), net_amount=Decimal(net), item_code=code, **given)


def a_sale(
    external_id: str,
    *,
    minute: int | None = 0,
    status: SalesStatus = SalesStatus.OPEN,
    lines: Sequence[SalesLine] | None = None,
    **fields: Any,
) -> SalesDocument:
    """An invoice of 12.50; ``minute`` is when it was last changed there."""
    given: dict[str, Any] = {
        "kind": SalesKind.INVOICE,
        "number": f"INV-{external_id}",
        "date": dt.date(2026, 10, 5),
        "currency": "USD",
        "rate": Decimal(1),
        "contact_id": "c1",
        "contact_name": "Ridgeway",
        **fields,
    }
    return SalesDocument(
        external_id=external_id,
        status=status,
        lines=tuple((a_line("12.50"),) if lines is None else lines),
        updated_at=None if minute is None else NOON + dt.timedelta(minutes=minute),
        **given,
    )
