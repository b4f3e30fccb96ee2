"""The lists of what goes to the books, and of the accounts read from them."""

from __future__ import annotations

import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.services.listing import labels
from partsemble_core.services.listing.asking import Column
from partsemble_core.services.listing.paging import Statement, Table, by_id, choice, same_company
from partsemble_core.store.connections import AccountMapping, Connection, ConnectionState, RemoteAccount
from partsemble_core.store.exports import Export
from partsemble_core.store.lots import DocumentKind


def _accounts(statement: Statement) -> Statement:
    return statement.select_from(RemoteAccount).join(
        Connection, same_company(RemoteAccount, RemoteAccount.connection_id, Connection)
    )


def _roles_sql() -> sa.ColumnElement[str]:
    """The roles that an account plays, comma separated."""
    return (
        sa.select(sa.func.coalesce(sa.func.aggregate_strings(AccountMapping.role, ", "), ""))
        .where(
            AccountMapping.company_id == RemoteAccount.company_id,
            AccountMapping.remote_account_id == RemoteAccount.id,
        )
        .correlate(RemoteAccount)
        .scalar_subquery()
    )


EXPORTS = Table(
    name="exports",
    title="Exports",
    columns=(
        Column("reference", "Reference"),
        Column("kind", "Document", "state"),
        Column("backend", "Backend"),
        Column("amount", "Amount", "money"),
        Column("state", "State", "state"),
        Column("label", "Status", "state"),
        Column("attempts", "Attempts", "number"),
        Column("problem", "Problem"),
        Column("created_at", "Queued", "time"),
        Column("posted_at", "Posted", "time"),
        Column("external_id", "Their id"),
    ),
    row_id=Export.id,
    reads={
        "reference": Export.reference,
        "kind": Export.document_kind,
        "backend": Export.backend,
        "amount": Export.posted,
        "state": Export.state,
        "label": labels.export_label_sql(),
        "attempts": Export.attempts,
        "problem": Export.problem,
        "created_at": Export.created_at,
        "posted_at": Export.posted_at,
        "external_id": sa.func.coalesce(Export.external_id, ""),
        "document_id": Export.document_id,
        "connection_id": Export.connection_id,
    },
    join=lambda statement: statement.select_from(Export),
    searched=("reference", "problem", "external_id"),
    order="created_at",
    descending=True,
    filters={
        "kind": choice(Export.document_kind, DocumentKind, key="kind"),
        "state": choice(Export.state, ExportState, key="state"),
        "label": choice(labels.export_label_sql(), labels.LABELS, key="label"),
        "connection": by_id(Export.connection_id, key="connection"),
    },
)
USABILITY = sa.case((RemoteAccount.is_gone, "gone"), (RemoteAccount.is_usable, "usable"), else_="not usable")
LIFE = sa.case((Connection.state == ConnectionState.DISCONNECTED, "ended"), else_="live")
ACCOUNTS = Table(
    name="accounts",
    title="Accounts",
    columns=(
        Column("code", "Code"),
        Column("name", "Name"),
        Column("classification", "Class", "state"),
        Column("native_type", "Type"),
        Column("roles", "Used for"),
        Column("state", "State", "state"),
        Column("why_not", "Why not"),
        Column("warning", "Warning"),
        Column("organisation", "Organisation"),
    ),
    row_id=RemoteAccount.id,
    reads={
        "code": RemoteAccount.code,
        "name": RemoteAccount.name,
        "classification": RemoteAccount.classification,
        "native_type": RemoteAccount.native_type,
        "roles": _roles_sql(),
        "state": USABILITY,
        "why_not": RemoteAccount.why_not,
        "warning": RemoteAccount.warning,
        "organisation": Connection.organisation_name,
        "external_id": RemoteAccount.external_id,
        "connection_id": RemoteAccount.connection_id,
    },
    join=_accounts,
    searched=("code", "name", "native_type"),
    order="code",
    filters={
        "connection": by_id(RemoteAccount.connection_id, key="connection"),
        "connections": choice(LIFE, ("live", "ended"), key="connections"),
        "state": choice(USABILITY, ("usable", "not usable", "gone"), key="state"),
    },
    presets={"connections": "live"},
)
