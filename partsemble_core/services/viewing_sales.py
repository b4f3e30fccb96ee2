"""Viewing sales: one document of the books as last read, with the products that its lines name."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from partsemble_core.errors import NotFound
from partsemble_core.plugin_api.types import SalesKind
from partsemble_core.store.connections import get_connection
from partsemble_core.store.products import Product
from partsemble_core.store.remote_sales import RemoteSale, RemoteSaleLine
from partsemble_core.store.session import CompanySession


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleLineView:
    """A line as it is shown: what goes back is negative. ``product`` has the SKU that the line's item is called by."""

    line: RemoteSaleLine
    product: Product | None
    quantity: Decimal
    net: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleView:
    """A document as it is shown: a credit is negative."""

    sale: RemoteSale
    organisation: str
    lines: tuple[SaleLineView, ...]
    net: Decimal


def view_sale(session: CompanySession, sale_id: int) -> SaleView:
    """Raises NotFound."""
    sale = session.scalar(sa.select(RemoteSale).where(RemoteSale.id == sale_id))
    if sale is None:
        raise NotFound("sales document", sale_id)
    match = sa.and_(
        Product.company_id == RemoteSaleLine.company_id,
        Product.sku_key == RemoteSaleLine.code_key,
        RemoteSaleLine.code_key != "",
    )
    rows = session.execute(
        sa.select(RemoteSaleLine, Product)
        .outerjoin(Product, match)
        .where(RemoteSaleLine.sale_id == sale_id)
        .order_by(RemoteSaleLine.position)
    )
    sign = -1 if sale.kind == SalesKind.CREDIT else 1
    return SaleView(
        sale=sale,
        organisation=get_connection(session, sale.connection_id).organisation_name,
        lines=tuple(
            SaleLineView(line=line, product=product, quantity=sign * line.quantity, net=sign * line.net)
            for line, product in rows
        ),
        net=sign * sale.net,
    )
