"""The lists of syncs, and of the items and contacts that they brought."""

from __future__ import annotations

import sqlalchemy as sa

from partsemble_core.services.listing.asking import Column
from partsemble_core.services.listing.paging import Join, Statement, Table, by_id, choice, same_company
from partsemble_core.services.listing.supplier_tables import supplier_of
from partsemble_core.store.connections import Connection, ConnectionState
from partsemble_core.store.products import Product
from partsemble_core.store.receipts import Supplier
from partsemble_core.store.syncs import RemoteContact, RemoteItem, SyncCause, SyncKind, SyncRun, SyncState

MATCHING = ("matched", "not matched")
TRACKING = ("tracked", "not tracked")
PRESENCE = ("there", "gone")
ROLES = ("supplier", "customer", "both", "neither")
LINKS = ("linked", "not linked")
LIVES = ("live", "ended")
COUNTED_TWICE = "The books keep its stock too: its cost of goods would be counted twice. Turn tracking off there."
LIFE = sa.case((Connection.state == ConnectionState.DISCONNECTED, "ended"), else_="live")
MATCH = sa.case((Product.id.is_not(None), "matched"), else_="not matched")
TRACKED = sa.case((RemoteItem.is_tracked, "tracked"), else_="not tracked")
ITEM_STATE = sa.case((RemoteItem.is_gone, "gone"), else_="there")
CONTACT_SUPPLIER = sa.func.coalesce(
    supplier_of(RemoteContact.connection_id, RemoteContact.external_id, Supplier.code), ""
)
LINKED = sa.case((CONTACT_SUPPLIER != "", "linked"), else_="not linked")
CONTACT_STATE = sa.case((RemoteContact.is_gone, "gone"), else_="there")
ROLE = sa.case(
    (sa.and_(RemoteContact.is_supplier, RemoteContact.is_customer), "both"),
    (RemoteContact.is_supplier, "supplier"),
    (RemoteContact.is_customer, "customer"),
    else_="neither",
)
WARNING = sa.case(
    (
        sa.and_(
            RemoteItem.is_tracked,
            Product.id.is_not(None),
            RemoteItem.is_gone.is_(False),
            Connection.inventory_mode == "journal_only",
        ),
        COUNTED_TWICE,
    ),
    else_="",
)


def _syncs(statement: Statement) -> Statement:
    return statement.select_from(SyncRun).join(Connection, same_company(SyncRun, SyncRun.connection_id, Connection))


OF_LIFE = choice(LIFE, LIVES, key="connections")
ORGANISATION = Join(
    keys=frozenset({"organisation", "warning"}),
    add=lambda statement: statement.join(Connection, same_company(RemoteItem, RemoteItem.connection_id, Connection)),
)
PRODUCT = Join(
    keys=frozenset({"matched", "product_sku", "product_id", "warning"}),
    add=lambda statement: statement.outerjoin(
        Product, sa.and_(Product.company_id == RemoteItem.company_id, Product.sku_key == RemoteItem.code_key)
    ),
)


def _of_connections(text: str) -> sa.ColumnElement[bool]:
    """A company has few connections, and may have very many items."""
    return RemoteItem.connection_id.in_(sa.select(Connection.id).where(OF_LIFE(text)))


def _contacts(statement: Statement) -> Statement:
    return statement.select_from(RemoteContact).join(
        Connection, same_company(RemoteContact, RemoteContact.connection_id, Connection)
    )


