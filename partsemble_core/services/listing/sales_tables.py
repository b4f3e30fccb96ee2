"""The list of sales documents as last read from the books."""

from __future__ import annotations

import sqlalchemy as sa

from partsemble_core.plugin_api.types import SalesKind, SalesStatus
from partsemble_core.services.listing.asking import Column
from partsemble_core.services.listing.paging import Statement, Table, by_id, choice, same_company, since, until
from partsemble_core.services.listing.sync_tables import LIFE, LIVES
from partsemble_core.store.connections import Connection
from partsemble_core.store.remote_sales import RemoteSale

NUMBER = sa.case((RemoteSale.number == "", "no number"), else_=RemoteSale.number)
NET = sa.case((RemoteSale.kind == SalesKind.CREDIT, -RemoteSale.net), else_=RemoteSale.net)


def _sales_documents(statement: Statement) -> Statement:
    return statement.select_from(RemoteSale).join(
        Connection, same_company(RemoteSale, RemoteSale.connection_id, Connection)
    )


SALES_DOCUMENTS = Table(
    name="sales_documents",
    title="Sales documents",
    columns=(
        Column("number", "Number"),
        Column("date", "Date", "date"),
        Column("kind", "Kind", "state"),
        Column("state", "State", "state"),
        Column("contact_name", "Customer"),
        Column("net", "Net of tax", "money"),
        Column("currency", "Currency"),
        Column("rate", "Rate", sortable=False),
        Column("problem", "Problem"),
        Column("updated_at", "Changed there", "time"),
        Column("synced_at", "Read", "time"),
        Column("organisation", "Organisation"),
    ),
    row_id=RemoteSale.id,
    reads={
        "number": NUMBER,
        "date": RemoteSale.date,
        "kind": RemoteSale.kind,
        "state": RemoteSale.status,
        "contact_name": RemoteSale.contact_name,
        "net": NET,
        "currency": RemoteSale.currency,
        "rate": RemoteSale.rate,
        "problem": RemoteSale.problem,
        "updated_at": RemoteSale.updated_at,
        "synced_at": RemoteSale.synced_at,
        "organisation": Connection.organisation_name,
        "external_id": RemoteSale.external_id,
        "connection_id": RemoteSale.connection_id,
    },
    join=_sales_documents,
    searched=("number", "contact_name", "currency"),
    order="date",
    descending=True,
    filters={
        "connection": by_id(RemoteSale.connection_id, key="connection"),
        "connections": choice(LIFE, LIVES, key="connections"),
        "kind": choice(RemoteSale.kind, SalesKind, key="kind"),
        "state": choice(RemoteSale.status, SalesStatus, key="state"),
        "from": since(RemoteSale.date, key="from"),
        "to": until(RemoteSale.date, key="to"),
    },
    presets={"connections": "live"},
)
