"""Picking: what a form offers to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from partsemble_core.domain.boms import BomState
from partsemble_core.domain.lots import LotState
from partsemble_core.domain.products import clean_text, sku_key
from partsemble_core.errors import Invalid, NotFound, say
from partsemble_core.services.listing.asking import SEARCH_LENGTH, search_words
from partsemble_core.services.listing.paging import holds
from partsemble_core.store.boms import BomVersion
from partsemble_core.store.builds import Build
from partsemble_core.store.connections import RemoteAccount
from partsemble_core.store.lots import Lot
from partsemble_core.store.products import Product
from partsemble_core.store.receipts import Receipt, Supplier
from partsemble_core.store.session import CompanySession

OFFERED = 2_000
"""A longer list helps nobody: the SKU can still be typed."""
IN_A_FORM = 500
"""Products that a form holds to choose from. Others are found while somebody types."""
FOUND = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The products that a form holds, of ``total`` that there are to choose from."""

    products: Sequence[Product]
    total: int

    @property
    def shown(self) -> int:
        """The first of them, without one that was chosen before."""
        return min(self.total, IN_A_FORM)

    @property
    def is_cut(self) -> bool:
        return self.shown < self.total


def active_products(session: CompanySession) -> Sequence[Product]:
    """By SKU, at most 2,000."""
    return session.scalars(_choosable().order_by(Product.sku_key).limit(OFFERED)).all()


def buildable_products(session: CompanySession) -> Sequence[Product]:
    """Active products with an active BOM, by SKU, at most 2,000."""
    return session.scalars(_choosable(buildable=True).order_by(Product.sku_key).limit(OFFERED)).all()


def offer_products(
    session: CompanySession, *, buildable: bool = False, but: int | None = None, chosen: int | None = None
) -> Offer:
    """The first products by SKU, of those with an active BOM if ``buildable``; ``but`` one, and with the ``chosen``
    one wherever it stands. They are counted only where there are more.
    """
    statement = _choosable(buildable=buildable, but=but)
    found = list(session.scalars(statement.order_by(Product.sku_key).limit(IN_A_FORM + 1)))
    if len(found) <= IN_A_FORM:
        return Offer(products=found, total=len(found))
    total = session.scalar(statement.with_only_columns(sa.func.count(Product.id))) or 0
    products = found[:IN_A_FORM]
    if chosen is not None and all(product.id != chosen for product in products):
        products += session.scalars(statement.where(Product.id == chosen))
    return Offer(products=products, total=total)


def find_products(
    session: CompanySession, text: str, *, buildable: bool = False, but: int | None = None
) -> Sequence[Product]:
    """At most 50 that `offer_products` would offer if it held all: SKU or name has every word of ``text``, what begins
    with it first. Raises Invalid for a text that can't be searched for.
    """
    wanted = clean_text(text, field="search", length=SEARCH_LENGTH, required=False)
    matches = (holds(session, word) for word in search_words(wanted))
    held = [sa.or_(match(Product.sku), match(Product.name)) for match in matches]
    begins = sa.case((Product.sku_key.startswith(sku_key(wanted), autoescape=True), 0), else_=1)
    statement = _choosable(buildable=buildable, but=but).where(*held)
    return session.scalars(statement.order_by(begins, Product.sku_key).limit(FOUND)).all()


def _choosable(*, buildable: bool = False, but: int | None = None) -> sa.Select[Product]:
    """Active products, of which a company has one by each SKU; a product has one active BOM at most."""
    statement = sa.select(Product).where(Product.is_active)
    if but is not None:
        statement = statement.where(Product.id != but)
    if buildable:
        has_bom = sa.and_(
            BomVersion.product_id == Product.id,
            BomVersion.company_id == Product.company_id,
            BomVersion.state == BomState.ACTIVE,
        )
        statement = statement.join(BomVersion, has_bom)
    return statement


def newer_versions(session: CompanySession, builds: Sequence[Build]) -> dict[int, int]:
    """By build id: the number of the active BOM version, where the build goes by another one."""
    active = session.scalars(
        sa.select(BomVersion).where(
            BomVersion.state == BomState.ACTIVE, BomVersion.product_id.in_({build.product_id for build in builds})
        )
    )
    by_product = {version.product_id: version for version in active}
    found = ((build.id, build.bom_id, by_product.get(build.product_id)) for build in builds)
    return {build_id: version.version for build_id, bom_id, version in found if version and version.id != bom_id}


def lots_called(session: CompanySession, numbers: Sequence[str]) -> list[int]:
    """The ids of lots by their numbers. Raises Invalid for a number that no lot, or more than one, has."""
    keys = [number.strip().upper() for number in numbers]
    found: dict[str, list[int]] = {}
    for lot in session.scalars(sa.select(Lot).where(Lot.number_key.in_(keys), Lot.state != LotState.REVERSED)):
        found.setdefault(lot.number_key, []).append(lot.id)
    for key, number in zip(keys, numbers, strict=True):
        if key not in found:
            raise Invalid("lot_ids", say("There is no lot {number!r}. Correct its number.", number=number))
        if len(found[key]) > 1:
            raise Invalid(
                "lot_ids", say("More than one product has a lot {number!r}. Count by product instead.", number=number)
            )
    return [found[key][0] for key in keys]


def lots_picked(session: CompanySession, ids: Sequence[int]) -> list[Lot]:
    """The lots of these ids, in their order, by one statement. Raises NotFound."""
    found = {lot.id: lot for lot in session.scalars(sa.select(Lot).where(Lot.id.in_(ids)))}
    for lot_id in ids:
        if lot_id not in found:
            raise NotFound("lot", lot_id)
    return [found[lot_id] for lot_id in ids]


def receipts_picked(session: CompanySession, ids: Sequence[int]) -> list[tuple[Receipt, Supplier]]:
    """The receipts of these ids with who sent the goods, in their order, by one statement. Raises NotFound."""
    of_supplier = sa.and_(Supplier.id == Receipt.supplier_id, Supplier.company_id == Receipt.company_id)
    rows = session.execute(sa.select(Receipt, Supplier).join(Supplier, of_supplier).where(Receipt.id.in_(ids)))
    found = {receipt.id: (receipt, supplier) for receipt, supplier in rows}
    for receipt_id in ids:
        if receipt_id not in found:
            raise NotFound("receipt", receipt_id)
    return [found[receipt_id] for receipt_id in ids]


def active_suppliers(session: CompanySession) -> Sequence[Supplier]:
    """By code."""
    return session.scalars(sa.select(Supplier).where(Supplier.is_active).order_by(Supplier.code).limit(OFFERED)).all()


def pickable_accounts(session: CompanySession, connection_id: int) -> Sequence[RemoteAccount]:
    """Accounts that have a code, usable or not (a form says why not), by code."""
    return session.scalars(
        sa.select(RemoteAccount)
        .where(
            RemoteAccount.connection_id == connection_id,
            RemoteAccount.is_gone.is_(False),
            RemoteAccount.code != "",
        )
        .order_by(RemoteAccount.code, RemoteAccount.id)
    ).all()
