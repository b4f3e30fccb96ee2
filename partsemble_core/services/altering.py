"""Altering: one change to many products or suppliers at once, for all of them or for none."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from partsemble_core.domain.boms import BomState
from partsemble_core.domain.builds import BuildState
from partsemble_core.errors import Conflict, Invalid, NotFound, say, say_each
from partsemble_core.services.acting import Act
from partsemble_core.services.cataloguing import update_product
from partsemble_core.services.supplying import update_supplier
from partsemble_core.store.boms import BomLine, BomVersion
from partsemble_core.store.builds import Build, BuildLine
from partsemble_core.store.products import Product, products_by_id
from partsemble_core.store.receipts import Supplier
from partsemble_core.store.session import CompanySession

MOST = 500
NAMED = 10


class ProductsInUse(Conflict):
    """Products that can't be deactivated as things are; ``references`` says each with its reason."""

    code = "products-in-use"

    def __init__(self, references: Sequence[str]) -> None:
        named = say_each(references[:NAMED], between="; ")
        more = len(references) - NAMED
        if more > 0:
            named = say("{names}; and {count} more", names=named, count=more)
        super().__init__(
            say(
                "Nothing was deactivated, because some of it is still needed: {names}. "
                "Take these out of your choice, or out of what needs them.",
                names=named,
            )
        )
        self.references = tuple(references)


def activate_products(session: CompanySession, act: Act, product_ids: Sequence[int]) -> list[Product]:
    """Offers them everywhere again. Raises NotFound, Invalid for none or too many."""
    return [update_product(session, act, product.id, is_active=True) for product in _chosen(session, product_ids)]


def deactivate_products(session: CompanySession, act: Act, product_ids: Sequence[int]) -> list[Product]:
    """Offers them nowhere from now on; their history stays.

    Raises ProductsInUse while an active BOM of a product that stays active takes one of them, or a planned build takes
    or makes one. Raises NotFound, Invalid for none or too many.
    """
    chosen = _chosen(session, product_ids)
    reasons = _needed_by(session, {product.id for product in chosen})
    in_use = [
        say("{sku} ({reason})", sku=product.sku, reason=reasons[product.id])
        for product in chosen
        if product.id in reasons
    ]
    if in_use:
        raise ProductsInUse(in_use)
    return [update_product(session, act, product.id, is_active=False) for product in chosen]


def set_reorder_points(
    session: CompanySession, act: Act, product_ids: Sequence[int], *, reorder_point: object
) -> list[Product]:
    """Gives all of them the same reorder point. Raises NotFound, Invalid."""
    chosen = _chosen(session, product_ids)
    return [update_product(session, act, product.id, reorder_point=reorder_point) for product in chosen]


def activate_suppliers(session: CompanySession, act: Act, supplier_ids: Sequence[int]) -> list[Supplier]:
    """Offers them for new receipts again. Raises NotFound, Invalid for none or too many."""
    chosen = _chosen_suppliers(session, supplier_ids)
    return [update_supplier(session, act, supplier.id, is_active=True) for supplier in chosen]


def deactivate_suppliers(session: CompanySession, act: Act, supplier_ids: Sequence[int]) -> list[Supplier]:
    """Offers them for new receipts no more; what came from them stays.

    Raises NotFound, Invalid for none or too many.
    """
    chosen = _chosen_suppliers(session, supplier_ids)
    return [update_supplier(session, act, supplier.id, is_active=False) for supplier in chosen]


def _chosen_suppliers(session: CompanySession, supplier_ids: Sequence[int]) -> list[Supplier]:
    """By code, each once."""
    ids = set(supplier_ids)
    if not ids:
        raise Invalid("ids", "No supplier is chosen. Choose at least one.")
    if len(ids) > MOST:
        raise Invalid("ids", say("At most {most} suppliers are changed at once. Choose fewer.", most=MOST))
    found = session.scalars(sa.select(Supplier).where(Supplier.id.in_(ids)).order_by(Supplier.code)).all()
    missing = sorted(ids - {supplier.id for supplier in found})
    if missing:
        raise NotFound("supplier", missing[0])
    return list(found)


def _chosen(session: CompanySession, product_ids: Sequence[int]) -> list[Product]:
    """By SKU, each once."""
    ids = set(product_ids)
    if not ids:
        raise Invalid("ids", "No product is chosen. Choose at least one.")
    if len(ids) > MOST:
        raise Invalid("ids", say("At most {most} products are changed at once. Choose fewer.", most=MOST))
    found = products_by_id(session, ids)
    missing = sorted(ids - found.keys())
    if missing:
        raise NotFound("product", missing[0])
    return sorted(found.values(), key=lambda product: product.sku_key)


def _needed_by(session: CompanySession, product_ids: set[int]) -> dict[int, str]:
    """What stands in the way of deactivating products, one reason each."""
    made = sa.orm.aliased(Product)
    in_boms = session.execute(
        sa.select(BomLine.product_id, made.sku)
        .join(BomVersion, sa.and_(BomVersion.id == BomLine.bom_id, BomVersion.company_id == BomLine.company_id))
        .join(made, sa.and_(made.id == BomVersion.product_id, made.company_id == BomVersion.company_id))
        .where(
            BomLine.product_id.in_(product_ids),
            BomVersion.state == BomState.ACTIVE,
            made.is_active,
            made.id.not_in(product_ids),
        )
        .order_by(made.sku_key.desc())
    )
    reasons: dict[int, str] = {i: say("in the BOM of {sku}", sku=sku) for i, sku in in_boms}
    taken = session.execute(
        sa.select(BuildLine.product_id, Build.reference)
        .join(Build, sa.and_(Build.id == BuildLine.build_id, Build.company_id == BuildLine.company_id))
        .where(BuildLine.product_id.in_(product_ids), Build.state == BuildState.PLANNED)
        .order_by(Build.id.desc())
    )
    planned = session.execute(
        sa.select(Build.product_id, Build.reference)
        .where(Build.product_id.in_(product_ids), Build.state == BuildState.PLANNED)
        .order_by(Build.id.desc())
    )
    reasons.update({i: say("planned build {build}", build=reference) for i, reference in (*taken, *planned)})
    return reasons
