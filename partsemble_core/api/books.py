"""The way to the books: connections, the accounts chosen for postings, and the company itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from partsemble_core.api import book_schemas, schemas
from partsemble_core.api.areas import Area
from partsemble_core.api.door import Json, reading, writing
from partsemble_core.api.lists import page_of
from partsemble_core.api.tags import check_match, tag
from partsemble_core.domain.journals import REQUIRED_ROLES
from partsemble_core.services.admitting import MAY_SET_UP
from partsemble_core.services.cautioning import cautions_of
from partsemble_core.services.exporting import ROLE_LABELS
from partsemble_core.services.labelling import categories_of, choose_tracking
from partsemble_core.services.listing import get_table, parse_list_query
from partsemble_core.services.mapping import map_account, unmap_account
from partsemble_core.services.noticing import accounts, tracking
from partsemble_core.store.companies import Company, get_company
from partsemble_core.store.connections import Connection, get_connection, mapped_accounts
from partsemble_core.store.session import CompanySession

area = Area("books", "The connection that postings go through, and the accounts chosen for them.")
ACCOUNTS = get_table("accounts")


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
        tag(session, accounts(connection_id))
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
        check_match(session, accounts(connection_id))
        map_account(session, connection_id=connection_id, role=role, code=body["code"])
        return _connection_body(session, get_connection(session, connection_id))

    return writing(choose)


@area.route("DELETE", "/connections/<id:connection_id>/accounts/<role>", gives=schemas.ConnectionOut, roles=MAY_SET_UP)
def delete_account(connection_id: int, role: str) -> Json:
    """Unsets the account of an optional role. Later exports go without it."""

    def unset(session: CompanySession, act: object) -> Json:
        check_match(session, accounts(connection_id))
        unmap_account(session, connection_id=connection_id, role=role)
        return _connection_body(session, get_connection(session, connection_id))

    return writing(unset)


@area.route("GET", "/connections/<id:connection_id>/cautions", gives=book_schemas.CautionsOut)
def list_cautions(connection_id: int) -> Json:
    """What somebody should look at before the next export."""
    with reading() as session:
        found = cautions_of(session, get_connection(session, connection_id))
    return {"rows": found}


@area.route("GET", "/connections/<id:connection_id>/tracking", gives=book_schemas.TrackingOut)
def list_tracking(connection_id: int) -> Json:
    """Tracking categories of the books, their options, and which one every line of later postings carries."""
    with reading() as session:
        tag(session, tracking(connection_id))
        return _tracking_body(session, connection_id)


@area.route(
    "PUT",
    "/connections/<id:connection_id>/tracking/<category_id>",
    takes=book_schemas.TrackingChoiceIn,
    gives=book_schemas.TrackingOut,
    roles=MAY_SET_UP,
)
def put_tracking(body: dict[str, Any], connection_id: int, category_id: str) -> Json:
    """Has every line of later postings carry an option of the category; null: none of it."""

    def choose(session: CompanySession, act: object) -> Json:
        option_id = body["option"] or ""
        check_match(session, tracking(connection_id))
        choose_tracking(session, connection_id=connection_id, category_id=category_id, option_id=option_id)
        return _tracking_body(session, connection_id)

    return writing(choose)


@area.route("GET", "/company", gives=schemas.CompanyOut)
def show_company() -> Company:
    """The company that the token opens."""
    with reading() as session:
        return get_company(session)


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


def _tracking_body(session: CompanySession, connection_id: int) -> Json:
    return {
        "rows": [
            {
                "category_id": category.category_id,
                "category": category.name,
                "chosen": category.chosen.external_id if category.chosen else None,
                "is_usable": category.chosen is None or category.chosen.is_usable,
                "options": [{"id": option.external_id, "name": option.name} for option in category.options],
            }
            for category in categories_of(session, connection_id)
        ]
    }
