"""Beginning: how far a company has come from nothing to its first build, and an example to try things on."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from partsemble_core.domain.boms import BomState
from partsemble_core.domain.builds import BuildState
from partsemble_core.domain.receipts import ReceiptState
from partsemble_core.errors import NotFound, WrongState
from partsemble_core.services.acting import Act
from partsemble_core.services.cataloguing import (
    ComponentInput,
    CostInput,
    create_product,
    create_supplier,
    save_bom,
)
from partsemble_core.services.mapping import missing_roles
from partsemble_core.store.boms import BomVersion
from partsemble_core.store.builds import Build
from partsemble_core.store.connections import ConnectionState, find_live
from partsemble_core.store.products import Product, find_product_by_sku
from partsemble_core.store.receipts import Receipt, Supplier, find_supplier
from partsemble_core.store.session import CompanySession
from partsemble_core.store.syncs import RemoteItem

MOST_ITEMS = 200
EXAMPLE_SUPPLIER = ("EXA", "Example Parts Ltd")
EXAMPLE_PARTS = (
    ("LAMP-BASE", "Lamp base, cast iron", "component"),
    ("LAMP-ARM", "Lamp arm, 40 cm", "component"),
    ("LAMP-LED", "LED module, 8 W", "component"),
    ("LAMP-CORD", "Power cord, 2 m", "component"),
    ("LAMP-01", "Desk lamp", "finished_good"),
)
EXAMPLE_BOM = (("LAMP-BASE", "1"), ("LAMP-ARM", "2"), ("LAMP-LED", "1"), ("LAMP-CORD", "1"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What is there already."""

    is_connected: bool
    has_accounts: bool
    has_suppliers: bool
    has_products: bool
    has_boms: bool
    has_receipts: bool
    has_builds: bool


def progress_of(session: CompanySession) -> Progress:
    """In a constant number of statements, whatever the size of the company."""
    connection = find_live(session)
    mine = session.company_id
    suppliers, products, boms, receipts, builds = session.execute(
        sa.select(
            _any(Supplier.company_id == mine),
            _any(Product.company_id == mine, Product.is_active.is_(True)),
            _any(BomVersion.company_id == mine, BomVersion.state == BomState.ACTIVE),
            _any(Receipt.company_id == mine, was_received()),
            _any(Build.company_id == mine, was_executed()),
        )
    ).one()
    return Progress(
        is_connected=connection is not None and connection.state != ConnectionState.RECONNECT_NEEDED,
        has_accounts=connection is not None and not missing_roles(session, connection.id),
        has_suppliers=suppliers,
        has_products=products,
        has_boms=boms,
        has_receipts=receipts,
        has_builds=builds,
    )


def was_received() -> sa.ColumnElement[bool]:
    """Whether a receipt brought goods in, also where it was reversed since."""
    return Receipt.state != ReceiptState.DRAFT


def was_executed() -> sa.ColumnElement[bool]:
    """Whether a build was more than a plan, whatever became of it."""
    return Build.state.not_in((BuildState.PLANNED, BuildState.CANCELLED))


def load_example(session: CompanySession, act: Act) -> Product:
    """A desk lamp of four parts with its BOM and a supplier, to try things on. Raises WrongState where products are."""
    if session.scalar(sa.select(sa.func.count(Product.id))):
        raise WrongState("There are products already. The example is for a company that has none.")
    if find_supplier(session, EXAMPLE_SUPPLIER[0]) is None:
        create_supplier(session, act, code=EXAMPLE_SUPPLIER[0], name=EXAMPLE_SUPPLIER[1])
    made = [create_product(session, act, sku=sku, name=name, kind=kind) for sku, name, kind in EXAMPLE_PARTS]
    save_bom(
        session,
        act,
        product_id=made[-1].id,
        components=[ComponentInput(sku=sku, quantity=quantity) for sku, quantity in EXAMPLE_BOM],
        cost_lines=[CostInput(kind="labour", label="Assembly", rate="24", quantity="0.25")],
    )
    return made[-1]


def items_to_add(session: CompanySession, connection_id: int) -> list[RemoteItem]:
    """Items of the books, by code, that have no product of the same SKU yet; the first two hundred."""
    has_product = sa.exists().where(Product.company_id == RemoteItem.company_id, Product.sku_key == RemoteItem.code_key)
    wanted = sa.select(RemoteItem).where(
        RemoteItem.connection_id == connection_id, RemoteItem.is_gone.is_(False), RemoteItem.code != "", ~has_product
    )
    return list(session.scalars(wanted.order_by(RemoteItem.code_key, RemoteItem.id).limit(MOST_ITEMS)))


def add_items(session: CompanySession, act: Act, connection_id: int, item_ids: list[int]) -> list[Product]:
    """Products for items of the books: SKU and name are theirs. One that has a product meanwhile is left as it is.

    Raises Invalid for a code or name that a product can't have, NotFound for an item that these books don't have.
    """
    wanted = sa.select(RemoteItem).where(RemoteItem.connection_id == connection_id, RemoteItem.id.in_(item_ids))
    items = session.scalars(wanted.order_by(RemoteItem.code_key, RemoteItem.id)).all()
    missing = set(item_ids) - {item.id for item in items}
    if missing:
        raise NotFound("item", min(missing))
    made = []
    for item in items:
        if find_product_by_sku(session, item.code) is None:
            made.append(create_product(session, act, sku=item.code, name=item.name or item.code))
    return made


def _any(*conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.exists(sa.select(sa.literal(1)).where(*conditions))
