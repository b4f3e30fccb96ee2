"""Picking: what a form offers to choose from."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from partsemble_core.domain.boms import BomState
from partsemble_core.store.boms import BomVersion
from partsemble_core.store.connections import RemoteAccount
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
