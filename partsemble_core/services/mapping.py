"""Mapping: the accounts of the books, and which of them plays which role in postings."""

from __future__ import annotations

import datetime as dt
from contextlib import closing

import sqlalchemy as sa

from partsemble_core.domain.journals import REQUIRED_ROLES, AccountRole
from partsemble_core.errors import Invalid, say, word
from partsemble_core.plugin_api.types import Account, ConnectRequest, ConnectStep
from partsemble_core.services.addressing import context_of, token_for
from partsemble_core.services.exporting import ROLE_LABELS
from partsemble_core.services.house import House
from partsemble_core.services.keeping import account_fields, keep, mark_gone
from partsemble_core.services.labelling import read_tracking
from partsemble_core.store.connections import (
    AccountMapping,
    Connection,
    ConnectionState,
    RemoteAccount,
    get_connection,
    mapped_accounts,
)
from partsemble_core.store.session import CompanySession

ACCOUNTS_PAGE = 500
ACCOUNT_PAGES = 200


def sync_accounts(house: House, connection: Connection) -> int:
    """Reads all accounts, each with its verdict, the day through which the books are locked, and their tracking
    options. Accounts no longer there are marked gone. Returns how many there are."""
    ctx = context_of(house, connection, token=token_for(house, connection))
    check = ConnectRequest(step=ConnectStep.CHECK, organisation_id=connection.organisation_id)
    accounts: list[Account] = []
    cursor: str | None = None
    with closing(ctx.http):
        found = house.host.connect(connection.backend, ctx, check).organisations
        for _ in range(ACCOUNT_PAGES):
            page = house.host.list_accounts(connection.backend, ctx, cursor=cursor, limit=ACCOUNTS_PAGE)
            accounts.extend(page.records)
            cursor = page.next_cursor
            if not page.has_more:
                break
    now = house.clock()

    def keep(session: CompanySession) -> None:
        _keep_accounts(session, connection.id, accounts, now)
        for organisation in found:
            if organisation.external_id == connection.organisation_id:
                get_connection(session, connection.id).locked_through = organisation.locked_through

    house.write(connection.company_id, keep)
    read_tracking(house, connection)
    return len(accounts)


def map_account(session: CompanySession, *, connection_id: int, role: str, code: str) -> RemoteAccount:
    """Chooses the account with ``code`` for a role; with all four required ones the connection becomes active.

    Raises Invalid naming the role for an unknown account, and for one that a journal may not use, with the reason.
    """
    known = parse_role(role)
    connection = get_connection(session, connection_id)
    account = session.scalar(
        sa.select(RemoteAccount).where(
            RemoteAccount.connection_id == connection_id,
            RemoteAccount.code == code.strip(),
            RemoteAccount.code != "",
            RemoteAccount.is_gone.is_(False),
        )
    )
    if account is None:
        raise Invalid(
            role,
            say(
                "{organisation_name} has no account with code {code!r}. Choose one from the list, or add it "
                "there and sync accounts.",
                organisation_name=connection.organisation_name,
                code=code[:20],
            ),
        )
    if not account.is_usable:
        raise Invalid(
            role,
            say(
                "Account {code} {name} can't be used. {why_not}",
                code=account.code,
                name=account.name,
                why_not=word(account.why_not),
            ),
        )
    row = session.scalar(
        sa.select(AccountMapping).where(AccountMapping.connection_id == connection_id, AccountMapping.role == known)
    )
    if row is None:
        session.add(AccountMapping(connection_id=connection_id, role=known, remote_account_id=account.id))
    else:
        row.remote_account_id = account.id
    session.flush()
    if connection.state == ConnectionState.SETUP and not missing_roles(session, connection_id):
        connection.state = ConnectionState.ACTIVE
    return account


def unmap_account(session: CompanySession, *, connection_id: int, role: str) -> None:
    """Unsets the account of an optional role, if it has one. Raises Invalid for a required role, NotFound."""
    known = parse_role(role)
    get_connection(session, connection_id)
    if known in REQUIRED_ROLES:
        raise Invalid(
            role, say("Postings need an account for {role}. Choose another one instead.", role=word(ROLE_LABELS[known]))
        )
    mapped = sa.select(AccountMapping).where(
        AccountMapping.connection_id == connection_id, AccountMapping.role == known
    )
    for row in session.scalars(mapped):
        session.delete(row)
    session.flush()


def missing_roles(session: CompanySession, connection_id: int) -> list[AccountRole]:
    """Required roles without an account."""
    mapped = mapped_accounts(session, connection_id)
    return [role for role in REQUIRED_ROLES if role not in mapped]


def parse_role(role: str) -> AccountRole:
    """Raises Invalid, listing the roles."""
    try:
        return AccountRole(role)
    except ValueError:
        raise Invalid(
            "role",
            say(
                "There is no role {role!r}. Use one of {roles}.",
                role=role[:40],
                roles=", ".join(ROLE_LABELS),
            ),
        ) from None


def _keep_accounts(session: CompanySession, connection_id: int, accounts: list[Account], now: dt.datetime) -> None:
    found = {account.external_id: account_fields(account) for account in accounts}
    keep(session, RemoteAccount, connection_id, found, now)
    mark_gone(session, RemoteAccount, connection_id, found)
