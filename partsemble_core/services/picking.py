"""Picking: what a form offers to choose from."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from partsemble_core.domain.boms import BomState
from partsemble_core.domain.lots import LotState
from partsemble_core.errors import Invalid
from partsemble_core.store.boms import BomVersion
from partsemble_core.store.builds import Build
from partsemble_core.store.connections import RemoteAccount
from partsemble_core.store.lots import Lot
from partsemble_core.store.products import Product
from partsemble_core.store.receipts import Supplier
from partsemble_core.store.session import CompanySession

OFFERED = 2_000
"""A longer list helps nobody: the SKU can still be typed."""


def active_products(session: CompanySession) -> Sequence[Product]:
    """By SKU, at most 2,000."""
    return session.scalars(sa.select(Product).where(Product.is_active).order_by(Product.sku_key).limit(OFFERED)).all()


def buildable_products(session: CompanySession) -> Sequence[Product]:
    """Active products with an active BOM, by SKU."""
    has_bom = sa.and_(
        BomVersion.product_id == Product.id,
        BomVersion.company_id == Product.company_id,
        BomVersion.state == BomState.ACTIVE,
    )
    return session.scalars(
        sa.select(Product).join(BomVersion, has_bom).where(Product.is_active).order_by(Product.sku_key).limit(OFFERED)
    ).all()


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
            raise Invalid("lot_ids", f"There is no lot {number!r}. Correct its number.")
        if len(found[key]) > 1:
            raise Invalid("lot_ids", f"More than one product has a lot {number!r}. Count by product instead.")
    return [found[key][0] for key in keys]


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
