"""Telling: what happened, written down for the user's own programs in the transaction in which it happened."""

from __future__ import annotations

import datetime as dt
import json
import secrets
from collections.abc import Mapping
from decimal import Decimal

import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.services.acting import Act
from partsemble_core.store.builds import Build
from partsemble_core.store.companies import get_company
from partsemble_core.store.database import database_now
from partsemble_core.store.events import DeliveryState, EventDelivery, EventEndpoint, EventKind
from partsemble_core.store.exports import Export
from partsemble_core.store.products import Product, balances_of, products_by_id
from partsemble_core.store.session import CompanySession

Data = Mapping[str, object]
EXPORT_KINDS: Mapping[str, EventKind] = {
    ExportState.POSTED: EventKind.EXPORT_POSTED,
    ExportState.REVIEW: EventKind.EXPORT_FAILED,
}


def tell(
    session: CompanySession, kind: EventKind, data: Data, *, at: dt.datetime, link: str, only: int | None = None
) -> list[int]:
    """Writes one delivery for each active address that wants the kind, or for that with the id ``only``.

    All have the same event id and the same bytes, which never change from then on. ``link`` leads to the console.
    Returns the ids of the deliveries.
    """
    listeners = _listeners(session, kind, only=only)
    if not listeners:
        return []
    event_id = f"evt_{secrets.token_hex(16)}"
    company = get_company(session)
    told = {
        "id": event_id,
        "kind": kind.value,
        "created": at.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "company": {"id": company.id, "name": company.name},
        "link": link,
        "data": dict(data),
    }
    body = json.dumps(told, default=_exact, ensure_ascii=False, separators=(",", ":")).encode()
    due = database_now(session)  # the clock by which it is claimed
    rows: list[dict[str, object]] = [
        {
            "endpoint_id": endpoint_id,
            "event_id": event_id,
            "kind": kind,
            "body": body,
            "state": DeliveryState.WAITING,
            "attempts": 0,
            "not_before": due,
            "problem": "",
            "created_at": at,
        }
        for endpoint_id in listeners
    ]
    return session.insert_all(EventDelivery, rows)


def tell_build(session: CompanySession, act: Act, build: Build, *, product: Product) -> None:
    """Tells that a build is completed: executed, or approved where it had to pass a review."""
    data = {
        "build_id": build.id,
        "reference": build.reference,
        **_named(product),
        "quantity": build.quantity,
        "components_cost": build.components_cost,
        "added_cost": build.added_cost,
        "built_on": build.built_on,
        "by": act.by,
    }
    tell(session, EventKind.BUILD_COMPLETED, data, at=act.at, link=f"{act.console}/builds/{build.id}")


def tell_export(session: CompanySession, export: Export, *, at: dt.datetime, console: str) -> None:
    """Tells that an export was posted, or that it waits for a person; of all other states nothing is told."""
    kind = EXPORT_KINDS.get(export.state)
    if kind is None:
        return
    data = {
        "export_id": export.id,
        "reference": export.reference,
        "document_kind": export.document_kind,
        "document_id": export.document_id,
        "backend": export.backend,
        "amount": export.posted,
        "external_id": export.external_id,
        "problem": export.problem,
    }
    tell(session, kind, data, at=at, link=f"{console}/exports/{export.id}")


def tell_low_stock(session: CompanySession, act: Act) -> None:
    """Tells of each product whose stock this transaction brought to its reorder point or below: once on its way down.

    Called when all of the transaction's stock has moved.
    """
    if not session.stock_before or not _listeners(session, EventKind.STOCK_LOW):
        return
    now = balances_of(session, session.stock_before.keys())
    products = products_by_id(session, session.stock_before.keys())
    for product_id, before in sorted(session.stock_before.items()):
        product, after = products[product_id], now[product_id].quantity
        if product.is_active and product.reorder_point > 0 and before > product.reorder_point >= after:
            data = {
                "product_id": product.id,
                **_named(product),
                "stock": after,
                "stock_before": before,
                "reorder_point": product.reorder_point,
            }
            tell(session, EventKind.STOCK_LOW, data, at=act.at, link=f"{act.console}/products/{product.id}")


def _named(product: Product) -> dict[str, object]:
    return {"sku": product.sku, "name": product.name, "unit": product.unit}


def _listeners(session: CompanySession, kind: EventKind, *, only: int | None = None) -> list[int]:
    """Ids of the addresses to tell. They are held, so that none is removed before its delivery is written."""
    wanted = sa.select(EventEndpoint.id, EventEndpoint.kinds).where(EventEndpoint.is_active)
    if only is not None:
        wanted = wanted.where(EventEndpoint.id == only)
    rows = session.execute(wanted.order_by(EventEndpoint.id).with_for_update(read=True, key_share=True)).all()
    return [endpoint_id for endpoint_id, kinds in rows if kind == EventKind.TEST or kind in kinds.split()]


def _exact(value: object) -> str:
    """Amounts travel as text, digit by digit; days as ISO text."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dt.date):
        return value.isoformat()
    raise TypeError(type(value).__name__)
