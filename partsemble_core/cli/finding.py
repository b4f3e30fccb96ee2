"""What people name on the command line: a lot by its number, a document by its reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import sqlalchemy as sa

from partsemble_core.domain.lots import LotState
from partsemble_core.errors import Invalid, NotFound, say
from partsemble_core.store.adjustments import Adjustment, StockCount
from partsemble_core.store.builds import Build
from partsemble_core.store.lots import Lot
from partsemble_core.store.products import get_product_by_sku, products_by_id
from partsemble_core.store.receipts import Receipt
from partsemble_core.store.session import CompanySession

Document = TypeVar("Document", bound=Receipt | Build | Adjustment | StockCount)
HOLDING = (LotState.OPEN, LotState.HELD)


def find_lot(session: CompanySession, number: str, *, sku: str | None = None) -> Lot:
    """The lot of that number; of several, the one that still holds something, for only one may.

    Raises NotFound, and Invalid where lots of several products, or several that ended, have the number.
    """
    wanted = sa.select(Lot).where(Lot.number_key == number.strip().upper()).order_by(Lot.id)
    if sku:
        wanted = wanted.where(Lot.product_id == get_product_by_sku(session, sku).id)
    lots = session.scalars(wanted).all()
    found = [lot for lot in lots if lot.state in HOLDING] or lots
    if not found:
        raise NotFound("lot", number)
    if len(found) > 1:
        raise _several(session, found, number)
    return found[0]


def find_document(session: CompanySession, model: type[Document], reference: str) -> Document:
    """The document with that reference, such as PSB-000001. Raises NotFound."""
    found = session.scalars(sa.select(model).where(model.reference == reference.strip().upper())).first()
    if found is None:
        raise NotFound(model.__tablename__.removesuffix("s").replace("_", " "), reference)
    return found


def _several(session: CompanySession, lots: Sequence[Lot], number: str) -> Invalid:
    products = products_by_id(session, {lot.product_id for lot in lots})
    if len(products) > 1:
        skus = ", ".join(sorted(product.sku for product in products.values()))
        return Invalid(
            "product",
            say(
                "Lots of several products have the number {number!r}: {skus}. Add --product SKU.",
                number=number,
                skus=skus,
            ),
        )
    return Invalid(
        "lot",
        say(
            "{count} used-up lots have the number {number!r}. Look at them in the console.",
            count=len(lots),
            number=number,
        ),
    )