SYNCS = Table(
    name="syncs",
    title="Syncs",
    columns=(
        Column("started_at", "Started", "time"),
        Column("kind", "What", "state"),
        Column("state", "State", "state"),
        Column("records", "Read", "number"),
        Column("added", "New", "number"),
        Column("changed", "Changed", "number"),
        Column("gone", "Gone", "number"),
        Column("message", "Message"),
        Column("cause", "Cause", "state"),
        Column("started_by", "By"),
        Column("ended_at", "Ended", "time"),
        Column("organisation", "Organisation"),
    ),
    row_id=SyncRun.id,
    reads={
        "started_at": SyncRun.started_at,
        "kind": SyncRun.kind,
        "state": SyncRun.state,
        "records": SyncRun.records,
        "added": SyncRun.added,
        "changed": SyncRun.changed,
        "gone": SyncRun.gone,
        "message": SyncRun.message,
        "cause": SyncRun.cause,
        "started_by": SyncRun.started_by,
        "ended_at": SyncRun.ended_at,
        "organisation": Connection.organisation_name,
        "connection_id": SyncRun.connection_id,
    },
    join=_syncs,
    searched=("message", "started_by", "organisation"),
    order="started_at",
    descending=True,
    filters={
        "kind": choice(SyncRun.kind, SyncKind, key="kind"),
        "state": choice(SyncRun.state, SyncState, key="state"),
        "cause": choice(SyncRun.cause, SyncCause, key="cause"),
        "connection": by_id(SyncRun.connection_id, key="connection"),
    },
)
ITEMS = Table(
    name="items",
    title="Items",
    columns=(
        Column("code", "Code"),
        Column("name", "Name"),
        Column("matched", "Match", "state"),
        Column("product_sku", "Product"),
        Column("tracked", "Tracking", "state"),
        Column("warning", "Warning"),
        Column("state", "State", "state"),
        Column("synced_at", "Read", "time"),
        Column("organisation", "Organisation"),
    ),
    row_id=RemoteItem.id,
    reads={
        "code": RemoteItem.code,
        "name": RemoteItem.name,
        "matched": MATCH,
        "product_sku": sa.func.coalesce(Product.sku, ""),
        "tracked": TRACKED,
        "warning": WARNING,
        "state": ITEM_STATE,
        "synced_at": RemoteItem.synced_at,
        "organisation": Connection.organisation_name,
        "external_id": RemoteItem.external_id,
        "product_id": Product.id,
        "connection_id": RemoteItem.connection_id,
    },
    join=lambda statement: statement.select_from(RemoteItem),
    joins=(ORGANISATION, PRODUCT),
    sorts={"code": RemoteItem.code_key, "product_sku": Product.sku_key},
    searched=("code", "name"),
    order="code",
    filters={
        "connection": by_id(RemoteItem.connection_id, key="connection"),
        "connections": _of_connections,
        "matched": choice(MATCH, MATCHING, key="matched"),
        "tracked": choice(TRACKED, TRACKING, key="tracked"),
        "state": choice(ITEM_STATE, PRESENCE, key="state"),
    },
    presets={"connections": "live"},
)
CONTACTS = Table(
    name="contacts",
    title="Contacts",
    columns=(
        Column("name", "Name"),
        Column("email", "E-mail"),
        Column("role", "Role", "state"),
        Column("supplier_code", "Supplier"),
        Column("linked", "Link", "state"),
        Column("state", "State", "state"),
        Column("synced_at", "Read", "time"),
        Column("organisation", "Organisation"),
    ),
    row_id=RemoteContact.id,
    reads={
        "name": RemoteContact.name,
        "email": RemoteContact.email,
        "role": ROLE,
        "supplier_code": CONTACT_SUPPLIER,
        "linked": LINKED,
        "state": CONTACT_STATE,
        "synced_at": RemoteContact.synced_at,
        "organisation": Connection.organisation_name,
        "external_id": RemoteContact.external_id,
        "connection_id": RemoteContact.connection_id,
        "supplier_id": supplier_of(RemoteContact.connection_id, RemoteContact.external_id, Supplier.id),
    },
    join=_contacts,
    searched=("name", "email"),
    order="name",
    filters={
        "connection": by_id(RemoteContact.connection_id, key="connection"),
        "connections": choice(LIFE, LIVES, key="connections"),
        "role": choice(ROLE, ROLES, key="role"),
        "linked": choice(LINKED, LINKS, key="linked"),
        "state": choice(CONTACT_STATE, PRESENCE, key="state"),
    },
    presets={"connections": "live"},
)
