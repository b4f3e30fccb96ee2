"""Products, and what is derived of their stock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from partsemble_core.domain.amounts import unit_cost
from partsemble_core.domain.products import ProductKind, sku_key
from partsemble_core.errors import Invalid, NotFound, say
from partsemble_core.store.base import (
    SUM_BOUND,
    Base,
    CompanyOwned,
    Id,
    can_be_stored,
    link,
    one_of,
    owned,
    whole,
    whole_or_none,
)
from partsemble_core.store.session import CompanySession


class Product(CompanyOwned, Base):
    __tablename__ = "products"
    sku: Mapped[str]
    sku_key: Mapped[str]
    """The SKU without case, in NFC: what makes two of them the same."""
    name: Mapped[str]
    kind: Mapped[str]
    unit: Mapped[str]
    reorder_point: Mapped[Decimal]
    build_point: Mapped[Decimal | None]
    build_target: Mapped[Decimal | None]
    """A suggestion to build is made when stock falls to the point; it brings stock to the target (N10)."""
    weight: Mapped[Decimal | None]
    """Of one unit, for charges that go by weight."""
    notes: Mapped[str]
    is_active: Mapped[bool]
    created_at: Mapped[dt.datetime]
    __table_args__ = owned(
        sa.UniqueConstraint("company_id", "sku_key"),
        one_of("kind", ProductKind),
        *whole("reorder_point", at_least=0),
        *whole_or_none("build_point", "build_target", "weight"),
    )


class StockBalance(CompanyOwned, Base):
    """The gate of a product: quantity and value of its stock, locked before any of its lots (DESIGN 4)."""

    __tablename__ = "stock_balances"
    product_id: Mapped[int] = mapped_column(Id)
    quantity: Mapped[Decimal]
    value: Mapped[Decimal]
    last_unit_cost: Mapped[Decimal]
    """The average cost when there last was stock; shown while there is none."""
    __table_args__ = owned(
        link("product_id", "products"),
        sa.UniqueConstraint("company_id", "product_id"),
        *whole("quantity", "value", at_least=0, below=SUM_BOUND),
        *whole("last_unit_cost", at_least=0),
    )

    @property
    def average_cost(self) -> Decimal:
        """Remaining cost ÷ remaining quantity; with no stock the last known one (N3)."""
        return unit_cost(self.value, self.quantity) if self.quantity else self.last_unit_cost


def get_product(session: CompanySession, product_id: int) -> Product:
    """Raises NotFound."""
    found = session.get(Product, product_id)
    if found is None or found.company_id != session.company_id:
        raise NotFound("product", product_id)
    return found


def find_product_by_sku(session: CompanySession, sku: str) -> Product | None:
    if not can_be_stored(sku):
        return None
    return session.scalar(sa.select(Product).where(Product.sku_key == sku_key(sku)))


def get_product_by_sku(session: CompanySession, sku: str) -> Product:
    """Raises NotFound naming the SKU."""
    found = find_product_by_sku(session, sku)
    if found is None:
        raise NotFound("product with SKU", sku)
    return found


def named_product(session: CompanySession, sku: str, *, field: str = "sku") -> Product:
    """The product that a form or a body names in ``field``. Raises Invalid."""
    found = find_product_by_sku(session, sku)
    if found is None:
        raise Invalid(field, say("There is no product with SKU {sku!r}. Create it first.", sku=sku))
    return found


def products_by_id(session: CompanySession, ids: Collection[int]) -> dict[int, Product]:
    """Those of ``ids`` that exist in this company, in one statement."""
    found = session.scalars(sa.select(Product).where(Product.id.in_(ids)))
    return {product.id: product for product in found}


def products_by_sku(session: CompanySession, skus: Collection[str]) -> dict[str, Product]:
    """By SKU key, in one statement."""
    keys = {sku_key(sku) for sku in skus if can_be_stored(sku)}
    found = session.scalars(sa.select(Product).where(Product.sku_key.in_(keys)))
    return {product.sku_key: product for product in found}


def balances_of(session: CompanySession, ids: Collection[int]) -> dict[int, StockBalance]:
    """Stock of the products; one without any history has no row."""
    statement = sa.select(StockBalance).where(StockBalance.product_id.in_(ids))
    found = session.scalars(statement.execution_options(populate_existing=True))  # bulk writes pass objects by
    return {balance.product_id: balance for balance in found}


def names_of(products: Sequence[Product] | Collection[Product]) -> dict[int, str]:
    """SKUs by id, for messages."""
    return {product.id: product.sku for product in products}
