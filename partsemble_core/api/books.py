"""What goes to the books: exports, connections, the accounts chosen for postings, and the company itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from partsemble_core.api import schemas
from partsemble_core.api.areas import Area
from partsemble_core.api.door import Json, reading, writing
from partsemble_core.api.lists import list_route, page_of
from partsemble_core.domain.journals import REQUIRED_ROLES
from partsemble_core.services.admitting import MAY_EXPORT, MAY_SET_UP
from partsemble_core.services.explaining import explain_export
from partsemble_core.services.exporting import ROLE_LABELS
from partsemble_core.services.listing import export_label, get_table, parse_list_query
from partsemble_core.services.mapping import map_account
from partsemble_core.services.retrying import retry_export
from partsemble_core.store.companies import Company, get_company
from partsemble_core.store.connections import Connection, get_connection, mapped_accounts
from partsemble_core.store.session import CompanySession

area = Area("books", "Postings to the accounting system, and the connection that they go through.")
ACCOUNTS = get_table("accounts")
list_route(area, "exports", path="/exports")


@area.route("GET", "/exports/<id:export_id>", gives=schemas.ExportOut)
def show_export(export_id: int) -> Json:
    """One posting: exactly what is sent, and how every attempt at it ended."""
    with reading() as session:
        return _export_body(session, export_id)


@area.route("POST", "/exports/<id:export_id>/retry", gives=schemas.ExportOut, roles=MAY_EXPORT)
def retry(export_id: int) -> Json:
    """Lets a worker go on with a failed export. Only what was clearly refused is sent again; all else is looked up."""
    return writing(lambda session, act: _export_body(session, retry_export(session, export_id).id))


@area.route("GET", "/connections", gives=schemas.ConnectionsOut)
def list_connections() -> Json:
    """All connections, ended ones too."""
    with reading() as session:
        found = session.scalars(sa.select(Connection).order_by(Connection.id)).all()
        return {"rows": [_connection_body(session, connection) for connection in found]}


@area.route("GET", "/connections/<id:connection_id>", gives=schemas.ConnectionOut)
def show_connection(connection_id: int) -> Json:
    """One connection with the accounts that its postings use."""
    with reading() as session:
        return _connection_body(session, get_connection(session, connection_id))


@area.route(
    "GET",
    "/connections/<id:connection_id>/accounts",
    asks=schemas.query_schema(ACCOUNTS),
    gives=schemas.page_schema(ACCOUNTS),
)
def list_connection_accounts(arguments: Mapping[str, str], connection_id: int) -> Json:
    """Accounts of the books; one that a journal may not use says why not."""
    with reading() as session:
        get_connection(session, connection_id)
    query = parse_list_query(arguments)
    filters = {**query.filters, "connections": "", "connection": str(connection_id)}
    return page_of("accounts", replace(query, filters=filters))


@area.route(
    "PUT",
    "/connections/<id:connection_id>/accounts/<role>",
    takes=schemas.AccountChoice,
    gives=schemas.ConnectionOut,
    roles=MAY_SET_UP,
)
def put_account(body: dict[str, Any], connection_id: int, role: str) -> Json:
    """Chooses the account for a role. Later exports use it."""

    def choose(session: CompanySession, act: object) -> Json:
        map_account(session, connection_id=connection_id, role=role, code=body["code"])
        return _connection_body(session, get_connection(session, connection_id))

    return writing(choose)


@area.route("GET", "/company", gives=schemas.CompanyOut)
def show_company() -> Company:
    """The company that the token opens."""
    with reading() as session:
        return get_company(session)


def _export_body(session: CompanySession, export_id: int) -> Json:
    story = explain_export(session, export_id)
    export = story.export
    same = schemas.ExportOut._declared_fields.keys() - {"label", "payload", "payload_sha256", "attempts"}
    return {
        **{key: getattr(export, key) for key in same},
        "label": export_label(export.state),
        "payload": json.loads(export.body),
        "payload_sha256": export.body_sha256,
        "attempts": story.attempts,
    }


def _connection_body(session: CompanySession, connection: Connection) -> Json:
    chosen = mapped_accounts(session, connection.id)
    same = schemas.ConnectionOut._declared_fields.keys() - {"roles"}
    return {
        **{key: getattr(connection, key) for key in same},
        "roles": [
            {
                "role": role,
                "label": label,
                "is_required": role in REQUIRED_ROLES,
                "account_code": chosen[role].code if role in chosen else None,
                "account_name": chosen[role].name if role in chosen else None,
            }
            for role, label in ROLE_LABELS.items()
        ],
    }
