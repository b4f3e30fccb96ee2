"""Sales documents as last read from the books: a record of what they hold, which takes no stock."""

from __future__ import annotations

from partsemble_core.api import sales_schemas as schemas
from partsemble_core.api.areas import Area
from partsemble_core.api.door import Json, reading
from partsemble_core.api.lists import list_route
from partsemble_core.services.viewing_sales import SaleLineView, SaleView, view_sale

area = Area("sales", "Invoices and credit notes read from the books, for the record; they take no stock yet.")
list_route(area, "sales_documents", path="/sales-documents")
SAME = (
    "id", "connection_id", "external_id", "kind", "number", "date", "contact_id", "contact_name", "currency", "rate",
    "problem", "updated_at", "synced_at",
)  # fmt: skip


@area.route("GET", "/sales-documents/<id:sale_id>", gives=schemas.SaleOut)
def show_sale(sale_id: int) -> Json:
    """One document with its lines. A credit's quantities and amounts are negative."""
    with reading() as session:
        return _body(view_sale(session, sale_id))


def _body(view: SaleView) -> Json:
    return {
        **{name: getattr(view.sale, name) for name in SAME},
        "state": view.sale.status,
        "organisation": view.organisation,
        "net": view.net,
        "lines": [_line_body(each) for each in view.lines],
    }


def _line_body(view: SaleLineView) -> Json:
    return {
        **{name: getattr(view.line, name) for name in ("position", "item_id", "item_code", "description")},
        "quantity": view.quantity,
        "net": view.net,
        "product_id": view.product.id if view.product else None,
        "product_sku": view.product.sku if view.product else None,
    }
